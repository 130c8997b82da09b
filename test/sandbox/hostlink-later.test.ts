/** Links that inherit addresses only once they have their ports: what counts is what the link has by then, else what the port had before. */
import assert from "node:assert/strict";
import { closeHosts } from "../../provider/host/hosts.js";
import { GATEWAY, HOST, withLan } from "../support/lan.js";
import { virtnet } from "../support/virtnet.js";

describe("a link that inherits later", function () {
  this.timeout(120_000);
  const lan = withLan(3);
  const { nmcli, addresses } = lan;
  after(closeHosts);
  const defaultRoute = async () => JSON.parse(await lan.sh("ip -j route show default")) as Record<string, unknown>[];

  it("keeps the addresses that it has, on the NIC that manages the host too, and gives the port its own back", async () => {
    const d = lan.drive("bridge", "br0");
    await d.up({ ports: ["eth1"], addresses: { addresses: [`${HOST}/24`], gateway: GATEWAY } });
    const before = await defaultRoute();
    await d.up({ ports: ["eth1"], addresses: "inherit" });
    assert.deepEqual([await addresses("br0"), await addresses("eth1")], [[`${HOST}/24`], []]);
    assert.deepEqual(await defaultRoute(), before);
    assert.equal((await d.refresh())?.drift, false);
    // What was taken over is known to the next change as well.
    await d.up({ ports: ["eth1"], addresses: "inherit", ageingTime: 100 });
    assert.deepEqual(await addresses("br0"), [`${HOST}/24`]);
    await d.destroy();
    assert.equal((await defaultRoute())[0]?.dev, "eth1");
  });

  it("has those that the port had before, where it has none itself: of a NIC, and of a device that its own profile makes", async () => {
    const fixed = "ipv6.method disabled ipv4.method manual ipv4.routes";
    await lan.add("own", "ethernet", "eth2", `${fixed} 10.9.0.0/16 ip4 192.0.2.9/24`);
    await lan.add("tap5", "tun", "tap5", `mode tap ${fixed} 10.8.0.0/16 ip4 192.0.3.9/24`);
    await nmcli("connection", "up", "own");
    await nmcli("connection", "up", "tap5");
    try {
      for (const [port, address, route] of [
        ["eth2", "192.0.2.9/24", "10.9.0.0/16"],
        ["tap5", "192.0.3.9/24", "10.8.0.0/16"],
      ] as const) {
        const d = lan.drive("bridge", "br2");
        await d.up({ ports: [port] });
        assert.deepEqual(await addresses("br2"), []);
        await d.up({ ports: [port], addresses: "inherit" });
        assert.deepEqual(await addresses("br2"), [address]);
        assert.equal(await nmcli("-g", "ipv4.routes", "connection", "show", "br2"), route);
        assert.equal((await d.refresh())?.drift, false);
        await d.destroy();
        assert.deepEqual(await addresses(port), [address]);
      }
    } finally {
      await nmcli("connection", "delete", "own", "tap5");
    }
  });

  it("is one that somebody made by hand, and one that was disowned: adopted, it goes on with what it has", async () => {
    await lan.add("br7", "bridge", "br7", "bridge.stp no ipv6.method disabled ip4 192.0.2.9/24");
    await lan.add("theirs", "ethernet", "eth2", "master br7");
    await nmcli("connection", "up", "theirs");
    const args = { adopt: true, ports: ["eth2"], addresses: "inherit" };
    try {
      const d = lan.drive("bridge", "br7");
      await d.up(args);
      assert.equal((await d.refresh())?.drift, false);
      const env = { LIBVIRT_DEFAULT_URI: lan.host().uri };
      assert.equal((await virtnet(["disown", "bridge", "br7"], { env })).code, 0);
      const again = lan.drive("bridge", "br7");
      await again.up(args);
      assert.equal((await again.refresh())?.drift, false);
      assert.deepEqual([await addresses("br7"), await lan.ports("br7")], [["192.0.2.9/24"], ["eth2"]]);
      await again.destroy();
      assert.deepEqual(await addresses("br7"), ["192.0.2.9/24"]);
      d.state = undefined;
    } finally {
      await nmcli("connection", "delete", "theirs", "br7");
    }
  });
});
