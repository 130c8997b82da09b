// Generated from provider/network by scripts/types.mjs; do not edit.

export interface Lease {
  /** How long a lease holds, in `unit`; 0: for ever. Otherwise at least 2 minutes. */
  expiry: number;
  /** Unit of `expiry`. Default: minutes. */
  unit?: "seconds" | "minutes" | "hours";
}

export interface Range {
  /** First address that is handed out. */
  start: string;
  /** Last address that is handed out. */
  end: string;
  /** Lease time of this range. */
  lease?: Lease;
}

export interface Host {
  /** MAC of the guest's NIC (IPv4). */
  mac?: string;
  /** DUID of the guest (IPv6 only). */
  id?: string;
  /** Host name that the guest is given, and that DNS answers. */
  name?: string;
  /** The address that it always gets. */
  ip?: string;
  /** Lease time of this host. */
  lease?: Lease;
}

export interface Bootp {
  /** Boot file that PXE clients are told. */
  file: string;
  /** Server of the boot file. Default: this network's own TFTP. */
  server?: string;
}

export interface Dhcp {
  /** Ranges of addresses handed out. A change is live. */
  ranges?: Range[];
  /** Fixed addresses by MAC, DUID or name. A change is live. */
  hosts?: Host[];
  /** Boot server for PXE. */
  bootp?: Bootp;
}

export interface Tftp {
  /** Directory that TFTP serves, an absolute path; must exist on the host. IPv4 only. */
  root: string;
}

export interface Ip {
  /** Address of the host on this network with the prefix length: `192.168.100.1/24`, `fd00:100::1/64`. */
  address: string;
  /** Whether local names of the subnet are answered here only (reverse zone). IPv4 prefix 8, 16 or 24; IPv6 prefix divisible by 4. */
  localPtr?: boolean;
  /** DHCP of this subnet. One IPv4 and one IPv6 address of a network may have it. */
  dhcp?: Dhcp;
  /** TFTP server for PXE. */
  tftp?: Tftp;
}

export interface Addresses {
  /** First address that masquerading uses. */
  start: string;
  /** Last address that masquerading uses. */
  end: string;
}

export interface Ports {
  /** First port that masquerading uses, 1–65535. */
  start: number;
  /** Last port that masquerading uses, 1–65535. */
  end: number;
}

export interface Nat {
  /** Masquerades IPv6 as well; without it IPv6 is routed and visible from outside. Default: false. */
  ipv6?: boolean;
  /** Range of the host's addresses to use. Default: the address of the outgoing device. */
  addresses?: Addresses;
  /** Range of ports to use. Default: 1024–65535. */
  ports?: Ports;
}

export interface Bridge {
  /** Name of the bridge device, at most 15 characters. Default: `virbrN`, made by libvirt. */
  name?: string;
  /** Spanning tree. Default: true, which makes a starting network forward after about 4 s; `false` is quicker. */
  stp?: boolean;
  /** Forward delay of the spanning tree, in s, 0–30. Default 0. */
  delay?: number;
  /** Zone of firewalld. Default: `libvirt`. Needs firewalld. */
  zone?: string;
  /** Who keeps the bridge's MAC table. Default: `kernel`. */
  macTableManager?: "kernel" | "libvirt";
}

export interface Domain {
  /** DNS domain of the network. */
  name?: string;
  /** Queries for the domain are never sent upstream. Default: false. */
  localOnly?: boolean;
  /** Registered with systemd-resolved, so that the host resolves it (daemon 10.1 and newer). Default: false. */
  register?: boolean;
}

export interface Forwarder {
  /** Only queries for this domain go there. */
  domain?: string;
  /** Address of the name server; without it, queries for `domain` are answered here only. */
  address?: string;
}

export interface DnsHost {
  /** Address that the names have. */
  ip: string;
  /** Names of the address. */
  hostnames: string[];
}

export interface Txt {
  /** Name of the record. */
  name: string;
  /**
   * Text of the record, as dnsmasq reads it: a comma begins a further string, quotes and backslashes are its own, and " #" begins a
   * comment. Text with such in it is put in double quotes: `"v=1, a"`.
   */
  value: string;
}

