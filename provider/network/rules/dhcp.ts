/**
 * Ranges, fixed addresses and boot servers. libvirt refuses some of it at define (virSocketAddrGetRange,
 * virNetworkDHCPHostDefParseXML), accepts a fixed address outside its subnet, and leaves the rest to dnsmasq's log.
 */
import type { Failure } from "../../handler.js";
import { formatIp } from "../../schema/net.js";
import { SECONDS } from "../parts/dhcp.js";
import {
  type At,
  type DhcpArgs,
  each,
  familyName,
  familyOf,
  given,
  type HostArgs,
  inside,
  ipOf,
  quote,
  type RangeArgs,
  type SubnetAt,
  subnets,
} from "./known.js";
import type { Rule } from "./rule.js";

interface Served extends SubnetAt {
  dhcp: DhcpArgs;
}

const served = (args: Parameters<typeof subnets>[0]): Served[] =>
  subnets(args).flatMap((s) => (s.item.dhcp ? [{ ...s, dhcp: s.item.dhcp }] : []));

const rangesOf = (s: Served): At<RangeArgs>[] => each(s.dhcp.ranges, `${s.path}.dhcp.ranges`);
const hostsOf = (s: Served): At<HostArgs>[] => each(s.dhcp.hosts, `${s.path}.dhcp.hosts`);
const subnetOf = (s: Served): string => `${formatIp(s.cidr.first, s.cidr.family)}/${s.cidr.prefix}`;

/** Each end of each range, and each fixed address. */
type Place = { path: string; value: string; s: Served };
const endsOf = (s: Served): Place[] =>
  rangesOf(s).flatMap((r) =>
    (["start", "end"] as const).flatMap((end) =>
      r.item[end] === undefined ? [] : [{ path: `${r.path}.${end}`, value: r.item[end] as string, s }],
    ),
  );
const fixedOf = (s: Served): Place[] =>
  hostsOf(s).flatMap((h) => (h.item.ip === undefined ? [] : [{ path: `${h.path}.ip`, value: h.item.ip, s }]));

function outside({ path, value, s }: Place): Failure[] {
  const ip = ipOf(value);
  if (!ip || inside(s.cidr, ip)) return [];
  const reason =
    ip.family !== s.cidr.family
      ? `${value} is an ${familyName(ip.family)} address, but ${s.path}.address is ${familyName(s.cidr.family)}: move it to an entry of ips of its own family`
      : `${value} is outside ${subnetOf(s)}, the subnet of ${s.path}.address: choose an address in it`;
  return [{ property: path, reason }];
}

