/** Rules for hosts whose links are libvirt's own interfaces: what their XML cannot say (interface.rng), and what is not safe there. */
import type { Failure } from "../../handler.js";
import type { Addressing } from "../addressing.js";
import { each, quote } from "./common.js";
import { ports } from "./ports.js";
import { fault, type Rule, type Surroundings } from "./rule.js";

/** Fields without a place in a bridge, a bond, a VLAN. */
const UNSAID = {
  bridge: [
    ...["mac", "helloTime", "maxAge", "priority", "ageingTime", "multicastSnooping"],
    ...["vlanFiltering", "vlanDefaultPvid", "vlans"],
  ],
  bond: [
    ...["mac", "primary", "primaryReselect", "failOverMac", "xmitHashPolicy", "lacpRate", "adSelect", "adActorSysPrio"],
    ...["adActorSystem", "adUserPortKey", "minLinks", "allSlavesActive", "resendIgmp", "numGratArp", "packetsPerSlave"],
    ...["tlbDynamicLb", "lpInterval", "peerNotifDelay", "arpAllTargets"],
  ],
  vlan: ["mac", "reorderHeaders", "gvrp", "mvrp", "looseBinding"],
} as const;

const ELSEWHERE = "remove it, or use a host with NetworkManager";

const here = ({ manager }: Surroundings): boolean => manager === "libvirt";

const said = (kind: keyof typeof UNSAID): Rule => ({
  says: "What libvirt's interfaces cannot say is not set where they are the host's links.",
  check: ({ isSet }, around) =>
    here(around)
      ? UNSAID[kind]
          .filter((field) => isSet(field))
          .flatMap((field) => fault(field, `has no place in libvirt's interface XML: ${ELSEWHERE}`))
      : [],
});

const addresses: Rule = {
  says: "Libvirt's interfaces have addresses and gateways of their own, and no routes and DNS.",
  check: ({ args }, around) => {
    if (!here(around)) return [];
    if (args.addresses === "inherit")
      return fault(
        "addresses",
        'is "inherit", but libvirt keeps nowhere what the port had, to give it back: give the addresses in full, or "dhcp"',
      );
    const own = args.addresses as Addressing | undefined;
    return (["routes", "dns", "search"] as const).flatMap((field): Failure[] =>
      typeof own === "object" && (own[field]?.length ?? 0) > 0
        ? fault(`addresses.${field}`, `has no place in libvirt's interface XML: ${ELSEWHERE}`)
        : [],
    );
  },
};

const nics: Rule = {
  says: "Ports of libvirt's interfaces are NICs.",
  check: (subject, around) =>
    here(around)
      ? ports(subject).flatMap(({ item, path }): Failure[] => {
          const is = around.program?.get(item)?.kind ?? around.links?.get(item)?.kind;
          return is === "bond" || is === "vlan"
            ? fault(
                path,
                `${quote(item)} is a ${is}, which libvirt would make a part of this definition, and no link of its own any more: name NICs, or use a host with NetworkManager`,
              )
            : [];
        })
      : [],
};

const bare: Rule = {
  says: "Ports of libvirt's interfaces have no addresses of their own.",
  check: (subject, around) =>
    here(around)
      ? ports(subject).flatMap(({ item, path }): Failure[] => {
          const link = around.links?.get(item);
          return link && link.master === undefined && link.addresses.length > 0
            ? fault(
                path,
                `${quote(item)} has ${link.addresses.join(", ")}, which libvirt would not give back: take them away there first, or use a host with NetworkManager`,
              )
            : [];
        })
      : [],
};

const management: Rule = {
  says: "The host's own connection is not changed where only a run that lives can take it back.",
  check: (subject, around) => {
    const { args, isSet } = subject;
    // Not known yet: it may be false.
    if (!here(around) || args.probe === false || (isSet("probe") && args.probe === undefined)) return [];
    const own = typeof args.name === "string" ? [{ item: args.name, path: "name" }] : [];
    return [...own, ...ports(subject)].flatMap(({ item, path }): Failure[] =>
      around.carriers?.includes(item)
        ? fault(
            path,
            `${quote(item)} carries the host's own connection, and libvirt takes no change back by itself: use a host with NetworkManager, or set probe: false to do without that`,
          )
        : [],
    );
  },
};

const joined: Rule = {
  says: "A bond of libvirt has a port.",
  check: ({ args, isSet }, around) =>
    here(around) && (!isSet("ports") || (Array.isArray(args.ports) && args.ports.length === 0))
      ? fault("ports", "are none, but libvirt's interface XML has no bond without a port: name one")
      : [],
};

const monitor: Rule = {
  says: "A bond of libvirt is monitored in one way, by one ARP target.",
  check: ({ args }, around) => {
    if (!here(around)) return [];
    const [, ...more] = each(args.arpIpTargets as string[] | undefined, "arpIpTargets");
    return [
      ...(args.miimon === 0 && ((args.arpInterval as number | undefined) ?? 0) > 0
        ? fault("miimon", "is 0 beside arpInterval, which means it in libvirt's interface XML: remove it")
        : []),
      ...more.flatMap(({ path }) => fault(path, "is one more, but libvirt's interface XML has room for one: keep one")),
      ...(["filter", "filter_active", "filter_backup"].includes(String(args.arpValidate))
        ? fault(
            "arpValidate",
            `${quote(args.arpValidate)} has no place in libvirt's interface XML: use none, active, backup or all`,
          )
        : []),
    ];
  },
};

const named: Rule = {
  says: "A VLAN of libvirt is called by its parent and tag.",
  check: ({ args: { name, parent, vlanId } }, around) => {
    if (!here(around) || [name, parent, vlanId].some((v) => v === undefined)) return [];
    const wanted = `${String(parent)}.${String(vlanId)}`;
    return name === wanted
      ? []
      : fault(
          "name",
          `is ${quote(name)}, but libvirt's interfaces know a VLAN by parent and tag: call it ${quote(wanted)}`,
        );
  },
};

export const libvirtRules = {
  bridge: [said("bridge"), addresses, nics, bare, management],
  bond: [said("bond"), addresses, nics, bare, management, joined, monitor],
  vlan: [said("vlan"), addresses, management, named],
} as const satisfies Record<string, readonly Rule[]>;
