/** Rules of every kind of link. */
import { type Failure, Unknown } from "../../handler.js";
import { type Cidr, ipNumber, isV4, parseCidr } from "../../schema/net.js";
import type { Addresses, Addressing } from "../addressing.js";
import { fault, type Rule, type Subject } from "./rule.js";

export const quote = (s: unknown): string => JSON.stringify(s);

/** Fixed addresses as far as they are known. */
function fixed({ args }: Subject): Addressing | undefined {
  const addresses = args.addresses as Addresses | undefined;
  return typeof addresses === "object" ? addresses : undefined;
}

export interface At<T> {
  item: T;
  path: string;
}
/** Known items with the index that the user sees. */
export const each = <T>(list: readonly (T | undefined)[] | undefined, path: string): At<T>[] =>
  (list ?? []).flatMap((item, i) =>
    item === undefined || (item as unknown) === Unknown ? [] : [{ item, path: `${path}[${i}]` }],
  );

const subnets = (subject: Subject): (At<string> & { cidr: Cidr })[] =>
  each(fixed(subject)?.addresses, "addresses.addresses").flatMap(({ item, path }) => {
    const cidr = parseCidr(item);
    return cidr ? [{ item, path, cidr }] : [];
  });

const hostPart: Rule = {
  says: "An address is that of one host: neither its subnet's own nor broadcast.",
  check: (subject) =>
    subnets(subject).flatMap(({ item, path, cidr }) => {
      // RFC 3021: both addresses of a /31 are hosts'; an IPv6 subnet has no broadcast.
      if (cidr.family !== "ipv4" || cidr.prefix > 30) return [];
      const n = ipNumber(cidr.address);
      if (n !== cidr.first && n !== cidr.last) return [];
      const what = n === cidr.first ? "the address of the subnet itself" : "the broadcast address of its subnet";
      return fault(path, `${item} is ${what}: use one between them`);
    }),
};

const once: Rule = {
  says: "An address is given once.",
  check: (subject) => {
    const seen = new Map<string, string>();
    return subnets(subject).flatMap(({ item, path, cidr }) => {
      const first = seen.get(cidr.address);
      seen.set(cidr.address, first ?? path);
      return first === undefined ? [] : fault(path, `${item} is the address of ${first} again: remove one`);
    });
  },
};

const GATEWAYS = [
  { field: "gateway", family: "ipv4", from: "ipv4" },
  { field: "gateway6", family: "ipv6", from: "ipv6" },
] as const;

const gateway: Rule = {
  says: "A gateway is on one of the link's subnets where these are more than single addresses, and not the host itself.",
  check: (subject) => {
    const a = fixed(subject);
    return GATEWAYS.flatMap(({ field, family, from }): Failure[] => {
      const via = a?.[field];
      if (via === undefined || (family === "ipv6" && /^fe80:/i.test(via))) return [];
      const own = subnets(subject).filter((s) => s.cidr.family === family);
      const at = `addresses.${field}`;
      // By DHCP or router advertisements there may be subnets that are not known here.
      if (own.length === 0 && (a?.[from] !== undefined || !allKnown(a))) return [];
      const n = ipNumber(via);
      const self = own.find((s) => ipNumber(s.cidr.address) === n);
      if (self) return fault(at, `${via} is the host's own address ${self.path}: give the router's`);
      if (a?.[from] !== undefined || !allKnown(a) || own.some((s) => n >= s.cidr.first && n <= s.cidr.last)) return [];
      // As providers of servers give them: NetworkManager adds a route to the gateway itself (nm_l3_config_data_add_dependent_onlink_routes).
      if (own.length > 0 && own.every((s) => s.cidr.first === s.cidr.last)) return [];
      const where =
        own.length > 0
          ? own.map((s) => s.item).join(", ")
          : `any address, for there is no ${family === "ipv4" ? "IPv4" : "IPv6"} one`;
      return fault(at, `${via} is not in the subnet of ${where}: give a router that is, or an address in its subnet`);
    });
  },
};

