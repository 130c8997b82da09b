// A DMZ beside an inner network, on one host with a NIC in each. What stands in the DMZ is reached from outside, and cannot
// reach the inner network, nor the host: the host's NIC is their only way, and it leads out.
//
//   pulumi config set inner eno1      a NIC on the inner network; it may be the one that the host is managed through
//   pulumi config set outer eno2      a NIC on the DMZ's segment, without addresses of the host
//   pulumi up
import * as pulumi from "@pulumi/pulumi";
import * as virtnet from "pulumi-virtnet";

const config = new pulumi.Config();

/** Inside, the host and its virtual machines are in the same LAN. */
const inner = new virtnet.Bridge("br0", { ports: [config.require("inner")], addresses: "inherit" });
const inside = new virtnet.Network("inner", { mode: "bridge", bridge: inner.name });

/**
 * In the DMZ they are on the NIC itself, by macvtap: the kernel hands what they send to the wire, and none of it to the host. A
 * bridge would not keep the host out, even without an address: what a virtual machine sends to the bridge's MAC is the host's,
 * and a host that forwards, as each with a NAT network does, would send it on into the inner network.
 */
const dmz = new virtnet.Network("dmz", {
  mode: "bridge",
  macvtap: { mode: "bridge", interfaces: [config.require("outer")] },
});

/** What virtual machines name: `<source network='dmz'/>`. */
export const networks = [inside.name, dmz.name];
