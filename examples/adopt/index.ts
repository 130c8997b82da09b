// Takes over the network "default" that libvirt's packages bring, and changes only what is written here and differs:
// its UUID, bridge and MAC stay, and so do running guests. "virtnet import network default" writes such a program for
// any network that exists.
//
// "pulumi destroy" releases an adopted network: it stays on the host as it is, without our mark. `deleteAdopted: true`
// deletes it.
import * as virtnet from "pulumi-virtnet";

const network = new virtnet.Network("default", {
  mode: "nat",
  adopt: true,
  ips: [
    {
      address: "192.168.122.1/24",
      // The package's range starts at .2; this leaves the lower half for fixed addresses. Changed live.
      dhcp: { ranges: [{ start: "192.168.122.128", end: "192.168.122.254" }] },
    },
  ],
});

export const adopted = network.adopted;
