/** Fixed addresses. libvirt accepts one outside its subnet (virNetworkDHCPHostDefParseXML) and leaves the rest to dnsmasq's log. */
import type { Failure } from "../../handler.js";
import { type At, each, familyName, type HostArgs, ipOf, quote, subnets } from "./known.js";
import { unfitMac } from "./mac.js";
import type { Rule } from "./rule.js";
import { edge, outside, type Place, type Served, served, subnetOf } from "./served.js";

const hostsOf = (s: Served): At<HostArgs>[] => each(s.dhcp.hosts, `${s.path}.dhcp.hosts`);

const fixedOf = (s: Served): Place[] =>
  hostsOf(s).flatMap((h) => (h.item.ip === undefined ? [] : [{ path: `${h.path}.ip`, value: h.item.ip, s }]));

const hostInside: Rule = {
  says: "A fixed address lies in the subnet that serves it.",
  check: ({ args }) => served(args).flatMap(fixedOf).flatMap(outside),
};

const hostFree: Rule = {
  says: "A fixed address is neither the host's own nor the network or broadcast address.",
  check: ({ args }) =>
    served(args)
      .flatMap(fixedOf)
      .flatMap((p) => {
        const ip = ipOf(p.value);
        const own = subnets(args).find(({ cidr }) => ip?.family === cidr.family && ip.n === ipOf(cidr.address)?.n);
        if (own && p.s.cidr.prefix < 128) {
          return [
            {
              property: p.path,
              reason: `${p.value} is the host's own address, ${own.path}.address: choose another one of ${subnetOf(p.s)}`,
            },
          ];
        }
        return edge(p, false);
      }),
};

const identities = [
  { field: "ip", canon: (v: string) => ipOf(v)?.n.toString() ?? v, what: "the address" },
  { field: "mac", canon: (v: string) => v.toLowerCase(), what: "the MAC" },
  { field: "id", canon: (v: string) => v.toLowerCase(), what: "the DUID" },
  { field: "name", canon: (v: string) => v.toLowerCase(), what: "the name" },
] as const;

// virNetworkUpdate refuses to add a host that shares one of these with another (virNetworkDefUpdateIPDHCPHost).
const hostUnique: Rule = {
  says: "No two fixed addresses share an address, MAC, DUID or name.",
  check: ({ args }) =>
    served(args).flatMap((s) =>
      identities.flatMap(({ field, canon, what }) => {
        const seen = new Map<string, At<HostArgs>>();
        return hostsOf(s).flatMap((h) => {
          const value = h.item[field];
          if (value === undefined) return [];
          const first = seen.get(canon(value));
          if (!first) {
            seen.set(canon(value), h);
            return [];
          }
          return [
            {
              property: `${h.path}.${field}`,
              reason: `${value} is ${what} of ${first.path} already: give each host its own, or remove one of the two`,
            },
          ];
        });
      }),
    ),
};

const hostComplete: Rule = {
  says: "A fixed address says which address, and for whom: by MAC or name (IPv4), by DUID or name (IPv6).",
  check: ({ args, isSet }) =>
    served(args).flatMap((s) =>
      hostsOf(s).flatMap(({ item, path }): Failure[] => {
        const out: Failure[] = [];
        const [who, other, way] =
          s.cidr.family === "ipv4" ? (["mac", "id", "MAC"] as const) : (["id", "mac", "DUID"] as const);
        if (item[other] !== undefined) {
          out.push({
            property: `${path}.${other}`,
            reason: `is not for ${familyName(s.cidr.family)}, where a guest is known by its ${way} or name: use ${who} or name`,
          });
        } else if (!isSet(`${path}.${who}`) && !isSet(`${path}.name`)) {
          out.push({ property: path, reason: `has neither ${who} nor name: say whose address it is` });
        }
        if (!isSet(`${path}.ip`))
          out.push({
            property: `${path}.ip`,
            reason: `is missing: give the address of ${subnetOf(s)} that the guest gets`,
          });
        return out;
      }),
    ),
};

const allHosts = (args: Parameters<typeof subnets>[0]): At<HostArgs>[] =>
  each(args.ips, "ips").flatMap((ip) => each(ip.item.dhcp?.hosts, `${ip.path}.dhcp.hosts`));

const hostMac: Rule = {
  says: "The MAC of a fixed address is that of one NIC.",
  check: ({ args }) =>
    allHosts(args).flatMap(({ item, path }) => {
      const why = item.mac === undefined ? undefined : unfitMac(item.mac);
      return why ? [{ property: `${path}.mac`, reason: `${item.mac} ${why}: use the MAC of the guest's NIC` }] : [];
    }),
};

const HOST_NAME = /^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$/;
const hostName: Rule = {
  says: "The name of a fixed address is a host name.",
  check: ({ args }) =>
    allHosts(args).flatMap(({ item, path }) =>
      item.name === undefined || HOST_NAME.test(item.name)
        ? []
        : [
            {
              property: `${path}.name`,
              reason: `${quote(item.name)} is no host name: use letters, digits, "-", "_" and "."`,
            },
          ],
    ),
};

// The four forms of schemas/basictypes.rng: by time, by enterprise, by link layer, by UUID (RFC 8415 section 11).
const DUID = [
  /^0{1,2}:0?1:0{1,2}:0?[a-f1-9](:[a-f0-9]{1,2}){10,12}$/i,
  /^0{1,2}:0?2(:[a-f0-9]{1,2}){5,128}$/i,
  /^0{1,2}:0?3:0{1,2}:0?[a-f1-9](:[a-f0-9]{1,2}){6,8}$/i,
  /^0{1,2}:0?4(:[a-f0-9]{1,2}){16}$/i,
];
const hostDuid: Rule = {
  says: "The id of a fixed address is a DUID.",
  check: ({ args }) =>
    allHosts(args).flatMap(({ item, path }) =>
      item.id === undefined || DUID.some((d) => d.test(item.id as string))
        ? []
        : [
            {
              property: `${path}.id`,
              reason: `${quote(item.id)} is no DUID: give it as bytes, as 0:3:0:1:52:54:0:12:34:56 (type 3, Ethernet, MAC), or use name`,
            },
          ],
    ),
};

export const dhcpHostRules: readonly Rule[] = [
  hostInside,
  hostFree,
  hostUnique,
  hostComplete,
  hostMac,
  hostName,
  hostDuid,
];
