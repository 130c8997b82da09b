/** The host's own addresses on the network. */
import type { Failure } from "../../handler.js";
import { type Cidr, formatIp, formatSubnet } from "../../schema/net.js";
import { cidrOf, each, ipOf, subnets, unfit } from "./known.js";
import type { Rule } from "./rule.js";

/**
 * Of its own subnet or of another address's: several may lie in one. libvirt puts them all on the bridge (networkAddAddrToBridge; it looks for
 * collisions with routes that are there only, networkCheckRouteCollision), and dnsmasq serves at each. What is the broadcast address
 * of one of the subnets answers nobody; the network address neither before Linux 5.14 (fib_add_ifaddr).
 */
const notEdge: Rule = {
  says: "The host's address is neither the network nor the broadcast address of a subnet of the network.",
  check: ({ args }) => {
    const all = subnets(args);
    return all.flatMap(({ item, path, cidr }): Failure[] => {
      const n = ipOf(cidr.address)?.n;
      for (const other of [cidr, ...all.map((s) => s.cidr)]) {
        const what = other.family === cidr.family ? edgeOf(other, n) : undefined;
        if (!what) continue;
        const free = formatIp(n === other.first ? other.first + 1n : other.last - 1n, other.family);
        const whose = other === cidr ? "its subnet" : formatSubnet(other);
        const reason = `${item.address} is ${what} of ${whose}: use a host's address, as ${free}/${cidr.prefix}`;
        return [{ property: `${path}.address`, reason }];
      }
      return [];
    });
  },
};

function edgeOf({ family, prefix, first, last }: Cidr, n: bigint | undefined): string | undefined {
  if (prefix >= (family === "ipv4" ? 31 : 127) || prefix === 0) return undefined;
  if (n === first) return family === "ipv4" ? "the network address" : "the anycast address of the routers";
  return n === last && family === "ipv4" ? "the broadcast address" : undefined;
}

const fit: Rule = {
  says: "The host's address is one that a host can have.",
  check: ({ args }) =>
    each(args.ips, "ips").flatMap(({ item, path }) => {
      const cidr = cidrOf(item.address);
      const why = cidr && unfit(ipOf(cidr.address) as never);
      return why
        ? [
            {
              property: `${path}.address`,
              reason: `${item.address} ${why}: use an address of a private subnet, as 192.168.100.1/24`,
            },
          ]
        : [];
    }),
};

// libvirt takes prefix 0 for "none given", and then the historical class counts (virNetworkIPDefPrefix).
const prefix: Rule = {
  says: "The prefix length is at least 1.",
  check: ({ args }) =>
    subnets(args).flatMap(({ item, path, cidr }) =>
      cidr.prefix === 0
        ? [
            {
              property: `${path}.address`,
              reason: `${item.address} has prefix length 0, which libvirt takes for none given: give the subnet's own, as /24`,
            },
          ]
        : [],
    ),
};

export const addressRules: readonly Rule[] = [notEdge, fit, prefix];
