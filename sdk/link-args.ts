// Generated from provider/hostlink by scripts/types.mjs; do not edit.

export interface Vlan {
  /** A device of `ports`; by the bridge's own name, the host itself. */
  port: string;
  /** VLAN of frames that come in without a tag, 1–4094; they leave without one too, unless it is in `tagged`. Default: `vlanDefaultPvid`. */
  pvid?: number;
  /** Further VLANs whose frames leave without a tag: `40`, `"30-39"`. Default: none. */
  untagged?: (string | number)[];
  /** VLANs whose frames keep their tag: `20`, `"30-39"`. Default: none. */
  tagged?: (string | number)[];
}

export interface LinkRoute {
  /** Where to: `10.9.0.0/16`. */
  destination: string;
  /** The router, on one of the link's subnets. */
  via: string;
  /** Lower is preferred, 0–4294967295. Default: that of the link. */
  metric?: number;
}

export interface Addressing {
  /** `dhcp`: IPv4 by DHCP, beside the addresses below. */
  ipv4?: "dhcp";
  /** `auto`: IPv6 by router advertisements and DHCPv6, beside the addresses below. */
  ipv6?: "auto";
  /** Fixed addresses, `192.0.2.5/24` or `2001:db8::5/64`; the first of a family is what the host sends from. */
  addresses?: string[];
  /** The IPv4 default gateway, on one of the link's subnets; where its addresses are single ones (`/32`), anywhere on the segment. */
  gateway?: string;
  /** The IPv6 default gateway, likewise (`/128`); it may be link-local. */
  gateway6?: string;
  /** Static routes. */
  routes?: LinkRoute[];
  /** DNS servers, of families that the link has; in the order of each family. */
  dns?: string[];
  /** DNS search domains. */
  search?: string[];
}

export interface Adopt {
  from: string;
}

export interface BridgeArgs {
  /** Devices of the host that are plugged in: by name. Others that are on the bridge, as the VMs' own, stay. Default: none. */
  ports?: string[];
  /** Spanning tree. Default: false; with it, a port forwards only after twice the forward delay. */
  stp?: boolean;
  /** Forward delay of the spanning tree, in s, 2–30. Default: 15. */
  forwardDelay?: number;
  /** Time between two messages of the root, in s, 1–10. Default: 2. */
  helloTime?: number;
  /** How long the spanning tree believes an old message, in s, 6–40. Default: 20. */
  maxAge?: number;
  /** Priority in the choice of the root, 0–65535, lower wins. Default: 32768. */
  priority?: number;
  /** How long an address that was not seen again is remembered, in s, 0–1000000. Default: 300. */
  ageingTime?: number;
  /** Whether multicast goes only where it is asked for. Default: true. */
  multicastSnooping?: boolean;
  /** Whether the bridge looks at VLAN tags, so that each port, VM and the host is in its own VLANs only. Default: false. */
  vlanFiltering?: boolean;
  /** VLAN of frames without a tag at each port, VM and the host, beside what `vlans` says, 0–4094; 0: none, so what `vlans` does not name is cut off. Default: 1. */
  vlanDefaultPvid?: number;
  /** VLANs of ports and, by the bridge's own name, of the host. Default: none but `vlanDefaultPvid`. */
  vlans?: Vlan[];
  /** Name of the device on the host, at most 15 characters. Default: that of the resource. */
  name?: string;
  /**
   * The host's own addresses here: `inherit`, those of the port, which gets them back when the link is deleted; `dhcp`; `none`; or
   * fixed ones. Default: `none`.
   */
  addresses?: "inherit" | "dhcp" | "none" | Addressing;
  /** MAC of the device. Default: of a link with ports and addresses that of the port whose addresses `inherit` takes, else by which the host is managed, else of the first, written down; otherwise the kernel's choice. */
  mac?: string;
  /** MTU in bytes, 68–65535. Default: the kernel's, 1500. */
  mtu?: number;
  /** Whether it is made again when the host starts; a Bridge or Bond by NetworkManager that has ports always is, for they bring it along. Default: true. */
  autoconnect?: boolean;
  /** The link is up; where it is not, this shows in a refresh, and `up` brings it up again. Always true. */
  up?: true;
  /** Take over a link of this name that exists already, changing only what differs; `{ from: "project/stack" }`: also from another stack. Default: false. */
  adopt?: boolean | Adopt;
  /** Delete an adopted link with the resource; otherwise it is released. Default: false. */
  deleteAdopted?: boolean;
  /** The costliest change that is allowed; whatever is not `live` replaces a link. Default: no limit. */
  maxImpact?: "live" | "replug" | "restart";
  /**
   * What manages the host's links: `networkmanager`, or `libvirt`, where its daemon writes interfaces (netcf). Default: found out on
   * the host, in this order.
   */
  backend?: "networkmanager" | "libvirt";
  /** After how many seconds a change that is not proven by then is taken back, 10–600: by the host, or with `libvirt` by the run. Default: 60, and longer where a spanning tree or LACP needs it. */
  rollbackAfter?: number;
  /**
   * An address that has to answer the host's ping after a change, beside the gateways that answered before, and a new ssh connection
   * where the host is reached by ssh. `false`: where nothing else can prove that the host is reachable, do without. Default: none.
   */
  probe?: string | false;
  /** Which host. Default: stack config `virtnet:uri`, else `LIBVIRT_DEFAULT_URI`, else `qemu:///system`. */
  uri?: string;
}

