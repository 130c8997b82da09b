/** For each rule: a network that breaks it, where and how it is told, and its nearest valid twin. */
import { type Inputs, Unknown } from "../../../provider/handler.js";
import type { Surroundings } from "../../../provider/network/rules/rule.js";

export interface Case {
  breaks: Inputs;
  /** Where, as the user wrote it. */
  path: string;
  /** A piece of the reason. */
  reason: string;
  /** The same with the least change that makes it valid. */
  twin: Inputs;
  around?: Surroundings;
  /** The twin's surroundings, where these are what changes. */
  twinAround?: Surroundings;
}

const nat = (more: Inputs): Inputs => ({ mode: "nat", name: "net", ips: [{ address: "10.0.1.1/24" }], ...more });
const ip = (more: Inputs, address = "10.0.1.1/24"): Inputs => nat({ ips: [{ address, ...more }] });
const address = (...all: string[]): Inputs => nat({ ips: all.map((a) => ({ address: a })) });
const V6 = "fd00:1::1/64";
const range = (start: string, end: string, at?: string): Inputs => ip({ dhcp: { ranges: [{ start, end }] } }, at);
const RANGE = { ranges: [{ start: "10.0.1.10", end: "10.0.1.20" }] };
const V6_RANGE = { ranges: [{ start: "fd00:1::10", end: "fd00:1::20" }] };
const hosts = (...all: Inputs[]): Inputs => ip({ dhcp: { hosts: all } });
const hosts6 = (...all: Inputs[]): Inputs => ip({ dhcp: { hosts: all } }, V6);
const dns = (more: Inputs): Inputs => nat({ dns: more });
const bridge = (more: Inputs): Inputs => ({ mode: "bridge", name: "net", bridge: "br0", ...more });
const on = (more: Inputs): Inputs => ({ mode: "bridge", name: "net", ...more });
const route = (...all: Inputs[]): Inputs => nat({ routes: all });
const metadata = (element: Inputs): Inputs => nat({ metadata: [{ namespace: "urn:a", element }] });

const MAC = "52:54:00:00:00:01";
const OVS = { type: "openvswitch" };
const daemon = (n: number): Surroundings => ({ daemon: n });