const allKnown = (a: Addressing | undefined): boolean => (a?.addresses ?? []).every((s) => s !== undefined);

const routes: Rule = {
  says: "A route leads to a subnet, by a router of the same family.",
  check: (subject) =>
    each(fixed(subject)?.routes, "addresses.routes").flatMap(({ item: { destination, via }, path }) => {
      const to = destination === undefined ? undefined : parseCidr(destination);
      if (!to) return [];
      if (ipNumber(to.address) !== to.first)
        return fault(
          `${path}.destination`,
          `${destination} has bits set beyond its prefix: give the subnet's own address`,
        );
      if (via === undefined || isV4(via) === (to.family === "ipv4")) return [];
      return fault(`${path}.via`, `${via} is not of the family of ${destination}: give a router of the same`);
    }),
};

// nm-setting-ip4-config.c and nm-setting-ip6-config.c refuse them beside method=disabled; the kernel has no place for them at all.
const families: Rule = {
  says: "DNS servers, search domains and routes are of a family that the link has addresses of.",
  check: (subject) => {
    const a = fixed(subject);
    if (!a || !allKnown(a)) return [];
    const has = (family: Cidr["family"]) =>
      a[family] !== undefined || subnets(subject).some((s) => s.cidr.family === family);
    const told = (what: string, address: string, path: string): Failure[] => {
      const family = isV4(address) ? "ipv4" : "ipv6";
      if (has(family)) return [];
      const [name, auto] = family === "ipv4" ? ["IPv4", 'ipv4: "dhcp"'] : ["IPv6", 'ipv6: "auto"'];
      return fault(path, `${what} is of ${name}, of which the link has no address: give one, or ${auto}, or remove it`);
    };
    return [
      ...each(a.dns, "addresses.dns").flatMap(({ item, path }) => told(item, item, path)),
      ...each(a.routes, "addresses.routes").flatMap(({ item: { destination }, path }) => {
        const to = destination === undefined ? undefined : parseCidr(destination);
        const whole = to && ipNumber(to.address) === to.first;
        return whole ? told(to.address, to.address, `${path}.destination`) : [];
      }),
      ...((a.search?.length ?? 0) > 0 && !has("ipv4") && !has("ipv6")
        ? fault("addresses.search", "are set, but the link has no addresses: give some, or remove them")
        : []),
    ];
  },
};

// RFC 8200 section 5; the kernel refuses IPv6 on a smaller one.
const mtu: Rule = {
  says: "A link with IPv6 has an MTU of at least 1280.",
  check: (subject) => {
    const size = subject.args.mtu as number | undefined;
    const a = subject.args.addresses;
    const v6 =
      a === "dhcp" || fixed(subject)?.ipv6 !== undefined || subnets(subject).some((s) => s.cidr.family === "ipv6");
    return size === undefined || size >= 1280 || !v6
      ? []
      : fault("mtu", `${size} is less than the 1280 that IPv6 needs: raise it, or leave IPv6 out of addresses`);
  },
};

const mac: Rule = {
  says: "A MAC is that of one device.",
  check: ({ args }) => {
    const value = args.mac as string | undefined;
    if (value === undefined) return [];
    const group = (Number.parseInt(value.slice(0, 2), 16) & 1) === 1;
    if (!group && /[1-9a-f]/i.test(value)) return [];
    return fault(
      "mac",
      `${value} is ${group ? "a group address" : "no address"}: use one as 52:54:00:12:34:56, or leave it out`,
    );
  },
};

const nameFree: Rule = {
  says: "A link is not called as a device that every host has.",
  check: ({ args }) =>
    ["lo", "all", "default", "bonding_masters"].includes(args.name as string)
      ? fault("name", `${quote(args.name)} is taken by the kernel: choose another name`)
      : [],
};

export const commonRules: readonly Rule[] = [nameFree, mac, mtu, hostPart, once, gateway, routes, families];
