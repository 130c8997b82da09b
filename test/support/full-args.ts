/**
 * Valid networks that together set every field of every mode: for tests that loop over all paths of the schema. Names,
 * bridges and subnets differ, so all of them can be defined on one host. A real libvirtd 9.0 takes those without `since`
 * (`--validate` too); starting some needs more: firewalld (`bridge.zone`), sch_sfq (`bandwidth`), the TFTP root. One is
 * taken only where its devices are: `full-bridge-vfs` names virtual functions, which libvirt looks up at define.
 */
import type { Inputs } from "../../provider/handler.js";
import type { Mode } from "../../provider/network/parts/forward.js";

export interface FullArgs {
  args: Inputs;
  /** The daemon that takes it, major*1000000 + minor*1000 + release; absent: 9.0 does. */
  since?: number;
}

const UUID_A = "09b11c53-8b5c-4eeb-8f00-d84eaa0aaa4f";
const UUID_B = "fa9b7fff-b0a0-4893-8e0e-beef4ff18f8f";

const bandwidth = {
  inbound: { average: 1000, peak: 5000, burst: 1024 },
  outbound: { average: 512, peak: 2048, burst: 256 },
};

const metadata = [
  {
    namespace: "https://example.org/inventory/1",
    prefix: "inv",
    element: {
      name: "record",
      attributes: { rack: "r1 & <r2>" },
      children: [{ name: "owner", text: "net team" }, { name: "empty" }],
    },
  },
  { namespace: "urn:example:cost", element: { name: "centre", text: "4711" } },
];

const portProfiles = [
  { name: "ovs", virtualport: { type: "openvswitch", profileId: "menial", interfaceId: UUID_A } },
  {
    name: "vepa",
    virtualport: { type: "802.1Qbg", managerId: 11, typeId: 1193047, typeIdVersion: 2, instanceId: UUID_B },
  },
  { name: "vnlink", virtualport: { type: "802.1Qbh", profileId: "finance" } },
  { name: "mido", virtualport: { type: "midonet", interfaceId: UUID_A } },
];

const portGroups = [
  {
    name: "engineering",
    default: true,
    trustGuestRxFilters: true,
    bandwidth: { inbound: { average: 500, peak: 1000, burst: 512 }, outbound: { average: 100, peak: 200, burst: 64 } },
  },
  { name: "guests.visitors", default: false },
];

/** `n`: third octet of the subnets and suffix of the bridge. */
function ownBridge(mode: string, n: number): Inputs {
  return {
    mode,
    name: `full-${mode}`,
    running: false,
    autostart: false,
    metadata,
    portGroups: [...portGroups, ...portProfiles],
    trustGuestRxFilters: true,
    portIsolated: true,
    bridge: { name: `vnfull${n}`, stp: false, delay: 4, zone: "libvirt", macTableManager: "libvirt" },
    mac: `52:54:00:AB:CD:${(16 + n).toString(16)}`,
    mtu: 1400,
    domain: { name: `full${n}.example.org`, localOnly: true },
    dns: {
      enable: true,
      forwardPlainNames: false,
      forwarders: [
        { address: "203.0.113.53" },
        { domain: "corp.example.org", address: "2001:DB8::53" },
        { domain: "lost.example.org" },
      ],
      hosts: [
        { ip: `10.211.${n}.1`, hostnames: ["gateway", `gw.full${n}.example.org`] },
        { ip: `fd00:211:${n}::1`, hostnames: ["gateway6"] },
      ],
      txts: [
        { name: "example", value: "v=spf1 <all> & more" },
        { name: "note", value: "a note" },
      ],
      srvs: [
        {
          service: "ldap",
          protocol: "tcp",
          domain: "example.org",
          target: "ldap.example.org",
          port: 389,
          priority: 10,
          weight: 5,
        },
        { service: "kerberos", protocol: "udp" },
      ],
    },
    ips: [
      {
        address: `10.211.${n}.1/24`,
        localPtr: true,
        tftp: { root: "/srv/tftp" },
        dhcp: {
          ranges: [
            { start: `10.211.${n}.100`, end: `10.211.${n}.149`, lease: { expiry: 720, unit: "hours" } },
            { start: `10.211.${n}.160`, end: `10.211.${n}.160` },
          ],
          hosts: [
            { mac: "52:54:00:12:34:5A", name: "web", ip: `10.211.${n}.10`, lease: { expiry: 1200, unit: "seconds" } },
            { mac: "52:54:00:12:34:5b", ip: `10.211.${n}.11`, lease: { expiry: 0 } },
            { name: "mail", ip: `10.211.${n}.12` },
          ],
          bootp: { file: "pxelinux.0", server: `10.211.${n}.2` },
        },
      },
      { address: `10.212.${n}.1/28` },
      {
        address: `fd00:211:${n}:0::1/64`,
        dhcp: {
          ranges: [{ start: `fd00:211:${n}::100`, end: `fd00:211:${n}::1FF`, lease: { expiry: 30 } }],
          hosts: [
            { name: "web6", ip: `fd00:211:${n}::10` },
            { id: "0:3:0:1:0:16:3e:11:22:33", name: "mail6", ip: `fd00:211:${n}::11` },
          ],
        },
      },
    ],
    routes: [
      { destination: `10.213.${n}.0/24`, gateway: `10.211.${n}.2`, metric: 2 },
      { destination: `fd00:213:${n}::/48`, gateway: `fd00:211:${n}::2` },
    ],
    ipv6: true,
    bandwidth,
    dnsmasqOptions: ["dhcp-option=option:ntp-server,10.0.0.1", "log-queries"],
  };
}

