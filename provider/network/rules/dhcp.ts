/**
 * Ranges, leases and boot servers. libvirt refuses some of it at define (virSocketAddrGetRange) and leaves the rest to dnsmasq's log.
 */
import type { Failure } from "../../handler.js";
import { SECONDS } from "../parts/dhcp.js";
import {
  type At,
  each,
  familyName,
  familyOf,
  given,
  type HostArgs,
  ipOf,
  quote,
  type RangeArgs,
  subnets,
} from "./known.js";
import type { Rule } from "./rule.js";
import { edge, outside, type Place, type Served, served } from "./served.js";

const rangesOf = (s: Served): At<RangeArgs>[] => each(s.dhcp.ranges, `${s.path}.dhcp.ranges`);

const endsOf = (s: Served): Place[] =>
  rangesOf(s).flatMap((r) =>
    (["start", "end"] as const).flatMap((end) =>
      r.item[end] === undefined ? [] : [{ path: `${r.path}.${end}`, value: r.item[end] as string, s }],
    ),
  );

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
  lease,
  onePerFamily,
  bootV4,
  bootServed,
  bootServer,
  prefix64,
];
