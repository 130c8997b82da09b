/** The network's DNS server. Sources: virNetworkDNS*DefParseXML, and the schema that every definition is validated with. */
import type { Failure } from "../../handler.js";
import { DNS_NAME, each, given, ipOf, quote, unfit } from "./known.js";
import type { Rule, RuleArgs } from "./rule.js";

const disabled: Rule = {
  says: "A DNS server that is disabled has nothing to answer.",
  check: ({ args }) =>
    args.dns?.enable === false
      ? (["forwarders", "hosts", "txts", "srvs"] as const).flatMap((list) =>
          args.dns?.[list]?.length
            ? [
                {
                  property: `dns.${list}`,
                  reason: "is set, but dns.enable is false, and libvirt refuses both: remove it, or enable DNS",
                },
              ]
            : [],
        )
      : [],
};

const forwarder: Rule = {
  says: "A forwarder has a domain, an address or both.",
  check: ({ args, isSet }) =>
    each(args.dns?.forwarders, "dns.forwarders").flatMap(({ path }) =>
      isSet(`${path}.domain`) || isSet(`${path}.address`)
        ? []
        : [
            {
              property: path,
              reason:
                "has neither domain nor address: give the name server's address, or the domain to answer here only",
            },
          ],
    ),
};

const srvTarget: Rule = {
  says: "Port, priority and weight of an SRV record belong to a target.",
  check: ({ args, isSet }) =>
    each(args.dns?.srvs, "dns.srvs").flatMap(({ path }) =>
      isSet(`${path}.target`)
        ? []
        : ["port", "priority", "weight"]
            .map((f) => `${path}.${f}`)
            .filter((p) => given(args, p) !== undefined)
            .map((property) => ({
              property,
              reason: "is set without a target, which libvirt refuses: add the target, or remove it",
            })),
    ),
};

const srvService: Rule = {
  says: "The service of an SRV record is a name without an underscore in front.",
  check: ({ args }) =>
    each(args.dns?.srvs, "dns.srvs").flatMap(({ item, path }) => {
      const s = item.service;
      if (s === undefined) return [];
      if (s.startsWith("_"))
        return [
          {
            property: `${path}.service`,
            reason: `${quote(s)} gets a second underscore from libvirt: write ${quote(s.replace(/^_+/, ""))}`,
          },
        ];
      if (s.length > 62)
        return [{ property: `${path}.service`, reason: `has ${s.length} characters: at most 62 (a label of DNS)` }];
      return /^[A-Za-z0-9_\-+/*]+$/.test(s)
        ? []
        : [
            {
              property: `${path}.service`,
              reason: `${quote(s)} is no name of a service: use letters, digits and _ - + / *`,
            },
          ];
    }),
};

const unicast: Rule = {
  says: "The addresses of DNS are those of hosts.",
  check: ({ args }) =>
    [
      ...each(args.dns?.hosts, "dns.hosts").map(({ item, path }) => ({ property: `${path}.ip`, value: item.ip })),
      ...each(args.dns?.forwarders, "dns.forwarders").map(({ item, path }) => ({
        property: `${path}.address`,
        value: item.address,
      })),
    ].flatMap(({ property, value }) => {
      const ip = ipOf(value);
      // A name server of the host itself may listen on loopback, and 0.0.0.0 is a way to block a name.
      const why = ip && unfit(ip);
      return why && /multicast|broadcast/.test(why)
        ? [{ property, reason: `${value} ${why}: give the address of a host` }]
        : [];
    }),
};

const hostnames: Rule = {
  says: "An address has at least one name, and each once.",
  check: ({ args }) =>
    each(args.dns?.hosts, "dns.hosts").flatMap(({ item, path }): Failure[] => {
      if (item.hostnames?.length === 0)
        return [{ property: `${path}.hostnames`, reason: "is empty: give at least one name" }];
      const seen = new Map<string, number>();
      return each(item.hostnames, `${path}.hostnames`).flatMap((h) => {
        const first = seen.get(h.item.toLowerCase());
        if (first === undefined) {
          seen.set(h.item.toLowerCase(), h.index);
          return [];
        }
        return [{ property: h.path, reason: `${h.item} repeats ${path}.hostnames[${first}]: remove one of the two` }];
      });
    }),
};

/** All but the targets of SRV records, which may be names of others. */
const dnsNames = (args: RuleArgs): { property: string; value: string | undefined }[] => [
  { property: "domain.name", value: args.domain?.name },
  ...each(args.dns?.forwarders, "dns.forwarders").map(({ item, path }) => ({
    property: `${path}.domain`,
    value: item.domain,
  })),
  ...each(args.dns?.srvs, "dns.srvs").map(({ item, path }) => ({ property: `${path}.domain`, value: item.domain })),
  ...each(args.dns?.txts, "dns.txts").map(({ item, path }) => ({ property: `${path}.name`, value: item.name })),
  ...each(args.dns?.hosts, "dns.hosts").flatMap(({ item, path }) =>
    each(item.hostnames, `${path}.hostnames`).map((h) => ({ property: h.path, value: h.item })),
  ),
];

const names: Rule = {
  says: 'Names of DNS have letters, digits, "-" and "." only.',
  check: ({ args }) =>
    dnsNames(args).flatMap(({ property, value }) =>
      value === undefined || DNS_NAME.test(value)
        ? []
        : [
            {
              property,
              reason: `${quote(value)} has characters that libvirt's schema refuses in a name: use letters, digits, "-" and "."; others can be given by dnsmasqOptions`,
            },
          ],
    ),
};

/** dnsmasq's MAXLABEL: with a longer one it does not start, or leaves the name out. */
const MAX_LABEL = 63;

const labels: Rule = {
  says: "Each label of a name of DNS has at most 63 characters.",
  check: ({ args }) =>
    [
      ...dnsNames(args),
      ...each(args.dns?.srvs, "dns.srvs").map(({ item, path }) => ({ property: `${path}.target`, value: item.target })),
    ].flatMap(({ property, value }) => {
      const long = value?.split(".").find((label) => label.length > MAX_LABEL);
      return long === undefined
        ? []
        : [{ property, reason: `${quote(value)} has a label of ${long.length} characters: at most ${MAX_LABEL}` }];
    }),
};

const target: Rule = {
  says: "The target of an SRV record is a host name.",
  check: ({ args }) =>
    each(args.dns?.srvs, "dns.srvs").flatMap(({ item, path }) =>
      item.target === undefined || /^[A-Za-z0-9_.-]+$/.test(item.target)
        ? []
        : [
            {
              property: `${path}.target`,
              reason: `${quote(item.target)} is no host name: use letters, digits, "-", "_" and ".", or "." for none`,
            },
          ],
    ),
};

const domainName: Rule = {
  says: "What is said of the domain needs its name.",
  check: ({ args, isSet }) =>
    isSet("domain.name")
      ? []
      : ["domain.localOnly", "domain.register"]
          .filter((p) => given(args, p) !== undefined)
          .map((property) => ({ property, reason: "is set, but domain.name is not: name the domain, or remove it" })),
};

export const dnsRules: readonly Rule[] = [
  disabled,
  forwarder,
  srvTarget,
  srvService,
  target,
  unicast,
  hostnames,
  names,
  labels,
  domainName,
];
