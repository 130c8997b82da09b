/** The host's own addresses on the network. */
import { formatIp } from "../../schema/net.js";
import { cidrOf, each, ipOf, overlaps, subnets, unfit } from "./known.js";
import type { Rule } from "./rule.js";

const notEdge: Rule = {
  says: "The host's address is neither the network nor the broadcast address of its subnet.",
  check: ({ args }) =>
    subnets(args).flatMap(({ item, path, cidr }) => {
      const bits = cidr.family === "ipv4" ? 32 : 128;
      const n = ipOf(cidr.address)?.n;
      if (cidr.prefix >= bits - 1 || cidr.prefix === 0) return [];
      const what =
        n === cidr.first
          ? cidr.family === "ipv4"
            ? "the network address"
            : "the anycast address of the subnet's routers"
          : n === cidr.last && cidr.family === "ipv4"
            ? "the broadcast address"
            : undefined;
      if (!what) return [];
      const free = formatIp(n === cidr.first ? cidr.first + 1n : cidr.last - 1n, cidr.family);
      return [
        {
          property: `${path}.address`,
          reason: `${item.address} is ${what} of its subnet: use a host's address, as ${free}/${cidr.prefix}`,
        },
      ];
    }),
};

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

const apart: Rule = {
  says: "Two addresses of one network lie in different subnets.",
  check: ({ args }) => {
    const all = subnets(args);
    return all.flatMap((b, i) => {
      const a = all.slice(0, i).find((other) => overlaps(other.cidr, b.cidr));
      // The same address twice is a repeated key.
      if (!a || a.cidr.address === b.cidr.address) return [];
      return [
        {
          property: `${b.path}.address`,
          reason: `${b.item.address} overlaps ${a.item.address}, ips[${a.index}].address: choose a subnet of its own, or remove one of the two`,
        },
      ];
    });
  },
};

export const addressRules: readonly Rule[] = [notEdge, fit, prefix, apart];
