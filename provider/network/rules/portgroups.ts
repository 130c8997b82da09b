/** Port groups and VLAN tags. Source: networkValidate (network/bridge_driver.c), virNetDevVlanParse, and the document's schema. */
import type { Failure } from "../../handler.js";
import { BRIDGE_VLAN_SINCE, has } from "../abilities.js";
import { each, quote, type VlanArgs, version } from "./known.js";
import type { Rule, RuleArgs, Subject, Surroundings } from "./rule.js";

const oneDefault: Rule = {
  says: "At most one port group is the default.",
  check: ({ args }) => {
    const [first, ...more] = each(args.portGroups, "portGroups").filter((g) => g.item.default === true);
    return more.map((g) => ({
      property: `${g.path}.default`,
      reason: `is true, but ${first?.path}${first?.item.name === undefined ? "" : ` (${quote(first.item.name)})`} is the default already: let one of the two be it`,
    }));
  },
};

interface VlanAt {
  vlan: VlanArgs;
  path: string;
}

const vlans = (args: RuleArgs): VlanAt[] => [
  ...(args.vlan ? [{ vlan: args.vlan, path: "vlan" }] : []),
  ...each(args.portGroups, "portGroups").flatMap(({ item, path }) =>
    item.vlan ? [{ vlan: item.vlan, path: `${path}.vlan` }] : [],
  ),
];

const tags: Rule = {
  says: "A VLAN has at least one tag.",
  check: ({ args, isSet }) =>
    vlans(args).flatMap(({ vlan, path }) =>
      vlan.tags?.length === 0 || (vlan.tags === undefined && !isSet(`${path}.tags`))
        ? [
            {
              property: `${path}.tags`,
              reason: `${vlan.tags ? "is empty" : "is missing"}: give at least one tag, as [{ id: 42 }], or remove vlan`,
            },
          ]
        : [],
    ),
};

// The schema of the document knows trunk='yes' only; libvirt makes a trunk of several tags and of a native one.
const trunk: Rule = {
  says: "Whether a VLAN is a trunk is said by true, or not at all.",
  check: ({ args }) =>
    vlans(args).flatMap(({ vlan, path }) => {
      if (vlan.trunk !== false) return [];
      const several = (vlan.tags?.length ?? 0) > 1;
      const native = each(vlan.tags, "").some((t) => t.item.nativeMode !== undefined);
      const reason = several
        ? `is false, but there are ${vlan.tags?.length} tags, which only a trunk carries: set it to true or remove it`
        : native
          ? "is false, but a tag has a nativeMode, which only a trunk has: set it to true or remove it"
          : "is false, which libvirt's schema refuses to read: remove it, one tag alone is no trunk";
      return [{ property: `${path}.trunk`, reason }];
    }),
};

const native: Rule = {
  says: "One tag of a VLAN may be native.",
  check: ({ args }) =>
    vlans(args).flatMap(({ vlan, path }) => {
      const [first, ...more] = each(vlan.tags, `${path}.tags`).filter((t) => t.item.nativeMode !== undefined);
      return more.map((t) => ({
        property: `${t.path}.nativeMode`,
        reason: `makes a second native tag beside ${first?.path}: let one of the two be it`,
      }));
    }),
};

/** What carries tags: yes, no, only on a newer daemon, or it is not known. */
function carries({ args, isSet }: Subject): "yes" | "no" | "newer" | undefined {
  if (args.mode !== "bridge") return "no";
  if (isSet("hostdev")) return "yes";
  if (isSet("macvtap"))
    return args.macvtap?.mode === undefined ? undefined : args.macvtap.mode === "passthrough" ? "yes" : "no";
  if (!isSet("virtualport")) return "newer";
  const type = args.virtualport?.type;
  return type === undefined ? undefined : type === "openvswitch" ? "yes" : "no";
}

function refusal(how: "no" | "newer", mode: RuleArgs["mode"], around: Surroundings): string | undefined {
  if (how === "newer") {
    if (around.daemon === undefined || has(around.daemon, BRIDGE_VLAN_SINCE)) return undefined;
    return `needs libvirt ${version(BRIDGE_VLAN_SINCE)} on a Linux bridge; the host has ${version(around.daemon)}: update libvirt, or use a bridge of Open vSwitch with virtualport: { type: "openvswitch" }`;
  }
  return mode === "bridge"
    ? 'is set, but tags need a bridge of Open vSwitch (virtualport: { type: "openvswitch" }), hostdev or macvtap in mode "passthrough": remove it, or use one of these'
    : `is set, but a network of mode ${quote(mode)} carries no tags: remove it, or use mode "bridge"`;
}

const carried: Rule = {
  says: "VLAN tags need something that carries them: Open vSwitch, hostdev, macvtap passthrough, or a Linux bridge from daemon 11.0 on.",
  check: (subject, around) => {
    const { args, isSet } = subject;
    const how = carries(subject);
    const groups = each(args.portGroups, "portGroups");
    const out: Failure[] = [];
    const refuse = (property: string, verdict: typeof how) => {
      const reason = verdict === "no" || verdict === "newer" ? refusal(verdict, args.mode, around) : undefined;
      if (reason) out.push({ property, reason });
    };
    // A default group of Open vSwitch carries the network's own tags.
    const group = groups.find((g) => g.item.default === true);
    const groupType =
      group && isSet(`${group.path}.virtualport`) ? (group.item.virtualport?.type ?? "openvswitch") : undefined;
    const byGroup = args.mode === "bridge" && groupType === "openvswitch";
    if (args.vlan && !byGroup) refuse("vlan", how);
    for (const { item, path } of groups) {
      if (!item.vlan) continue;
      if (!isSet(`${path}.virtualport`)) refuse(`${path}.vlan`, how);
      else if (args.mode !== "bridge") refuse(`${path}.vlan`, "no");
      else if (item.virtualport?.type !== undefined && item.virtualport.type !== "openvswitch")
        refuse(`${path}.vlan`, "no");
    }
    return out;
  },
};

export const portGroupRules: readonly Rule[] = [oneDefault, tags, trunk, native, carried];
