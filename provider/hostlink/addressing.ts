/** The host's own addresses on a link: `addresses` of Bridge, Bond and Vlan. */
import * as v from "valibot";
import { anyIp, canonIp, ipv4, ipWithPrefix, isV4, isV6, parseCidr } from "../schema/net.js";
import type { ScalarNode } from "../schema/node.js";
import { closed, line, type Shape, whole } from "../schema/node.js";
import { same } from "../schema/tree.js";
import { value } from "./fields.js";

/** A static route. */
export interface LinkRoute {
  /** Where to: `10.9.0.0/16`. */
  destination: string;
  /** The router, on one of the link's subnets. */
  via: string;
  /** Lower is preferred, 0–4294967295. Default: that of the link. */
  metric?: number;
}

/** Addresses in full; what is not named is not there. */
export interface Addressing {
  /** `dhcp`: IPv4 by DHCP, beside the addresses below. */
  ipv4?: "dhcp";
  /** `auto`: IPv6 by router advertisements and DHCPv6, beside the addresses below. */
  ipv6?: "auto";
  /** Fixed addresses, `192.0.2.5/24` or `2001:db8::5/64`; the first of a family is what the host sends from. */
  addresses?: string[];
  /** The IPv4 default gateway, on one of the link's subnets; where its addresses are single ones (`/32`), anywhere on the segment. */
  gateway?: string;
  /** The IPv6 default gateway, likewise (`/128`); it may be link-local. */
  gateway6?: string;
  /** Static routes. */
  routes?: LinkRoute[];
  /** DNS servers, of families that the link has; in the order of each family. */
  dns?: string[];
  /** DNS search domains. */
  search?: string[];
}

/** `inherit`: those of the port, which gets them back when the link goes. */
export type Addresses = "inherit" | "dhcp" | "none" | Addressing;

const addressing = closed({
  ipv4: v.optional(v.literal("dhcp")),
  ipv6: v.optional(v.literal("auto")),
  addresses: v.optional(v.array(ipWithPrefix)),
  gateway: v.optional(ipv4),
  gateway6: v.optional(v.pipe(v.string(), v.check(isV6, "must be an IPv6 address"))),
  routes: v.optional(
    v.array(closed({ destination: ipWithPrefix, via: anyIp, metric: v.optional(whole(0, 4294967295)) })),
  ),
  dns: v.optional(v.array(anyIp)),
  search: v.optional(v.array(line)),
});

/** `dhcp` and `none` in full; `inherit` has no fixed meaning. */
export function inFull(addresses: Exclude<Addresses, "inherit">): Addressing {
  if (addresses === "dhcp") return { ipv4: "dhcp", ipv6: "auto" };
  return addresses === "none" ? {} : addresses;
}

/** No addresses come with it. */
export const isBare = (addresses: Addresses | undefined): boolean =>
  addresses === undefined ||
  (addresses !== "inherit" &&
    Object.values(inFull(addresses)).every((item) => Array.isArray(item) && item.length === 0));

const canonCidr = (s: string): string => {
  const c = parseCidr(s);
  return c ? `${c.address}/${c.prefix}` : s;
};

/** Two spellings of the same addresses are equal. */
export function canonAddressing(a: Addressing): unknown {
  const list = <T>(items: T[] | undefined, canon: (item: T) => unknown) =>
    items === undefined || items.length === 0 ? undefined : items.map(canon);
  // Between families there is no order.
  return {
    ipv4: a.ipv4,
    ipv6: a.ipv6,
    v4: list(
      a.addresses?.filter((s) => isV4(s.split("/")[0] as string)),
      canonCidr,
    ),
    v6: list(
      a.addresses?.filter((s) => !isV4(s.split("/")[0] as string)),
      canonCidr,
    ),
    gateway: a.gateway === undefined ? undefined : canonIp(a.gateway),
    gateway6: a.gateway6 === undefined ? undefined : canonIp(a.gateway6),
    routes: list(a.routes, (r) => ({ ...r, destination: canonCidr(r.destination), via: canonIp(r.via) }))
      ?.map((r) => JSON.stringify(r))
      .sort(),
    dns4: list(a.dns?.filter(isV4), canonIp),
    dns6: list(
      a.dns?.filter((s) => !isV4(s)),
      canonIp,
    ),
    search: list(a.search, (s) => s),
  };
}

/** `dhcp`, `none`, or in full. */
export function brief(a: Addressing): Addresses {
  for (const word of ["dhcp", "none"] as const)
    if (same(canonAddressing(a), canonAddressing(inFull(word)))) return word;
  return a;
}

export const addresses: ScalarNode<Addresses> = value(
  v.union([v.picklist(["inherit", "dhcp", "none"]), addressing]) as Shape<Addresses>,
  { canon: (a) => (a === "inherit" ? a : canonAddressing(inFull(a))), default: "none" },
);
