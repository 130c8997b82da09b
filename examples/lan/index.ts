// Virtual machines on an existing LAN: they get their addresses from its DHCP server, and everybody there sees them.
//
//   pulumi config set nic eno1        the host's NIC on that LAN; it may be the one that the host is managed through
//   pulumi up
import * as pulumi from "@pulumi/pulumi";
import * as virtnet from "pulumi-virtnet";

const config = new pulumi.Config();

/**
 * The NIC becomes a port of the bridge, which has its MAC and its addresses from then on. Unless the host can still be
 * reached afterwards, it takes that back by itself.
 */
const lan = new virtnet.Bridge("br0", { ports: [config.require("nic")], addresses: "inherit" });

/** What virtual machines name: `<source network='lan'/>`. */
const network = new virtnet.Network("lan", { mode: "bridge", bridge: lan.name });

export const bridge = lan.name;
export const name = network.name;
