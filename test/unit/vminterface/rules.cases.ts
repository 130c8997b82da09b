/** For each rule: a NIC that breaks it, where and how it is told, and its nearest valid twin. */
import type { Inputs } from "../../../provider/handler.js";
import type { Surroundings, Vm } from "../../../provider/vminterface/rules/rule.js";

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

const net = (more: Inputs = {}): Inputs => ({ domain: "web", network: "dev", ...more });
const bridge = (more: Inputs = {}): Inputs => ({ domain: "web", bridge: "br0", ...more });
const direct = (more: Inputs = {}, own: Inputs = {}): Inputs => ({
  domain: "web",
  direct: { device: "eth0", ...own },
  ...more,
});
const hostdev = (more: Inputs = {}): Inputs => ({
  domain: "web",
  hostdev: { address: { bus: 3, slot: 1, function: 0 } },
  ...more,
});
const user = (own: Inputs = {}, more: Inputs = {}): Inputs => ({ domain: "web", user: own, ...more });

const MAC = "52:54:00:00:00:01";
const OVS = { type: "openvswitch" };
const vm = (more: Partial<Vm> = {}): Surroundings => ({
  vm: { name: "web", running: true, plugged: false, hotplug: true, bootsByKind: false, ...more },
});
const passt = (more: Inputs): Inputs => user({ backend: "passt", ...more });
const forwards = (...ranges: Inputs[]): Inputs => passt({ portForwards: [{ protocol: "tcp", ranges }] });
const tags = (...all: Inputs[]): Inputs => ({ vlan: { tags: all }, virtualport: OVS });