/** Without a DNS server of its own. */
const noDns = (mode: string, n: number): Inputs => ({
  mode,
  name: `full-${mode}-nodns`,
  bridge: { name: `vnfull${n}` },
  dns: { enable: false },
  ips: [{ address: `10.211.${n}.1/24` }],
});

/** What newer daemons know. */
const newer = (mode: string, n: number): FullArgs => ({
  since: 10_001_000,
  args: {
    mode,
    name: `full-${mode}-newer`,
    title: "Lab & <more>",
    description: "A network\nfor tests",
    bridge: { name: `vnfull${n}` },
    domain: { name: `newer${n}.example.org`, localOnly: true, register: true },
    ips: [{ address: `10.211.${n}.1/24` }],
  },
});

const plugged = (name: string): Inputs => ({
  mode: "bridge",
  name: `full-bridge-${name}`,
  running: false,
  autostart: false,
  metadata,
});

/** Paths of the schema that no valid network sets; the rules say why. */
export const neverValid = (mode: Mode, path: string): boolean =>
  path.endsWith("bandwidth.inbound.floor") || (mode !== "bridge" && /^(portGroups\[\]\.)?vlan\./.test(path));

export const fullArgs: Record<Mode, FullArgs[]> = {
  nat: [
    {
      args: {
        ...ownBridge("nat", 1),
        device: "eth0",
        nat: {
          ipv6: true,
          addresses: { start: "203.0.113.10", end: "203.0.113.20" },
          ports: { start: 2048, end: 60000 },
        },
      },
    },
    { args: noDns("nat", 2) },
    newer("nat", 3),
  ],
  route: [{ args: { ...ownBridge("route", 11), device: "eth0" } }, { args: noDns("route", 12) }, newer("route", 13)],
  open: [{ args: ownBridge("open", 21) }, { args: noDns("open", 22) }, newer("open", 23)],
  isolated: [
    { args: ownBridge("isolated", 31) },
    { args: noDns("isolated", 32) },
    newer("isolated", 33),
    // A switch and nothing else.
    { args: { mode: "isolated", name: "full-isolated-bare", bridge: { name: "vnfull34" }, ipv6: true } },
  ],
  bridge: [
    {
      args: {
        ...plugged("linux"),
        bridge: "br0",
        macTableManager: "libvirt",
        trustGuestRxFilters: true,
        portIsolated: true,
        bandwidth,
        portGroups: [...portGroups, ...portProfiles.filter((g) => g.name === "ovs" || g.name === "mido")],
      },
    },
    {
      args: {
        ...plugged("ovs"),
        bridge: "ovsbr0",
        virtualport: { type: "openvswitch", profileId: "menial", interfaceId: UUID_A },
        vlan: { trunk: true, tags: [{ id: 42, nativeMode: "untagged" }, { id: 47 }] },
        portGroups: [
          { name: "one", vlan: { trunk: true, tags: [{ id: 42 }] } },
          {
            name: "many",
            vlan: { trunk: true, tags: [{ id: 0 }, { id: 4095, nativeMode: "tagged" }] },
            virtualport: { type: "openvswitch" },
          },
        ],
      },
    },
    { args: { ...plugged("midonet"), bridge: "mido0", virtualport: { type: "midonet", interfaceId: UUID_A } } },
    {
      args: {
        ...plugged("macvtap"),
        macvtap: { mode: "bridge", interfaces: ["eth1", "eth2"] },
        trustGuestRxFilters: true,
      },
    },
    {
      args: {
        ...plugged("vepa"),
        macvtap: { mode: "vepa", interfaces: ["eth3"] },
        virtualport: { type: "802.1Qbg", managerId: 11, typeId: 1193047, typeIdVersion: 2, instanceId: UUID_B },
        portGroups: portProfiles.filter((g) => g.name === "vepa" || g.name === "vnlink"),
      },
    },
    {
      args: {
        ...plugged("vnlink"),
        macvtap: { mode: "passthrough", interfaces: ["eth4", "eth5"] },
        virtualport: { type: "802.1Qbh", profileId: "finance" },
        vlan: { trunk: true, tags: [{ id: 42 }] },
      },
    },
    { args: { ...plugged("private"), macvtap: { mode: "private", interfaces: ["eth6"] } } },
    {
      args: {
        ...plugged("pf"),
        hostdev: { device: "eth7", managed: true, driver: "vfio" },
        vlan: { tags: [{ id: 42 }] },
      },
    },
    {
      args: {
        ...plugged("vfs"),
        hostdev: {
          addresses: [
            { domain: 0, bus: 3, slot: 1, function: 0 },
            { bus: 3, slot: 1, function: 7 },
            { domain: 0xffff, bus: 0xff, slot: 0x1f, function: 1 },
          ],
          managed: false,
        },
      },
    },
    {
      since: 11_000_000,
      args: {
        ...plugged("newer"),
        title: "LAN & <more>",
        description: "The office\nLAN",
        bridge: "br1",
        vlan: { trunk: true, tags: [{ id: 42, nativeMode: "untagged" }, { id: 47 }] },
        portGroups: [{ name: "tagged", vlan: { tags: [{ id: 48 }] } }],
      },
    },
  ],
};
