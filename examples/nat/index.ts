// A first network. Its guests get an address by DHCP, know each other by name, and reach the outside behind the host's
// address; nobody outside reaches them.
//
//   pulumi up
//
// A guest is plugged in with libvirt's own means: <interface type='network'><source network='dev'/></interface>
import * as virtnet from "pulumi-virtnet";

const dev = new virtnet.Network("dev", {
  mode: "nat",
  domain: { name: "dev.test", localOnly: true },
  ips: [
    {
      address: "192.168.100.1/24",
      dhcp: { ranges: [{ start: "192.168.100.100", end: "192.168.100.199" }] },
    },
  ],
});

export const bridge = dev.bridgeName;
