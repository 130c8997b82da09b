/** The network's DNS server (dnsmasq on the host). */

import * as v from "valibot";
import { ip } from "../../schema/net.js";
import { int, line, list, object, oneOf, required, str, yesNo } from "../../schema/node.js";

const hostName = str(
  "text()",
  v.pipe(line, v.regex(/^[A-Za-z0-9_*]([A-Za-z0-9_.-]*[A-Za-z0-9])?$/, "must be a host name")),
);

const forwarder = object({
  /** Only queries for this domain go there. */
  domain: str("@domain"),
  /** Address of the name server; without it, queries for `domain` are answered here only. */
  address: ip("@addr"),
});

const dnsHost = object({
  /** Address that the names have. */
  ip: required(ip("@ip")),
  /** Names of the address. */
  hostnames: required(list("", "hostname", hostName)),
});

const txt = object({
  /** Name of the record. */
  name: required(
    str(
      "@name",
      v.pipe(
        line,
        v.check((s) => !s.includes(" "), "must not contain blanks"),
      ),
    ),
  ),
  /**
   * Text of the record, as dnsmasq reads it: a comma begins a further string, quotes and backslashes are its own, and " #" begins a
   * comment. Text with such in it is put in double quotes: `"v=1, a"`.
   */
  value: required(str("@value")),
});

const srv = object({
  /** Name of the service, without the underscore: `ldap`. */
  service: required(str("@service")),
  /** Its protocol, without the underscore. */
  protocol: required(oneOf("@protocol", ["tcp", "udp"])),
  /** Domain of the record. Default: the network's domain. */
  domain: str("@domain"),
  /** Host that offers the service; `.`: none does. */
  target: str("@target"),
  /** Port of the service, 1–65535. */
  port: int("@port", 1, 65535),
  /** Lower is preferred, 0–65535. Default 0. */
  priority: int("@priority", 0, 65535, { default: 0 }),
  /** Share among equals, 0–65535. Default 0. */
  weight: int("@weight", 0, 65535, { default: 0 }),
});

export const dns = object({
  /** Whether there is a DNS server at all. Default: true. A change restarts the network. */
  enable: yesNo("dns/@enable", { default: true }),
  /** Names without a dot are asked upstream too. Default: true. A change restarts the network. */
  forwardPlainNames: yesNo("dns/@forwardPlainNames", { default: true }),
  /** Servers that are asked instead of the host's own, in this order. A change restarts the network. */
  // libvirt starts dnsmasq with strict-order (networkDnsmasqConfContents).
  forwarders: list("dns", "forwarder", forwarder),
  /** Names that are answered here. A change is live. */
  hosts: list("dns", "host", dnsHost, { key: (h) => h.ip }),
  /** TXT records. A change is live; of several of one name it restarts the network. */
  txts: list("dns", "txt", txt, { key: (t) => t.name, several: true }),
  /** SRV records. A change is live. */
  srvs: list("dns", "srv", srv, {
    key: (s) => [s.service, s.protocol, s.domain, s.target, s.port, s.priority ?? 0, s.weight ?? 0].join("|"),
  }),
});

export const domain = object({
  /** DNS domain of the network. */
  name: str("domain/@name"),
  /** Queries for the domain are never sent upstream. Default: false. */
  localOnly: yesNo("domain/@localOnly", { default: false }),
  /** Registered with systemd-resolved, so that the host resolves it (daemon 10.1 and newer). Default: false. */
  register: yesNo("domain/@register", { default: false }),
});
