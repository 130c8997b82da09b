// Generated from provider/hostlink by scripts/types.mjs; do not edit.

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
  /** The IPv4 default gateway, on one of the link's subnets. */
  gateway?: string;
  /** The IPv6 default gateway; it may be link-local. */
  gateway6?: string;
  /** Static routes. */
  routes?: LinkRoute[];
  /** DNS servers. */
  dns?: string[];
  /** DNS search domains. */
  search?: string[];
}

export interface Adopt {
  from: string;
}

export interface BridgeArgs {
  /** Devices of the host that are plugged in: names, or Bond and Vlan resources. Others that are on the bridge, as the VMs' own, stay. Default: none. */
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
  /** Name of the device on the host, at most 15 characters. Default: that of the resource. */
  name?: string;
  /**
   * The host's own addresses here: `inherit`, those of the port, which gets them back when the link is deleted; `dhcp`; `none`; or
   * fixed ones. Default: `none`.
   */
  addresses?: "inherit" | "dhcp" | "none" | Addressing;
  /** MAC of the device. Default: with `inherit` the port's, otherwise the kernel's choice, then kept. */
  mac?: string;
  /** MTU in bytes, 68–65535. Default: the kernel's, 1500. */
  mtu?: number;
  /** Whether it is made again when the host starts. Default: true. */
  autoconnect?: boolean;
  /** The link is up; where it is not, this shows in a refresh, and `up` brings it up again. Always true. */
  up?: true;
  /** Take over a link of this name that exists already, changing only what differs; `{ from: "project/stack" }`: also from another stack. Default: false. */
  adopt?: boolean | Adopt;
  /** Delete an adopted link with the resource; otherwise it is released. Default: false. */
  deleteAdopted?: boolean;
  /** What manages the host's links. Default: found out on the host. */
  backend?: "networkmanager";
  /** After how many seconds the host takes a change back that is not proven by then, 10–600. Default: 60, and longer where a spanning tree or LACP needs it. */
  rollbackAfter?: number;
  /** Which host. Default: stack config `virtnet:uri`, else `LIBVIRT_DEFAULT_URI`, else `qemu:///system`. */
  uri?: string;
}
