// Generated from provider/vminterface by scripts/types.mjs; do not edit.

export interface Parameter {
  /** Name of the variable: `IP`, `MAC`, `CTRL_IP_LEARNING` … */
  name: string;
  /** Its value; a variable may be given several times, which makes it a list. */
  value: string;
}

export interface Filter {
  /** Name of the filter on the host: `clean-traffic`. `virsh nwfilter-list` shows them. */
  name: string;
  /** Values of the filter's variables. */
  parameters?: Parameter[];
}

export interface Coalesce {
  /** Packets that are received before an interrupt. */
  rxMaxFrames?: number;
}

export interface Inbound {
  /** Average rate, in KiB/s. */
  average?: number;
  /** Highest rate, in KiB/s; at least `average`. */
  peak?: number;
  /** What may be sent at peak rate at once, in KiB. */
  burst?: number;
  /** Guaranteed rate for a NIC, in KiB/s, of a `VmInterface` only; needs `average` on its network. */
  floor?: number;
}

export interface Outbound {
  /** Average rate, in KiB/s. */
  average?: number;
  /** Highest rate, in KiB/s; at least `average`. */
  peak?: number;
  /** What may be sent at peak rate at once, in KiB. */
  burst?: number;
}

export interface Bandwidth {
  /** Towards the guests. */
  inbound?: Inbound;
  /** From the guests. */
  outbound?: Outbound;
}

export interface Tag {
  /** VLAN id, 0–4095. */
  id: number;
  /** How untagged traffic of a trunk is treated (Open vSwitch). */
  nativeMode?: "tagged" | "untagged";
}

export interface Vlan {
  /** Several tags can be carried; implied by several tags and by `nativeMode`. Default: false. */
  trunk?: boolean;
  /** The VLAN tags. */
  tags?: Tag[];
}

export interface Virtualport {
  /** Kind of virtual switch port. */
  type?: "openvswitch" | "802.1Qbg" | "802.1Qbh" | "midonet";
  /** Port profile: `openvswitch` and `802.1Qbh`. */
  profileId?: string;
  /** UUID of the interface: `openvswitch` and `midonet`. */
  interfaceId?: string;
  /** VSI manager, 0–255: `802.1Qbg`. */
  managerId?: number;
  /** VSI type, 0–16777215: `802.1Qbg`. */
  typeId?: number;
  /** VSI type version, 0–255: `802.1Qbg`. */
  typeIdVersion?: number;
  /** VSI instance, a UUID: `802.1Qbg`. */
  instanceId?: string;
}

export interface Host {
  /** Checksums. Default: on. */
  csum?: boolean;
  /** Generic segmentation. Default: on. */
  gso?: boolean;
  /** TCP segmentation over IPv4. Default: on. */
  tso4?: boolean;
  /** TCP segmentation over IPv6. Default: on. */
  tso6?: boolean;
  /** Congestion notification. Default: on. */
  ecn?: boolean;
  /** UDP fragmentation. Default: on. */
  ufo?: boolean;
  /** Mergeable receive buffers. Default: on. */
  mrgRxbuf?: boolean;
}

export interface Guest {
  /** Checksums. Default: on. */
  csum?: boolean;
  /** TCP segmentation over IPv4. Default: on. */
  tso4?: boolean;
  /** TCP segmentation over IPv6. Default: on. */
  tso6?: boolean;
  /** Congestion notification. Default: on. */
  ecn?: boolean;
  /** UDP fragmentation. Default: on. */
  ufo?: boolean;
}

export interface Driver {
  /** Who serves the device: the kernel (`vhost`) or QEMU itself. Default: `vhost` where the host has it. */
  name?: "qemu" | "vhost";
  /** Pairs of queues, 1–256: with several the guest's CPUs share the work. */
  queues?: number;
  /** Size of a receive queue: 256, 512 or 1024. */
  rxQueueSize?: number;
  /** Size of a send queue: 256, 512 or 1024; QEMU takes more than 256 with vhost-user only. */
  txQueueSize?: number;
  /** When packets are sent. Default: QEMU's. */
  txmode?: "iothread" | "timer";
  /** The guest's notifications are handled beside its CPU. Default: QEMU's. */
  ioeventfd?: boolean;
  /** Fewer interrupts and exits. Default: QEMU's. */
  eventIdx?: boolean;
  /** The device uses the VM's IOMMU. */
  iommu?: boolean;
  /** Address translation services for PCIe devices. */
  ats?: boolean;
  /** Packed queues. */
  packed?: boolean;
  /** Work that the host takes off the guest. */
  host?: Host;
  /** Work that the guest can take. */
  guest?: Guest;
}

