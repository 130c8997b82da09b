/** The host's own addresses on a link: `addresses` of Bridge, Bond and Vlan. */
import { z } from "zod";
import { canonIp, isV4, isV6, parseCidr, zCidr, zIp, zIpv4 } from "../schema/net.js";
import type { ScalarNode } from "../schema/node.js";
import { line } from "../schema/node.js";
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
  /** The IPv4 default gateway, on one of the link's subnets. */
  gateway?: string;
  /** The IPv6 default gateway; it may be link-local. */
  gateway6?: string;
  /** Static routes. */
  routes?: LinkRoute[];
  /** DNS servers. */
  dns?: string[];
  /** DNS search domains. */
  search?: string[];
}

/** `inherit`: those of the port, which gets them back when the link goes. */
export type Addresses = "inherit" | "dhcp" | "none" | Addressing;

const zAddressing = z.strictObject({
  ipv4: z.literal("dhcp").optional(),
  ipv6: z.literal("auto").optional(),
  addresses: z.array(zCidr).optional(),
  gateway: zIpv4.optional(),
  gateway6: z.string().refine(isV6, "must be an IPv6 address").optional(),
  routes: z
    .array(z.strictObject({ destination: zCidr, via: zIp, metric: z.number().int().min(0).max(4294967295).optional() }))
    .optional(),
  dns: z.array(zIp).optional(),
  search: z.array(line).optional(),
});

/** `dhcp` and `none` in full; `inherit` has no fixed meaning. */
export function inFull(addresses: Exclude<Addresses, "inherit">): Addressing {
  if (addresses === "dhcp") return { ipv4: "dhcp", ipv6: "auto" };
  return addresses === "none" ? {} : addresses;
}

const canonCidr = (s: string): string => {
  const c = parseCidr(s);
  return c ? `${c.address}/${c.prefix}` : s;
};

/** Two spellings of the same addresses are equal. */
export function canonAddressing(a: Addressing): unknown {
  const list = <T>(items: T[] | undefined, canon: (item: T) => unknown) =>
    items === undefined || items.length === 0 ? undefined : items.map(canon);
  return {
    ipv4: a.ipv4,
    ipv6: a.ipv6,
    // Between families there is no order.
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
    dns: list(a.dns, canonIp),
    search: list(a.search, (s) => s),
  };
}

export const addresses: ScalarNode<Addresses> = value(
  z.union([z.enum(["inherit", "dhcp", "none"]), zAddressing]) as z.ZodType<Addresses>,
  { canon: (v) => (v === "inherit" ? v : canonAddressing(inFull(v))), default: "none" },
);