export const cases: Record<string, Case[]> = {
  "The bond below the bridge is one that VMs can be bridged onto.": [
    {
      breaks: bridge(),
      path: "bridge",
      reason: 'bond "bond0" below bridge "br0" is of mode balance-rr',
      twin: bridge(),
      around: { unfitBridge: 'bond "bond0" below bridge "br0" is of mode balance-rr' },
      twinAround: {},
    },
  ],
  "No list holds the same thing twice.": [
    {
      breaks: net({
        filter: {
          name: "f",
          parameters: [
            { name: "IP", value: "1" },
            { name: "IP", value: "1" },
          ],
        },
      }),
      path: "filter.parameters[1]",
      reason: "is the same entry as filter.parameters[0]",
      twin: net({
        filter: {
          name: "f",
          parameters: [
            { name: "IP", value: "1" },
            { name: "IP", value: "2" },
          ],
        },
      }),
    },
  ],
  "The MAC is that of one device.": [
    { breaks: net({ mac: "53:54:00:00:00:01" }), path: "mac", reason: "is a multicast MAC", twin: net({ mac: MAC }) },
    {
      breaks: user({}, { mac: "00:00:00:00:00:00" }),
      path: "mac",
      reason: "is no MAC of a NIC",
      twin: user({}, { mac: "00:00:00:00:00:01" }),
    },
  ],
  "The MAC does not begin with fe.": [
    {
      breaks: net({ mac: "FE:54:00:00:00:01" }),
      path: "mac",
      reason: "libvirt keeps for the host's side",
      twin: net({ mac: "fa:54:00:00:00:01" }),
    },
  ],
  "No other NIC has the MAC.": [
    {
      breaks: net({ mac: MAC.toUpperCase() }),
      path: "mac",
      reason: 'is that of a NIC of VM "db" of the host',
      twin: net({ mac: "52:54:00:00:00:02" }),
      around: { nics: [{ domain: "db", mac: MAC, from: "the host" }] },
    },
  ],
  "No other NIC of the VM has the alias.": [
    {
      breaks: net({ alias: "ua-lan" }),
      path: "alias",
      reason: `is that of NIC ${MAC} of the VM, of this program`,
      twin: net({ alias: "ua-dmz" }),
      around: { nics: [{ domain: "web", mac: MAC, alias: "ua-lan", from: "this program" }] },
    },
    {
      breaks: net({ domain: "7a1f0b3e-0000-4000-8000-000000000001", alias: "ua-lan" }),
      path: "alias",
      reason: `is that of NIC ${MAC} of the VM, of the host`,
      twin: net({ domain: "db", alias: "ua-lan" }),
      around: {
        nics: [{ domain: "web", mac: MAC, alias: "ua-lan", from: "the host" }],
        vm: { name: "web", running: false, plugged: false, hotplug: true, bootsByKind: false },
      },
      twinAround: { nics: [{ domain: "web", mac: MAC, alias: "ua-lan", from: "the host" }] },
    },
  ],
  "A NIC that is adopted is named by its MAC.": [
    { breaks: net({ adopt: true }), path: "mac", reason: "adopt needs the MAC", twin: net({ adopt: true, mac: MAC }) },
    {
      breaks: net({ adopt: { from: "a/b" } }),
      path: "mac",
      reason: "adopt needs the MAC",
      twin: net({ adopt: false }),
    },
  ],
  "The host's device has none of the names that libvirt generates.": [
    {
      breaks: net({ targetDevice: "vnet7" }),
      path: "targetDevice",
      reason: "which it drops",
      twin: net({ targetDevice: "xvnet7" }),
    },
    {
      breaks: direct({ targetDevice: "macvtap0" }),
      path: "targetDevice",
      reason: "which it drops",
      twin: direct({ targetDevice: "macvt0" }),
    },
  ],
  "A device's name has letters, digits and _ . - only.": [
    {
      breaks: net({ targetDevice: "tap+1" }),
      path: "targetDevice",
      reason: "is no name of a device",
      twin: net({ targetDevice: "tap-1" }),
    },
    {
      breaks: bridge({ bridge: "br@0" }),
      path: "bridge",
      reason: "is no name of a device",
      twin: bridge({ bridge: "br0.1" }),
    },
    {
      breaks: direct({}, { device: "eth,0" }),
      path: "direct.device",
      reason: "is no name of a device",
      twin: direct(),
    },
    {
      breaks: passt({ device: "eth,0" }),
      path: "user.device",
      reason: "is no name of a device",
      twin: passt({ device: "eth0" }),
    },
  ],
  "A NIC's boot order stands alone.": [
    {
      breaks: net({ bootOrder: 2 }),
      path: "bootOrder",
      reason: "orders its devices by kind",
      twin: net(),
      around: vm({ bootsByKind: true }),
    },
  ],
  "The running VM has a slot left for the NIC.": [
    {
      breaks: net(),
      path: "domain",
      reason: "has no PCIe slot left",
      twin: net(),
      around: vm({ freeSlots: 0 }),
      twinAround: vm({ freeSlots: 1 }),
    },
    {
      breaks: net(),
      path: "domain",
      reason: "has no PCIe slot left",
      twin: net(),
      around: vm({ freeSlots: 0 }),
      twinAround: vm({ freeSlots: 0, running: false }),
    },
    {
      breaks: net(),
      path: "domain",
      reason: "has no PCI slot left (pci-bridge)",
      twin: net(),
      around: vm({ freeSlots: 0, slotsBy: "pci-bridge" }),
      twinAround: vm({ freeSlots: 0, slotsBy: "pci-bridge", plugged: true }),
    },
  ],
  "The running VM takes devices.": [
    {
      breaks: net(),
      path: "domain",
      reason: "has no ACPI",
      twin: net(),
      around: vm({ hotplug: false }),
      twinAround: vm({ hotplug: false, plugged: true }),
    },
  ],
  "Driver options belong to a virtio device.": [
    {
      breaks: net({ model: "e1000e", driver: { queues: 2 } }),
      path: "driver",
      reason: 'drops it for model "e1000e"',
      twin: net({ model: "virtio", driver: { queues: 2 } }),
    },
  ],
  "A queue's size is a power of two.": [
    {
      breaks: net({ driver: { rxQueueSize: 300 } }),
      path: "driver.rxQueueSize",
      reason: "use 256, 512 or 1024",
      twin: net({ driver: { rxQueueSize: 512 } }),
    },
    {
      breaks: net({ driver: { txQueueSize: 300 } }),
      path: "driver.txQueueSize",
      reason: "use 256, 512 or 1024",
      twin: net({ driver: { txQueueSize: 256 } }),
    },
  ],
  "A send queue has 256 places.": [
    {
      breaks: net({ driver: { txQueueSize: 512 } }),
      path: "driver.txQueueSize",
      reason: "only for vhost-user",
      twin: net({ driver: { txQueueSize: 256 } }),
    },
  ],
  "Only a NIC whose link is up gets an address.": [
    {
      breaks: net({ linkState: "down", waitForAddress: { seconds: 5 } }),
      path: "waitForAddress",
      reason: 'linkState is "down"',
      twin: net({ linkState: "up", waitForAddress: { seconds: 5 } }),
    },
  ],
  "Several queues need a device of the host.": [
    {
      breaks: user({}, { driver: { queues: 2 } }),
      path: "driver.queues",
      reason: "source user has one queue",
      twin: user({}, { driver: { queues: 1 } }),
    },
  ],
  "Ports are forwarded by passt.": [
    {
      breaks: user({ portForwards: [{ protocol: "tcp" }] }),
      path: "user.portForwards",
      reason: 'set backend: "passt"',
      twin: passt({ portForwards: [{ protocol: "tcp" }] }),
    },
    {
      breaks: user({ logFile: "/l" }),
      path: "user.logFile",
      reason: "only passt has it",
      twin: passt({ logFile: "/l" }),
    },
    {
      breaks: user({ device: "eth0" }),
      path: "user.device",
      reason: "only passt has it",
      twin: passt({ device: "eth0" }),
    },
  ],
  "A guest has one address of each family.": [
    {
      breaks: user({ addresses: ["10.0.0.2/24", "fd00::2/64", "10.0.0.3/24"] }),
      path: "user.addresses[2]",
      reason: "is a second one of its family, beside 10.0.0.2/24",
      twin: user({ addresses: ["10.0.0.2/24", "fd00::2/64"] }),
    },
  ],
  "A range of forwarded ports does not end before it starts.": [
    {
      breaks: forwards({ start: 20, end: 10 }),
      path: "user.portForwards[0].ranges[0].end",
      reason: "is below start",
      twin: forwards({ start: 20, end: 20 }),
    },
  ],
  "Ports that are excluded lead nowhere.": [
    {
      breaks: forwards({ start: 20, to: 10, exclude: true }),
      path: "user.portForwards[0].ranges[0].to",
      reason: "are excluded",
      twin: forwards({ start: 20, exclude: true }),
    },
  ],
  "A guaranteed rate needs a network.": [
    {
      breaks: bridge({ bandwidth: { inbound: { average: 9, floor: 5 } } }),
      path: "bandwidth.inbound.floor",
      reason: "only a network of libvirt divides its rate",
      twin: bridge({ bandwidth: { inbound: { average: 9 } } }),
    },
  ],
  "A VLAN has at least one tag.": [
    {
      breaks: bridge({ vlan: { tags: [] }, virtualport: OVS }),
      path: "vlan.tags",
      reason: "is empty",
      twin: bridge(tags({ id: 1 })),
    },
  ],
  "Whether a VLAN is a trunk is said by true, or not at all.": [
    {
      breaks: bridge({ vlan: { trunk: false, tags: [{ id: 1 }] }, virtualport: OVS }),
      path: "vlan.trunk",
      reason: "which libvirt's schema refuses",
      twin: bridge({ vlan: { trunk: true, tags: [{ id: 1 }] }, virtualport: OVS }),
    },
  ],
  "One tag of a VLAN may be native.": [
    {
      breaks: bridge(tags({ id: 1, nativeMode: "tagged" }, { id: 2, nativeMode: "untagged" })),
      path: "vlan.tags[1].nativeMode",
      reason: "makes a second native tag",
      twin: bridge(tags({ id: 1, nativeMode: "tagged" }, { id: 2 })),
    },
  ],
  "A virtual port has the parameters of its type only.": [
    {
      breaks: bridge({ virtualport: { ...OVS, managerId: 1 } }),
      path: "virtualport.managerId",
      reason: 'is no parameter of type "openvswitch"',
      twin: bridge({ virtualport: { ...OVS, profileId: "p" } }),
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
      breaks: bridge({ virtualport: { ...OVS, profileId: "p".repeat(40) } }),
      path: "virtualport.profileId",
      reason: "has 40 characters",
      twin: bridge({ virtualport: { ...OVS, profileId: "p".repeat(39) } }),
    },
  ],
  "Shaping has an average rate.": [
    {
      breaks: net({ bandwidth: { outbound: { peak: 5 } } }),
      path: "bandwidth.outbound.average",
      reason: "is missing",
      twin: net({ bandwidth: { outbound: { average: 5, peak: 5 } } }),
    },
  ],
  "The peak rate is at least the average.": [
    {
      breaks: net({ bandwidth: { inbound: { average: 6, peak: 5 } } }),
      path: "bandwidth.inbound.peak",
      reason: "is below the average rate",
      twin: net({ bandwidth: { inbound: { average: 5, peak: 5 } } }),
    },
  ],
  "The network is there.": [
    {
      breaks: net(),
      path: "network",
      reason: '"dev" is no network of the host',
      twin: net({ network: "prod" }),
      around: { networks: [{ name: "prod" }] },
    },
  ],
  "The network has the port group.": [
    {
      breaks: net({ portGroup: "b" }),
      path: "portGroup",
      reason: 'is no group of network "dev": use "a"',
      twin: net({ portGroup: "a" }),
      around: { networks: [{ name: "dev", portGroups: ["a"] }] },
    },
  ],
  "The bridge is there.": [
    {
      breaks: bridge(),
      path: "bridge",
      reason: "is no device of the host",
      twin: bridge({ virtualport: OVS }),
      around: { hostDevices: ["lo"] },
    },
    {
      breaks: bridge(),
      path: "bridge",
      reason: "is no device of the host",
      twin: bridge(),
      around: { hostDevices: [] },
      twinAround: { hostDevices: ["br0"] },
    },
  ],
  "The device is there.": [
    {
      breaks: direct(),
      path: "direct.device",
      reason: "is no device of the host",
      twin: direct({}, { device: "lo" }),
      around: { hostDevices: ["lo"] },
    },
  ],
  "A virtual port has a type.": [
    {
      breaks: bridge({ virtualport: { profileId: "p" } }),
      path: "virtualport.type",
      reason: "only a network of libvirt can say it instead",
      twin: bridge({ virtualport: { ...OVS, profileId: "p" } }),
    },
    {
      breaks: direct({ virtualport: {} }),
      path: "virtualport.type",
      reason: "is missing",
      twin: direct({ virtualport: { type: "802.1Qbh" } }),
    },
    { breaks: hostdev({ virtualport: {} }), path: "virtualport.type", reason: "is missing", twin: hostdev() },
  ],
  "A virtual port is of a kind that its source has.": [
    {
      breaks: hostdev({ virtualport: { type: "802.1Qbg" } }),
      path: "virtualport.type",
      reason: "is not for source hostdev",
      twin: hostdev({ virtualport: { type: "802.1Qbh" } }),
    },
    {
      breaks: direct({ virtualport: OVS }),
      path: "virtualport.type",
      reason: "is not for source direct",
      twin: direct({ virtualport: { type: "802.1Qbg" } }),
    },
    {
      breaks: bridge({ virtualport: { type: "802.1Qbg" } }),
      path: "virtualport.type",
      reason: "is not for source bridge",
      twin: bridge({ virtualport: OVS }),
    },
  ],
  "VLAN tags on a Linux bridge need libvirt 11.0.": [
    {
      breaks: bridge({ vlan: { tags: [{ id: 1 }] } }),
      path: "vlan",
      reason: "needs libvirt 11.0 on a Linux bridge; the host has 9.0",
      twin: bridge(tags({ id: 1 })),
      around: { daemon: 9_000_000 },
    },
  ],
  "VLAN tags on a device need mode passthrough.": [
    {
      breaks: direct({ vlan: { tags: [{ id: 1 }] } }),
      path: "vlan",
      reason: 'only direct in mode "passthrough"',
      twin: direct({ vlan: { tags: [{ id: 1 }] } }, { mode: "passthrough" }),
    },
  ],
  "The host's libvirt knows passt.": [
    {
      breaks: passt({}),
      path: "user.backend",
      reason: "needs libvirt 9.0; the host has 8.10",
      twin: passt({}),
      around: { daemon: 8_010_000 },
      twinAround: { daemon: 9_000_000 },
    },
  ],
};