export const cases: Record<string, Case[]> = {
  "No list holds the same thing twice.": [
    {
      breaks: dns({
        txts: [
          { name: "a", value: "1" },
          { name: "b", value: "1" },
          { name: "a", value: "1" },
        ],
      }),
      path: "dns.txts[2]",
      reason: "is the same entry as dns.txts[0]",
      twin: dns({
        txts: [
          { name: "a", value: "1" },
          { name: "b", value: "1" },
          { name: "a", value: "2" },
        ],
      }),
    },
    {
      breaks: dns({
        hosts: [
          { ip: "fd00::1", hostnames: ["a"] },
          { ip: "FD00:0::1", hostnames: ["b"] },
        ],
      }),
      path: "dns.hosts[1]",
      reason: "dns.hosts[0]",
      twin: dns({
        hosts: [
          { ip: "fd00::1", hostnames: ["a"] },
          { ip: "FD00:0::2", hostnames: ["b"] },
        ],
      }),
    },
    {
      breaks: address("10.0.1.1/24", "10.0.1.1/24"),
      path: "ips[1]",
      reason: "ips[0]",
      twin: address("10.0.1.1/24", "10.0.2.1/24"),
    },
    {
      breaks: nat({ portGroups: [{ name: "a" }, { name: "a" }] }),
      path: "portGroups[1]",
      reason: "portGroups[0]",
      twin: nat({ portGroups: [{ name: "a" }, { name: "b" }] }),
    },
    {
      breaks: on({ macvtap: { mode: "vepa", interfaces: ["eth0", "eth1", "eth0"] } }),
      path: "macvtap.interfaces[2]",
      reason: "macvtap.interfaces[0]",
      twin: on({ macvtap: { mode: "vepa", interfaces: ["eth0", "eth1", "eth2"] } }),
    },
  ],
  "An element of metadata has a text or children, not both.": [
    {
      breaks: metadata({ name: "a", children: [{ name: "b", text: "x", children: [{ name: "c" }] }] }),
      path: "metadata[0].element.children[0].text",
      reason: "beside children",
      twin: metadata({ name: "a", children: [{ name: "b", text: "x" }] }),
    },
  ],
  "A device's name has letters, digits and _ . - only.": [
    {
      breaks: nat({ bridge: { name: "a<b" } }),
      path: "bridge.name",
      reason: '"a<b"',
      twin: nat({ bridge: { name: "a.b" } }),
    },
    { breaks: nat({ device: ".." }), path: "device", reason: "no name of a device", twin: nat({ device: "eth0" }) },
    { breaks: on({ bridge: "br%d" }), path: "bridge", reason: "no name of a device", twin: on({ bridge: "br0" }) },
  ],
  "A port group's name has letters, digits and _ . - : / only.": [
    {
      breaks: nat({ portGroups: [{ name: "a b" }] }),
      path: "portGroups[0].name",
      reason: '"a b"',
      twin: nat({ portGroups: [{ name: "a_b" }] }),
    },
  ],
  "The host's libvirt knows what is set.": [
    {
      breaks: nat({ title: "T" }),
      path: "title",
      reason: "needs libvirt 9.7; the host has 9.0",
      twin: nat({ title: "T" }),
      around: daemon(9_000_000),
      twinAround: daemon(9_007_000),
    },
    {
      breaks: bridge({ description: "T" }),
      path: "description",
      reason: "needs libvirt 9.7",
      twin: bridge({ description: "T" }),
      around: daemon(9_006_001),
      twinAround: {},
    },
    {
      breaks: nat({ domain: { name: "a", register: true } }),
      path: "domain.register",
      reason: "needs libvirt 10.1; the host has 10.0",
      twin: nat({ domain: { name: "a" } }),
      around: daemon(10_000_000),
    },
  ],
  "A network that forwards has an address.": [
    { breaks: nat({ ips: [] }), path: "ips", reason: "is empty", twin: address("10.0.1.1/24") },
    {
      breaks: { mode: "open", name: "net", ips: [] },
      path: "ips",
      reason: "is empty",
      twin: { mode: "isolated", name: "net", ips: [] },
    },
  ],
  "A zone's name has letters, digits and _ - only.": [
    {
      breaks: nat({ bridge: { zone: "a b" } }),
      path: "bridge.zone",
      reason: '"a b"',
      twin: nat({ bridge: { zone: "a-b" } }),
    },
  ],
  "The bridge has a name that no other network and no device of the host has.": [
    {
      breaks: nat({ bridge: { name: "virbr7" } }),
      path: "bridge.name",
      reason: 'the bridge of network "other" of the host',
      twin: nat({ bridge: { name: "virbr8" } }),
      around: { others: [{ name: "other", from: "the host", bridge: "virbr7", subnets: [] }] },
    },
    {
      breaks: nat({ bridge: { name: "lab0" } }),
      path: "bridge.name",
      reason: 'lab0 is the bridge that network "other" of the host is on',
      twin: nat({ bridge: { name: "virbr8" } }),
      around: { others: [{ name: "other", from: "the host", on: "lab0", subnets: [] }] },
    },
    {
      breaks: nat({ bridge: { name: "eth0" } }),
      path: "bridge.name",
      reason: "is a device of the host already",
      twin: nat({ bridge: { name: "virbr7" } }),
      around: {
        others: [{ name: "net", from: "the host", bridge: "virbr7", subnets: [] }],
        hostDevices: ["eth0", "virbr7"],
      },
    },
  ],
  "A reverse zone has a prefix length that DNS can cut: 8, 16 or 24, of IPv6 a multiple of 4.": [
    {
      breaks: ip({ localPtr: true }, "10.0.1.1/25"),
      path: "ips[0].localPtr",
      reason: "prefix length 25",
      twin: ip({ localPtr: true }),
    },
    {
      breaks: ip({ localPtr: true }, "fd00::1/62"),
      path: "ips[0].localPtr",
      reason: "multiples of 4",
      twin: ip({ localPtr: true }, "fd00::1/60"),
    },
  ],
  "The host's address is neither the network nor the broadcast address of a subnet of the network.": [
    {
      breaks: address("10.0.1.0/24"),
      path: "ips[0].address",
      reason: "10.0.1.0/24 is the network address of its subnet: use a host's address, as 10.0.1.1/24",
      twin: address("10.0.1.0/31"),
    },
    {
      breaks: address("10.0.1.3/30"),
      path: "ips[0].address",
      reason: "is the broadcast address",
      twin: address("10.0.1.2/30"),
    },
    { breaks: address("fd00:1::/64"), path: "ips[0].address", reason: "anycast", twin: address("fd00:1::/127") },
    {
      breaks: address("10.0.1.255/32", "10.0.1.1/24"),
      path: "ips[0].address",
      reason: "10.0.1.255/32 is the broadcast address of 10.0.1.0/24: use a host's address, as 10.0.1.254/32",
      twin: address("10.0.1.254/32", "10.0.1.1/24"),
    },
    {
      breaks: address("10.0.2.1/24", "10.0.2.0/16"),
      path: "ips[1].address",
      reason: "10.0.2.0/16 is the network address of 10.0.2.0/24",
      twin: address("10.0.1.1/24", "10.0.2.0/16"),
    },
  ],
  "The host's address is one that a host can have.": [
    {
      breaks: address("224.0.1.1/24"),
      path: "ips[0].address",
      reason: "is a multicast address",
      twin: address("223.0.1.1/24"),
    },
    { breaks: address("127.0.1.1/24"), path: "ips[0].address", reason: "loopback", twin: address("128.0.1.1/24") },
    { breaks: address("0.0.1.1/24"), path: "ips[0].address", reason: "0.0.0.0/8", twin: address("1.0.1.1/24") },
    {
      breaks: address("ff02::5/64"),
      path: "ips[0].address",
      reason: "is a multicast address",
      twin: address("fe02::5/64"),
    },
    {
      breaks: address("::ffff:10.98.0.1/112"),
      path: "ips[0].address",
      reason: "is an IPv4 address in IPv6's notation",
      twin: address("::fffe:10.98.0.1/112"),
    },
    { breaks: address("::1/128"), path: "ips[0].address", reason: "loopback", twin: address("::2/128") },
  ],
  "The prefix length is at least 1.": [
    { breaks: address("10.0.1.1/0"), path: "ips[0].address", reason: "prefix length 0", twin: address("10.0.1.1/1") },
  ],
  "The subnets of the network are those of no other network.": [
    {
      breaks: address("10.0.1.1/24"),
      path: "ips[0].address",
      reason: 'overlaps 10.0.0.1/16 of network "other" of this program',
      twin: address("10.1.1.1/24"),
      around: {
        others: [
          { name: "other", from: "this program", subnets: ["10.0.0.1/16"] },
          { name: "net", from: "the host", subnets: ["10.1.1.1/24"] },
        ],
      },
    },
  ],
  "A route leads neither into a subnet of the host nor into another network's.": [
    {
      breaks: route({ destination: "203.0.113.0/25", gateway: "10.0.1.2" }),
      path: "routes[0].destination",
      reason: "203.0.113.0/25 overlaps 203.0.113.2/24, which the host has on eth0",
      twin: route({ destination: "203.0.114.0/25", gateway: "10.0.1.2" }),
      around: { hostAddresses: [{ device: "eth0", address: "203.0.113.2/24" }] },
    },
    {
      breaks: route({ destination: "0.0.0.0/0", gateway: "10.0.1.2" }),
      path: "routes[0].destination",
      reason: "overlaps 203.0.113.2/24",
      twin: route({ destination: "10.0.1.128/25", gateway: "10.0.1.2" }),
      around: { hostAddresses: [{ device: "eth0", address: "203.0.113.2/24" }] },
      // The network's own, on the bridge that libvirt named.
      twinAround: { hostAddresses: [{ device: "virbr3", address: "10.0.1.1/24" }] },
    },
    {
      breaks: route({ destination: "10.9.0.0/16", gateway: "10.0.1.2" }),
      path: "routes[0].destination",
      reason: '10.9.0.0/16 overlaps 10.9.1.1/24 of network "other" of the host',
      twin: route({ destination: "10.10.0.0/16", gateway: "10.0.1.2" }),
      around: { others: [{ name: "other", from: "the host", subnets: ["10.9.1.1/24"] }] },
    },
  ],
  "The subnets of the network are those of no device of the host.": [
    {
      breaks: address("fd00:1::1/64"),
      path: "ips[0].address",
      reason: "overlaps fd00:1::7/64",
      twin: address("fe80::1/64"),
      around: { hostAddresses: [{ device: "eth0", address: "fd00:1::7/64" }] },
      twinAround: { others: [{ name: "other", from: "the host", subnets: ["fe80::1/64"] }] },
    },
    {
      breaks: nat({ bridge: { name: "b0" } }),
      path: "ips[0].address",
      reason: "overlaps 10.0.1.7/16, which the host has on eth0",
      twin: nat({ bridge: { name: "b0" } }),
      around: { hostAddresses: [{ device: "eth0", address: "10.0.1.7/16" }] },
      twinAround: {
        hostAddresses: [
          { device: "b0", address: "10.0.1.1/24" },
          { device: "eth0", address: "10.2.1.7/16" },
          { device: "eth0", address: "fe80::1/64" },
        ],
      },
    },
  ],
  "A DHCP range lies in the subnet of its address.": [
    {
      breaks: range("10.0.1.5", "10.0.2.9"),
      path: "ips[0].dhcp.ranges[0].end",
      reason: "10.0.2.9 is outside 10.0.1.0/24, the subnet of ips[0].address: choose an address in it",
      twin: range("10.0.1.5", "10.0.1.9"),
    },
    {
      breaks: range("10.0.0.5", "10.0.1.9"),
      path: "ips[0].dhcp.ranges[0].start",
      reason: "10.0.0.5 is outside",
      twin: range("10.0.1.5", "10.0.1.9"),
    },
    {
      breaks: range("10.0.1.5", "fd00::9"),
      path: "ips[0].dhcp.ranges[0].end",
      reason: "is an IPv6 address",
      twin: range("10.0.1.5", "10.0.1.9"),
    },
  ],
  "A DHCP range holds neither the network nor the broadcast address.": [
    {
      breaks: range("10.0.1.0", "10.0.1.9"),
      path: "ips[0].dhcp.ranges[0].start",
      reason: "network address",
      twin: range("10.0.1.1", "10.0.1.9"),
    },
    {
      breaks: range("10.0.1.9", "10.0.1.255"),
      path: "ips[0].dhcp.ranges[0].end",
      reason: "broadcast address",
      twin: range("10.0.1.9", "10.0.1.254"),
    },
    {
      breaks: range("10.0.1.1", "10.0.1.1", "10.0.1.0/31"),
      path: "ips[0].dhcp.ranges[0].end",
      reason: "has none to hand out",
      twin: range("10.0.1.1", "10.0.1.1", "10.0.1.2/30"),
    },
  ],
  "A DHCP range starts before it ends.": [
    {
      breaks: range("10.0.1.9", "10.0.1.8"),
      path: "ips[0].dhcp.ranges[0].end",
      reason: "10.0.1.8 comes before 10.0.1.9",
      twin: range("10.0.1.9", "10.0.1.9"),
    },
  ],
  "A DHCP range is no larger than libvirt takes: 65536 addresses, of IPv6 with the same first 112 bits.": [
    {
      breaks: range("10.1.0.0", "10.2.0.0", "10.0.0.1/8"),
      path: "ips[0].dhcp.ranges[0].end",
      reason: "65536",
      twin: range("10.1.0.0", "10.1.255.255", "10.0.0.1/8"),
    },
    {
      breaks: range("fd00:1::fff0", "fd00:1::1:0", V6),
      path: "ips[0].dhcp.ranges[0].end",
      reason: "last 16 bits",
      twin: range("fd00:1::2", "fd00:1::ffff", V6),
    },
  ],
  "Two DHCP ranges do not overlap.": [
    {
      breaks: ip({
        dhcp: {
          ranges: [
            { start: "10.0.1.50", end: "10.0.1.60" },
            { start: "10.0.1.9", end: "10.0.1.50" },
          ],
        },
      }),
      path: "ips[0].dhcp.ranges[1]",
      reason: "overlaps 10.0.1.50 to 10.0.1.60, ips[0].dhcp.ranges[0]",
      twin: ip({
        dhcp: {
          ranges: [
            { start: "10.0.1.50", end: "10.0.1.60" },
            { start: "10.0.1.9", end: "10.0.1.49" },
          ],
        },
      }),
    },
  ],
  "A fixed address lies in the subnet that serves it.": [
    {
      breaks: hosts({ mac: MAC, ip: "10.0.2.9" }),
      path: "ips[0].dhcp.hosts[0].ip",
      reason: "10.0.2.9 is outside 10.0.1.0/24",
      twin: hosts({ mac: MAC, ip: "10.0.1.9" }),
    },
  ],
  "A fixed address is neither the host's own nor the network or broadcast address.": [
    {
      breaks: hosts({ mac: MAC, ip: "10.0.1.1" }),
      path: "ips[0].dhcp.hosts[0].ip",
      reason: "the host's own address",
      twin: hosts({ mac: MAC, ip: "10.0.1.2" }),
    },
    {
      breaks: nat({
        ips: [
          { address: "10.0.1.1/24", dhcp: { hosts: [{ mac: MAC, ip: "10.0.1.53" }] } },
          { address: "10.0.1.53/32" },
        ],
      }),
      path: "ips[0].dhcp.hosts[0].ip",
      reason: "the host's own address, ips[1].address",
      twin: nat({
        ips: [
          { address: "10.0.1.1/24", dhcp: { hosts: [{ mac: MAC, ip: "10.0.1.53" }] } },
          { address: "10.0.1.54/32" },
        ],
      }),
    },
    {
      breaks: hosts({ mac: MAC, ip: "10.0.1.255" }),
      path: "ips[0].dhcp.hosts[0].ip",
      reason: "broadcast",
      twin: hosts({ mac: MAC, ip: "10.0.1.254" }),
    },
  ],
  "No two fixed addresses share an address, MAC, DUID or name.": [
    {
      breaks: hosts({ mac: MAC, ip: "10.0.1.9" }, { name: "b", ip: "10.0.1.9" }),
      path: "ips[0].dhcp.hosts[1].ip",
      reason: "is the address of ips[0].dhcp.hosts[0]",
      twin: hosts({ mac: MAC, ip: "10.0.1.9" }, { name: "b", ip: "10.0.1.8" }),
    },
    {
      breaks: hosts({ mac: "52:54:00:00:00:0A", ip: "10.0.1.9" }, { mac: "52:54:00:00:00:0a", ip: "10.0.1.8" }),
      path: "ips[0].dhcp.hosts[1].mac",
      reason: "is the MAC of",
      twin: hosts({ mac: "52:54:00:00:00:0A", ip: "10.0.1.9" }, { mac: "52:54:00:00:00:0b", ip: "10.0.1.8" }),
    },
    {
      breaks: hosts6({ name: "Web", ip: "fd00:1::9" }, { name: "web", ip: "fd00:1::8" }),
      path: "ips[0].dhcp.hosts[1].name",
      reason: "is the name of",
      twin: hosts6({ name: "Web", ip: "fd00:1::9" }, { name: "web2", ip: "fd00:1::8" }),
    },
  ],
  "A fixed address says which address, and for whom: by MAC or name (IPv4), by DUID or name (IPv6).": [
    {
      breaks: hosts({ ip: "10.0.1.9" }),
      path: "ips[0].dhcp.hosts[0]",
      reason: "neither mac nor name",
      twin: hosts({ ip: "10.0.1.9", name: "a" }),
    },
    {
      breaks: hosts({ mac: MAC }),
      path: "ips[0].dhcp.hosts[0].ip",
      reason: "is missing",
      twin: hosts({ mac: MAC, ip: "10.0.1.9" }),
    },
    {
      breaks: hosts6({ mac: MAC, ip: "fd00:1::9" }),
      path: "ips[0].dhcp.hosts[0].mac",
      reason: "is not for IPv6",
      twin: hosts6({ id: "0:3:0:1:52:54:0:0:0:1", ip: "fd00:1::9" }),
    },
    {
      breaks: hosts({ id: "0:3:0:1:52:54:0:0:0:1", name: "a", ip: "10.0.1.9" }),
      path: "ips[0].dhcp.hosts[0].id",
      reason: "is not for IPv4",
      twin: hosts({ name: "a", ip: "10.0.1.9" }),
    },
  ],
  "The MAC of a fixed address is that of one NIC.": [
    {
      breaks: hosts({ mac: "53:54:00:00:00:01", ip: "10.0.1.9" }),
      path: "ips[0].dhcp.hosts[0].mac",
      reason: "multicast",
      twin: hosts({ mac: MAC, ip: "10.0.1.9" }),
    },
    {
      breaks: hosts({ mac: "00:00:00:00:00:00", ip: "10.0.1.9" }),
      path: "ips[0].dhcp.hosts[0].mac",
      reason: "no MAC of a NIC",
      twin: hosts({ mac: "00:00:00:00:00:01", ip: "10.0.1.9" }),
    },
  ],
  "The name of a fixed address is a host name.": [
    {
      breaks: hosts({ name: "a,b", ip: "10.0.1.9" }),
      path: "ips[0].dhcp.hosts[0].name",
      reason: '"a,b"',
      twin: hosts({ name: "a-b", ip: "10.0.1.9" }),
    },
  ],
  "The id of a fixed address is a DUID.": [
    {
      breaks: hosts6({ id: "0:3", ip: "fd00:1::9" }),
      path: "ips[0].dhcp.hosts[0].id",
      reason: '"0:3" is no DUID',
      twin: hosts6({ id: "00:04:0:1:2:3:4:5:6:7:8:9:a:b:c:d:e:f", ip: "fd00:1::9" }),
    },
  ],
  "A lease holds for ever (0) or at least 2 minutes.": [
    {
      breaks: ip({ dhcp: { ranges: [{ start: "10.0.1.5", end: "10.0.1.9", lease: { expiry: 1 } }] } }),
      path: "ips[0].dhcp.ranges[0].lease.expiry",
      reason: "1 minutes is less",
      twin: ip({ dhcp: { ranges: [{ start: "10.0.1.5", end: "10.0.1.9", lease: { expiry: 0 } }] } }),
    },
    {
      breaks: hosts({ mac: MAC, ip: "10.0.1.9", lease: { expiry: 119, unit: "seconds" } }),
      path: "ips[0].dhcp.hosts[0].lease.expiry",
      reason: "119 seconds",
      twin: hosts({ mac: MAC, ip: "10.0.1.9", lease: { expiry: 120, unit: "seconds" } }),
    },
  ],
  "One IPv4 and one IPv6 address of a network may serve DHCP.": [
    {
      breaks: nat({
        ips: [
          { address: "10.0.1.1/24", dhcp: { ranges: [{ start: "10.0.1.5", end: "10.0.1.6" }] } },
          { address: "10.0.2.1/24", dhcp: { hosts: [{ mac: MAC, ip: "10.0.2.5" }] } },
        ],
      }),
      path: "ips[1].dhcp",
      reason: "the second DHCP of IPv4 beside ips[0].dhcp",
      twin: nat({
        ips: [
          { address: "10.0.1.1/24", dhcp: { ranges: [{ start: "10.0.1.5", end: "10.0.1.6" }] } },
          { address: V6, dhcp: { hosts: [{ name: "a", ip: "fd00:1::5" }] } },
        ],
      }),
    },
  ],
  "Boot files and TFTP are for IPv4.": [
    {
      breaks: ip({ tftp: { root: "/srv" } }, V6),
      path: "ips[0].tftp",
      reason: "for IPv4 only",
      twin: ip({ tftp: { root: "/srv" } }),
    },
    {
      breaks: ip({ dhcp: { ...V6_RANGE, bootp: { file: "x" } } }, V6),
      path: "ips[0].dhcp.bootp",
      reason: "for IPv4 only",
      twin: ip({ dhcp: { ...RANGE, bootp: { file: "x" } } }),
    },
  ],
  "A boot file is told by a DHCP that has a range or a host.": [
    {
      breaks: ip({ dhcp: { bootp: { file: "x" } } }),
      path: "ips[0].dhcp.bootp",
      reason: "neither ranges nor hosts",
      twin: ip({ dhcp: { ranges: Unknown, bootp: { file: "x" } } }),
    },
    {
      breaks: ip({ dhcp: { ranges: [], hosts: [], bootp: { file: "x" } } }),
      path: "ips[0].dhcp.bootp",
      reason: "add a range",
      twin: ip({ dhcp: { ranges: [], hosts: [{ mac: "52:54:00:00:00:01", ip: "10.0.1.5" }], bootp: { file: "x" } } }),
    },
  ],
  "The boot server is an IPv4 address.": [
    {
      breaks: ip({ dhcp: { ...RANGE, bootp: { file: "x", server: "tftp.example.org" } } }),
      path: "ips[0].dhcp.bootp.server",
      reason: "takes no name",
      twin: ip({ dhcp: { ...RANGE, bootp: { file: "x", server: "10.0.1.2" } } }),
    },
  ],
  "DHCP of IPv6 has a subnet of prefix length 64 or longer.": [
    {
      breaks: range("fd00:1::5", "fd00:1::6", "fd00:1::1/63"),
      path: "ips[0].address",
      reason: "prefix length 63",
      twin: range("fd00:1::5", "fd00:1::6", "fd00:1::1/80"),
    },
  ],
  "A DNS server that is disabled has nothing to answer.": [
    {
      breaks: dns({ enable: false, srvs: [{ service: "a", protocol: "tcp" }] }),
      path: "dns.srvs",
      reason: "dns.enable is false",
      twin: dns({ enable: false, srvs: [], forwardPlainNames: false }),
    },
    {
      breaks: dns({ enable: false, forwarders: [{ domain: "a" }] }),
      path: "dns.forwarders",
      reason: "dns.enable is false",
      twin: dns({ enable: true, forwarders: [{ domain: "a" }] }),
    },
  ],
  "A forwarder has a domain, an address or both.": [
    {
      breaks: dns({ forwarders: [{}] }),
      path: "dns.forwarders[0]",
      reason: "neither domain nor address",
      twin: dns({ forwarders: [{ domain: "a" }] }),
    },
  ],
  "Port, priority and weight of an SRV record belong to a target.": [
    {
      breaks: dns({ srvs: [{ service: "a", protocol: "tcp", port: 1 }] }),
      path: "dns.srvs[0].port",
      reason: "without a target",
      twin: dns({ srvs: [{ service: "a", protocol: "tcp", port: 1, target: "b" }] }),
    },
    {
      breaks: dns({ srvs: [{ service: "a", protocol: "tcp", priority: 0 }] }),
      path: "dns.srvs[0].priority",
      reason: "without a target",
      twin: dns({ srvs: [{ service: "a", protocol: "tcp" }] }),
    },
  ],
  "The service of an SRV record is a name without an underscore in front.": [
    {
      breaks: dns({ srvs: [{ service: "_ldap", protocol: "tcp" }] }),
      path: "dns.srvs[0].service",
      reason: 'write "ldap"',
      twin: dns({ srvs: [{ service: "ldap", protocol: "tcp" }] }),
    },
    {
      breaks: dns({ srvs: [{ service: "a.b", protocol: "tcp" }] }),
      path: "dns.srvs[0].service",
      reason: "no name of a service",
      twin: dns({ srvs: [{ service: "a-b", protocol: "tcp" }] }),
    },
    {
      breaks: dns({ srvs: [{ service: "a".repeat(63), protocol: "tcp" }] }),
      path: "dns.srvs[0].service",
      reason: "at most 62",
      twin: dns({ srvs: [{ service: "a".repeat(62), protocol: "tcp" }] }),
    },
  ],
  "The target of an SRV record is a host name.": [
    {
      breaks: dns({ srvs: [{ service: "a", protocol: "tcp", target: "x y" }] }),
      path: "dns.srvs[0].target",
      reason: '"x y"',
      twin: dns({ srvs: [{ service: "a", protocol: "tcp", target: "." }] }),
    },
  ],
  "The addresses of DNS are those of hosts.": [
    {
      breaks: dns({ hosts: [{ ip: "239.1.1.1", hostnames: ["a"] }] }),
      path: "dns.hosts[0].ip",
      reason: "multicast",
      twin: dns({ hosts: [{ ip: "0.0.0.0", hostnames: ["a"] }] }),
    },
    {
      breaks: dns({ forwarders: [{ address: "ff02::1" }] }),
      path: "dns.forwarders[0].address",
      reason: "multicast",
      twin: dns({ forwarders: [{ address: "127.0.0.53" }] }),
    },
  ],
  "An address has at least one name, and each once.": [
    {
      breaks: dns({ hosts: [{ ip: "10.0.1.5", hostnames: [] }] }),
      path: "dns.hosts[0].hostnames",
      reason: "is empty",
      twin: dns({ hosts: [{ ip: "10.0.1.5", hostnames: ["a"] }] }),
    },
    {
      breaks: dns({ hosts: [{ ip: "10.0.1.5", hostnames: ["a", "b", "A"] }] }),
      path: "dns.hosts[0].hostnames[2]",
      reason: "repeats dns.hosts[0].hostnames[0]",
      twin: dns({ hosts: [{ ip: "10.0.1.5", hostnames: ["a", "b"] }] }),
    },
  ],
  'Names of DNS have letters, digits, "-" and "." only.': [
    {
      breaks: dns({ txts: [{ name: "_acme", value: "x" }] }),
      path: "dns.txts[0].name",
      reason: "dnsmasqOptions",
      twin: dns({ txts: [{ name: "acme", value: "x" }] }),
    },
    {
      breaks: dns({ hosts: [{ ip: "10.0.1.5", hostnames: ["a_b"] }] }),
      path: "dns.hosts[0].hostnames[0]",
      reason: '"a_b"',
      twin: dns({ hosts: [{ ip: "10.0.1.5", hostnames: ["a-b"] }] }),
    },
    {
      breaks: nat({ domain: { name: "a b" } }),
      path: "domain.name",
      reason: '"a b"',
      twin: nat({ domain: { name: "a.b" } }),
    },
  ],
  "Each label of a name of DNS has at most 63 characters.": [
    {
      breaks: nat({ domain: { name: `${"a".repeat(64)}.test` } }),
      path: "domain.name",
      reason: "has a label of 64 characters: at most 63",
      twin: nat({ domain: { name: `${"a".repeat(63)}.test` } }),
    },
    {
      breaks: dns({ srvs: [{ service: "ldap", protocol: "tcp", target: "a".repeat(64), port: 1 }] }),
      path: "dns.srvs[0].target",
      reason: "64 characters",
      twin: dns({ srvs: [{ service: "ldap", protocol: "tcp", target: `${"a".repeat(63)}.b`, port: 1 }] }),
    },
  ],
  "What is said of the domain needs its name.": [
    {
      breaks: nat({ domain: { localOnly: true } }),
      path: "domain.localOnly",
      reason: "domain.name is not",
      twin: nat({ domain: { name: "a", localOnly: true } }),
    },
  ],
  "The bridge's MAC is that of no other network.": [
    {
      breaks: nat({ mac: "52:54:00:00:00:0A" }),
      path: "mac",
      reason: 'the MAC of the bridge of network "other" of this program',
      twin: nat({ mac: "52:54:00:00:00:0B" }),
      around: { others: [{ name: "other", from: "this program", mac: "52:54:00:00:00:0a", subnets: [] }] },
    },
    {
      breaks: nat({ mac: "52:54:00:00:00:0a" }),
      path: "mac",
      reason: 'of network "other" of the host',
      twin: nat({ mac: "52:54:00:00:00:0a" }),
      around: { others: [{ name: "other", from: "the host", mac: "52:54:00:00:00:0a", subnets: [] }] },
      // Its own entry of the host.
      twinAround: { others: [{ name: "net", from: "the host", mac: "52:54:00:00:00:0a", subnets: [] }] },
    },
  ],
  "The bridge's MAC is that of one device.": [
    {
      breaks: nat({ mac: "01:00:00:00:00:01" }),
      path: "mac",
      reason: "multicast",
      twin: nat({ mac: "02:00:00:00:00:01" }),
    },
    {
      breaks: nat({ mac: "00:00:00:00:00:00" }),
      path: "mac",
      reason: "no MAC",
      twin: nat({ mac: "00:00:00:00:00:01" }),
    },
  ],
  "A network with an IPv6 address has an MTU of at least 1280.": [
    {
      breaks: nat({ mtu: 1279, ips: [{ address: V6 }] }),
      path: "mtu",
      reason: "1280",
      twin: nat({ mtu: 1280, ips: [{ address: V6 }] }),
    },
  ],
  "The spanning tree's delay is whole seconds.": [
    {
      breaks: nat({ bridge: { delay: 1.5 } }),
      path: "bridge.delay",
      reason: "1.5 is not whole",
      twin: nat({ bridge: { delay: 2 } }),
    },
  ],
  "The destination of a route is a subnet, without host bits.": [
    {
      breaks: route({ destination: "10.9.0.1/16", gateway: "10.0.1.2" }),
      path: "routes[0].destination",
      reason: "write 10.9.0.0/16",
      twin: route({ destination: "10.9.0.0/16", gateway: "10.0.1.2" }),
    },
  ],
  "The gateway of a route is a neighbour: of the destination's family, in a subnet of the network, and not the host itself.":
    [
      {
        breaks: route({ destination: "10.9.0.0/16", gateway: "10.0.2.2" }),
        path: "routes[0].gateway",
        reason: "is in no subnet of ips",
        twin: route({ destination: "10.9.0.0/16", gateway: "10.0.1.2" }),
      },
      {
        breaks: route({ destination: "10.9.0.0/16", gateway: "fd00::2" }),
        path: "routes[0].gateway",
        reason: "is IPv6, but",
        twin: route({ destination: "10.9.0.0/16", gateway: "10.0.1.2" }),
      },
      {
        breaks: route({ destination: "10.9.0.0/16", gateway: "10.0.1.1" }),
        path: "routes[0].gateway",
        reason: "the host's own",
        twin: route({ destination: "10.9.0.0/16", gateway: "10.0.1.2" }),
      },
      {
        breaks: route({ destination: "10.9.0.0/16", gateway: "10.0.1.255" }),
        path: "routes[0].gateway",
        reason: "broadcast",
        twin: route({ destination: "10.9.0.0/16", gateway: "10.0.1.254" }),
      },
    ],
  "Two routes to one destination differ in their metric.": [
    {
      breaks: route(
        { destination: "10.9.0.0/16", gateway: "10.0.1.2" },
        { destination: "10.9.0.0/16", gateway: "10.0.1.3" },
      ),
      path: "routes[1].metric",
      reason: "that of routes[0]",
      twin: route(
        { destination: "10.9.0.0/16", gateway: "10.0.1.2" },
        { destination: "10.9.0.0/16", gateway: "10.0.1.3", metric: 2 },
      ),
    },
  ],
  "A route leads to another subnet than the network's own.": [
    {
      breaks: route({ destination: "10.0.1.0/24", gateway: "10.0.1.2" }),
      path: "routes[0].destination",
      reason: "the subnet of ips[0].address",
      twin: route({ destination: "10.0.1.128/25", gateway: "10.0.1.2" }),
    },
  ],
  "At most one port group is the default.": [
    {
      breaks: nat({
        portGroups: [
          { name: "a", default: true },
          { name: "b", default: true },
        ],
      }),
      path: "portGroups[1].default",
      reason: 'portGroups[0] ("a") is the default already',
      twin: nat({
        portGroups: [
          { name: "a", default: true },
          { name: "b", default: false },
        ],
      }),
    },
  ],
  "A VLAN has at least one tag.": [
    {
      breaks: bridge({ vlan: { tags: [] }, virtualport: OVS }),
      path: "vlan.tags",
      reason: "is empty",
      twin: bridge({ vlan: { tags: [{ id: 1 }] }, virtualport: OVS }),
    },
    {
      breaks: bridge({ portGroups: [{ name: "a", vlan: {}, virtualport: OVS }] }),
      path: "portGroups[0].vlan.tags",
      reason: "is missing",
      twin: bridge({ portGroups: [{ name: "a", vlan: { tags: [{ id: 1 }] }, virtualport: OVS }] }),
    },
  ],
  "Whether a VLAN is a trunk is said by true, or not at all.": [
    {
      breaks: bridge({ vlan: { trunk: false, tags: [{ id: 1 }, { id: 2 }] }, virtualport: OVS }),
      path: "vlan.trunk",
      reason: "2 tags",
      twin: bridge({ vlan: { trunk: true, tags: [{ id: 1 }, { id: 2 }] }, virtualport: OVS }),
    },
    {
      breaks: bridge({ vlan: { trunk: false, tags: [{ id: 1, nativeMode: "tagged" }] }, virtualport: OVS }),
      path: "vlan.trunk",
      reason: "nativeMode",
      twin: bridge({ vlan: { tags: [{ id: 1, nativeMode: "tagged" }] }, virtualport: OVS }),
    },
    {
      breaks: bridge({ vlan: { trunk: false, tags: [{ id: 1 }] }, virtualport: OVS }),
      path: "vlan.trunk",
      reason: "remove it",
      twin: bridge({ vlan: { tags: [{ id: 1 }] }, virtualport: OVS }),
    },
  ],
  "One tag of a VLAN may be native.": [
    {
      breaks: bridge({
        vlan: {
          trunk: true,
          tags: [
            { id: 1, nativeMode: "tagged" },
            { id: 2, nativeMode: "untagged" },
          ],
        },
        virtualport: OVS,
      }),
      path: "vlan.tags[1].nativeMode",
      reason: "second native tag beside vlan.tags[0]",
      twin: bridge({ vlan: { trunk: true, tags: [{ id: 1, nativeMode: "tagged" }, { id: 2 }] }, virtualport: OVS }),
    },
  ],
  "VLAN tags need something that carries them: Open vSwitch, hostdev, macvtap passthrough, or a Linux bridge from daemon 11.0 on.":
    [
      {
        breaks: bridge({ vlan: { tags: [{ id: 1 }] } }),
        path: "vlan",
        reason: "needs libvirt 11.0 on a Linux bridge; the host has 9.0",
        twin: bridge({ vlan: { tags: [{ id: 1 }] } }),
        around: daemon(9_000_000),
        twinAround: daemon(11_000_000),
      },
      {
        breaks: bridge({ vlan: { tags: [{ id: 1 }] } }),
        path: "vlan",
        reason: "openvswitch",
        twin: bridge({ vlan: { tags: [{ id: 1 }] }, portGroups: [{ name: "a", default: true, virtualport: OVS }] }),
        around: daemon(9_000_000),
      },
      {
        breaks: nat({ portGroups: [{ name: "a", vlan: { tags: [{ id: 1 }] } }] }),
        path: "portGroups[0].vlan",
        reason: 'mode "nat" carries no tags',
        twin: nat({ portGroups: [{ name: "a" }] }),
      },
      {
        breaks: on({ macvtap: { mode: "vepa", interfaces: ["e"] }, vlan: { tags: [{ id: 1 }] } }),
        path: "vlan",
        reason: "passthrough",
        twin: on({ macvtap: { mode: "passthrough", interfaces: ["e"] }, vlan: { tags: [{ id: 1 }] } }),
      },
      {
        breaks: bridge({
          virtualport: { type: "midonet", interfaceId: "09b11c53-8b5c-4eeb-8f00-d84eaa0aaa4f" },
          vlan: { tags: [{ id: 1 }] },
        }),
        path: "vlan",
        reason: "Open vSwitch",
        twin: bridge({ virtualport: OVS, vlan: { tags: [{ id: 1 }] } }),
      },
    ],
  "Shaping has an average rate.": [
    {
      breaks: nat({ bandwidth: { outbound: { peak: 9 } } }),
      path: "bandwidth.outbound.average",
      reason: "is missing",
      twin: nat({ bandwidth: { outbound: { peak: 9, average: 9 } } }),
    },
  ],
  "The peak rate is at least the average.": [
    {
      breaks: nat({ portGroups: [{ name: "a", bandwidth: { inbound: { average: 9, peak: 8 } } }] }),
      path: "portGroups[0].bandwidth.inbound.peak",
      reason: "8 is below",
      twin: nat({ portGroups: [{ name: "a", bandwidth: { inbound: { average: 9, peak: 9 } } }] }),
    },
  ],
  "A guaranteed rate (floor) belongs to a VM's NIC, not to a network or port group.": [
    {
      breaks: nat({ bandwidth: { inbound: { average: 9, floor: 1 } } }),
      path: "bandwidth.inbound.floor",
      reason: "VmInterface",
      twin: nat({ bandwidth: { inbound: { average: 9 } } }),
    },
  ],
  "Shaping needs a bridge.": [
    {
      breaks: on({ hostdev: { device: "eth0" }, bandwidth: { inbound: { average: 9 } } }),
      path: "bandwidth",
      reason: "on hostdev",
      twin: bridge({ bandwidth: { inbound: { average: 9 } } }),
    },
  ],
  "A network's virtual port has a type.": [
    {
      breaks: bridge({ virtualport: { profileId: "a" } }),
      path: "virtualport.type",
      reason: '"openvswitch"',
      twin: bridge({ virtualport: { type: "openvswitch", profileId: "a" } }),
    },
  ],
  "A virtual port has the parameters of its type only.": [
    {
      breaks: bridge({ virtualport: { type: "openvswitch", managerId: 1 } }),
      path: "virtualport.managerId",
      reason: 'of "802.1Qbg"',
      twin: bridge({ virtualport: OVS }),
    },
    {
      breaks: nat({
        portGroups: [
          { name: "a", virtualport: { type: "802.1Qbh", interfaceId: "09b11c53-8b5c-4eeb-8f00-d84eaa0aaa4f" } },
        ],
      }),
      path: "portGroups[0].virtualport.interfaceId",
      reason: "no parameter of type",
      twin: nat({ portGroups: [{ name: "a", virtualport: { type: "802.1Qbh" } }] }),
    },
  ],
  "A virtual port of MidoNet names its interface.": [
    {
      breaks: bridge({ virtualport: { type: "midonet" } }),
      path: "virtualport.interfaceId",
      reason: "is missing",
      twin: bridge({ virtualport: { type: "midonet", interfaceId: "09b11c53-8b5c-4eeb-8f00-d84eaa0aaa4f" } }),
    },
  ],
  "A port profile's name has at most 39 characters.": [
    {
      breaks: bridge({ virtualport: { type: "openvswitch", profileId: "a".repeat(40) } }),
      path: "virtualport.profileId",
      reason: "at most 39",
      twin: bridge({ virtualport: { type: "openvswitch", profileId: "a".repeat(39) } }),
    },
  ],
  "A virtual port is of a kind that its device has.": [
    {
      breaks: bridge({ virtualport: { type: "802.1Qbh" } }),
      path: "virtualport.type",
      reason: "is not for bridge",
      twin: on({ macvtap: { mode: "vepa", interfaces: ["e"] }, virtualport: { type: "802.1Qbh" } }),
    },
  ],
  "The ports of masquerading start before they end.": [
    {
      breaks: nat({ nat: { ports: { start: 20, end: 20 } } }),
      path: "nat.ports.end",
      reason: "20 is not above 20",
      twin: nat({ nat: { ports: { start: 20, end: 21 } } }),
    },
  ],
  "The addresses of masquerading start before they end.": [
    {
      breaks: nat({ nat: { addresses: { start: "192.0.2.10", end: "192.0.2.9" } } }),
      path: "nat.addresses.end",
      reason: "192.0.2.9 comes before 192.0.2.10",
      twin: nat({ nat: { addresses: { start: "192.0.2.9", end: "192.0.2.10" } } }),
    },
  ],
  "The addresses of masquerading are ones that the host can have.": [
    {
      breaks: nat({ nat: { addresses: { start: "223.255.255.9", end: "224.0.0.1" } } }),
      path: "nat.addresses.end",
      reason: "multicast",
      twin: nat({ nat: { addresses: { start: "223.255.255.9", end: "223.255.255.254" } } }),
    },
  ],
  "The addresses of masquerading are at most 65536.": [
    {
      breaks: nat({ nat: { addresses: { start: "10.1.0.0", end: "10.2.0.0" } } }),
      path: "nat.addresses.end",
      reason: "65536",
      twin: nat({ nat: { addresses: { start: "10.1.0.0", end: "10.1.255.255" } } }),
    },
  ],
  "The network is on exactly one of bridge, macvtap and hostdev.": [
    { breaks: on({}), path: "bridge", reason: "is missing", twin: on({ bridge: "br0" }) },
    {
      breaks: bridge({ macvtap: { mode: "vepa", interfaces: ["e"] } }),
      path: "macvtap",
      reason: "beside bridge",
      twin: on({ macvtap: { mode: "vepa", interfaces: ["e"] } }),
    },
  ],
  "A pool of macvtap has at least one device.": [
    {
      breaks: on({ macvtap: { mode: "vepa", interfaces: [] } }),
      path: "macvtap.interfaces",
      reason: "is empty",
      twin: on({ macvtap: { mode: "vepa", interfaces: ["e"] } }),
    },
  ],
  "A pool of hostdev is given by exactly one of device and addresses.": [
    {
      breaks: on({ hostdev: { managed: true } }),
      path: "hostdev.device",
      reason: "is missing",
      twin: on({ hostdev: { managed: true, device: "e" } }),
    },
    {
      breaks: on({ hostdev: { device: "e", addresses: [{ bus: 1, slot: 1, function: 1 }] } }),
      path: "hostdev.addresses",
      reason: "beside hostdev.device",
      twin: on({ hostdev: { addresses: [{ bus: 1, slot: 1, function: 1 }] } }),
    },
    {
      breaks: on({ hostdev: { addresses: [] } }),
      path: "hostdev.addresses",
      reason: "is empty",
      twin: on({ hostdev: { addresses: [{ bus: 1, slot: 1, function: 1 }] } }),
    },
  ],
  "A MAC table manager needs a bridge.": [
    {
      breaks: on({ macTableManager: "libvirt", hostdev: { device: "e" } }),
      path: "macTableManager",
      reason: "no bridge",
      twin: bridge({ macTableManager: "libvirt" }),
    },
  ],
  "Isolated ports need a Linux bridge.": [
    {
      breaks: bridge({ portIsolated: true, virtualport: OVS }),
      path: "portIsolated",
      reason: "openvswitch",
      twin: bridge({ portIsolated: true }),
    },
    {
      breaks: on({ portIsolated: true, hostdev: { device: "e" } }),
      path: "portIsolated",
      reason: "hostdev",
      twin: on({ portIsolated: false, hostdev: { device: "e" } }),
    },
  ],
  "The bond below the bridge is one that VMs can be bridged onto.": [
    {
      breaks: bridge({}),
      path: "bridge",
      reason: 'bond "bond0" below bridge "br0" is of mode balance-rr',
      twin: bridge({}),
      around: { unfitBridge: 'bond "bond0" below bridge "br0" is of mode balance-rr' },
      twinAround: {},
    },
  ],
  "The bridge is no other network's own.": [
    {
      breaks: on({ bridge: "virbr7" }),
      path: "bridge",
      reason: 'the own bridge of network "other" of the host',
      twin: on({ bridge: "br0" }),
      around: { others: [{ name: "other", from: "the host", bridge: "virbr7", subnets: [] }] },
    },
    {
      breaks: on({ bridge: "virbr7" }),
      path: "bridge",
      reason: 'the own bridge of network "other" of this program',
      // As it is on the host already.
      twin: on({ bridge: "virbr7" }),
      around: { others: [{ name: "other", from: "this program", bridge: "virbr7", subnets: [] }] },
      twinAround: {
        others: [
          { name: "other", from: "the host", bridge: "virbr7", subnets: [] },
          { name: "net", from: "the host", on: "virbr7", subnets: [] },
        ],
      },
    },
  ],
  "The devices that the network is on are there.": [
    {
      breaks: bridge({}),
      path: "bridge",
      reason: '"br0" is no device of the host',
      twin: bridge({}),
      around: { hostDevices: ["lo"] },
      twinAround: { hostDevices: ["lo", "br0"] },
    },
    {
      breaks: on({ macvtap: { mode: "vepa", interfaces: ["lo", "eth9"] } }),
      path: "macvtap.interfaces[1]",
      reason: '"eth9"',
      twin: on({ macvtap: { mode: "vepa", interfaces: ["lo"] } }),
      around: { hostDevices: ["lo"] },
    },
  ],
};