export interface Adopt {
  from: string;
}

export interface WaitForAddress {
  /** How long, in s, 1–600. */
  seconds: number;
  /** Of which family. Default: either. */
  family?: "ipv4" | "ipv6";
}

export interface Direct {
  /** Name of the device. */
  device: string;
  /** How guests on one device reach each other. `bridge`: directly; `vepa`: through the switch; `private`: not at all; `passthrough`: one guest a device. */
  mode?: "bridge" | "vepa" | "private" | "passthrough";
}

export interface Address {
  /** PCI bus, 0–255. */
  bus: number;
  /** PCI slot, 0–31. */
  slot: number;
  /** PCI function, 0–7. */
  function: number;
  /** PCI domain, 0–65535. Default 0. */
  domain?: number;
}

export interface Hostdev {
  /** Its PCI address on the host. */
  address: Address;
  /** libvirt detaches it from its host driver, and gives it back. Default: false. */
  managed?: boolean;
  /** Driver that hands it to the guest. Default: libvirt's. */
  driver?: "vfio" | "kvm";
}

export interface Range {
  /** First port on the host, 1–65535. */
  start: number;
  /** Last port. Default: `start`. */
  end?: number;
  /** First port in the guest. Default: `start`. */
  to?: number;
  /** These ports are not forwarded. Default: false. */
  exclude?: boolean;
}

export interface PortForward {
  /** Protocol. */
  protocol: "tcp" | "udp";
  /** Address of the host that is listened on. Default: all. */
  address?: string;
  /** Device of the host that is listened on. Default: all. */
  device?: string;
  /** Which ports. Default: all. */
  ranges?: Range[];
}

export interface User {
  /** Who does it: QEMU itself (slirp), or `passt` (daemon 9.0 and newer). */
  backend?: "passt";
  /** Log of passt, an absolute path. */
  logFile?: string;
  /** Device of the host whose addresses and routes passt uses. Default: that of the default route. */
  device?: string;
  /** Addresses of the guest, at most one IPv4 and one IPv6. */
  addresses?: string[];
  /** Ports of the host that passt forwards to the guest. */
  portForwards?: PortForward[];
}

export interface NetworkNicArgs {
  /** The VM, by name or UUID; it must be there when this runs. A name is looked up anew each time. Another VM replaces the NIC, another name of the same VM does not. */
  domain: string;
  /** Name of the network. A move to another one is live, where both have a bridge. */
  network: string;
  /** A network filter of the host. */
  filter?: Filter;
  /** MTU in bytes, 68–65535. Default: that of the bridge. */
  mtu?: number;
  /** The guest cannot reach other isolated guests of the bridge. Default: false. */
  isolated?: boolean;
  /** How interrupts of the host's device are gathered. */
  coalesce?: Coalesce;
  /** Name of the device on the host, at most 15 characters. Default: `vnetN` or `macvtapN`, another at each start. */
  targetDevice?: string;
  /** Traffic shaping. */
  bandwidth?: Bandwidth;
  /** The guest may change its MAC and receive filters. Default: false. */
  trustGuestRxFilters?: boolean;
  /** VLAN tags; what carries them: Open vSwitch, `hostdev`, `direct` in mode `passthrough`, a Linux bridge from daemon 11.0 on. */
  vlan?: Vlan;
  /** Parameters of the virtual switch port. */
  virtualport?: Virtualport;
  /** Kind of device in the guest: `virtio`, `e1000e`, `e1000`, `rtl8139` … Default: `virtio` for a new NIC; an adopted one keeps its own. */
  model?: string;
  /** Options of a `virtio` device. */
  driver?: Driver;
  /** Whether the guest sees a link. Default: `up`. */
  linkState?: "up" | "down";
  /** MAC of the guest's NIC. Default: made from project, stack and resource, then kept. A change replaces the NIC, the old one first. */
  mac?: string;
  /** Name of the device in libvirt: `ua-…`. Default: one that says whose NIC it is; with another the NIC carries no owner mark. */
  alias?: string;
  /** Place in the VM's boot order, from 1. Counts when the VM starts. */
  bootOrder?: number;
  /** Port group of the network. Default: the network's default group. */
  portGroup?: string;
  /** Whether the VM has it where it shall: in its stored definition, and in the running VM. `false`: what lacks it is left so. Default: true. */
  plugged?: boolean;
  /** Whether its device on the host is on the bridge that it belongs to; known where a command can be run on the host. `false`: it is left where it is. Default: true. */
  connected?: boolean;
  /** Which host. Default: stack config `virtnet:uri`, else `LIBVIRT_DEFAULT_URI`, else `qemu:///system`. */
  uri?: string;
  /** Take over a NIC with this `mac` that the VM has already, changing only what differs; `{ from: "project/stack" }`: also from another stack. Default: false. */
  adopt?: boolean | Adopt;
  /** Unplug an adopted NIC with the resource; otherwise it is released. Default: false. */
  deleteAdopted?: boolean;
  /** The costliest change that is allowed: `live` or `replug`. Default: no limit. */
  maxImpact?: "replug" | "live" | "restart";
  /** How long to wait for the guest to release the NIC, in s, 5–600. Default: 30. */
  unplugTimeout?: number;
  /** Give up a NIC that the guest does not release: its link goes down, and it is gone when the VM stops. Default: false. */
  forceDetach?: boolean;
  /** `{ seconds, family? }`: wait up to so many seconds (1–600) until the guest has an address, of `"ipv4"`, `"ipv6"` or either, and fail where it gets none. */
  waitForAddress?: WaitForAddress;
}

