/**
 * Valid NICs that together set every field of every kind of source: for tests that loop over all paths of the schema.
 * A stopped VM of a real libvirtd 9.0 takes those without `since`.
 */
import type { Inputs } from "../../provider/handler.js";
import type { SourceKind } from "../../provider/vminterface/source.js";

export interface FullNic {
  args: Inputs;
  /** The daemon that takes it, major*1000000 + minor*1000 + release; absent: 9.0 does. */
  since?: number;
}

const UUID = "09b11c53-8b5c-4eeb-8f00-d84eaa0aaa4f";
const rates = {
  inbound: { average: 1000, peak: 5000, burst: 1024 },
  outbound: { average: 512, peak: 900, burst: 256 },
};
let last = 0;
const nic = (more: Inputs): Inputs => ({
  domain: "full",
  mac: `52:54:00:79:00:${(++last).toString(16).padStart(2, "0")}`,
  ...more,
});
const driver = {
  name: "qemu",
  queues: 4,
  rxQueueSize: 512,
  txQueueSize: 256,
  txmode: "iothread",
  ioeventfd: true,
  eventIdx: false,
  iommu: true,
  ats: true,
  packed: true,
  host: { csum: false, gso: false, tso4: false, tso6: false, ecn: false, ufo: false, mrgRxbuf: false },
  guest: { csum: false, tso4: false, tso6: false, ecn: false, ufo: false },
};
const emulated = { alias: "ua-full-1", bootOrder: 7, model: "virtio", driver, linkState: "down" };
const onHost = { ...emulated, targetDevice: "fulltap1", bandwidth: rates, trustGuestRxFilters: true };
const bridged = {
  ...onHost,
  filter: {
    name: "clean-traffic",
    parameters: [
      { name: "IP", value: "10.0.0.1" },
      { name: "IP", value: "10.0.0.2" },
    ],
  },
  mtu: 1400,
  isolated: true,
  coalesce: { rxMaxFrames: 7 },
};

/** What only Open vSwitch, MidoNet or a switch of its own carries. */
const trunk = { trunk: true, tags: [{ id: 42, nativeMode: "untagged" }, { id: 47 }] };
const ovs = { type: "openvswitch", profileId: "menial", interfaceId: UUID };
const qbg = { type: "802.1Qbg", managerId: 11, typeId: 1193047, typeIdVersion: 2, instanceId: UUID };
const qbh = { type: "802.1Qbh", profileId: "finance" };

export const fullNics: Record<SourceKind, FullNic[]> = {
  network: [
    {
      args: nic({
        network: "one",
        portGroup: "groupa",
        ...bridged,
        bandwidth: { ...rates, inbound: { ...rates.inbound, floor: 100 } },
      }),
    },
    { args: nic({ network: "one", vlan: trunk, virtualport: ovs }) },
    { args: nic({ network: "one", virtualport: qbg }) },
  ],
  bridge: [
    { args: nic({ bridge: "br0", ...bridged }) },
    { args: nic({ bridge: "ovsbr0", vlan: trunk, virtualport: ovs }) },
    { args: nic({ bridge: "mido0", virtualport: { type: "midonet", interfaceId: UUID } }) },
  ],
  direct: [
    {
      args: nic({
        direct: { device: "eth0", mode: "passthrough" },
        ...onHost,
        vlan: { tags: [{ id: 42 }] },
        virtualport: qbh,
      }),
    },
    { args: nic({ direct: { device: "eth1", mode: "vepa" }, virtualport: qbg }) },
  ],
  hostdev: [
    {
      args: nic({
        hostdev: { address: { domain: 1, bus: 3, slot: 16, function: 1 }, managed: true, driver: "vfio" },
        alias: "ua-full-2",
        bootOrder: 8,
        vlan: { tags: [{ id: 42 }] },
        virtualport: qbh,
      }),
    },
  ],
  user: [
    {
      args: nic({
        user: { addresses: ["172.17.2.4/24", "2001:db8:ac10:fd01::feed/64"] },
        ...emulated,
        driver: { ...driver, queues: 1 },
      }),
    },
    {
      // That of Debian 12 knows passt in its schema, but not in its parser (libvirt issue 462).
      since: 9_001_000,
      args: nic({
        user: {
          backend: "passt",
          logFile: "/var/log/passt.log",
          device: "eth0",
          portForwards: [
            {
              protocol: "tcp",
              address: "203.0.113.2",
              device: "eth0",
              ranges: [
                { start: 2022, end: 2030, to: 22 },
                { start: 2025, exclude: true },
              ],
            },
            { protocol: "udp", ranges: [{ start: 53 }] },
          ],
        },
      }),
    },
    { args: nic({ user: {} }) },
  ],
};

/** Paths of the schema that no valid NIC of the kind sets; the rules say why. */
export const neverValid = (kind: SourceKind, path: string): boolean =>
  (path === "bandwidth.inbound.floor" && kind !== "network") ||
  (/^(vlan\.trunk|vlan\.tags\[\]\.nativeMode)$/.test(path) && (kind === "direct" || kind === "hostdev")) ||
  (path.startsWith("virtualport.") && !PORT[kind].includes(path.slice("virtualport.".length)));

const QBG = ["managerId", "typeId", "typeIdVersion", "instanceId"];
const PORT: Record<SourceKind, string[]> = {
  network: ["type", "profileId", "interfaceId", ...QBG],
  bridge: ["type", "profileId", "interfaceId"],
  direct: ["type", "profileId", ...QBG],
  hostdev: ["type", "profileId"],
  user: [],
};
