// Gives a VM that runs a second NIC, on a network for storage that reaches nothing else. The VM was made by something
// else (virt-install, Terraform, a cloud image) and is not touched otherwise: the NIC is plugged in while it runs, and it
// has it after its next start too. "pulumi destroy" unplugs it again, which the guest has to agree to.
//
//   pulumi config set vm web
import * as pulumi from "@pulumi/pulumi";
import * as virtnet from "pulumi-virtnet";

const vm = new pulumi.Config().get("vm") ?? "web";

const storage = new virtnet.Network("storage-lan", {
  mode: "isolated",
  ips: [
    {
      address: "10.66.0.1/24",
      dhcp: { ranges: [{ start: "10.66.0.10", end: "10.66.0.99" }] },
    },
  ],
});

const nic = new virtnet.VmInterface(`${vm}-storage`, {
  domain: vm,
  // The name of the resource, not a text: so Pulumi makes the network first.
  network: storage.name,
  // More room for what arrives in bursts.
  driver: { rxQueueSize: 512 },
});

// Known in the preview already, so the guest's configuration can be written before the NIC is there.
export const mac = nic.mac;