export interface BridgeNicArgs {
  /** The VM, by name or UUID; it must be there when this runs. A name is looked up anew each time. Another VM replaces the NIC, another name of the same VM does not. */
  domain: string;
  /** Name of the bridge: of Linux, or with `virtualport: { type: "openvswitch" }` of Open vSwitch. A move to another one is live. */
  bridge: string;
  /** A network filter of the host. */
  filter?: Filter;
  /** MTU in bytes, 68–65535. Default: that of the bridge. */
  mtu?: number;
  /** The guest cannot reach other isolated guests of the bridge. Default: false. */
  isolated?: boolean;
  /** How interrupts of the host's device are gathered. */
  coalesce?: Coalesce;
  /** Name of the device on the host, at most 15 characters. Default: `vnetN` or `macvtapN`, another at each start. */
  targetDevice?: string;
  /** Traffic shaping. */
  bandwidth?: Bandwidth;
  /** The guest may change its MAC and receive filters. Default: false. */
  trustGuestRxFilters?: boolean;
  /** VLAN tags; what carries them: Open vSwitch, `hostdev`, `direct` in mode `passthrough`, a Linux bridge from daemon 11.0 on. */
  vlan?: Vlan;
  /** Parameters of the virtual switch port. */
  virtualport?: Virtualport;
  /** Kind of device in the guest: `virtio`, `e1000e`, `e1000`, `rtl8139` … Default: `virtio` for a new NIC; an adopted one keeps its own. */
  model?: string;
  /** Options of a `virtio` device. */
  driver?: Driver;
  /** Whether the guest sees a link. Default: `up`. */
  linkState?: "up" | "down";
  /** MAC of the guest's NIC. Default: made from project, stack and resource, then kept. A change replaces the NIC, the old one first. */
  mac?: string;
  /** Name of the device in libvirt: `ua-…`. Default: one that says whose NIC it is; with another the NIC carries no owner mark. */
  alias?: string;
  /** Place in the VM's boot order, from 1. Counts when the VM starts. */
  bootOrder?: number;
  /** Whether the VM has it where it shall: in its stored definition, and in the running VM. `false`: what lacks it is left so. Default: true. */
  plugged?: boolean;
  /** Whether its device on the host is on the bridge that it belongs to; known where a command can be run on the host. `false`: it is left where it is. Default: true. */
  connected?: boolean;
  /** Which host. Default: stack config `virtnet:uri`, else `LIBVIRT_DEFAULT_URI`, else `qemu:///system`. */
  uri?: string;
  /** Take over a NIC with this `mac` that the VM has already, changing only what differs; `{ from: "project/stack" }`: also from another stack. Default: false. */
  adopt?: boolean | Adopt;
  /** Unplug an adopted NIC with the resource; otherwise it is released. Default: false. */
  deleteAdopted?: boolean;
  /** The costliest change that is allowed: `live` or `replug`. Default: no limit. */
  maxImpact?: "replug" | "live" | "restart";
  /** How long to wait for the guest to release the NIC, in s, 5–600. Default: 30. */
  unplugTimeout?: number;
  /** Give up a NIC that the guest does not release: its link goes down, and it is gone when the VM stops. Default: false. */
  forceDetach?: boolean;
  /** `{ seconds, family? }`: wait up to so many seconds (1–600) until the guest has an address, of `"ipv4"`, `"ipv6"` or either, and fail where it gets none. */
  waitForAddress?: WaitForAddress;
}

