/** What a network's DHCP serves, and which addresses it may give. */
import type { Failure } from "../../handler.js";
import { formatSubnet } from "../../schema/net.js";
import { type DhcpArgs, familyName, inside, ipOf, type SubnetAt, subnets } from "./known.js";

export interface Served extends SubnetAt {
  dhcp: DhcpArgs;
}

export const served = (args: Parameters<typeof subnets>[0]): Served[] =>
  subnets(args).flatMap((s) => (s.item.dhcp ? [{ ...s, dhcp: s.item.dhcp }] : []));

export const subnetOf = (s: Served): string => formatSubnet(s.cidr);

/** Each end of each range, and each fixed address. */
export type Place = { path: string; value: string; s: Served };

export function outside({ path, value, s }: Place): Failure[] {
  const ip = ipOf(value);
  if (!ip || inside(s.cidr, ip)) return [];
  const reason =
    ip.family !== s.cidr.family
      ? `${value} is an ${familyName(ip.family)} address, but ${s.path}.address is ${familyName(s.cidr.family)}: move it to an entry of ips of its own family`
      : `${value} is outside ${subnetOf(s)}, the subnet of ${s.path}.address: choose an address in it`;
  return [{ property: path, reason }];
}

/** The network and broadcast address of IPv4; `every`: also of /31 and /32, where libvirt makes no exception for ranges. */
export function edge({ path, value, s }: Place, every: boolean): Failure[] {
  const ip = ipOf(value);
  if (ip?.family !== "ipv4" || s.cidr.family !== "ipv4" || (s.cidr.prefix > 30 && !every)) return [];
  const what = ip.n === s.cidr.first ? "network" : ip.n === s.cidr.last ? "broadcast" : undefined;
  if (!what) return [];
  const way =
    s.cidr.prefix > 30
      ? "a subnet of this size has none to hand out"
      : "choose an address between the two ends of the subnet";
  return [{ property: path, reason: `${value} is the ${what} address of ${subnetOf(s)}: ${way}` }];
}
