// Virtual machines on the LAN that the host is on, through two NICs of which one may fail. One of them may be the NIC that
// the host is managed through: the addresses move from it to the bond and on to the bridge, and back with "pulumi destroy";
// unless the host can be reached by a new connection after each step, it takes that step back by itself.
//
//   pulumi config set --path nics[0] eno1
//   pulumi config set --path nics[1] eno2
import * as pulumi from "@pulumi/pulumi";
import * as virtnet from "pulumi-virtnet";

const nics = new pulumi.Config().requireObject<string[]>("nics");

// Two switches, or two ports of one, with nothing set up there. A bond of mode 802.3ad uses both NICs at once, with a switch
// that speaks LACP; other modes are refused under a bridge.
const bond = new virtnet.Bond("bond0", { mode: "active-backup", ports: nics, addresses: "inherit" });

const bridge = new virtnet.Bridge("br0", { ports: [bond], addresses: "inherit" });

// What virtual machines are plugged into: <source network='lan'/>.
const lan = new virtnet.Network("lan", { mode: "bridge", bridge: bridge.name });

export const network = lan.name;
