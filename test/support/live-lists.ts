/** Networks that set all that libvirt changes while they run, and what somebody may do to each of those lists with virsh. */
import type { Inputs } from "../../provider/handler.js";

export const RUNNING: Readonly<Record<"nat" | "bridge", Inputs>> = {
  nat: {
    mode: "nat",
    name: "running",
    bridge: { stp: false },
    portGroups: [{ name: "a" }],
    dns: {
      hosts: [{ ip: "10.71.0.7", hostnames: ["seven"] }],
      txts: [{ name: "t", value: "v" }],
      srvs: [{ service: "ldap", protocol: "tcp", domain: "x.test", target: "l.x.test", port: 389 }],
    },
    ips: [
      {
        address: "fd00:71::1/64",
        dhcp: {
          ranges: [{ start: "fd00:71::10", end: "fd00:71::20" }],
          hosts: [{ name: "v6", ip: "fd00:71::5" }],
        },
      },
      {
        address: "10.71.0.1/24",
        dhcp: {
          ranges: [{ start: "10.71.0.10", end: "10.71.0.99", lease: { expiry: 5 } }],
          hosts: [{ mac: "52:54:00:aa:aa:01", name: "web", ip: "10.71.0.5" }],
        },
      },
    ],
  },
  bridge: {
    mode: "bridge",
    name: "running",
    macvtap: { mode: "bridge", interfaces: ["up0", "nosuch0"] },
    portGroups: [{ name: "a" }],
  },
};

export interface LiveList {
  row: string;
  section: string;
  /** Index of the `<ip>` that the list is in. */
  parent?: number;
  /** An item of the network above, and one that is not in it. */
  there: string;
  other: string;
}

const portGroups: LiveList = {
  row: "portGroups",
  section: "portgroup",
  there: "<portgroup name='a'/>",
  other: "<portgroup name='b'/>",
};

export const LIVE_LISTS: Readonly<Record<"nat" | "bridge", readonly LiveList[]>> = {
  nat: [
    portGroups,
    {
      row: "dns.hosts",
      section: "dns-host",
      there: "<host ip='10.71.0.7'><hostname>seven</hostname></host>",
      other: "<host ip='10.71.0.8'><hostname>eight</hostname></host>",
    },
    {
      row: "dns.txts",
      section: "dns-txt",
      there: "<txt name='t' value='v'/>",
      other: "<txt name='u' value='v'/>",
    },
    {
      row: "dns.srvs",
      section: "dns-srv",
      there: "<srv service='ldap' protocol='tcp' domain='x.test' target='l.x.test' port='389'/>",
      other: "<srv service='sip' protocol='udp'/>",
    },
    {
      row: "ips[].dhcp.ranges",
      section: "ip-dhcp-range",
      parent: 0,
      there: "<range start='fd00:71::10' end='fd00:71::20'/>",
      other: "<range start='fd00:71::30' end='fd00:71::40'/>",
    },
    {
      row: "ips[].dhcp.ranges",
      section: "ip-dhcp-range",
      parent: 1,
      there: "<range start='10.71.0.10' end='10.71.0.99'><lease expiry='5'/></range>",
      other: "<range start='10.71.0.100' end='10.71.0.110'/>",
    },
    {
      row: "ips[].dhcp.hosts",
      section: "ip-dhcp-host",
      parent: 0,
      there: "<host name='v6' ip='fd00:71::5'/>",
      other: "<host name='other' ip='fd00:71::6'/>",
    },
    {
      row: "ips[].dhcp.hosts",
      section: "ip-dhcp-host",
      parent: 1,
      there: "<host mac='52:54:00:aa:aa:01' name='web' ip='10.71.0.5'/>",
      other: "<host mac='52:54:00:aa:aa:02' ip='10.71.0.6'/>",
    },
  ],
  bridge: [
    portGroups,
    {
      row: "macvtap.interfaces",
      section: "forward-interface",
      there: "<interface dev='nosuch0'/>",
      other: "<interface dev='nosuch1'/>",
    },
  ],
};