export interface Srv {
  /** Name of the service, without the underscore: `ldap`. */
  service: string;
  /** Its protocol, without the underscore. */
  protocol: "tcp" | "udp";
  /** Domain of the record. Default: the network's domain. */
  domain?: string;
  /** Host that offers the service; `.`: none does. */
  target?: string;
  /** Port of the service, 1–65535. */
  port?: number;
  /** Lower is preferred, 0–65535. Default 0. */
  priority?: number;
  /** Share among equals, 0–65535. Default 0. */
  weight?: number;
}

export interface Dns {
  /** Whether there is a DNS server at all. Default: true. A change restarts the network. */
  enable?: boolean;
  /** Names without a dot are asked upstream too. Default: true. A change restarts the network. */
  forwardPlainNames?: boolean;
  /** Servers that are asked instead of the host's own, in this order. A change restarts the network. */
  forwarders?: Forwarder[];
  /** Names that are answered here. A change is live. */
  hosts?: DnsHost[];
  /** TXT records. A change is live; of several of one name it restarts the network. */
  txts?: Txt[];
  /** SRV records. A change is live. */
  srvs?: Srv[];
}

export interface Route {
  /** Destination subnet: `10.9.0.0/16`. */
  destination: string;
  /** Next hop, an address on this network. */
  gateway: string;
  /** Metric, 1–4294967295; lower is preferred. Default: the kernel's. */
  metric?: number;
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

export interface MetadataElement {
  /** Local name of the element. */
  name: string;
  /** Attributes of the element. */
  attributes?: Record<string, string>;
  /** Text of the element. */
  text?: string;
  /** Child elements, in order. */
  children?: MetadataElement[];
}

export interface Metadata {
  /** Namespace, a URI; one element for each, and not `urn:pulumi-virtnet:1`. */
  namespace: string;
  /** Prefix that is written. Default: `app`. */
  prefix?: string;
  /** The element. */
  element: MetadataElement;
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

export interface PortGroup {
  /** Name that NICs refer to; unique in the network. */
  name: string;
  /** NICs that name no group are in this one; at most one group may be it. Default: false. */
  default?: boolean;
  /** Guests may change their MAC and receive filters. Default: false. */
  trustGuestRxFilters?: boolean;
  /** Traffic shaping of each NIC of the group. */
  bandwidth?: Bandwidth;
  /** VLAN tags of the group's NICs. */
  vlan?: Vlan;
  /** Virtual switch port of the group's NICs. */
  virtualport?: Virtualport;
}

export interface Adopt {
  from: string;
}

export interface Macvtap {
  /** How macvtap devices on one NIC reach each other. `bridge`: directly; `vepa`: through the switch; `private`: not at all; `passthrough`: one guest a device. */
  mode: "bridge" | "vepa" | "private" | "passthrough";
  /** Host devices, a pool: each guest gets the one with the fewest connections. Adding and removing is live. */
  interfaces: string[];
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
  /** Physical function whose virtual functions make the pool: `eth2`. Or `addresses`. */
  device?: string;
  /** Virtual functions of the pool by PCI address. Or `device`. */
  addresses?: Address[];
  /** libvirt detaches the device from its host driver, and gives it back. Default: false. */
  managed?: boolean;
  /** Driver that hands the device to the guest. Default: libvirt's. */
  driver?: "vfio" | "kvm";
}

export interface NatArgs {
  /** Addresses of the host on the network, several if wanted, also in one subnet; the first in that of the DHCP is the guests' gateway. At least one. */
  ips: Ip[];
  /** Masquerades behind the host. */
  mode: "nat";
  /** The only host device that traffic may leave by. Default: whatever the host's routes say. */
  device?: string;
  /** How masquerading is done. */
  nat?: Nat;
  /** The bridge that libvirt makes. */
  bridge?: Bridge;
  /** MAC of the bridge. Default: made by libvirt, then kept. */
  mac?: string;
  /** MTU in bytes, 68–65535. Default: the kernel's, 1500. */
  mtu?: number;
  /** DNS domain. */
  domain?: Domain;
  /** DNS server. */
  dns?: Dns;
  /** Static routes of the host through this network. */
  routes?: Route[];
  /** Guests may speak IPv6 to each other where the host has no IPv6 address here. Default: false. */
  ipv6?: boolean;
  /** Traffic shaping of the whole network. */
  bandwidth?: Bandwidth;
  /** Lines for dnsmasq's configuration, as they are: `dhcp-option=option:ntp-server,10.0.0.1`. libvirt does not vouch for them. */
  dnsmasqOptions?: string[];
  /** Name of the network on the host. Default: the Pulumi name. */
  name?: string;
  /** Short title (daemon 9.7 and newer). Live. */
  title?: string;
  /** Description (daemon 9.7 and newer). Live. */
  description?: string;
  /** Elements of other applications, one for each namespace. */
  metadata?: Metadata[];
  /** Groups of switch ports that NICs refer to. */
  portGroups?: PortGroup[];
  /** Guests may change their MAC and receive filters. Default: false. */
  trustGuestRxFilters?: boolean;
  /** Guests cannot reach each other on the bridge (libvirt: `<port isolated>`). Default: false. */
  portIsolated?: boolean;
  /** VLAN tags of the guests' ports. On a Linux bridge from daemon 11.0 on. */
  vlan?: Vlan;
  /** Whether the network runs. Default: true. */
  running?: boolean;
  /** Whether it starts with the host. Default: true. */
  autostart?: boolean;
  /** Whether the NICs of running VMs are plugged into it: they are not after somebody stopped and started it. `false`: they are left as they are. Default: true. */
  nicsConnected?: boolean;
  /** Whether what libvirt made on the host for it is there: its stored definition, and where a command can be run on the host its bridge, the bridge's IPv4 addresses, its dnsmasq. `false`: what is gone from the host stays so; the definition is stored again with the next change. Default: true. */
  intact?: boolean;
  /** Which host. Default: stack config `virtnet:uri`, else `LIBVIRT_DEFAULT_URI`, else `qemu:///system`. */
  uri?: string;
  /** Take over a network of this name that exists already, changing only what differs; `{ from: "project/stack" }`: also from another stack. Default: false. */
  adopt?: boolean | Adopt;
  /** Delete an adopted network with the resource; otherwise it is released. Default: false. */
  deleteAdopted?: boolean;
  /** Delete although NICs refer to the network. Default: false. */
  forceDelete?: boolean;
  /** Restart although that cuts off devices on the bridge that are no VM's (containers', the host's own) and cannot be put back. Default: false. */
  force?: boolean;
  /** The costliest change that is allowed: `live`, `replug` or `restart`. Default: no limit. */
  maxImpact?: "restart" | "live" | "replug";
  /** `next-restart`: a change is stored, and takes effect when somebody restarts the network; until then output `pending` names it. Default: `now`. */
  apply?: "now" | "next-restart";
  /** Guests whose subnet changes have their link taken down and up, so that they ask for a new address. Default: true. */
  renewLeases?: boolean;
}

export interface RouteArgs {
  /** Addresses of the host on the network, several if wanted, also in one subnet; the first in that of the DHCP is the guests' gateway. At least one. */
  ips: Ip[];
  /** A subnet of its own, routed by the host. */
  mode: "route";
  /** The only host device that traffic may leave by. Default: whatever the host's routes say. */
  device?: string;
  /** The bridge that libvirt makes. */
  bridge?: Bridge;
  /** MAC of the bridge. Default: made by libvirt, then kept. */
  mac?: string;
  /** MTU in bytes, 68–65535. Default: the kernel's, 1500. */
  mtu?: number;
  /** DNS domain. */
  domain?: Domain;
  /** DNS server. */
  dns?: Dns;
  /** Static routes of the host through this network. */
  routes?: Route[];
  /** Guests may speak IPv6 to each other where the host has no IPv6 address here. Default: false. */
  ipv6?: boolean;
  /** Traffic shaping of the whole network. */
  bandwidth?: Bandwidth;
  /** Lines for dnsmasq's configuration, as they are: `dhcp-option=option:ntp-server,10.0.0.1`. libvirt does not vouch for them. */
  dnsmasqOptions?: string[];
  /** Name of the network on the host. Default: the Pulumi name. */
  name?: string;
  /** Short title (daemon 9.7 and newer). Live. */
  title?: string;
  /** Description (daemon 9.7 and newer). Live. */
  description?: string;
  /** Elements of other applications, one for each namespace. */
  metadata?: Metadata[];
  /** Groups of switch ports that NICs refer to. */
  portGroups?: PortGroup[];
  /** Guests may change their MAC and receive filters. Default: false. */
  trustGuestRxFilters?: boolean;
  /** Guests cannot reach each other on the bridge (libvirt: `<port isolated>`). Default: false. */
  portIsolated?: boolean;
  /** VLAN tags of the guests' ports. On a Linux bridge from daemon 11.0 on. */
  vlan?: Vlan;
  /** Whether the network runs. Default: true. */
  running?: boolean;
  /** Whether it starts with the host. Default: true. */
  autostart?: boolean;
  /** Whether the NICs of running VMs are plugged into it: they are not after somebody stopped and started it. `false`: they are left as they are. Default: true. */
  nicsConnected?: boolean;
  /** Whether what libvirt made on the host for it is there: its stored definition, and where a command can be run on the host its bridge, the bridge's IPv4 addresses, its dnsmasq. `false`: what is gone from the host stays so; the definition is stored again with the next change. Default: true. */
  intact?: boolean;
  /** Which host. Default: stack config `virtnet:uri`, else `LIBVIRT_DEFAULT_URI`, else `qemu:///system`. */
  uri?: string;
  /** Take over a network of this name that exists already, changing only what differs; `{ from: "project/stack" }`: also from another stack. Default: false. */
  adopt?: boolean | Adopt;
  /** Delete an adopted network with the resource; otherwise it is released. Default: false. */
  deleteAdopted?: boolean;
  /** Delete although NICs refer to the network. Default: false. */
  forceDelete?: boolean;
  /** Restart although that cuts off devices on the bridge that are no VM's (containers', the host's own) and cannot be put back. Default: false. */
  force?: boolean;
  /** The costliest change that is allowed: `live`, `replug` or `restart`. Default: no limit. */
  maxImpact?: "restart" | "live" | "replug";
  /** `next-restart`: a change is stored, and takes effect when somebody restarts the network; until then output `pending` names it. Default: `now`. */
  apply?: "now" | "next-restart";
  /** Guests whose subnet changes have their link taken down and up, so that they ask for a new address. Default: true. */
  renewLeases?: boolean;
}

export interface OpenArgs {
  /** Addresses of the host on the network, several if wanted, also in one subnet; the first in that of the DHCP is the guests' gateway. At least one. */
  ips: Ip[];
  /** Routed, firewalled by nobody but the host. */
  mode: "open";
  /** The bridge that libvirt makes. */
  bridge?: Bridge;
  /** MAC of the bridge. Default: made by libvirt, then kept. */
  mac?: string;
  /** MTU in bytes, 68–65535. Default: the kernel's, 1500. */
  mtu?: number;
  /** DNS domain. */
  domain?: Domain;
  /** DNS server. */
  dns?: Dns;
  /** Static routes of the host through this network. */
  routes?: Route[];
  /** Guests may speak IPv6 to each other where the host has no IPv6 address here. Default: false. */
  ipv6?: boolean;
  /** Traffic shaping of the whole network. */
  bandwidth?: Bandwidth;
  /** Lines for dnsmasq's configuration, as they are: `dhcp-option=option:ntp-server,10.0.0.1`. libvirt does not vouch for them. */
  dnsmasqOptions?: string[];
  /** Name of the network on the host. Default: the Pulumi name. */
  name?: string;
  /** Short title (daemon 9.7 and newer). Live. */
  title?: string;
  /** Description (daemon 9.7 and newer). Live. */
  description?: string;
  /** Elements of other applications, one for each namespace. */
  metadata?: Metadata[];
  /** Groups of switch ports that NICs refer to. */
  portGroups?: PortGroup[];
  /** Guests may change their MAC and receive filters. Default: false. */
  trustGuestRxFilters?: boolean;
  /** Guests cannot reach each other on the bridge (libvirt: `<port isolated>`). Default: false. */
  portIsolated?: boolean;
  /** VLAN tags of the guests' ports. On a Linux bridge from daemon 11.0 on. */
  vlan?: Vlan;
  /** Whether the network runs. Default: true. */
  running?: boolean;
  /** Whether it starts with the host. Default: true. */
  autostart?: boolean;
  /** Whether the NICs of running VMs are plugged into it: they are not after somebody stopped and started it. `false`: they are left as they are. Default: true. */
  nicsConnected?: boolean;
  /** Whether what libvirt made on the host for it is there: its stored definition, and where a command can be run on the host its bridge, the bridge's IPv4 addresses, its dnsmasq. `false`: what is gone from the host stays so; the definition is stored again with the next change. Default: true. */
  intact?: boolean;
  /** Which host. Default: stack config `virtnet:uri`, else `LIBVIRT_DEFAULT_URI`, else `qemu:///system`. */
  uri?: string;
  /** Take over a network of this name that exists already, changing only what differs; `{ from: "project/stack" }`: also from another stack. Default: false. */
  adopt?: boolean | Adopt;
  /** Delete an adopted network with the resource; otherwise it is released. Default: false. */
  deleteAdopted?: boolean;
  /** Delete although NICs refer to the network. Default: false. */
  forceDelete?: boolean;
  /** Restart although that cuts off devices on the bridge that are no VM's (containers', the host's own) and cannot be put back. Default: false. */
  force?: boolean;
  /** The costliest change that is allowed: `live`, `replug` or `restart`. Default: no limit. */
  maxImpact?: "restart" | "live" | "replug";
  /** `next-restart`: a change is stored, and takes effect when somebody restarts the network; until then output `pending` names it. Default: `now`. */
  apply?: "now" | "next-restart";
  /** Guests whose subnet changes have their link taken down and up, so that they ask for a new address. Default: true. */
  renewLeases?: boolean;
}

export interface IsolatedArgs {
  /** No way out. */
  mode: "isolated";
  /** The bridge that libvirt makes. */
  bridge?: Bridge;
  /** MAC of the bridge. Default: made by libvirt, then kept. */
  mac?: string;
  /** MTU in bytes, 68–65535. Default: the kernel's, 1500. */
  mtu?: number;
  /** DNS domain. */
  domain?: Domain;
  /** DNS server. */
  dns?: Dns;
  /** Addresses of the host on the network, several if wanted, also in one subnet; the first in that of the DHCP is the guests' gateway, but in mode `isolated`, where they get none. */
  ips?: Ip[];
  /** Static routes of the host through this network. */
  routes?: Route[];
  /** Guests may speak IPv6 to each other where the host has no IPv6 address here. Default: false. */
  ipv6?: boolean;
  /** Traffic shaping of the whole network. */
  bandwidth?: Bandwidth;
  /** Lines for dnsmasq's configuration, as they are: `dhcp-option=option:ntp-server,10.0.0.1`. libvirt does not vouch for them. */
  dnsmasqOptions?: string[];
  /** Name of the network on the host. Default: the Pulumi name. */
  name?: string;
  /** Short title (daemon 9.7 and newer). Live. */
  title?: string;
  /** Description (daemon 9.7 and newer). Live. */
  description?: string;
  /** Elements of other applications, one for each namespace. */
  metadata?: Metadata[];
  /** Groups of switch ports that NICs refer to. */
  portGroups?: PortGroup[];
  /** Guests may change their MAC and receive filters. Default: false. */
  trustGuestRxFilters?: boolean;
  /** Guests cannot reach each other on the bridge (libvirt: `<port isolated>`). Default: false. */
  portIsolated?: boolean;
  /** VLAN tags of the guests' ports. On a Linux bridge from daemon 11.0 on. */
  vlan?: Vlan;
  /** Whether the network runs. Default: true. */
  running?: boolean;
  /** Whether it starts with the host. Default: true. */
  autostart?: boolean;
  /** Whether the NICs of running VMs are plugged into it: they are not after somebody stopped and started it. `false`: they are left as they are. Default: true. */
  nicsConnected?: boolean;
  /** Whether what libvirt made on the host for it is there: its stored definition, and where a command can be run on the host its bridge, the bridge's IPv4 addresses, its dnsmasq. `false`: what is gone from the host stays so; the definition is stored again with the next change. Default: true. */
  intact?: boolean;
  /** Which host. Default: stack config `virtnet:uri`, else `LIBVIRT_DEFAULT_URI`, else `qemu:///system`. */
  uri?: string;
  /** Take over a network of this name that exists already, changing only what differs; `{ from: "project/stack" }`: also from another stack. Default: false. */
  adopt?: boolean | Adopt;
  /** Delete an adopted network with the resource; otherwise it is released. Default: false. */
  deleteAdopted?: boolean;
  /** Delete although NICs refer to the network. Default: false. */
  forceDelete?: boolean;
  /** Restart although that cuts off devices on the bridge that are no VM's (containers', the host's own) and cannot be put back. Default: false. */
  force?: boolean;
  /** The costliest change that is allowed: `live`, `replug` or `restart`. Default: no limit. */
  maxImpact?: "restart" | "live" | "replug";
  /** `next-restart`: a change is stored, and takes effect when somebody restarts the network; until then output `pending` names it. Default: `now`. */
  apply?: "now" | "next-restart";
  /** Guests whose subnet changes have their link taken down and up, so that they ask for a new address. Default: true. */
  renewLeases?: boolean;
}

export interface BridgeArgs {
  /** On a bridge or device that exists. */
  mode: "bridge";
  /** Name of a bridge that exists on the host. */
  bridge?: string;
  /** Who keeps the bridge's MAC table. Default: `kernel`. */
  macTableManager?: "kernel" | "libvirt";
  /** Guests on a NIC through macvtap; the host itself does not reach them, except through a switch that reflects. */
  macvtap?: Macvtap;
  /** Guests on virtual functions of a NIC (SR-IOV). */
  hostdev?: Hostdev;
  /** Parameters of the virtual switch port; `openvswitch` for a bridge of Open vSwitch. */
  virtualport?: Virtualport;
  /** Traffic shaping of each NIC. */
  bandwidth?: Bandwidth;
  /** Name of the network on the host. Default: the Pulumi name. */
  name?: string;
  /** Short title (daemon 9.7 and newer). Live. */
  title?: string;
  /** Description (daemon 9.7 and newer). Live. */
  description?: string;
  /** Elements of other applications, one for each namespace. */
  metadata?: Metadata[];
  /** Groups of switch ports that NICs refer to. */
  portGroups?: PortGroup[];
  /** Guests may change their MAC and receive filters. Default: false. */
  trustGuestRxFilters?: boolean;
  /** Guests cannot reach each other on the bridge (libvirt: `<port isolated>`). Default: false. */
  portIsolated?: boolean;
  /** VLAN tags of the guests' ports. On a Linux bridge from daemon 11.0 on. */
  vlan?: Vlan;
  /** Whether the network runs. Default: true. */
  running?: boolean;
  /** Whether it starts with the host. Default: true. */
  autostart?: boolean;
  /** Whether the NICs of running VMs are plugged into it: they are not after somebody stopped and started it. `false`: they are left as they are. Default: true. */
  nicsConnected?: boolean;
  /** Whether what libvirt made on the host for it is there: its stored definition, and where a command can be run on the host its bridge, the bridge's IPv4 addresses, its dnsmasq. `false`: what is gone from the host stays so; the definition is stored again with the next change. Default: true. */
  intact?: boolean;
  /** Which host. Default: stack config `virtnet:uri`, else `LIBVIRT_DEFAULT_URI`, else `qemu:///system`. */
  uri?: string;
  /** Take over a network of this name that exists already, changing only what differs; `{ from: "project/stack" }`: also from another stack. Default: false. */
  adopt?: boolean | Adopt;
  /** Delete an adopted network with the resource; otherwise it is released. Default: false. */
  deleteAdopted?: boolean;
  /** Delete although NICs refer to the network. Default: false. */
  forceDelete?: boolean;
  /** Restart although that cuts off devices on the bridge that are no VM's (containers', the host's own) and cannot be put back. Default: false. */
  force?: boolean;
  /** The costliest change that is allowed: `live`, `replug` or `restart`. Default: no limit. */
  maxImpact?: "restart" | "live" | "replug";
  /** `next-restart`: a change is stored, and takes effect when somebody restarts the network; until then output `pending` names it. Default: `now`. */
  apply?: "now" | "next-restart";
  /** Guests whose subnet changes have their link taken down and up, so that they ask for a new address. Default: true. */
  renewLeases?: boolean;
}
