/** For each thing that the schema itself demands of a value: one that breaks it, and its nearest valid twin. */
import type { Inputs } from "../../../provider/handler.js";

export interface ShapeCase {
  breaks: Inputs;
  path: string;
  twin: Inputs;
}

const nat = (more: Inputs): Inputs => ({ mode: "nat", name: "net", ips: [{ address: "10.0.1.1/24" }], ...more });
const bridge = (more: Inputs): Inputs => ({ mode: "bridge", name: "net", bridge: "br0", ...more });
const dns = (more: Inputs): Inputs => nat({ dns: more });
const metadata = (more: Inputs): Inputs => nat({ metadata: [{ namespace: "urn:a", element: { name: "a" }, ...more }] });
const ovs = (more: Inputs): Inputs => bridge({ virtualport: { type: "openvswitch", ...more } });
const hosts = (more: Inputs): Inputs => nat({ ips: [{ address: "10.0.1.1/24", dhcp: { hosts: [more] } }] });

/** Keyed by the words in which the schema says it. */
export const shapeCases: Record<string, ShapeCase[]> = {
  "must not contain '/' (libvirt stores the network in a file of that name)": [
    { breaks: nat({ name: "a/b" }), path: "name", twin: nat({ name: "a-b" }) },
    { breaks: bridge({ name: "/" }), path: "name", twin: bridge({ name: "." }) },
  ],
  "must have at most 245 bytes (libvirt's files of that name have up to 10 more)": [
    { breaks: nat({ name: "n".repeat(246) }), path: "name", twin: nat({ name: "n".repeat(245) }) },
    { breaks: nat({ name: `n${"é".repeat(123)}` }), path: "name", twin: nat({ name: `n${"é".repeat(122)}` }) },
  ],
  "must be a device name of at most 15 characters (IFNAMSIZ)": [
    {
      breaks: nat({ bridge: { name: "b".repeat(16) } }),
      path: "bridge.name",
      twin: nat({ bridge: { name: "b".repeat(15) } }),
    },
    { breaks: bridge({ bridge: "b".repeat(16) }), path: "bridge", twin: bridge({ bridge: "b".repeat(15) }) },
    { breaks: nat({ device: "e".repeat(16) }), path: "device", twin: nat({ device: "e".repeat(15) }) },
    {
      breaks: { mode: "bridge", name: "net", macvtap: { mode: "vepa", interfaces: ["e".repeat(16)] } },
      path: "macvtap.interfaces[0]",
      twin: { mode: "bridge", name: "net", macvtap: { mode: "vepa", interfaces: ["e".repeat(15)] } },
    },
    {
      breaks: { mode: "bridge", name: "net", hostdev: { device: "e".repeat(16) } },
      path: "hostdev.device",
      twin: { mode: "bridge", name: "net", hostdev: { device: "e".repeat(15) } },
    },
  ],
  "must be a device name": [
    { breaks: nat({ bridge: { name: "a/b" } }), path: "bridge.name", twin: nat({ bridge: { name: "a-b" } }) },
    { breaks: bridge({ bridge: "eth0:1" }), path: "bridge", twin: bridge({ bridge: "eth0.1" }) },
    { breaks: nat({ device: "eth 0" }), path: "device", twin: nat({ device: "eth0" }) },
  ],
  "must not be empty": [
    { breaks: nat({ name: "" }), path: "name", twin: nat({ name: "n" }) },
    { breaks: nat({ description: "" }), path: "description", twin: nat({ description: "d" }) },
    { breaks: nat({ uri: "" }), path: "uri", twin: nat({ uri: "test:///default" }) },
  ],
  "must be one line without control characters": [
    { breaks: nat({ title: "a\nb" }), path: "title", twin: nat({ title: "a b" }) },
    { breaks: nat({ dnsmasqOptions: ["a\u0007"] }), path: "dnsmasqOptions[0]", twin: nat({ dnsmasqOptions: ["a"] }) },
  ],
  "must not contain control characters": [
    { breaks: nat({ description: "a\rb" }), path: "description", twin: nat({ description: "a\nb" }) },
  ],
  "must be an IPv4 or IPv6 address": [
    {
      breaks: dns({ forwarders: [{ address: "10.0.0.256" }] }),
      path: "dns.forwarders[0].address",
      twin: dns({ forwarders: [{ address: "10.0.0.255" }] }),
    },
    {
      breaks: hosts({ name: "a", ip: "10.0.1.09" }),
      path: "ips[0].dhcp.hosts[0].ip",
      twin: hosts({ name: "a", ip: "10.0.1.9" }),
    },
  ],
  "must be an IPv4 address": [
    {
      breaks: nat({ nat: { addresses: { start: "fd00::1", end: "192.0.2.9" } } }),
      path: "nat.addresses.start",
      twin: nat({ nat: { addresses: { start: "192.0.2.8", end: "192.0.2.9" } } }),
    },
  ],
  "must be an address with its prefix length, as 192.168.1.1/24 or fd00::1/64": [
    {
      breaks: nat({ ips: [{ address: "10.0.1.1" }] }),
      path: "ips[0].address",
      twin: nat({ ips: [{ address: "10.0.1.1/8" }] }),
    },
    {
      breaks: nat({ ips: [{ address: "10.0.1.1/33" }] }),
      path: "ips[0].address",
      twin: nat({ ips: [{ address: "10.0.1.1/32" }] }),
    },
    {
      breaks: nat({ routes: [{ destination: "fd00:9::/129", gateway: "10.0.1.2" }] }),
      path: "routes[0].destination",
      twin: nat({ routes: [{ destination: "10.9.0.0/16", gateway: "10.0.1.2" }] }),
    },
  ],
  "must be a MAC address, as 52:54:00:12:34:56": [
    { breaks: nat({ mac: "52:54:00:12:34:5" }), path: "mac", twin: nat({ mac: "52:54:00:12:34:56" }) },
    {
      breaks: hosts({ mac: "52-54-00-12-34-56", ip: "10.0.1.9" }),
      path: "ips[0].dhcp.hosts[0].mac",
      twin: hosts({ mac: "52:54:00:12:34:56", ip: "10.0.1.9" }),
    },
  ],
  "must be an XML name without a colon": [
    { breaks: metadata({ prefix: "a:b" }), path: "metadata[0].prefix", twin: metadata({ prefix: "a-b" }) },
    {
      breaks: metadata({ element: { name: "1a" } }),
      path: "metadata[0].element.name",
      twin: metadata({ element: { name: "a1" } }),
    },
  ],
  "begins with xml, which XML keeps for itself": [
    { breaks: metadata({ prefix: "xmlns" }), path: "metadata[0].prefix", twin: metadata({ prefix: "axml" }) },
  ],
  "declares a namespace, which namespace is for": [
    {
      breaks: metadata({ element: { name: "a", attributes: { xmlns: "urn:b" } } }),
      path: "metadata[0].element.attributes.xmlns",
      twin: metadata({ element: { name: "a", attributes: { xmlnsb: "urn:b", empty: "" } } }),
    },
  ],
  "is one of XML itself": [
    {
      breaks: metadata({ namespace: "http://www.w3.org/2000/xmlns/" }),
      path: "metadata[0].namespace",
      twin: metadata({ namespace: "http://www.w3.org/2000/xmlns/b" }),
    },
  ],
  "has a character that XML does not have (U+FFFE, U+FFFF or half of a pair)": [
    { breaks: nat({ title: "a\ufffe" }), path: "title", twin: nat({ title: "a\ufffd" }) },
    { breaks: nat({ title: "a\ud83d" }), path: "title", twin: nat({ title: "a\u{1f600}" }) },
    {
      breaks: metadata({ element: { name: "a", attributes: { b: "\uffff" } } }),
      path: "metadata[0].element.attributes.b",
      twin: metadata({ element: { name: "a", attributes: { b: "\ufffd" } } }),
    },
  ],
  "must be an absolute path": [
    {
      breaks: nat({ ips: [{ address: "10.0.1.1/24", tftp: { root: "srv/tftp" } }] }),
      path: "ips[0].tftp.root",
      twin: nat({ ips: [{ address: "10.0.1.1/24", tftp: { root: "/srv/tftp" } }] }),
    },
  ],
  "is this provider's own": [
    {
      breaks: metadata({ namespace: "urn:pulumi-virtnet:1" }),
      path: "metadata[0].namespace",
      twin: metadata({ namespace: "urn:b" }),
    },
  ],
  "must be a host name": [
    {
      breaks: dns({ hosts: [{ ip: "10.0.1.9", hostnames: ["a", "b_"] }] }),
      path: "dns.hosts[0].hostnames[1]",
      twin: dns({ hosts: [{ ip: "10.0.1.9", hostnames: ["a", "b"] }] }),
    },
  ],
  "must not contain blanks": [
    {
      breaks: dns({ txts: [{ name: "a b", value: "c d" }] }),
      path: "dns.txts[0].name",
      twin: dns({ txts: [{ name: "ab", value: "c d" }] }),
    },
  ],
  "must be a UUID": [
    {
      breaks: ovs({ interfaceId: "09b11c53-8b5c-4eeb-8f00-d84eaa0aaa4" }),
      path: "virtualport.interfaceId",
      twin: ovs({ interfaceId: "09b11c53-8b5c-4eeb-8f00-d84eaa0aaa4f" }),
    },
  ],
  'must be "project/stack"': [
    { breaks: nat({ adopt: { from: "a" } }), path: "adopt.from", twin: nat({ adopt: { from: "a/b" } }) },
  ],
};
