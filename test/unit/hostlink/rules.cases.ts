/** For each rule: a link that breaks it, where and how it is told, and its nearest valid twin. */
import type { Inputs } from "../../../provider/handler.js";
import type { Kind } from "../../../provider/hostlink/args.js";
import type { LinkFact } from "../../../provider/hostlink/facts.js";
import type { Surroundings } from "../../../provider/hostlink/rules/rule.js";
import { libvirtCases } from "./rules.libvirt.cases.js";

export interface Case {
  kind: Kind;
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

const kind = "bridge" as const;
const bridge = (more: Inputs): Inputs => ({ name: "br0", ...more });
const fixed = (...addresses: string[]): Inputs => bridge({ addresses: { addresses } });
const link = (name: string, more: Partial<LinkFact> = {}): LinkFact => ({
  ...{ name, mtu: 1500, up: true, wireless: false, addresses: [] },
  ...more,
});
const host = (...links: LinkFact[]): Surroundings => ({ links: new Map(links.map((l) => [l.name, l])) });
const program = (links: Record<string, { kind: string; args: Inputs }>): Surroundings => ({
  program: new Map(Object.entries(links)),
});
const bond = (more: Inputs): Surroundings =>
  program({ bond0: { kind: "bond", args: { name: "bond0", mode: "active-backup", ...more } } });
const hostBond = (more: Partial<NonNullable<LinkFact["bond"]>>): Surroundings =>
  host(
    link("bond0", {
      kind: "bond",
      bond: { mode: "active-backup", miimon: 100, arpInterval: 0, failOverMac: "none", ...more },
    }),
  );
const adoptable = (more: Partial<NonNullable<LinkFact["bond"]>>): Surroundings =>
  host(
    ...[link("eth1"), link("eth2"), link("br0", { kind: "bridge" })],
    link("bond0", {
      ...{ kind: "bond", master: "br0" },
      bond: { mode: "active-backup", miimon: 100, arpInterval: 0, failOverMac: "none", ...more },
    }),
  );
const b = (more: Inputs): Inputs => ({ name: "bond0", mode: "active-backup", ports: ["eth1", "eth2"], ...more });
const ofBond = { kind: "bond" as const };
const vlan = (more: Inputs): Inputs => ({ name: "eth1.5", parent: "eth1", vlanId: 5, ...more });
const ofVlan = { kind: "vlan" as const };
const ARP = { arpInterval: 100, arpIpTargets: ["192.0.2.1"] };
/** Each option that not all modes have: a mode without it, one with it, a value, and what else it needs. */
const MODED: [option: string, without: string | number, having: string | number, value: unknown, more?: Inputs][] = [
  ["arpValidate", "balance-alb", "balance-rr", "none"],
  ["arpAllTargets", 0, 1, "all", ARP],
  ["primary", "802.3ad", "balance-tlb", "eth1"],
  ["primaryReselect", 2, 6, "always"],
  ["failOverMac", "balance-xor", "active-backup", "follow"],
  ["xmitHashPolicy", 1, 2, "layer3+4"],
  ["lacpRate", "balance-xor", "802.3ad", "fast"],
  ["adSelect", 1, 4, "count"],
  ["adActorSysPrio", 1, 4, 1],
  ["adActorSystem", 1, 4, "52:54:00:00:00:01"],
  ["adUserPortKey", 1, 4, 1023],
  ["minLinks", 1, 4, 1],
  ["resendIgmp", "balance-xor", "balance-rr", 2],
  ["numGratArp", "balance-rr", "active-backup", 3],
  ["peerNotifDelay", 0, 1, 200],
  ["packetsPerSlave", 1, 0, 5],
  ["tlbDynamicLb", 4, 5, false],
  ["lpInterval", 4, 6, 2],
];
const filtering = (...vlans: Inputs[]): Inputs => bridge({ ports: ["eth1"], vlanFiltering: true, vlans });
const onBond = bridge({ ports: ["bond0"] });

export const cases: Record<string, Case[]> = {
  ...libvirtCases,
  "A link is not called as a device that every host has.": [
    { kind, breaks: { name: "all" }, path: "name", reason: "taken by the kernel", twin: { name: "all0" } },
  ],
  "A MAC is that of one device.": [
    {
      ...{ kind, path: "mac", reason: "is a group address" },
      breaks: bridge({ mac: "53:54:00:00:00:01" }),
      twin: bridge({ mac: "52:54:00:00:00:01" }),
    },
    {
      ...{ kind, path: "mac", reason: "is no address" },
      breaks: bridge({ mac: "00:00:00:00:00:00" }),
      twin: bridge({ mac: "00:00:00:00:00:01" }),
    },
  ],
  "A link with IPv6 has an MTU of at least 1280.": [
    {
      ...{ kind, path: "mtu", reason: "less than the 1280" },
      breaks: { ...fixed("2001:db8::1/64"), mtu: 1279 },
      twin: { ...fixed("2001:db8::1/64"), mtu: 1280 },
    },
    {
      ...{ kind, path: "mtu", reason: "less than the 1280" },
      breaks: bridge({ addresses: { ipv6: "auto" }, mtu: 1000 }),
      twin: bridge({ addresses: { ipv4: "dhcp" }, mtu: 1000 }),
    },
    {
      ...{ kind, path: "mtu", reason: "less than the 1280" },
      breaks: bridge({ addresses: "dhcp", mtu: 1279 }),
      twin: bridge({ addresses: "none", mtu: 1279 }),
    },
  ],
  "An address is that of one host: neither its subnet's own nor broadcast.": [
    {
      ...{ kind, path: "addresses.addresses[1]", reason: "the address of the subnet itself" },
      breaks: fixed("192.0.2.5/24", "198.51.100.4/30"),
      twin: fixed("192.0.2.5/24", "198.51.100.5/30"),
    },
    {
      ...{ kind, path: "addresses.addresses[0]", reason: "broadcast" },
      breaks: fixed("192.0.2.255/24"),
      twin: fixed("192.0.2.254/31"),
    },
  ],
  "DNS servers, search domains and routes are of a family that the link has addresses of.": [
    {
      ...{ kind, path: "addresses.dns[1]", reason: "2001:db8::53 is of IPv6, of which the link has no address" },
      breaks: bridge({ addresses: { addresses: ["192.0.2.5/24"], dns: ["192.0.2.53", "2001:db8::53"] } }),
      twin: bridge({ addresses: { addresses: ["192.0.2.5/24"], ipv6: "auto", dns: ["192.0.2.53", "2001:db8::53"] } }),
    },
    {
      ...{ kind, path: "addresses.dns[0]", reason: "is of IPv4" },
      breaks: bridge({ addresses: { addresses: ["2001:db8::5/64"], dns: ["192.0.2.53"] } }),
      twin: bridge({ addresses: { addresses: ["2001:db8::5/64"], ipv4: "dhcp", dns: ["192.0.2.53"] } }),
    },
    {
      ...{ kind, path: "addresses.routes[0].destination", reason: "is of IPv6" },
      breaks: bridge({
        addresses: { ipv4: "dhcp", routes: [{ destination: "2001:db8:9::/48", via: "2001:db8::1" }] },
      }),
      twin: bridge({
        addresses: { ipv6: "auto", routes: [{ destination: "2001:db8:9::/48", via: "2001:db8::1" }] },
      }),
    },
    {
      ...{ kind, path: "addresses.search", reason: "the link has no addresses" },
      breaks: bridge({ addresses: { search: ["lab.test"] } }),
      twin: bridge({ addresses: { ipv6: "auto", search: ["lab.test"] } }),
    },
  ],
  "An address is given once.": [
    {
      ...{ kind, path: "addresses.addresses[1]", reason: "the address of addresses.addresses[0] again" },
      breaks: fixed("2001:db8::1/64", "2001:DB8:0::1/64"),
      twin: fixed("2001:db8::1/64", "2001:db8:0::2/64"),
    },
  ],
  "A gateway is on one of the link's subnets where these are more than single addresses, and not the host itself.": [
    {
      ...{ kind, path: "addresses.gateway", reason: "is not in the subnet of 192.0.2.5/24" },
      breaks: bridge({ addresses: { addresses: ["192.0.2.5/24"], gateway: "192.0.3.1" } }),
      twin: bridge({ addresses: { addresses: ["192.0.2.5/23"], gateway: "192.0.3.1" } }),
    },
    {
      ...{ kind, path: "addresses.gateway", reason: "is not in the subnet of 203.0.113.5/32, 198.51.100.5/31" },
      breaks: bridge({ addresses: { addresses: ["203.0.113.5/32", "198.51.100.5/31"], gateway: "172.31.1.1" } }),
      twin: bridge({ addresses: { addresses: ["203.0.113.5/32", "198.51.100.5/32"], gateway: "172.31.1.1" } }),
    },
    {
      ...{ kind, path: "addresses.gateway6", reason: "is not in the subnet of 2001:db8:1::5/127" },
      breaks: bridge({ addresses: { addresses: ["2001:db8:1::5/127"], gateway6: "2001:db8::1" } }),
      twin: bridge({ addresses: { addresses: ["2001:db8:1::5/128"], gateway6: "2001:db8::1" } }),
    },
    {
      ...{ kind, path: "addresses.gateway", reason: "the host's own address" },
      breaks: bridge({ addresses: { addresses: ["203.0.113.5/32"], gateway: "203.0.113.5" } }),
      twin: bridge({ addresses: { addresses: ["203.0.113.5/32"], gateway: "203.0.113.6" } }),
    },
    {
      ...{ kind, path: "addresses.gateway", reason: "the host's own address" },
      breaks: bridge({ addresses: { addresses: ["192.0.2.5/24"], gateway: "192.0.2.5" } }),
      twin: bridge({ addresses: { addresses: ["192.0.2.5/24"], gateway: "192.0.2.6" } }),
    },
    {
      ...{ kind, path: "addresses.gateway6", reason: "there is no IPv6 one" },
      breaks: bridge({ addresses: { addresses: ["192.0.2.5/24"], gateway6: "2001:db8::1" } }),
      twin: bridge({ addresses: { addresses: ["192.0.2.5/24"], gateway6: "fe80::1" } }),
    },
  ],
  "A route leads to a subnet, by a router of the same family.": [
    {
      ...{ kind, path: "addresses.routes[0].destination", reason: "beyond its prefix" },
      breaks: bridge({ addresses: { ipv4: "dhcp", routes: [{ destination: "10.1.0.0/8", via: "192.0.2.1" }] } }),
      twin: bridge({ addresses: { ipv4: "dhcp", routes: [{ destination: "10.1.0.0/16", via: "192.0.2.1" }] } }),
    },
    {
      ...{ kind, path: "addresses.routes[0].via", reason: "not of the family" },
      breaks: bridge({ addresses: { ipv4: "dhcp", routes: [{ destination: "10.0.0.0/8", via: "2001:db8::1" }] } }),
      twin: bridge({ addresses: { ipv6: "auto", routes: [{ destination: "2001:db8:1::/48", via: "2001:db8::1" }] } }),
    },
  ],
  "A device is a port once, and not of itself.": [
    {
      ...{ kind, path: "ports[1]", reason: "is named before" },
      breaks: bridge({ ports: ["eth1", "eth1"] }),
      twin: bridge({ ports: ["eth1", "eth2"] }),
    },
    {
      ...{ kind, path: "ports[0]", reason: "is the link itself" },
      breaks: bridge({ ports: ["br0"] }),
      twin: bridge({ ports: ["br1"] }),
    },
  ],
  "Addresses are inherited from a port.": [
    {
      ...{ kind, path: "addresses", reason: "there is no port" },
      breaks: bridge({ addresses: "inherit" }),
      twin: bridge({ addresses: "inherit", ports: ["eth1"] }),
    },
    {
      ...{ kind, path: "addresses", reason: "there is no port" },
      breaks: bridge({ addresses: "inherit", ports: [] }),
      twin: bridge({ addresses: "dhcp", ports: [] }),
    },
  ],
  "A port belongs to one link of the program.": [
    {
      ...{ kind, path: "ports[0]", reason: 'a port of bond "bond0"' },
      breaks: bridge({ ports: ["eth1"] }),
      twin: bridge({ ports: ["eth2"] }),
      around: bond({ ports: ["eth1"] }),
    },
  ],
  "The ports are devices of the host, or links of the program.": [
    {
      ...{ kind, path: "ports[0]", reason: "no device of the host: name one that is there (eth1, wlan0)" },
      breaks: bridge({ ports: ["eth2"] }),
      twin: bridge({ ports: ["eth1"] }),
      around: host(link("lo"), link("eth1"), link("wlan0"), link("virbr0", { kind: "bridge" })),
    },
    {
      ...{ kind, path: "ports[0]", reason: "no device of the host: name one that is there (there is no NIC)" },
      breaks: onBond,
      twin: onBond,
      around: host(),
      twinAround: { ...host(), ...bond({}) },
    },
  ],
  "A port is no Wi-Fi device.": [
    {
      ...{ kind, path: "ports[0]", reason: "is a Wi-Fi device" },
      breaks: bridge({ ports: ["wlan0"] }),
      twin: bridge({ ports: ["wlan0"] }),
      around: host(link("wlan0", { wireless: true })),
      twinAround: host(link("wlan0")),
    },
  ],
  "A port is neither the loopback nor another bridge.": [
    {
      ...{ kind, path: "ports[0]", reason: "is the loopback" },
      breaks: bridge({ ports: ["lo"] }),
      twin: bridge({ ports: ["lo1"] }),
    },
    {
      ...{ kind, path: "ports[0]", reason: "is a bridge" },
      breaks: bridge({ ports: ["virbr0"] }),
      twin: bridge({ ports: ["virbr0"] }),
      around: host(link("virbr0", { kind: "bridge" })),
      twinAround: host(link("virbr0", { kind: "veth" })),
    },
    {
      ...{ kind, path: "ports[0]", reason: "is a bridge" },
      breaks: bridge({ ports: ["up0"] }),
      twin: bridge({ ports: ["up0"] }),
      around: { ...host(link("up0", { kind: "vlan" })), ...program({ up0: { kind: "bridge", args: {} } }) },
      twinAround: { ...host(link("up0", { kind: "bridge" })), ...program({ up0: { kind: "vlan", args: {} } }) },
    },
  ],
  "What takes the port by which the host is managed has addresses.": [
    {
      ...{ kind, path: "addresses", reason: "are not set" },
      breaks: bridge({ ports: ["eth1", "eth2"] }),
      twin: bridge({ ports: ["eth2"] }),
      around: { management: ["eth1"] },
    },
    {
      ...{ kind, path: "addresses", reason: 'are "none"' },
      breaks: bridge({ ports: ["eth1"], addresses: "none" }),
      twin: bridge({ ports: ["eth1"], addresses: "inherit" }),
      around: { management: ["eth1"] },
    },
    ...[{}, { addresses: [] }].map(
      (addresses): Case => ({
        ...{ kind, path: "addresses", reason: "are empty" },
        breaks: bridge({ ports: ["eth1"], addresses }),
        twin: bridge({ ports: ["eth1"], addresses: { ipv4: "dhcp" } }),
        around: { management: ["eth1"] },
      }),
    ),
  ],
  "A link with ports is made when the host starts, for they bring it along.": [
    {
      ...{ kind, path: "autoconnect", reason: "bring the link along" },
      breaks: bridge({ ports: ["eth1"], autoconnect: false }),
      twin: bridge({ ports: [], autoconnect: false }),
      around: { manager: "networkmanager" },
    },
    {
      // Ports by others' profiles start or not as these say.
      ...{ kind, path: "autoconnect", reason: "bring the link along" },
      breaks: bridge({ ports: ["eth1"], autoconnect: false, adopt: false }),
      twin: bridge({ ports: ["eth1"], autoconnect: false, adopt: true }),
      around: { manager: "networkmanager" },
    },
    {
      ...{ kind, path: "autoconnect", reason: "bring the link along" },
      breaks: bridge({ ports: ["eth1"], autoconnect: false }),
      twin: bridge({ ports: ["eth1"], autoconnect: true }),
      around: { manager: "networkmanager" },
    },
  ],
  "Settings of the spanning tree need stp: true.": (["forwardDelay", "helloTime", "maxAge", "priority"] as const).map(
    (field) => ({
      ...{ kind, path: field, reason: "there is no spanning tree" },
      breaks: bridge({ [field]: { forwardDelay: 15, helloTime: 2, maxAge: 20, priority: 4096 }[field] }),
      twin: bridge({ [field]: { forwardDelay: 15, helloTime: 2, maxAge: 20, priority: 4096 }[field], stp: true }),
    }),
  ),
  "Settings of VLANs need vlanFiltering: true.": [
    {
      ...{ kind, path: "vlanDefaultPvid", reason: "the bridge does not look at tags" },
      breaks: bridge({ vlanDefaultPvid: 5 }),
      twin: bridge({ vlanDefaultPvid: 5, vlanFiltering: true }),
    },
    {
      ...{ kind, path: "vlans", reason: "the bridge does not look at tags" },
      breaks: bridge({ ports: ["eth1"], vlans: [{ port: "eth1", tagged: [20] }], vlanFiltering: false }),
      twin: filtering({ port: "eth1", tagged: [20] }),
    },
  ],
  "VLANs are those of a port, or of the bridge itself for the host.": [
    {
      ...{ kind, path: "vlans[0].port", reason: 'is no port of the bridge: add it to ports, or name "eth1" or "br0"' },
      breaks: filtering({ port: "eth2", pvid: 5 }),
      twin: filtering({ port: "br0", pvid: 5 }),
    },
  ],
  "A port's VLANs are given in one place.": [
    {
      ...{ kind, path: "vlans[1].port", reason: '"eth1" has its VLANs in vlans[0]' },
      breaks: filtering({ port: "eth1", pvid: 5 }, { port: "eth1", tagged: [6] }),
      twin: filtering({ port: "eth1", pvid: 5 }, { port: "br0", tagged: [6] }),
    },
  ],
  "A VLAN has a tag at a port, or none.": [
    {
      ...{ kind, path: "vlans[0].tagged[1]", reason: '"20-29" is in vlans[0].untagged[0] already' },
      breaks: filtering({ port: "eth1", untagged: [29], tagged: [30, "20-29"] }),
      twin: filtering({ port: "eth1", untagged: [29], tagged: [30, "20-28"] }),
    },
    {
      ...{ kind, path: "vlans[0].untagged[0]", reason: "holds 10, which as pvid leaves without a tag already" },
      breaks: filtering({ port: "eth1", pvid: 10, untagged: ["9-10"] }),
      twin: filtering({ port: "eth1", pvid: 10, untagged: [9], tagged: [10] }),
    },
    {
      ...{ kind, path: "vlans[0].tagged[1]", reason: "20 is in vlans[0].tagged[0] already" },
      breaks: filtering({ port: "eth1", tagged: ["10-20", 20] }),
      twin: filtering({ port: "eth1", tagged: ["10-20", 21] }),
    },
  ],
  "The spanning tree's timers fit each other.": [
    {
      ...{ kind, path: "forwardDelay", reason: "more than 2 × (forwardDelay 10 s - 1 s): at most 18" },
      breaks: bridge({ stp: true, forwardDelay: 10 }),
      twin: bridge({ stp: true, forwardDelay: 11 }),
    },
    {
      ...{ kind, path: "maxAge", reason: "less than 2 × (helloTime 3 s + 1 s): at least 8" },
      breaks: bridge({ stp: true, maxAge: 6, helloTime: 3 }),
      twin: bridge({ stp: true, maxAge: 6, helloTime: 2 }),
    },
    {
      ...{ kind, path: "helloTime", reason: "at least 22" },
      breaks: bridge({ stp: true, helloTime: 10 }),
      twin: bridge({ stp: true, helloTime: 9 }),
    },
  ],
  "A bond under a bridge is of mode active-backup, balance-xor or 802.3ad, with MII monitoring, and keeps its MAC.": [
    ...["balance-rr", "broadcast", "balance-tlb", "balance-alb"].flatMap((mode): Case[] => [
      {
        ...{ kind, path: "ports[0]", reason: `is of mode ${mode}` },
        ...{ breaks: onBond, twin: onBond, around: bond({ mode }), twinAround: bond({ mode: "balance-xor" }) },
      },
      {
        ...{ kind, path: "ports[0]", reason: `is of mode ${mode}` },
        ...{ breaks: onBond, twin: onBond, around: hostBond({ mode }), twinAround: hostBond({ mode: "802.3ad" }) },
      },
    ]),
    {
      ...{ kind, path: "ports[0]", reason: 'bond "bond0" is of mode balance-rr' },
      ...{ breaks: bridge({ ports: ["bond0.5"] }), twin: bridge({ ports: ["bond0.5"] }) },
      around: host(
        link("bond0", { kind: "bond", bond: { mode: "balance-rr", miimon: 100, arpInterval: 0, failOverMac: "none" } }),
        link("bond0.5", { kind: "vlan", parent: "bond0" }),
      ),
      twinAround: host(
        link("bond0", { kind: "bond", bond: { mode: "802.3ad", miimon: 100, arpInterval: 0, failOverMac: "none" } }),
        link("bond0.5", { kind: "vlan", parent: "bond0" }),
      ),
    },
    {
      ...{ kind, path: "ports[0]", reason: 'bond "bond0" is of mode broadcast' },
      ...{ breaks: bridge({ ports: ["v5"] }), twin: bridge({ ports: ["v5"] }) },
      around: program({
        bond0: { kind: "bond", args: { name: "bond0", mode: "broadcast" } },
        v5: { kind: "vlan", args: { name: "v5", parent: "bond0", vlanId: 5 } },
      }),
      twinAround: program({
        bond0: { kind: "bond", args: { name: "bond0", mode: 4 } },
        v5: { kind: "vlan", args: { name: "v5", parent: "bond0", vlanId: 5 } },
      }),
    },
    {
      ...{ kind, path: "ports[0]", reason: "is monitored by ARP" },
      ...{ breaks: onBond, twin: onBond, around: bond({ arpInterval: 100 }), twinAround: bond({ miimon: 100 }) },
    },
    {
      ...{ kind, path: "ports[0]", reason: "is monitored by ARP" },
      ...{ breaks: onBond, twin: onBond, around: hostBond({ arpInterval: 1, miimon: 0 }), twinAround: hostBond({}) },
    },
    {
      ...{ kind, path: "ports[0]", reason: 'failOverMac "active"' },
      ...{ breaks: onBond, twin: onBond },
      around: { ...hostBond({ failOverMac: "active" }), ...bond({ mode: 1, adopt: true }) },
      twinAround: { ...hostBond({ failOverMac: "active" }), ...bond({ adopt: true, failOverMac: "none" }) },
    },
    {
      ...{ kind, path: "ports[0]", reason: "has no MII monitoring" },
      ...{ breaks: onBond, twin: onBond, around: hostBond({ miimon: 0 }), twinAround: hostBond({ miimon: 1 }) },
    },
    {
      ...{ kind, path: "ports[0]", reason: 'failOverMac "active"' },
      ...{ breaks: onBond, twin: onBond },
      ...{ around: bond({ failOverMac: "active" }), twinAround: bond({ failOverMac: "follow" }) },
    },
    {
      ...{ kind, path: "ports[0]", reason: 'failOverMac "active"' },
      ...{ breaks: onBond, twin: onBond },
      ...{ around: hostBond({ failOverMac: "active" }), twinAround: hostBond({ failOverMac: "follow" }) },
    },
  ],
  "A bond that is below a bridge stays fit for virtual machines.": [
    {
      ...{ ...ofBond, path: "arpInterval", reason: "is monitored by ARP" },
      // What an adopted one has stays where the program says nothing of it.
      ...{ breaks: b({ adopt: true }), twin: b({ adopt: true, miimon: 100 }) },
      around: adoptable({ miimon: 0, arpInterval: 100 }),
    },
    {
      ...{ ...ofBond, path: "failOverMac", reason: "changes the MAC" },
      ...{ breaks: b({ mode: 1, adopt: true }), twin: b({ mode: 4, adopt: true }) },
      around: adoptable({ failOverMac: "active" }),
    },
    {
      ...{ ...ofBond, path: "mode", reason: '"bond0" is below bridge "br0", and is of mode balance-rr' },
      ...{ breaks: b({ mode: 0 }), twin: b({ mode: 1 }) },
      around: host(
        link("eth1"),
        link("eth2"),
        link("bond0", { kind: "bond", master: "br0" }),
        link("br0", { kind: "bridge" }),
      ),
    },
    {
      ...{ ...ofBond, path: "arpInterval", reason: "is monitored by ARP" },
      ...{ breaks: b(ARP), twin: b({ miimon: 50 }) },
      // By way of a VLAN.
      around: host(
        ...[link("eth1"), link("eth2"), link("bond0", { kind: "bond" }), link("br5", { kind: "bridge" })],
        link("bond0.5", { kind: "vlan", parent: "bond0", master: "br5" }),
      ),
    },
    {
      ...{ ...ofBond, path: "miimon", reason: "has no MII monitoring" },
      ...{ breaks: b({ miimon: 0 }), twin: b({ miimon: 0 }) },
      around: host(
        link("eth1"),
        link("eth2"),
        link("bond0", { kind: "bond", master: "br0" }),
        link("br0", { kind: "bridge" }),
      ),
      // Taken off its bridge by the same program.
      twinAround: {
        ...host(
          link("eth1"),
          link("eth2"),
          link("bond0", { kind: "bond", master: "br0" }),
          link("br0", { kind: "bridge" }),
        ),
        ...program({ br0: { kind: "bridge", args: { name: "br0", ports: ["eth3"] } } }),
      },
    },
    {
      ...{ ...ofBond, path: "failOverMac", reason: "changes the MAC" },
      ...{ breaks: b({ failOverMac: "active" }), twin: b({ failOverMac: "active" }) },
      around: host(
        link("eth1"),
        link("eth2"),
        link("bond0", { kind: "bond", master: "br0" }),
        link("br0", { kind: "bridge" }),
      ),
      twinAround: host(link("eth1"), link("eth2"), link("bond0", { kind: "bond" }), link("br0", { kind: "bridge" })),
    },
  ],
  "A port is not taken from a link that is not the program's.": [
    {
      ...{ kind, path: "ports[0]", reason: '"eth1" is plugged into "bond7" of the host' },
      ...{ breaks: bridge({ ports: ["eth1"] }), twin: bridge({ ports: ["eth1"] }) },
      around: host(link("eth1", { master: "bond7" }), link("bond7", { kind: "bond" })),
      twinAround: {
        ...host(link("eth1", { master: "bond7" }), link("bond7", { kind: "bond" })),
        ...program({ bond7: { kind: "bond", args: { name: "bond7", ports: [] } } }),
      },
    },
    {
      ...{ kind, path: "ports[0]", reason: "is plugged into" },
      ...{ breaks: bridge({ ports: ["eth1"] }), twin: bridge({ ports: ["eth1"] }) },
      around: host(link("eth1", { master: "br1" }), link("br1", { kind: "bridge" })),
      twinAround: host(link("eth1", { master: "br0" }), link("br0", { kind: "bridge" })),
    },
  ],
  "An option belongs to the bond's mode.": [
    ...MODED.map(
      ([option, without, having, value, more]): Case => ({
        ...{ ...ofBond, path: option, reason: "is no option of mode" },
        breaks: b({ mode: without, [option]: value, ...more }),
        twin: b({ mode: having, [option]: value, ...more }),
      }),
    ),
    {
      ...{ ...ofBond, path: "arpInterval", reason: "it belongs to balance-rr, active-backup, balance-xor, broadcast" },
      breaks: b({ mode: "802.3ad", ...ARP }),
      twin: b({ mode: "broadcast", ...ARP }),
    },
    {
      ...{ ...ofBond, path: "arpIpTargets", reason: "is no option of mode balance-tlb" },
      breaks: b({ mode: 5, ...ARP }),
      twin: b({ mode: 1, ...ARP }),
    },
  ],
  "A bond looks at the carrier or asks by ARP, not both.": [
    {
      ...{ ...ofBond, path: "arpInterval", reason: "is set beside miimon 100" },
      breaks: b({ ...ARP, miimon: 100 }),
      twin: b({ ...ARP, miimon: 0 }),
    },
  ],
  "Modes 802.3ad, balance-tlb and balance-alb look at the carrier.": [4, 5, 6].map((mode) => ({
    ...{ ...ofBond, path: "miimon", reason: "needs it" },
    ...{ breaks: b({ mode, miimon: 0 }), twin: b({ mode, miimon: 1 }) },
  })),
  "Asking by ARP needs an interval and 1 to 16 targets.": [
    {
      ...{ ...ofBond, path: "arpIpTargets", reason: "is missing" },
      breaks: b({ arpInterval: 1 }),
      twin: b({ arpInterval: 0 }),
    },
    {
      ...{ ...ofBond, path: "arpIpTargets", reason: "is missing" },
      breaks: b({ ...ARP, arpIpTargets: [] }),
      twin: b(ARP),
    },
    {
      ...{ ...ofBond, path: "arpIpTargets", reason: "has 17 entries" },
      breaks: b({ ...ARP, arpIpTargets: Array.from({ length: 17 }, (_, i) => `192.0.2.${i}`) }),
      twin: b({ ...ARP, arpIpTargets: Array.from({ length: 16 }, (_, i) => `192.0.2.${i}`) }),
    },
    {
      ...{ ...ofBond, path: "arpInterval", reason: "is missing" },
      breaks: b({ arpIpTargets: ["192.0.2.1"] }),
      twin: b(ARP),
    },
  ],
  "An ARP target is one host, and asked once.": [
    ...["0.0.0.0", "255.255.255.255"].map(
      (target): Case => ({
        ...{ ...ofBond, path: "arpIpTargets[1]", reason: `${target} is no host's address` },
        breaks: b({ ...ARP, arpIpTargets: ["192.0.2.1", target] }),
        twin: b({ ...ARP, arpIpTargets: ["192.0.2.1", "255.255.255.254"] }),
      }),
    ),
    {
      ...{ ...ofBond, path: "arpIpTargets[2]", reason: "192.0.2.1 is arpIpTargets[0] again" },
      breaks: b({ ...ARP, arpIpTargets: ["192.0.2.1", "192.0.2.2", "192.0.2.1"] }),
      twin: b({ ...ARP, arpIpTargets: ["192.0.2.1", "192.0.2.2", "192.0.2.3"] }),
    },
  ],
  "A bond has as many ports as it needs links.": [
    {
      ...{ ...ofBond, path: "minLinks", reason: "3 is more than its 2 ports" },
      breaks: b({ mode: 4, minLinks: 3 }),
      twin: b({ mode: 4, minLinks: 2 }),
    },
  ],
  "Checking ARP answers needs ARP monitoring.": [
    {
      ...{ ...ofBond, path: "arpValidate", reason: "nothing is asked by ARP" },
      breaks: b({ arpValidate: "all" }),
      twin: b({ arpValidate: "none" }),
    },
    {
      ...{ ...ofBond, path: "arpAllTargets", reason: "nothing is asked by ARP" },
      breaks: b({ arpAllTargets: "all", arpInterval: 0 }),
      twin: b({ arpAllTargets: "all", ...ARP }),
    },
  ],
  "Delays are multiples of miimon.": [
    ...["updelay", "downdelay", "peerNotifDelay"].map((delay) => ({
      ...{ ...ofBond, path: delay, reason: "250 is no multiple of miimon 100: use 300" },
      ...{ breaks: b({ [delay]: 250 }), twin: b({ [delay]: 250, miimon: 50 }) },
    })),
    {
      ...{ ...ofBond, path: "updelay", reason: "needs miimon, which is 0" },
      breaks: b({ ...ARP, updelay: 200 }),
      twin: b({ ...ARP, updelay: 0 }),
    },
    {
      ...{ ...ofBond, path: "updelay", reason: "1 is no multiple of miimon 100: use 100" },
      breaks: b({ updelay: 1 }),
      twin: b({ updelay: 1, miimon: 1 }),
    },
  ],
  "The primary port is one of the ports.": [
    {
      ...{ ...ofBond, path: "primary", reason: "is none of the ports" },
      breaks: b({ primary: "eth3" }),
      twin: b({ primary: "eth2" }),
    },
  ],
  "Reselecting a primary port needs one.": [
    {
      ...{ ...ofBond, path: "primaryReselect", reason: "there is no primary port" },
      breaks: b({ primaryReselect: "better" }),
      twin: b({ primaryReselect: "better", primary: "eth1" }),
    },
  ],
  "The LACP system's MAC is that of one device.": ["01:00:00:00:00:01", "00:00:00:00:00:00"].map((mac) => ({
    ...{ ...ofBond, path: "adActorSystem", reason: "is no device's address" },
    breaks: b({ mode: 4, adActorSystem: mac }),
    twin: b({ mode: 4, adActorSystem: "00:00:00:00:00:01" }),
  })),
  "A bond that changes its MAC has none set.": [
    {
      ...{ ...ofBond, path: "mac", reason: "is set beside failOverMac" },
      breaks: b({ failOverMac: "active", mac: "52:54:00:00:00:01" }),
      twin: b({ failOverMac: "none", mac: "52:54:00:00:00:01" }),
    },
    {
      ...{ ...ofBond, path: "mac", reason: 'is set beside failOverMac "follow"' },
      breaks: b({ failOverMac: "follow", mac: "52:54:00:00:00:01" }),
      twin: b({ failOverMac: "follow" }),
    },
  ],
  "A VLAN has addresses of its own.": [
    {
      ...{ ...ofVlan, path: "addresses", reason: "the parent keeps its own" },
      breaks: vlan({ addresses: "inherit" }),
      twin: vlan({ addresses: "dhcp" }),
    },
  ],
  "The parent is another device of the host, or a link of the program.": [
    {
      ...{ ...ofVlan, path: "parent", reason: "is the VLAN itself" },
      breaks: vlan({ parent: "eth1.5" }),
      twin: vlan({ parent: "eth1.6" }),
    },
    {
      ...{ ...ofVlan, path: "parent", reason: "is no device of the host" },
      breaks: vlan({ parent: "eth2" }),
      twin: vlan({ parent: "eth1" }),
      around: host(link("eth1")),
    },
    {
      ...{ ...ofVlan, path: "parent", reason: "is no device of the host" },
      breaks: vlan({ parent: "bond0" }),
      twin: vlan({ parent: "bond0" }),
      around: host(),
      twinAround: { ...host(), ...bond({}) },
    },
  ],
  "A parent has a VLAN once.": [
    {
      ...{ ...ofVlan, path: "vlanId", reason: 'is "other" of this program already' },
      breaks: vlan({}),
      twin: vlan({ vlanId: 6 }),
      around: program({ other: { kind: "vlan", args: { name: "other", parent: "eth1", vlanId: 5 } } }),
    },
    {
      ...{ ...ofVlan, path: "vlanId", reason: '5 of "eth1" is "office" on the host already' },
      breaks: vlan({}),
      twin: vlan({ name: "office" }),
      around: host(link("eth1"), link("eth2"), link("office", { kind: "vlan", parent: "eth1", vlanId: 5 })),
    },
    {
      ...{ ...ofVlan, path: "vlanId", reason: "on the host already" },
      breaks: vlan({}),
      twin: vlan({}),
      around: host(link("eth1"), link("office", { kind: "vlan", parent: "eth1", vlanId: 5 })),
      // It gets another name by this program.
      twinAround: {
        ...host(link("eth1"), link("office", { kind: "vlan", parent: "eth1", vlanId: 5 })),
        former: new Set(["office"]),
      },
    },
    {
      ...{ ...ofVlan, path: "vlanId", reason: "on the host already" },
      breaks: vlan({}),
      twin: vlan({ parent: "eth2" }),
      around: host(link("eth1"), link("eth2"), link("office", { kind: "vlan", parent: "eth1", vlanId: 5 })),
    },
  ],
  "A VLAN's MTU is at most its parent's.": [
    {
      ...{ ...ofVlan, path: "mtu", reason: 'more than the 1500 of "eth1"' },
      breaks: vlan({ mtu: 1501 }),
      twin: vlan({ mtu: 1500 }),
      around: host(link("eth1")),
    },
    {
      ...{ ...ofVlan, path: "mtu", reason: 'more than the 9000 of "bond0"' },
      breaks: vlan({ parent: "bond0", mtu: 9001 }),
      twin: vlan({ parent: "bond0", mtu: 9000 }),
      around: { ...bond({ mtu: 9000 }), ...host(link("bond0")) },
    },
  ],
};
