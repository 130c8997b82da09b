/** The bridge device itself: MAC, MTU, delay. */
import { quote, subnets } from "./known.js";
import type { Rule } from "./rule.js";

/** Why no NIC can have the MAC. */
export function unfitMac(mac: string): string | undefined {
  if (Number.parseInt(mac.slice(0, 2), 16) & 1) return "is a multicast MAC (its first byte is odd)";
  return /^[0:]+$/.test(mac) ? "is no MAC of a NIC" : undefined;
}

const mac: Rule = {
  says: "The bridge's MAC is that of one device.",
  check: ({ args }) => {
    const why = args.mac === undefined ? undefined : unfitMac(args.mac);
    return why
      ? [{ property: "mac", reason: `${args.mac} ${why}: use one as 52:54:00:12:34:56, or leave it to libvirt` }]
      : [];
  },
};

// libvirt looks for a bridge of the same name only (networkValidate); two bridges of one MAC that meet on a LAN take each
// other's packets, and their link-local IPv6 addresses are the same.
const free: Rule = {
  says: "The bridge's MAC is that of no other network.",
  check: ({ args }, around) => {
    const wanted = args.mac?.toLowerCase();
    if (wanted === undefined || args.name === undefined) return [];
    const user = around.others?.find((o) => o.mac?.toLowerCase() === wanted && o.name !== args.name);
    return user
      ? [
          {
            property: "mac",
            reason: `${args.mac} is the MAC of the bridge of network ${quote(user.name)} of ${user.from}: choose another one, or leave it to libvirt`,
          },
        ]
      : [];
  },
};

// RFC 8200 section 5; the kernel refuses an address of IPv6 on a smaller one, so the network does not start.
const mtu: Rule = {
  says: "A network with an IPv6 address has an MTU of at least 1280.",
  check: ({ args }) => {
    const v6 = subnets(args).find((s) => s.cidr.family === "ipv6");
    return args.mtu === undefined || args.mtu >= 1280 || !v6
      ? []
      : [
          {
            property: "mtu",
            reason: `${args.mtu} is less than the 1280 that IPv6 needs, and ${v6.path}.address is IPv6: raise it, or remove the address`,
          },
        ];
  },
};

const delay: Rule = {
  says: "The spanning tree's delay is whole seconds.",
  check: ({ args }) => {
    const d = typeof args.bridge === "object" ? args.bridge.delay : undefined;
    return d === undefined || Number.isInteger(d)
      ? []
      : [
          {
            property: "bridge.delay",
            reason: `${d} is not whole, and libvirt takes whole seconds: use ${Math.round(d)}`,
          },
        ];
  },
};

export const macRules: readonly Rule[] = [mac, free, mtu, delay];
