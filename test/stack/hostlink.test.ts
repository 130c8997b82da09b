import assert from "node:assert/strict";
import { on, withNetworkManager } from "../support/networkmanager.js";
import { virsh } from "../support/sandbox.js";
import { withProgram } from "../support/stack.js";

describe("pulumi with a bridge of the host", function () {
  this.timeout(300_000);
  const host = withNetworkManager(1);
  const program = withProgram();
  const HOST = "198.51.100.10/24";
  const nmcli = (...args: string[]) => on(host(), ["nmcli", ...args]);
  const addresses = (device: string) =>
    on(host(), ["sh", "-c", `ip -br -4 addr show dev ${device} 2>/dev/null | awk '{print $3}'`]);
  const write = (more: string) =>
    program().write(
      "index.js",
      `const { Bridge, Network } = require("pulumi-virtnet");
       const lan = new Bridge("br0", { ports: ["eth1"], addresses: "inherit"${more} });
       new Network("lan", { mode: "bridge", bridge: lan.name });`,
    );

  before("gives the host a NIC with an address", async () => {
    await on(host().outside, ["ip", "addr", "add", "198.51.100.1/24", "dev", "seg1"]);
    const how = ["ipv4.method", "manual", "ipv4.addresses", HOST, "ipv6.method", "disabled"];
    await nmcli("connection", "add", "type", "ethernet", "ifname", "eth1", "con-name", "lan", ...how);
    await nmcli("connection", "up", "lan");
  });

  it("asks the backend that the program names, and no other", async () => {
    const stack = program().stack("named", { "virtnet:uri": host().uri });
    write(', backend: "libvirt"');
    const { text } = await stack.previewFails();
    assert.match(text, /addresses.*libvirt keeps nowhere what the port had/);
    write(', backend: "networkmanager"');
    assert.deepEqual(await stack.plannedSteps(), { br0: "create", lan: "create" });
  });

  it("makes it over a NIC and a network on it in one up, shows no drift, changes it in place, and gives all back", async () => {
    const stack = program().stack("lan", { "virtnet:uri": host().uri });
    write("");
    assert.deepEqual(await stack.plannedSteps(), { br0: "create", lan: "create" });
    await stack.up();
    assert.equal(await addresses("br0"), HOST);
    assert.equal(await addresses("eth1"), "");
    assert.match(await virsh(host(), ["net-dumpxml", "lan"]), /<bridge name='br0'\/>/);
    assert.deepEqual(await stack.drift(), {}, "no noise");
    const index = await on(host(), ["cat", "/sys/class/net/br0/ifindex"]);

    write(", stp: true");
    assert.deepEqual(await stack.plannedSteps(), { br0: "update" });
    await stack.up();
    assert.equal(await on(host(), ["cat", "/sys/class/net/br0/bridge/stp_state"]), "1");
    assert.equal(await on(host(), ["cat", "/sys/class/net/br0/ifindex"]), index);

    await stack.destroy();
    assert.equal(await addresses("eth1"), HOST);
    assert.equal(await on(host(), ["sh", "-c", "ls /sys/class/net | grep -c br0 || true"]), "0");
  });
});
