// A switch port that carries several VLANs (a trunk), and a network of virtual machines for each of them. VMs know nothing of
// tags: what they send leaves the host with the tag of their network, and other VLANs do not reach them.
//
//   pulumi config set --path nics[0] eno3
//   pulumi config set --path nics[1] eno4
import * as pulumi from "@pulumi/pulumi";
import * as virtnet from "pulumi-virtnet";

const nics = new pulumi.Config().requireObject<string[]>("nics");

const trunk = new virtnet.Bond("trunk", { mode: "active-backup", ports: nics });

const vlans = { office: 20, phones: 30 };

export const networks = Object.entries(vlans).map(([name, id]) => {
  const vlan = new virtnet.Vlan(`trunk.${id}`, { parent: trunk, vlanId: id });
  // The host itself has no address in these VLANs: only VMs are in them.
  const bridge = new virtnet.Bridge(`br${id}`, { ports: [vlan] });
  return new virtnet.Network(name, { mode: "bridge", bridge: bridge.name }).name;
});
