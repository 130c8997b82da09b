// Hosting of virtual servers: they have public addresses of a subnet of their own, which the router outside sends to the host.
// The host has two NICs: it is managed through a private one, and the virtual servers come and go by the public one alone.
//
//   pulumi config set nic eno2                  the public NIC, with an address that the router reaches
//   pulumi config set subnet 192.0.2.1/28     the host's address in the subnet of the virtual servers: their gateway
//   pulumi config set first 192.0.2.2
//   pulumi config set last 192.0.2.14
//   pulumi up
//   pulumi stack output upstreamRoutes          what the router outside needs: ip route add DESTINATION via VIA
import * as pulumi from "@pulumi/pulumi";
import * as virtnet from "pulumi-virtnet";

const config = new pulumi.Config();

const servers = new virtnet.Network("servers", {
  mode: "route",
  // Neither in nor out by another device: the management network is not reached from here, whatever the host's routes say.
  // The host itself is, under all its addresses: what it offers on them is its own firewall's business.
  device: config.require("nic"),
  ips: [
    {
      address: config.require("subnet"),
      dhcp: { ranges: [{ start: config.require("first"), end: config.require("last") }] },
    },
  ],
});

export const upstreamRoutes = servers.upstreamRoutes;
