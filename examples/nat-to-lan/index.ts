// Moves a VM that runs from libvirt's NAT network to the LAN: its NIC, which something else has made, is taken over and
// plugged into a bridge that is on the LAN, without the guest seeing more than that its old address does not fit any more. It
// asks for another one by DHCP when its link goes down and up, or when its lease ends.
//
//   pulumi config set vm web
//   pulumi config set mac 52:54:00:12:34:56     # "virsh domiflist web" shows it
//   pulumi config set bridge br0
//
// "pulumi destroy" lets go of the NIC and leaves it on the LAN. To go back: network: "default" in place of bridge, and up.
import * as pulumi from "@pulumi/pulumi";
import * as virtnet from "pulumi-virtnet";

const config = new pulumi.Config();
const vm = config.get("vm") ?? "web";

const nic = new virtnet.VmInterface(`${vm}-eth0`, {
  domain: vm,
  bridge: config.get("bridge") ?? "br0",
  mac: config.require("mac"),
  // It exists already: only what differs is changed, here what it is plugged into.
  adopt: true,
  // A move between bridges is live. Should it cost more, it is refused in the preview.
  maxImpact: "live",
});

export const device = nic.targetDevice;