export interface BondArgs {
  /**
   * How ports are used, by name or number: `balance-rr` 0, `active-backup` 1, `balance-xor` 2, `broadcast` 3, `802.3ad` 4 (needs a switch
   * with LACP), `balance-tlb` 5, `balance-alb` 6. Virtual machines can be bridged onto 1, 2 and 4 only.
   */
  mode:
    | 0
    | 1
    | 2
    | 4
    | 3
    | 5
    | 6
    | "balance-rr"
    | "active-backup"
    | "balance-xor"
    | "broadcast"
    | "802.3ad"
    | "balance-tlb"
    | "balance-alb";
  /** NICs of the host that are joined. Default: none. */
  ports?: string[];
  /** Time between two looks at a port's carrier, in ms, 0–2147483647; 0: none. Default: 100, or 0 with `arpInterval`. */
  miimon?: number;
  /** How long a port is up before it is used, in ms; a multiple of `miimon`. Default: 0. */
  updelay?: number;
  /** How long a port is down before it is given up, in ms; a multiple of `miimon`. Default: 0. */
  downdelay?: number;
  /** Ask the driver for the carrier instead of the MII registers. Default: true. */
  useCarrier?: boolean;
  /** Time between two ARP probes instead of looking at the carrier, in ms, 0–2147483647; modes 0 to 3. Default: 0, none. */
  arpInterval?: number;
  /** Whom to ask by ARP: 1 to 16 IPv4 addresses. */
  arpIpTargets?: string[];
  /** Which ARP answers must be genuine; modes 0 to 3. Default: `none`. */
  arpValidate?: "none" | "filter" | "active" | "backup" | "all" | "filter_active" | "filter_backup";
  /** Whether one ARP target that answers is enough; mode 1. Default: `any`. */
  arpAllTargets?: "all" | "any";
  /** The port that is used while it is up; modes 1, 5 and 6. Default: none. */
  primary?: string;
  /** When the primary port is used again after it has come back; modes 1, 5 and 6. Default: `always`. */
  primaryReselect?: "always" | "better" | "failure";
  /** Whose MAC the bond has after a failure; mode 1. `active` cannot be bridged; beside `none`, `mac` cannot be set. Default: `none`, all ports have the bond's. */
  failOverMac?: "none" | "active" | "follow";
  /** What decides which port a packet takes; modes 2, 4, 5 and 6. Default: `layer2`. */
  xmitHashPolicy?: "layer2" | "layer2+3" | "layer3+4" | "encap2+3" | "encap3+4" | "vlan+srcmac";
  /** How often the LACP partner shall speak, `slow` is 30 s, `fast` 1 s; mode 4. Default: `slow`. */
  lacpRate?: "slow" | "fast";
  /** Which aggregator is used; mode 4. Default: `stable`. */
  adSelect?: "stable" | "bandwidth" | "count";
  /** LACP system priority, 1–65535; mode 4. Default: 65535. */
  adActorSysPrio?: number;
  /** LACP system MAC; mode 4. Default: the bond's. */
  adActorSystem?: string;
  /** Upper part of the LACP port key, 0–1023; mode 4. Default: 0. */
  adUserPortKey?: number;
  /** How many ports must be up for the bond to have a carrier, 0–2147483647; mode 4. Default: 0. */
  minLinks?: number;
  /** Take frames that arrive at unused ports too. Default: false. */
  allSlavesActive?: boolean;
  /** How many IGMP reports follow a failure, 0–255; modes 0, 1, 5 and 6. Default: 1. */
  resendIgmp?: number;
  /** How many gratuitous ARPs and neighbour advertisements follow a failure, 0–255; mode 1. Default: 1. */
  numGratArp?: number;
  /** Packets before the next port has its turn, 0–65535, 0: at random; mode 0. Default: 1. */
  packetsPerSlave?: number;
  /** Balance by load instead of by hash; modes 5 and 6. Default: true. */
  tlbDynamicLb?: boolean;
  /** Time between two learning packets, in s, 1–2147483647; modes 5 and 6. Default: 1. */
  lpInterval?: number;
  /** Time between two peer notifications after a failure, in ms; a multiple of `miimon`; mode 1. Default: 0, the link monitoring's. */
  peerNotifDelay?: number;
  /** Name of the device on the host, at most 15 characters. Default: that of the resource. */
  name?: string;
  /**
   * The host's own addresses here: `inherit`, those of the port, which gets them back when the link is deleted; `dhcp`; `none`; or
   * fixed ones. Default: `none`.
   */
  addresses?: "inherit" | "dhcp" | "none" | Addressing;
  /** MAC of the device. Default: of a link with ports and addresses that of the port whose addresses `inherit` takes, else by which the host is managed, else of the first, written down; otherwise the kernel's choice. */
  mac?: string;
  /** MTU in bytes, 68–65535. Default: the kernel's, 1500. */
  mtu?: number;
  /** Whether it is made again when the host starts; a Bridge or Bond by NetworkManager that has ports always is, for they bring it along. Default: true. */
  autoconnect?: boolean;
  /** The link is up; where it is not, this shows in a refresh, and `up` brings it up again. Always true. */
  up?: true;
  /** Take over a link of this name that exists already, changing only what differs; `{ from: "project/stack" }`: also from another stack. Default: false. */
  adopt?: boolean | Adopt;
  /** Delete an adopted link with the resource; otherwise it is released. Default: false. */
  deleteAdopted?: boolean;
  /** The costliest change that is allowed; whatever is not `live` replaces a link. Default: no limit. */
  maxImpact?: "live" | "replug" | "restart";
  /**
   * What manages the host's links: `networkmanager`, or `libvirt`, where its daemon writes interfaces (netcf). Default: found out on
   * the host, in this order.
   */
  backend?: "networkmanager" | "libvirt";
  /** After how many seconds a change that is not proven by then is taken back, 10–600: by the host, or with `libvirt` by the run. Default: 60, and longer where a spanning tree or LACP needs it. */
  rollbackAfter?: number;
  /**
   * An address that has to answer the host's ping after a change, beside the gateways that answered before, and a new ssh connection
   * where the host is reached by ssh. `false`: where nothing else can prove that the host is reachable, do without. Default: none.
   */
  probe?: string | false;
  /** Which host. Default: stack config `virtnet:uri`, else `LIBVIRT_DEFAULT_URI`, else `qemu:///system`. */
  uri?: string;
}

