/** Subnets that others have already: networks of this run and of the host, and the host's own addresses. */
import { cidrOf, each, orLater, overlaps, quote, subnets } from "./known.js";
import type { Rule, RuleArgs, Surroundings } from "./rule.js";

const networks: Rule = {
  says: "The subnets of the network are those of no other network.",
  check: ({ args }, around) => {
    if (args.name === undefined || !around.others) return [];
    return subnets(args).flatMap(({ item, path, cidr }) => {
      const hit = clash(cidr, args.name as string, around);
      return hit
        ? [
            {
              property: `${path}.address`,
              reason: `${item.address} overlaps ${hit.subnet} of network ${quote(hit.name)} of ${hit.from}: choose another subnet${orLater(hit)}`,
            },
          ]
        : [];
    });
  },
};

function clash(cidr: NonNullable<ReturnType<typeof cidrOf>>, name: string, around: Surroundings) {
  for (const other of around.others ?? []) {
    if (other.name === name) continue;
    for (const subnet of other.subnets) {
      const c = cidrOf(subnet);
      // fe80::/64 is on every link, also of libvirt's own networks.
      if (c && !linkLocal(c) && overlaps(c, cidr)) return { ...other, subnet };
    }
  }
  return undefined;
}

/** Devices whose addresses are the network's own, or are judged as another network's. */
function bridges(args: RuleArgs, around: Surroundings): Set<string | undefined> {
  return new Set([
    typeof args.bridge === "object" ? args.bridge.name : undefined,
    ...(around.others ?? []).map((o) => o.bridge),
  ]);
}

/** The host's own subnets. */
function ofHost(args: RuleArgs, around: Surroundings) {
  const skip = bridges(args, around);
  return (around.hostAddresses ?? []).flatMap(({ device, address }) => {
    const c = cidrOf(address);
    return c && !skip.has(device) && !linkLocal(c) ? [{ device, address, c }] : [];
  });
}

const host: Rule = {
  says: "The subnets of the network are those of no device of the host.",
  check: ({ args }, around) => {
    if (args.name === undefined) return [];
    const there = ofHost(args, around);
    return subnets(args).flatMap(({ item, path, cidr }) => {
      const hit = there.find((t) => overlaps(t.c, cidr) && !ours(t, item.address, args));
      return hit
        ? [
            {
              property: `${path}.address`,
              reason: `${item.address} overlaps ${hit.address}, which the host has on ${hit.device}: choose another subnet`,
            },
          ]
        : [];
    });
  },
};

// fe80::/10 is on every link.
const linkLocal = (c: NonNullable<ReturnType<typeof cidrOf>>): boolean =>
  c.family === "ipv6" && c.first >> 118n === 0x3fan;

/** The bridge that libvirt named itself, of this very network, where nothing tells its name. */
const ours = (there: { device: string; address: string }, address: string | undefined, args: RuleArgs): boolean =>
  (typeof args.bridge !== "object" || args.bridge.name === undefined) &&
  /^virbr\d+$/.test(there.device) &&
  cidrOf(there.address)?.address === cidrOf(address)?.address;

// networkCheckRouteCollision refuses at start a destination that holds one of the host's addresses; one inside a LAN of the host takes
// that part of it away.
const routes: Rule = {
  says: "A route leads neither into a subnet of the host nor into another network's.",
  check: ({ args }, around) => {
    if (args.name === undefined) return [];
    const own = subnets(args);
    const there = ofHost(args, around).filter((t) => !own.some(({ item }) => ours(t, item.address, args)));
    return each(args.routes, "routes").flatMap(({ item, path }) => {
      const to = cidrOf(item.destination);
      if (!to) return [];
      const hit = clash(to, args.name as string, around);
      const device = there.find((t) => overlaps(t.c, to));
      const whose = device
        ? `${device.address}, which the host has on ${device.device}`
        : hit && `${hit.subnet} of network ${quote(hit.name)} of ${hit.from}`;
      return whose === undefined
        ? []
        : [
            {
              property: `${path}.destination`,
              reason: `${item.destination} overlaps ${whose}: the host is in that subnet itself; choose a destination beyond, or remove the route`,
            },
          ];
    });
  },
};

export const overlapRules: readonly Rule[] = [networks, host, routes];