export interface DirectNicArgs {
  /** The VM, by name or UUID; it must be there when this runs. A name is looked up anew each time. Another VM replaces the NIC, another name of the same VM does not. */
  domain: string;
  /** The host's device. */
  direct: Direct;
  /** Name of the device on the host, at most 15 characters. Default: `vnetN` or `macvtapN`, another at each start. */
  targetDevice?: string;
  /** Traffic shaping. */
  bandwidth?: Bandwidth;
  /** The guest may change its MAC and receive filters. Default: false. */
  trustGuestRxFilters?: boolean;
  /** VLAN tags; what carries them: Open vSwitch, `hostdev`, `direct` in mode `passthrough`, a Linux bridge from daemon 11.0 on. */
  vlan?: Vlan;
  /** Parameters of the virtual switch port. */
  virtualport?: Virtualport;
  /** Kind of device in the guest: `virtio`, `e1000e`, `e1000`, `rtl8139` … Default: `virtio` for a new NIC; an adopted one keeps its own. */
  model?: string;
  /** Options of a `virtio` device. */
  driver?: Driver;
  /** Whether the guest sees a link. Default: `up`. */
  linkState?: "up" | "down";
  /** MAC of the guest's NIC. Default: made from project, stack and resource, then kept. A change replaces the NIC, the old one first. */
  mac?: string;
  /** Name of the device in libvirt: `ua-…`. Default: one that says whose NIC it is; with another the NIC carries no owner mark. */
  alias?: string;
  /** Place in the VM's boot order, from 1. Counts when the VM starts. */
  bootOrder?: number;
  /** Whether the VM has it where it shall: in its stored definition, and in the running VM. `false`: what lacks it is left so. Default: true. */
  plugged?: boolean;
  /** Whether its device on the host is on the bridge that it belongs to; known where a command can be run on the host. `false`: it is left where it is. Default: true. */
  connected?: boolean;
  /** Which host. Default: stack config `virtnet:uri`, else `LIBVIRT_DEFAULT_URI`, else `qemu:///system`. */
  uri?: string;
  /** Take over a NIC with this `mac` that the VM has already, changing only what differs; `{ from: "project/stack" }`: also from another stack. Default: false. */
  adopt?: boolean | Adopt;
  /** Unplug an adopted NIC with the resource; otherwise it is released. Default: false. */
  deleteAdopted?: boolean;
  /** The costliest change that is allowed: `live` or `replug`. Default: no limit. */
  maxImpact?: "replug" | "live" | "restart";
  /** How long to wait for the guest to release the NIC, in s, 5–600. Default: 30. */
  unplugTimeout?: number;
  /** Give up a NIC that the guest does not release: its link goes down, and it is gone when the VM stops. Default: false. */
  forceDetach?: boolean;
  /** `{ seconds, family? }`: wait up to so many seconds (1–600) until the guest has an address, of `"ipv4"`, `"ipv6"` or either, and fail where it gets none. */
  waitForAddress?: WaitForAddress;
}