export interface VlanArgs {
  /** The device that carries the tagged frames: a NIC, bond or bridge of the host; a name or a resource. */
  parent: string;
  /** The tag (IEEE 802.1Q), 1–4094. */
  vlanId: number;
  /** Give programs that look at raw frames these without the tag. Default: true. */
  reorderHeaders?: boolean;
  /** Tell switches of the VLAN by GVRP. Default: false. */
  gvrp?: boolean;
  /** Tell switches of the VLAN by MVRP. Default: false. */
  mvrp?: boolean;
  /** Stay up while the parent is down. Default: false. */
  looseBinding?: boolean;
  /** Name of the device on the host, at most 15 characters. Default: that of the resource. */
  name?: string;
  /**
   * The host's own addresses here: `inherit`, those of the port, which gets them back when the link is deleted; `dhcp`; `none`; or
   * fixed ones. Default: `none`.
   */
  addresses?: "inherit" | "dhcp" | "none" | Addressing;
  /** MAC of the device. Default: of a link with ports and addresses that of the port whose addresses `inherit` takes, else by which the host is managed, else of the first, written down; otherwise the kernel's choice. */
  mac?: string;
  /** MTU in bytes, 68–65535. Default: the kernel's, 1500. */
  mtu?: number;
  /** Whether it is made again when the host starts; a Bridge or Bond by NetworkManager that has ports always is, for they bring it along. Default: true. */
  autoconnect?: boolean;
  /** The link is up; where it is not, this shows in a refresh, and `up` brings it up again. Always true. */
  up?: true;
  /** Take over a link of this name that exists already, changing only what differs; `{ from: "project/stack" }`: also from another stack. Default: false. */
  adopt?: boolean | Adopt;
  /** Delete an adopted link with the resource; otherwise it is released. Default: false. */
  deleteAdopted?: boolean;
  /** The costliest change that is allowed; whatever is not `live` replaces a link. Default: no limit. */
  maxImpact?: "live" | "replug" | "restart";
  /**
   * What manages the host's links: `networkmanager`, or `libvirt`, where its daemon writes interfaces (netcf). Default: found out on
   * the host, in this order.
   */
  backend?: "networkmanager" | "libvirt";
  /** After how many seconds a change that is not proven by then is taken back, 10–600: by the host, or with `libvirt` by the run. Default: 60, and longer where a spanning tree or LACP needs it. */
  rollbackAfter?: number;
  /**
   * An address that has to answer the host's ping after a change, beside the gateways that answered before, and a new ssh connection
   * where the host is reached by ssh. `false`: where nothing else can prove that the host is reachable, do without. Default: none.
   */
  probe?: string | false;
  /** Which host. Default: stack config `virtnet:uri`, else `LIBVIRT_DEFAULT_URI`, else `qemu:///system`. */
  uri?: string;
}