/** The network and broadcast address of IPv4; `every`: also of /31 and /32, where libvirt makes no exception for ranges. */
function edge({ path, value, s }: Place, every: boolean): Failure[] {
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

const rangeInside: Rule = {
  says: "A DHCP range lies in the subnet of its address.",
  check: ({ args }) => served(args).flatMap(endsOf).flatMap(outside),
};

const rangeEdges: Rule = {
  says: "A DHCP range holds neither the network nor the broadcast address.",
  check: ({ args }) =>
    served(args)
      .flatMap(endsOf)
      .flatMap((p) => edge(p, true)),
};

const rangeOrder: Rule = {
  says: "A DHCP range starts before it ends.",
  check: ({ args }) =>
    served(args)
      .flatMap(rangesOf)
      .flatMap(({ item, path }) => {
        const [a, b] = [ipOf(item.start), ipOf(item.end)];
        if (!a || !b || a.family !== b.family || a.n <= b.n) return [];
        return [
          {
            property: `${path}.end`,
            reason: `${item.end} comes before ${item.start}, the start of the range: exchange the two`,
          },
        ];
      }),
};

// virSocketAddrGetRange: at most 65536 addresses of IPv4; of IPv6, only those that differ in the last 16 bits.
const rangeSize: Rule = {
  says: "A DHCP range is no larger than libvirt takes: 65536 addresses, of IPv6 with the same first 112 bits.",
  check: ({ args }) =>
    served(args)
      .flatMap(rangesOf)
      .flatMap(({ item, path }) => {
        const [a, b] = [ipOf(item.start), ipOf(item.end)];
        if (!a || !b || a.family !== b.family || a.n > b.n) return [];
        const fits = a.family === "ipv4" ? b.n - a.n <= 65535n : a.n >> 16n === b.n >> 16n;
        if (fits) return [];
        const limit = a.family === "ipv4" ? "65536 addresses" : "addresses that differ in their last 16 bits only";
        return [
          {
            property: `${path}.end`,
            reason: `${item.end} makes a range larger than libvirt takes, from ${item.start} on: ${limit}; end it earlier, or add a second range`,
          },
        ];
      }),
};

const rangesApart: Rule = {
  says: "Two DHCP ranges do not overlap.",
  check: ({ args }) =>
    served(args).flatMap((s) => {
      const sorted = rangesOf(s)
        .flatMap((r) => {
          const [a, b] = [ipOf(r.item.start), ipOf(r.item.end)];
          return a && b && a.family === b.family && a.n <= b.n && a.family === s.cidr.family
            ? [{ ...r, first: a.n, last: b.n }]
            : [];
        })
        .sort((x, y) => (x.first < y.first ? -1 : x.first > y.first ? 1 : x.index - y.index));
      const out: Failure[] = [];
      let top = sorted[0];
      for (const r of sorted.slice(1)) {
        if (!top) break;
        const repeated = r.first === top.first && r.last === top.last;
        if (r.first <= top.last && !repeated) {
          const [one, two] = r.index > top.index ? [top, r] : [r, top];
          out.push({
            property: two.path,
            reason: `${two.item.start} to ${two.item.end} overlaps ${one.item.start} to ${one.item.end}, ${one.path}: make one range of both, or move one`,
          });
        }
        if (r.last > top.last) top = r;
      }
      return out;
    }),
};

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
        if (ip?.family === p.s.cidr.family && ip.n === ipOf(p.s.cidr.address)?.n && p.s.cidr.prefix < 128) {
          return [
            {
              property: p.path,
              reason: `${p.value} is the host's own address, ${p.s.path}.address: choose another one of ${subnetOf(p.s)}`,
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

/** Why no NIC can have the MAC. */
export function unfitMac(mac: string): string | undefined {
  if (Number.parseInt(mac.slice(0, 2), 16) & 1) return "is a multicast MAC (its first byte is odd)";
  return /^[0:]+$/.test(mac) ? "is no MAC of a NIC" : undefined;
}

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

const lease: Rule = {
  says: "A lease holds for ever (0) or at least 2 minutes.",
  check: ({ args, isSet }) =>
    each(args.ips, "ips")
      .flatMap((ip) => [
        ...each(ip.item.dhcp?.ranges, `${ip.path}.dhcp.ranges`),
        ...each<RangeArgs | HostArgs>(ip.item.dhcp?.hosts, `${ip.path}.dhcp.hosts`),
      ])
      .flatMap(({ item, path }) => {
        const expiry = item.lease?.expiry;
        const unit = item.lease?.unit ?? (isSet(`${path}.lease.unit`) ? undefined : "minutes");
        if (expiry === undefined || unit === undefined || expiry === 0 || expiry * SECONDS[unit] >= 120) return [];
        return [
          {
            property: `${path}.lease.expiry`,
            reason: `${expiry} ${unit} is less than the 2 minutes that dnsmasq asks for: make it longer, or 0 for ever`,
          },
        ];
      }),
};

const onePerFamily: Rule = {
  says: "One IPv4 and one IPv6 address of a network may serve DHCP.",
  check: ({ args }) => {
    const first = new Map<string, Served>();
    return served(args).flatMap((s) => {
      if (!s.dhcp.ranges?.length && !s.dhcp.hosts?.length) return [];
      const other = first.get(s.cidr.family);
      if (!other) {
        first.set(s.cidr.family, s);
        return [];
      }
      return [
        {
          property: `${s.path}.dhcp`,
          reason: `is the second DHCP of ${familyName(s.cidr.family)} beside ${other.path}.dhcp, and libvirt serves one: remove one, or make another network of it`,
        },
      ];
    });
  },
};

const bootV4: Rule = {
  says: "Boot files and TFTP are for IPv4.",
  check: ({ args }) =>
    subnets(args).flatMap(({ path, cidr }) =>
      cidr.family === "ipv4"
        ? []
        : [`${path}.dhcp.bootp`, `${path}.tftp`]
            .filter((p) => given(args, p) !== undefined)
            .map((property) => ({
              property,
              reason: "is for IPv4 only in libvirt: move it to the entry of an IPv4 address",
            })),
    ),
};

// virNetworkIPDefFormat writes <dhcp>, and bootp in it, only where there are ranges or hosts.
const bootServed: Rule = {
  says: "A boot file is told by a DHCP that has a range or a host.",
  check: ({ args, isSet }) =>
    each(args.ips, "ips").flatMap(({ item, path }) => {
      const dhcp = item.dhcp;
      if (dhcp?.bootp === undefined) return [];
      const none = (["ranges", "hosts"] as const).every(
        (list) => !isSet(`${path}.dhcp.${list}`) || dhcp[list]?.length === 0,
      );
      return none
        ? [
            {
              property: `${path}.dhcp.bootp`,
              reason: `is set, but ${path}.dhcp has neither ranges nor hosts, and libvirt drops it then: add a range, or remove it`,
            },
          ]
        : [];
    }),
};

// The document's schema takes a name, virSocketAddrParse does not.
const bootServer: Rule = {
  says: "The boot server is an IPv4 address.",
  check: ({ args }) =>
    each(args.ips, "ips").flatMap(({ item, path }) => {
      const server = item.dhcp?.bootp?.server;
      if (server === undefined || familyOf(server) === "ipv4") return [];
      return [
        {
          property: `${path}.dhcp.bootp.server`,
          reason: `${quote(server)} is no IPv4 address, and libvirt takes no name: give the server's address`,
        },
      ];
    }),
};

const prefix64: Rule = {
  says: "DHCP of IPv6 has a subnet of prefix length 64 or longer.",
  check: ({ args }) =>
    served(args).flatMap((s) =>
      s.cidr.family === "ipv6" && s.cidr.prefix < 64 && (s.dhcp.ranges?.length || s.dhcp.hosts?.length)
        ? [
            {
              property: `${s.path}.address`,
              reason: `${s.item.address} has prefix length ${s.cidr.prefix}, and dnsmasq serves DHCPv6 from 64 on: use /64, or remove its dhcp`,
            },
          ]
        : [],
    ),
};

export const dhcpRules: readonly Rule[] = [
  rangeInside,
  rangeEdges,
  rangeOrder,
  rangeSize,
  rangesApart,
  hostInside,
  hostFree,
  hostUnique,
  hostComplete,
  hostMac,
  hostName,
  hostDuid,
  lease,
  onePerFamily,
  bootV4,
  bootServed,
  bootServer,
  prefix64,
];
