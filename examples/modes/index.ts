// A network of each of the five modes. What a mode promises is in docs/modes.md.
//
//   pulumi config set bridge br0      a bridge that the host has
//   pulumi up
//   pulumi stack output upstreamRoutes
import * as pulumi from "@pulumi/pulumi";
import * as virtnet from "pulumi-virtnet";

const config = new pulumi.Config();

/** Behind the host's address, IPv6 as well: without `nat.ipv6`, IPv6 would be routed and visible from outside. */
new virtnet.Network("dev", {
  mode: "nat",
  nat: { ipv6: true },
  ips: [
    { address: "192.168.110.1/24", dhcp: { ranges: [{ start: "192.168.110.100", end: "192.168.110.199" }] } },
    { address: "fd00:110::1/64", dhcp: { ranges: [{ start: "fd00:110::100", end: "fd00:110::1ff" }] } },
  ],
});

/** A subnet of its own, visible from outside. Routers there need the entries that `upstreamRoutes` names. */
const dmz = new virtnet.Network("dmz", {
  mode: "route",
  ips: [{ address: "198.51.100.1/24", dhcp: { ranges: [{ start: "198.51.100.100", end: "198.51.100.199" }] } }],
});

/** Routed too, and libvirt sets no firewall rule: the host's own firewall decides. */
new virtnet.Network("lab", {
  mode: "open",
  ips: [{ address: "10.30.0.1/24" }],
});

/** Guests reach each other and the host, nobody else. */
new virtnet.Network("storage", {
  mode: "isolated",
  mtu: 9000,
  ips: [{ address: "10.20.0.1/24", dhcp: { ranges: [{ start: "10.20.0.100", end: "10.20.0.199" }] } }],
});

/** On a bridge that the host has: guests are in its LAN, and get their addresses from there. */
new virtnet.Network("lan", {
  mode: "bridge",
  bridge: config.require("bridge"),
});

export const upstreamRoutes = dmz.upstreamRoutes;
