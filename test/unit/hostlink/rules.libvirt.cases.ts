/** The cases of rules.cases.ts for hosts whose links are libvirt's own interfaces. */
import type { Inputs } from "../../../provider/handler.js";
import type { LinkFact } from "../../../provider/hostlink/facts.js";
import type { Surroundings } from "../../../provider/hostlink/rules/rule.js";
import type { Case } from "./rules.cases.js";

const by = (manager: string, more: Surroundings = {}): Surroundings => ({ manager, ...more });
const around = by("libvirt");
const host = (...links: Partial<LinkFact>[]): Surroundings =>
  by("libvirt", {
    links: new Map(
      links.map((l) => [String(l.name), { name: "", mtu: 1500, up: true, wireless: false, addresses: [], ...l }]),
    ),
  });
const bridge = (more: Inputs): Inputs => ({ name: "br0", ...more });
const bond = (more: Inputs): Inputs => ({ name: "bond0", mode: "active-backup", ports: ["eth1", "eth2"], ...more });
const vlan = (more: Inputs): Inputs => ({ name: "eth1.5", parent: "eth1", vlanId: 5, ...more });
const unsaid = "has no place in libvirt's interface XML: remove it, or use a host with NetworkManager";

export const libvirtCases: Record<string, Case[]> = {
  "What libvirt's interfaces cannot say is not set where they are the host's links.": [
    {
      ...{ kind: "bridge", path: "vlanFiltering", reason: unsaid, around, twinAround: by("networkmanager") },
      breaks: bridge({ vlanFiltering: true }),
      twin: bridge({ vlanFiltering: true }),
    },
    {
      ...{ kind: "bridge", path: "ageingTime", reason: unsaid, around },
      breaks: bridge({ ageingTime: 300, stp: true }),
      twin: bridge({ stp: true }),
    },
    {
      ...{ kind: "bond", path: "primary", reason: unsaid, around },
      breaks: bond({ primary: "eth1" }),
      twin: bond({ miimon: 100 }),
    },
    {
      ...{ kind: "vlan", path: "gvrp", reason: unsaid, around },
      breaks: vlan({ gvrp: false }),
      twin: vlan({ mtu: 1400 }),
    },
  ],
  "Libvirt's interfaces have addresses and gateways of their own, and no routes and DNS.": [
    {
      ...{ kind: "bridge", path: "addresses", reason: "libvirt keeps nowhere what the port had", around },
      breaks: bridge({ ports: ["eth1"], addresses: "inherit" }),
      twin: bridge({ ports: ["eth1"], addresses: "dhcp" }),
    },
    {
      ...{ kind: "bond", path: "addresses.dns", reason: unsaid, around },
      breaks: bond({ addresses: { addresses: ["192.0.2.5/24"], dns: ["192.0.2.53"] } }),
      twin: bond({ addresses: { addresses: ["192.0.2.5/24"], gateway: "192.0.2.1" } }),
    },
    {
      ...{ kind: "vlan", path: "addresses.routes", reason: unsaid, around, twinAround: by("networkmanager") },
      breaks: vlan({ addresses: { ipv4: "dhcp", routes: [{ destination: "10.9.0.0/16", via: "192.0.2.1" }] } }),
      twin: vlan({ addresses: { ipv4: "dhcp", routes: [{ destination: "10.9.0.0/16", via: "192.0.2.1" }] } }),
    },
  ],
  "Ports of libvirt's interfaces are NICs.": [
    {
      ...{ kind: "bridge", path: "ports[0]", reason: '"eth1.5" is a vlan, which libvirt would make a part' },
      breaks: bridge({ ports: ["eth1.5"] }),
      around: host({ name: "eth1.5", kind: "vlan", parent: "eth1" }),
      twin: bridge({ ports: ["eth1.5"] }),
      twinAround: host({ name: "eth1.5" }),
    },
    {
      ...{ kind: "bond", path: "ports[1]", reason: '"eth1.5" is a vlan' },
      breaks: bond({ ports: ["eth2", "eth1.5"] }),
      around: by("libvirt", { program: new Map([["eth1.5", { kind: "vlan", args: vlan({}) }]]) }),
      twin: bond({ ports: ["eth2", "eth3"] }),
    },
  ],
  "Ports of libvirt's interfaces have no addresses of their own.": [
    {
      ...{ kind: "bridge", path: "ports[0]", reason: '"eth1" has 192.0.2.5/24, which libvirt would not give back' },
      breaks: bridge({ ports: ["eth1"] }),
      around: host({ name: "eth1", addresses: ["192.0.2.5/24"] }),
      twin: bridge({ ports: ["eth1"] }),
      twinAround: host({ name: "eth1" }),
    },
  ],
  "The host's own connection is not changed where only a run that lives can take it back.": [
    {
      ...{ kind: "bridge", path: "ports[0]", reason: "libvirt takes no change back by itself" },
      breaks: bridge({ ports: ["eth1"] }),
      around: by("libvirt", { carriers: ["eth1"] }),
      twin: bridge({ ports: ["eth2"] }),
    },
    {
      ...{ kind: "bond", path: "ports[1]", reason: "use a host with NetworkManager, or set probe: false" },
      breaks: bond({}),
      around: by("libvirt", { carriers: ["eth2"] }),
      twin: bond({ probe: false }),
    },
    {
      ...{ kind: "vlan", path: "name", reason: '"eth1.5" carries the host\'s own connection' },
      breaks: vlan({}),
      around: by("libvirt", { carriers: ["eth1", "eth1.5"] }),
      twin: vlan({ name: "eth2.5", parent: "eth2" }),
    },
  ],
  "A bond of libvirt has a port.": [
    {
      ...{ kind: "bond", path: "ports", reason: "no bond without a port", around },
      breaks: bond({ ports: [] }),
      twin: bond({ ports: ["eth1"] }),
    },
  ],
  "A bond of libvirt is monitored in one way, by one ARP target.": [
    {
      ...{ kind: "bond", path: "arpIpTargets[1]", reason: "has room for one", around },
      breaks: bond({ arpInterval: 100, arpIpTargets: ["192.0.2.1", "192.0.2.2"] }),
      twin: bond({ arpInterval: 100, arpIpTargets: ["192.0.2.1"] }),
    },
    {
      ...{ kind: "bond", path: "arpValidate", reason: '"filter" has no place', around },
      breaks: bond({ arpInterval: 100, arpIpTargets: ["192.0.2.1"], arpValidate: "filter" }),
      twin: bond({ arpInterval: 100, arpIpTargets: ["192.0.2.1"], arpValidate: "all" }),
    },
    {
      ...{ kind: "bond", path: "miimon", reason: "is 0 beside arpInterval", around },
      breaks: bond({ arpInterval: 100, arpIpTargets: ["192.0.2.1"], miimon: 0 }),
      twin: bond({ miimon: 0 }),
    },
  ],
  "A VLAN of libvirt is called by its parent and tag.": [
    {
      ...{ kind: "vlan", path: "name", reason: 'call it "eth1.5"', around },
      breaks: vlan({ name: "office" }),
      twin: vlan({}),
    },
  ],
};
