/** Rules of links that have ports. */
import type { Failure } from "../../handler.js";
import { type Addresses, isBare } from "../addressing.js";
import { each, quote } from "./common.js";
import { fault, type Rule, type Subject } from "./rule.js";

export const ports = ({ args }: Subject) => each(args.ports as (string | undefined)[] | undefined, "ports");

const once: Rule = {
  says: "A device is a port once, and not of itself.",
  check: (subject) => {
    const seen = new Set<string>();
    return ports(subject).flatMap(({ item, path }): Failure[] => {
      if (item === subject.args.name) return fault(path, `${quote(item)} is the link itself: name another device`);
      if (seen.has(item)) return fault(path, `${quote(item)} is named before: remove one of the two`);
      seen.add(item);
      return [];
    });
  },
};

const inheritance: Rule = {
  says: "Addresses are inherited from a port.",
  check: ({ args, isSet }) =>
    args.addresses === "inherit" && (!isSet("ports") || (Array.isArray(args.ports) && args.ports.length === 0))
      ? fault(
          "addresses",
          'is "inherit", but there is no port to take them from: name one in ports, or give the addresses',
        )
      : [],
};

const elsewhere: Rule = {
  says: "A port belongs to one link of the program.",
  check: (subject, { program }) =>
    ports(subject).flatMap(({ item, path }): Failure[] => {
      for (const [name, other] of program ?? []) {
        if (name !== subject.args.name && Array.isArray(other.args.ports) && other.args.ports.includes(item))
          return fault(
            path,
            `${quote(item)} is a port of ${other.kind} ${quote(name)} of this program as well: keep it in one`,
          );
      }
      return [];
    }),
};

const taken: Rule = {
  says: "A port is not taken from a link that is not the program's.",
  check: (subject, { links, program, former }) =>
    ports(subject).flatMap(({ item, path }): Failure[] => {
      const master = links?.get(item)?.master;
      if (master === undefined || master === subject.args.name || program?.has(master) || former?.has(master))
        return [];
      return fault(
        path,
        `${quote(item)} is plugged into ${quote(master)} of the host, which would lose it: name ${quote(master)} instead, or take it out there first`,
      );
    }),
};

const there: Rule = {
  says: "The ports are devices of the host, or links of the program.",
  check: (subject, { links, program }) =>
    ports(subject).flatMap(({ item, path }): Failure[] => {
      if (!links || links.has(item) || program?.has(item)) return [];
      return fault(path, `${quote(item)} is no device of the host: name one that is there (${nics(links)})`);
    }),
};

const nics = (links: ReadonlyMap<string, { kind?: string; name: string }>): string =>
  [...links.values()]
    .filter((l) => l.kind === undefined && l.name !== "lo")
    .map((l) => l.name)
    .join(", ") || "there is no NIC";

// An access point takes frames from the station's own address only (IEEE 802.11, three-address frames); the kernel refuses
// such a port as well (br_add_if, net/bridge/br_if.c: IFF_DONT_BRIDGE).
const wireless: Rule = {
  says: "A port is no Wi-Fi device.",
  check: (subject, { links }) =>
    ports(subject).flatMap(({ item, path }): Failure[] =>
      links?.get(item)?.wireless
        ? fault(
            path,
            `${quote(item)} is a Wi-Fi device, through which only its own address can talk: use a wired one, or a routed network`,
          )
        : [],
    ),
};

const loopback: Rule = {
  says: "A port is neither the loopback nor another bridge.",
  check: (subject, { links, program }) =>
    ports(subject).flatMap(({ item, path }): Failure[] => {
      if (item === "lo") return fault(path, "is the loopback: name a NIC");
      const isBridge = program?.has(item) ? program.get(item)?.kind === "bridge" : links?.get(item)?.kind === "bridge";
      return isBridge
        ? fault(
            path,
            `${quote(item)} is a bridge, which the kernel takes for no port (ELOOP): join them by a veth pair, or use one bridge`,
          )
        : [];
    }),
};

const management: Rule = {
  says: "What takes the port by which the host is managed has addresses.",
  check: (subject, around) => {
    const { args, isSet } = subject;
    const addresses = args.addresses as Addresses | undefined;
    const own = typeof addresses === "object" ? addresses : {};
    const unknown =
      (isSet("addresses") && addresses === undefined) ||
      (["ipv4", "ipv6", "addresses"] as const).some((f) => isSet(`addresses.${f}`) && own[f] === undefined);
    if (unknown || !isBare(addresses)) return [];
    const how = isSet("addresses") ? (addresses === "none" ? 'are "none"' : "are empty") : "are not set";
    return ports(subject).flatMap(({ item }): Failure[] =>
      around.management?.includes(item)
        ? fault(
            "addresses",
            `${how}, but port ${quote(item)} carries the host's own connection, which would be cut: use "inherit"`,
          )
        : [],
    );
  },
};

// A port that starts brings its controller, whatever that one's autoconnect (ensure_master_active_connection in nm-manager.c). A port
// that does not start would not come back after its cable was pulled either: its NIC would have its own addresses again, beside the link.
const starts: Rule = {
  says: "A link with ports is made when the host starts, for they bring it along.",
  check: ({ args, isSet }, { manager }) =>
    manager === "networkmanager" &&
    args.autoconnect === false &&
    (!isSet("adopt") || args.adopt === false) &&
    Array.isArray(args.ports) &&
    args.ports.length > 0
      ? fault(
          "autoconnect",
          "is false, but the ports start with the host and bring the link along: leave it out, or name no ports",
        )
      : [],
};

export const portRules: readonly Rule[] = [
  once,
  inheritance,
  elsewhere,
  taken,
  there,
  wireless,
  loopback,
  management,
  starts,
];
