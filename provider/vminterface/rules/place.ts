/** What a NIC is plugged into is there, and carries what is asked of it. */
import type { Failure } from "../../handler.js";
import { BRIDGE_VLAN_SINCE, has } from "../../network/abilities.js";
import { quote, version } from "../../network/rules/known.js";
import { PASST_SINCE } from "../abilities.js";
import type { Rule, RuleArgs, Surroundings } from "./rule.js";

const say = (property: string, reason: string): Failure[] => [{ property, reason }];

const networkThere: Rule = {
  says: "The network is there.",
  check: ({ args }, { networks }) =>
    args.network === undefined || !networks || networks.some((n) => n.name === args.network)
      ? []
      : say(
          "network",
          `${quote(args.network)} is no network of the host, and none of this program so far: check the name, or pass the name of the resource (dev.name), so that Pulumi makes it first`,
        ),
};

const group: Rule = {
  says: "The network has the port group.",
  check: ({ args }, { networks }) => {
    const groups = networks?.find((n) => n.name === args.network)?.portGroups;
    return args.portGroup === undefined || !groups || groups.includes(args.portGroup)
      ? []
      : say(
          "portGroup",
          `${quote(args.portGroup)} is no group of network ${quote(args.network)}: ${groups.length > 0 ? `use ${groups.map(quote).join(" or ")}` : "it has none"}`,
        );
  },
};

const deviceThere = (property: string, what: string, value: (args: RuleArgs) => string | undefined): Rule => ({
  says: `The ${what} is there.`,
  check: ({ args }, { hostDevices }) => {
    const name = value(args);
    return name === undefined || !hostDevices || hostDevices.includes(name)
      ? []
      : say(property, `${quote(name)} is no device of the host: check the name ("ip link" there shows them)`);
  },
});

const bridgeThere = deviceThere("bridge", "bridge", (a) => (a.virtualport === undefined ? a.bridge : undefined));

const fit: Rule = {
  says: "The bond below the bridge is one that VMs can be bridged onto.",
  check: ({ args }, { unfitBridge }) =>
    args.bridge === undefined || unfitBridge === undefined ? [] : say("bridge", unfitBridge),
};
const directThere = deviceThere("direct.device", "device", (a) => a.direct?.device);

const type: Rule = {
  says: "A virtual port has a type.",
  check: ({ isSet }) =>
    isSet("virtualport") && !isSet("virtualport.type")
      ? say("virtualport.type", "is missing: only a network of libvirt can say it instead")
      : [],
};

type Type = NonNullable<NonNullable<RuleArgs["virtualport"]>["type"]>;
const ON: Record<"bridge" | "direct" | "hostdev", readonly Type[]> = {
  bridge: ["openvswitch", "midonet"],
  direct: ["802.1Qbg", "802.1Qbh"],
  hostdev: ["802.1Qbh"],
};

const fits: Rule = {
  says: "A virtual port is of a kind that its source has.",
  check: ({ args, isSet }) => {
    const on = (["bridge", "direct", "hostdev"] as const).find(isSet);
    const t = args.virtualport?.type;
    return on === undefined || t === undefined || ON[on].includes(t)
      ? []
      : say(
          "virtualport.type",
          `${quote(t)} is not for source ${on}, and the NIC could not be plugged: use ${ON[on].map(quote).join(" or ")}`,
        );
  },
};

const tagsOnBridge: Rule = {
  says: "VLAN tags on a Linux bridge need libvirt 11.0.",
  check: ({ args, isSet }, { daemon }: Surroundings) =>
    !isSet("vlan") ||
    isSet("virtualport") ||
    daemon === undefined ||
    has(daemon, BRIDGE_VLAN_SINCE) ||
    args.bridge === undefined
      ? []
      : say(
          "vlan",
          `needs libvirt ${version(BRIDGE_VLAN_SINCE)} on a Linux bridge; the host has ${version(daemon)}: update libvirt, or use a bridge of Open vSwitch with virtualport: { type: "openvswitch" }`,
        ),
};

const tagsOnDirect: Rule = {
  says: "VLAN tags on a device need mode passthrough.",
  check: ({ args, isSet }) =>
    isSet("vlan") &&
    args.direct !== undefined &&
    (!isSet("direct.mode") || (args.direct.mode ?? "passthrough") !== "passthrough")
      ? say("vlan", 'is set, but only direct in mode "passthrough" carries tags: remove it, or change the mode')
      : [],
};

const passt: Rule = {
  says: "The host's libvirt knows passt.",
  check: ({ isSet }, { daemon }) =>
    isSet("user.backend") && daemon !== undefined && !has(daemon, PASST_SINCE)
      ? say(
          "user.backend",
          `needs libvirt ${version(PASST_SINCE)}; the host has ${version(daemon)}: remove it, or update libvirt`,
        )
      : [],
};

export const networkPlaceRules: readonly Rule[] = [networkThere, group];
export const bridgePlaceRules: readonly Rule[] = [bridgeThere, fit, type, fits, tagsOnBridge];
export const directPlaceRules: readonly Rule[] = [directThere, type, fits, tagsOnDirect];
export const hostdevPlaceRules: readonly Rule[] = [type, fits];
export const userPlaceRules: readonly Rule[] = [passt];
