// Virtual machines on a LAN, without a change to the host's own links: on a bridge that is there, or by macvtap on a NIC.
//
//   pulumi config set bridge br0      a bridge that the host has
//   pulumi config set nic eno1        a NIC of the host
//   pulumi up
import * as pulumi from "@pulumi/pulumi";
import * as virtnet from "pulumi-virtnet";

const config = new pulumi.Config();

/** On the bridge that is there. The virtual machines reach each other, the host and the LAN. */
new virtnet.Network("lan", { mode: "bridge", bridge: config.require("bridge") });

/**
 * Without a bridge: each virtual machine has a macvtap device on the NIC. They reach each other and the LAN, but not the host
 * itself: the kernel hands a frame from a macvtap to the wire, and not to the NIC that it is on.
 */
new virtnet.Network("lan-direct", {
  mode: "bridge",
  macvtap: { mode: "bridge", interfaces: [config.require("nic")] },
});
