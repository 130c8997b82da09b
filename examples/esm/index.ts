// TypeScript as an ES module ("type": "module" in package.json), with a value that is known only while it runs: the
// reservation's name comes from an output. Outputs may stand at any depth of the arguments, except for `mode`.
import * as pulumi from "@pulumi/pulumi";
import { Network } from "pulumi-virtnet";

const build = pulumi.output({ name: "builder", mac: "52:54:00:00:00:10" });

const dev = new Network("dev", {
  mode: "nat",
  ips: [
    {
      address: "192.168.120.1/24",
      dhcp: {
        ranges: [{ start: "192.168.120.100", end: "192.168.120.199" }],
        hosts: [{ mac: build.mac, name: build.name, ip: "192.168.120.10" }],
      },
    },
  ],
});

export const { uuid, bridgeName } = dev;
