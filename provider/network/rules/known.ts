/** What several rules need to read the arguments: items with their paths, addresses with their subnets. */
import { type Cidr, ipNumber, isV4, isV6, parseCidr } from "../../schema/net.js";
import type { RuleArgs, Subject } from "./rule.js";

export interface At<T> {
  item: T;
  path: string;
  index: number;
}

/** The items that are known, each with its path and the index that the user sees. */
export function each<T>(list: readonly (T | undefined)[] | undefined, path: string): At<T>[] {
  const out: At<T>[] = [];
  (list ?? []).forEach((item, index) => {
    if (item !== undefined && item !== null) out.push({ item, path: `${path}[${index}]`, index });
  });
  return out;
}

/** The value at a path, where it is known. To refuse what is there, ask this; to demand what is missing, `isSet`. */
export function given(args: RuleArgs, path: string): unknown {
  return path
    .replaceAll("]", "")
    .split(/[.[]/)
    .reduce<unknown>((at, k) => (at as Record<string, unknown> | undefined)?.[k], args);
}

/** The paths of a pattern, as `ips[].dhcp`, at which something is known: `ips[0].dhcp`, `ips[2].dhcp`. */
export function placesOf(args: RuleArgs, pattern: string): string[] {
  const [head = "", ...rest] = pattern.split("[]");
  return rest
    .reduce<string[]>(
      (lists, tail) =>
        lists.flatMap((list) =>
          each(given(args, list) as unknown[] | undefined, list).map(({ path }) => `${path}${tail}`),
        ),
      [head],
    )
    .filter((path) => given(args, path) !== undefined);
}

export type IpArgs = NonNullable<NonNullable<RuleArgs["ips"]>[number]>;
export type DhcpArgs = NonNullable<IpArgs["dhcp"]>;
export type HostArgs = NonNullable<NonNullable<DhcpArgs["hosts"]>[number]>;
export type RangeArgs = NonNullable<NonNullable<DhcpArgs["ranges"]>[number]>;
export type BandwidthArgs = NonNullable<RuleArgs["bandwidth"]>;
export type VlanArgs = NonNullable<RuleArgs["vlan"]>;
export type VirtualportArgs = NonNullable<RuleArgs["virtualport"]>;

// Every network of a program is compared with every other: each address is parsed once.
const parsed = new Map<string, Cidr | undefined>();
export function cidrOf(s: string | undefined): Cidr | undefined {
  if (s === undefined) return undefined;
  if (!parsed.has(s)) {
    if (parsed.size > 20_000) parsed.clear();
    parsed.set(s, parseCidr(s));
  }
  return parsed.get(s);
}

export interface SubnetAt extends At<IpArgs> {
  cidr: Cidr;
}

/** The entries of `ips` whose address is known. */
export function subnets(args: RuleArgs): SubnetAt[] {
  return each(args.ips, "ips").flatMap((at) => {
    const cidr = cidrOf(at.item.address);
    return cidr ? [{ ...at, cidr }] : [];
  });
}

/** Whether all of `ips` is known, so that "in none of them" may be said. */
export function allSubnetsKnown({ args, isSet }: Subject): boolean {
  if (!isSet("ips")) return true;
  return args.ips?.every((ip) => ip?.address !== undefined) ?? false;
}

export type Family = "ipv4" | "ipv6";
export const familyOf = (s: string): Family | undefined => (isV4(s) ? "ipv4" : isV6(s) ? "ipv6" : undefined);
export const familyName = (f: Family): string => (f === "ipv4" ? "IPv4" : "IPv6");

export interface Ip {
  family: Family;
  n: bigint;
}
const addresses = new Map<string, Ip | undefined>();
export function ipOf(s: string | undefined): Ip | undefined {
  if (s === undefined) return undefined;
  if (!addresses.has(s)) {
    if (addresses.size > 50_000) addresses.clear();
    const family = familyOf(s);
    addresses.set(s, family && { family, n: ipNumber(s) });
  }
  return addresses.get(s);
}

export const inside = (c: Cidr, ip: Ip): boolean => ip.family === c.family && ip.n >= c.first && ip.n <= c.last;
export const overlaps = (a: Cidr, b: Cidr): boolean => a.family === b.family && a.first <= b.last && b.first <= a.last;

/** Why no host can have the address; undefined where one can. */
export function unfit({ family, n }: Ip): string | undefined {
  if (family === "ipv4") {
    if (n >> 24n === 0n) return "is in 0.0.0.0/8, which no host has";
    if (n >> 24n === 127n) return "is a loopback address";
    if (n >> 28n === 14n) return "is a multicast address";
    if (n === 0xffffffffn) return "is the broadcast address of every network";
    return undefined;
  }
  if (n === 0n) return "is the unspecified address";
  if (n === 1n) return "is the loopback address";
  if (n >> 32n === 0xffffn) return "is an IPv4 address in IPv6's notation";
  if (n >> 120n === 0xffn) return "is a multicast address";
  return undefined;
}

// RNG dnsName (schemas/basictypes.rng): libvirt validates every definition of ours against it.
export const DNS_NAME = /^[a-zA-Z0-9.-]+$/;

export const quote = (s: unknown): string => JSON.stringify(s);

/** `9.7`, `9.0.1`. */
export function version(n: number): string {
  const release = n % 1000;
  return `${Math.floor(n / 1_000_000)}.${Math.floor(n / 1000) % 1000}${release ? `.${release}` : ""}`;
}

/** The way out where the order of the run decides. */
export const orLater = ({ name, ofStack }: { name: string; ofStack?: boolean }): string =>
  ofStack
    ? `; where ${quote(name)}, which this stack has, moves away in this run, let this one depend on it (dependsOn); where it goes, let it go in a run before; where it is the same network under a new resource name, set name: ${quote(name)} or aliases`
    : "";
