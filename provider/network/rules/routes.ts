/** Static routes. libvirt ignores a route that the kernel refuses (networkStartNetworkVirtual), so faults are found here. */
import { formatSubnet } from "../../schema/net.js";
import { allSubnetsKnown, cidrOf, each, familyName, inside, ipOf, subnets } from "./known.js";
import type { Rule } from "./rule.js";

const destination: Rule = {
  says: "The destination of a route is a subnet, without host bits.",
  check: ({ args }) =>
    each(args.routes, "routes").flatMap(({ item, path }) => {
      const cidr = cidrOf(item.destination);
      if (!cidr || ipOf(cidr.address)?.n === cidr.first) return [];
      return [
        {
          property: `${path}.destination`,
          reason: `${item.destination} has host bits: write ${formatSubnet(cidr)}`,
        },
      ];
    }),
};

const gateway: Rule = {
  says: "The gateway of a route is a neighbour: of the destination's family, in a subnet of the network, and not the host itself.",
  check: (subject) => {
    const ips = subnets(subject.args);
    return each(subject.args.routes, "routes").flatMap(({ item, path }) => {
      const gw = ipOf(item.gateway);
      if (!gw) return [];
      const property = `${path}.gateway`;
      const to = cidrOf(item.destination);
      if (to && to.family !== gw.family) {
        return [
          {
            property,
            reason: `${item.gateway} is ${familyName(gw.family)}, but ${item.destination} is ${familyName(to.family)}: use a gateway of its family`,
          },
        ];
      }
      const home = ips.find((s) => inside(s.cidr, gw));
      if (!home) {
        return allSubnetsKnown(subject)
          ? [
              {
                property,
                reason: `${item.gateway} is in no subnet of ips, so the host cannot reach it: choose an address of the network`,
              },
            ]
          : [];
      }
      if (ipOf(home.cidr.address)?.n === gw.n) {
        return [
          {
            property,
            reason: `${item.gateway} is the host's own address, ${home.path}.address: name the guest that forwards`,
          },
        ];
      }
      const v4 = home.cidr.family === "ipv4" && home.cidr.prefix < 31;
      if (v4 && (gw.n === home.cidr.first || gw.n === home.cidr.last)) {
        return [
          {
            property,
            reason: `${item.gateway} is the ${gw.n === home.cidr.first ? "network" : "broadcast"} address of ${home.path}.address' subnet: choose another one`,
          },
        ];
      }
      return [];
    });
  },
};

// The kernel keeps one route for a destination and metric; the second is lost without a word.
const metric: Rule = {
  says: "Two routes to one destination differ in their metric.",
  check: ({ args, isSet }) => {
    const first = new Map<string, { path: string; gateway: string }>();
    return each(args.routes, "routes").flatMap(({ item, path }) => {
      const to = cidrOf(item.destination);
      if (!to || item.gateway === undefined || (item.metric === undefined && isSet(`${path}.metric`))) return [];
      const key = `${to.family} ${to.first}/${to.prefix} ${item.metric ?? ""}`;
      const other = first.get(key);
      if (!other) {
        first.set(key, { path, gateway: item.gateway });
        return [];
      }
      // The same gateway too is a repeated key.
      if (other.gateway === item.gateway) return [];
      return [
        {
          property: `${path}.metric`,
          reason: `is the same as that of ${other.path}, to the same destination ${item.destination}, and the kernel keeps one: give the second a higher metric`,
        },
      ];
    });
  },
};

const notOwn: Rule = {
  says: "A route leads to another subnet than the network's own.",
  check: ({ args }) => {
    const ips = subnets(args);
    return each(args.routes, "routes").flatMap(({ item, path }) => {
      const to = cidrOf(item.destination);
      const own =
        to && ips.find((s) => s.cidr.family === to.family && s.cidr.first === to.first && s.cidr.prefix === to.prefix);
      return own
        ? [
            {
              property: `${path}.destination`,
              reason: `${item.destination} is the subnet of ${own.path}.address, where the host is itself: remove the route`,
            },
          ]
        : [];
    });
  },
};

export const routeRules: readonly Rule[] = [destination, gateway, metric, notOwn];