export interface HostdevNicArgs {
  /** The VM, by name or UUID; it must be there when this runs. A name is looked up anew each time. Another VM replaces the NIC, another name of the same VM does not. */
  domain: string;
  /** The virtual function. */
  hostdev: Hostdev;
  /** VLAN tags, set at the virtual function. */
  vlan?: Vlan;
  /** Parameters of the virtual switch port: `802.1Qbh`. */
  virtualport?: Virtualport;
  /** MAC of the guest's NIC. Default: made from project, stack and resource, then kept. A change replaces the NIC, the old one first. */
  mac?: string;
  /** Name of the device in libvirt: `ua-…`. Default: one that says whose NIC it is; with another the NIC carries no owner mark. */
  alias?: string;
  /** Place in the VM's boot order, from 1. Counts when the VM starts. */
  bootOrder?: number;
  /** Whether the VM has it where it shall: in its stored definition, and in the running VM. `false`: what lacks it is left so. Default: true. */
  plugged?: boolean;
  /** Whether its device on the host is on the bridge that it belongs to; known where a command can be run on the host. `false`: it is left where it is. Default: true. */
  connected?: boolean;
  /** Which host. Default: stack config `virtnet:uri`, else `LIBVIRT_DEFAULT_URI`, else `qemu:///system`. */
  uri?: string;
  /** Take over a NIC with this `mac` that the VM has already, changing only what differs; `{ from: "project/stack" }`: also from another stack. Default: false. */
  adopt?: boolean | Adopt;
  /** Unplug an adopted NIC with the resource; otherwise it is released. Default: false. */
  deleteAdopted?: boolean;
  /** The costliest change that is allowed: `live` or `replug`. Default: no limit. */
  maxImpact?: "replug" | "live" | "restart";
  /** How long to wait for the guest to release the NIC, in s, 5–600. Default: 30. */
  unplugTimeout?: number;
  /** Give up a NIC that the guest does not release: its link goes down, and it is gone when the VM stops. Default: false. */
  forceDetach?: boolean;
  /** `{ seconds, family? }`: wait up to so many seconds (1–600) until the guest has an address, of `"ipv4"`, `"ipv6"` or either, and fail where it gets none. */
  waitForAddress?: WaitForAddress;
}

export interface UserNicArgs {
  /** The VM, by name or UUID; it must be there when this runs. A name is looked up anew each time. Another VM replaces the NIC, another name of the same VM does not. */
  domain: string;
  /** How the guest reaches the outside; `{}`: by QEMU itself. */
  user: User;
  /** Kind of device in the guest: `virtio`, `e1000e`, `e1000`, `rtl8139` … Default: `virtio` for a new NIC; an adopted one keeps its own. */
  model?: string;
  /** Options of a `virtio` device. */
  driver?: Driver;
  /** Whether the guest sees a link. Default: `up`. */
  linkState?: "up" | "down";
  /** MAC of the guest's NIC. Default: made from project, stack and resource, then kept. A change replaces the NIC, the old one first. */
  mac?: string;
  /** Name of the device in libvirt: `ua-…`. Default: one that says whose NIC it is; with another the NIC carries no owner mark. */
  alias?: string;
  /** Place in the VM's boot order, from 1. Counts when the VM starts. */
  bootOrder?: number;
  /** Whether the VM has it where it shall: in its stored definition, and in the running VM. `false`: what lacks it is left so. Default: true. */
  plugged?: boolean;
  /** Whether its device on the host is on the bridge that it belongs to; known where a command can be run on the host. `false`: it is left where it is. Default: true. */
  connected?: boolean;
  /** Which host. Default: stack config `virtnet:uri`, else `LIBVIRT_DEFAULT_URI`, else `qemu:///system`. */
  uri?: string;
  /** Take over a NIC with this `mac` that the VM has already, changing only what differs; `{ from: "project/stack" }`: also from another stack. Default: false. */
  adopt?: boolean | Adopt;
  /** Unplug an adopted NIC with the resource; otherwise it is released. Default: false. */
  deleteAdopted?: boolean;
  /** The costliest change that is allowed: `live` or `replug`. Default: no limit. */
  maxImpact?: "replug" | "live" | "restart";
  /** How long to wait for the guest to release the NIC, in s, 5–600. Default: 30. */
  unplugTimeout?: number;
  /** Give up a NIC that the guest does not release: its link goes down, and it is gone when the VM stops. Default: false. */
  forceDetach?: boolean;
  /** `{ seconds, family? }`: wait up to so many seconds (1–600) until the guest has an address, of `"ipv4"`, `"ipv6"` or either, and fail where it gets none. */
  waitForAddress?: WaitForAddress;
}
