/** Scalars of networking: addresses in every spelling that libvirt takes, one canonical form to compare. */
import { Address4, Address6 } from "ip-address";
import * as v from "valibot";
import { type Place, place, type ScalarNode, type ScalarOptions, type Shape, scalar } from "./node.js";
import type { Element } from "./xml.js";

// The colon tells the families apart; ip-address finds out by a thrown error, which costs a stack trace.
export const isV4 = (s: string): boolean => !s.includes(":") && Address4.isValid(s) && !s.includes("/");
export const isV6 = (s: string): boolean =>
  s.includes(":") && Address6.isValid(s) && !s.includes("/") && !s.includes("%");

/** `10.0.0.1`, `fd00::1`: the canonical form of an address; the input where it is none. */
export function canonIp(s: string): string {
  if (isV4(s)) return new Address4(s).correctForm();
  if (isV6(s)) return new Address6(s).correctForm();
  return s;
}

export function ipNumber(s: string): bigint {
  return isV4(s) ? new Address4(s).bigInt() : new Address6(s).bigInt();
}

export interface Cidr {
  family: "ipv4" | "ipv6";
  /** The address itself, canonical, with its host bits. */
  address: string;
  prefix: number;
  first: bigint;
  last: bigint;
}

// Every network is held against every other: parsing once keeps a run over a thousand of them linear.
const parsed = new Map<string, Cidr | undefined>();

/** Parse `ADDRESS/PREFIX`; undefined where it is none. */
export function parseCidr(s: string): Cidr | undefined {
  if (parsed.has(s)) return parsed.get(s);
  if (parsed.size > 20000) parsed.clear();
  const c = parseCidrAnew(s);
  parsed.set(s, c);
  return c;
}

function parseCidrAnew(s: string): Cidr | undefined {
  const [address = "", prefix, more] = s.split("/");
  if (prefix === undefined || more !== undefined || !/^\d{1,3}$/.test(prefix)) return undefined;
  const family = isV4(address) ? "ipv4" : isV6(address) ? "ipv6" : undefined;
  const bits = family === "ipv4" ? 32 : 128;
  const p = Number(prefix);
  if (!family || p > bits) return undefined;
  const size = 1n << BigInt(bits - p);
  const first = (ipNumber(address) / size) * size;
  return { family, address: canonIp(address), prefix: p, first, last: first + size - 1n };
}

export function formatIp(n: bigint, family: "ipv4" | "ipv6"): string {
  return family === "ipv4" ? Address4.fromBigInt(n).correctForm() : Address6.fromBigInt(n).correctForm();
}

/** The subnet, without host bits. */
export const formatSubnet = ({ first, family, prefix }: Cidr): string => `${formatIp(first, family)}/${prefix}`;

const text = (holds: (s: string) => boolean, message: string) => v.pipe(v.string(), v.check(holds, message));
export const anyIp = text((s) => isV4(s) || isV6(s), "must be an IPv4 or IPv6 address");
export const ipv4 = text(isV4, "must be an IPv4 address");
export const ipWithPrefix = text(
  (s) => parseCidr(s) !== undefined,
  "must be an address with its prefix length, as 192.168.1.1/24 or fd00::1/64",
);
const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i;
export const macAddress = v.pipe(v.string(), v.regex(MAC, "must be a MAC address, as 52:54:00:12:34:56"));

export const ip = (spec: string, shape: Shape<string> = anyIp, options: ScalarOptions<string> = {}) =>
  scalar<string>(
    spec,
    shape,
    (s) => s,
    (v) => v,
    { canon: canonIp, ...options },
  );

export const mac = (spec: string, options: ScalarOptions<string> = {}) =>
  scalar<string>(
    spec,
    macAddress,
    (s) => s,
    (v) => v,
    { canon: canonMac, ...options },
  );

/** `52:54:00:0a:0b:0c`; libvirt also takes a group of one digit, and keeps it where it holds the text (virMacAddrParse). */
const canonMac = (s: string): string =>
  s
    .toLowerCase()
    .split(":")
    .map((group) => group.padStart(2, "0"))
    .join(":");

/** Prefix length of a netmask; undefined where the mask has holes. */
export function prefixOfMask(mask: string): number | undefined {
  if (!isV4(mask)) return undefined;
  const bits = ipNumber(mask).toString(2).padStart(32, "0");
  return /^1*0*$/.test(bits) ? (bits.indexOf("0") < 0 ? 32 : bits.indexOf("0")) : undefined;
}

// libvirt leaves an IPv4 address without prefix to its historical class (virSocketAddrGetIPPrefix, util/virsocketaddr.c);
// an IPv6 address without one to 64.
function defaultPrefix(address: string): number {
  if (isV6(address)) return 64;
  const first = Number(address.split(".")[0]);
  return first < 128 ? 8 : first < 192 ? 16 : 24;
}

const A = place("@address");
const P = place("@prefix");
const M = place("@netmask");
const F = place("@family");

/** `address`, `prefix` or `netmask`, and `family` attributes as one `ADDRESS/PREFIX`. */
export function cidr(options: ScalarOptions<string> = {}): ScalarNode<string> {
  const at: Place = {
    get(el: Element) {
      const address = A.get(el);
      if (address === undefined) return undefined;
      const prefix = P.get(el);
      const mask = M.get(el);
      const p =
        prefix !== undefined ? Number(prefix) : mask !== undefined ? prefixOfMask(mask) : defaultPrefix(address);
      return `${address}/${p}`;
    },
    set(el: Element, value: string | undefined) {
      M.set(el, undefined);
      if (value === undefined) {
        for (const place of [A, P, F]) place.set(el, undefined);
        return;
      }
      const c = parseCidr(value) as Cidr;
      // family first: libvirt takes an address without it for IPv4.
      F.set(el, c.family === "ipv6" ? "ipv6" : F.get(el) === undefined ? undefined : "ipv4");
      A.set(el, value.split("/")[0]);
      P.set(el, String(c.prefix));
    },
  };
  return scalar<string>(
    at,
    ipWithPrefix,
    (s) => s,
    (v) => v,
    {
      canon: (v) => {
        const c = parseCidr(v);
        return c ? `${c.address}/${c.prefix}` : v;
      },
      ...options,
    },
  );
}
