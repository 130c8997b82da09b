// The program of "npm run demo": a network of each of the five modes. The demo edits a copy of it, and shows what each
// change costs the guests that run.
import * as virtnet from "pulumi-virtnet";

/** Guests are behind the host's address, as in a home network. */
const dev = new virtnet.Network("dev", {
  mode: "nat",
  bridge: { stp: false },
  domain: { name: "dev.test", localOnly: true },
  ips: [
    {
      address: "192.168.100.1/24",
      dhcp: {
        ranges: [{ start: "192.168.100.100", end: "192.168.100.199" }],
      },
    },
    { address: "fd00:100::1/64" },
  ],
  nat: { ipv6: true }, // without it IPv6 would be routed, and visible from outside
});

/** A subnet of its own, visible from outside. */
const dmz = new virtnet.Network("dmz", {
  mode: "route",
  bridge: { stp: false },
  ips: [{ address: "198.51.100.1/24" }, { address: "2001:db8:51::1/64" }],
});

/** The host's own firewall decides; here it lets everything through. */
const lab = new virtnet.Network("lab", {
  mode: "open",
  bridge: { stp: false },
  ips: [{ address: "10.30.0.1/24" }, { address: "fd00:30::1/64" }],
});

/** No way out. */
const storage = new virtnet.Network("storage", {
  mode: "isolated",
  bridge: { stp: false },
  ips: [{ address: "10.20.0.1/24" }, { address: "fd00:20::1/64" }],
});

/** On the bridge br0, which the host has already. */
const lan = new virtnet.Network("lan", { mode: "bridge", bridge: "br0" });

export const bridges = {
  dev: dev.bridgeName,
  dmz: dmz.bridgeName,
  lab: lab.bridgeName,
  storage: storage.bridgeName,
  lan: lan.bridgeName,
};
export const upstreamRoutes = dmz.upstreamRoutes;
