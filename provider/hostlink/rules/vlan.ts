/** Rules of Vlan. */
import { commonRules, quote } from "./common.js";
import { libvirtRules } from "./libvirt.js";
import { fault, type Rule } from "./rule.js";

const inherit: Rule = {
  says: "A VLAN has addresses of its own.",
  check: ({ args }) =>
    args.addresses === "inherit"
      ? fault("addresses", `is "inherit", but the parent keeps its own: give addresses, or "dhcp"`)
      : [],
};

const parent: Rule = {
  says: "The parent is another device of the host, or a link of the program.",
  check: ({ args }, { links, program }) => {
    const name = args.parent as string | undefined;
    if (name === undefined) return [];
    if (name === args.name) return fault("parent", `${quote(name)} is the VLAN itself: name another device`);
    if (!links || links.has(name) || program?.has(name)) return [];
    return fault("parent", `${quote(name)} is no device of the host: name one that is there`);
  },
};

const once: Rule = {
  says: "A parent has a VLAN once.",
  check: ({ args }, { program, links, former }) => {
    for (const [name, { kind, args: other }] of program ?? []) {
      if (
        kind === "vlan" &&
        name !== args.name &&
        args.vlanId !== undefined &&
        other.parent === args.parent &&
        other.vlanId === args.vlanId
      )
        return fault(
          "vlanId",
          `${args.vlanId} of ${quote(args.parent)} is ${quote(name)} of this program already: choose another`,
        );
    }
    // register_vlan_dev refuses it (EEXIST).
    const there = [...(links?.values() ?? [])].find(
      (l) =>
        l.vlanId !== undefined &&
        l.vlanId === args.vlanId &&
        l.parent === args.parent &&
        l.name !== args.name &&
        !program?.has(l.name) &&
        !former?.has(l.name),
    );
    return there
      ? fault(
          "vlanId",
          `${there.vlanId} of ${quote(args.parent)} is ${quote(there.name)} on the host already: choose another, or give this one that name`,
        )
      : [];
  },
};

// register_vlan_dev (net/8021q/vlan.c): a VLAN's MTU is at most its parent's.
const mtu: Rule = {
  says: "A VLAN's MTU is at most its parent's.",
  check: ({ args }, { links, program }) => {
    const above = program?.get(String(args.parent))?.args;
    const limit = (above ? above.mtu : links?.get(String(args.parent))?.mtu) as number | undefined;
    const size = args.mtu as number | undefined;
    return size === undefined || typeof limit !== "number" || size <= limit
      ? []
      : fault("mtu", `${size} is more than the ${limit} of ${quote(args.parent)}: lower it, or raise the parent's`);
  },
};

export const vlanRules: readonly Rule[] = [...commonRules, inherit, parent, once, mtu, ...libvirtRules.vlan];
