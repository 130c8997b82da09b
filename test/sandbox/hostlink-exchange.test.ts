/** Ports that leave while the link keeps what was theirs: the host has nothing twice, and all of it again at the end. */
import assert from "node:assert/strict";
import { run } from "../../sandbox/index.js";
import { GATEWAY, HOST, waitFor, withLan } from "../support/lan.js";
import { on } from "../support/networkmanager.js";

const INHERIT = { addresses: "inherit", rollbackAfter: 20 };

describe("a port that leaves its link", function () {
  this.timeout(120_000);
  const lan = withLan(3);
  const { nmcli, addresses, ports } = lan;
  const outside = (script: string) => on(lan.host().outside, ["sh", "-ec", script]);
  const autoconnect = (profile: string) => nmcli("-g", "connection.autoconnect", "connection", "show", profile);
  const mac = (device: string) => lan.sh(`cat /sys/class/net/${device}/address`);

  before("two NICs are in one segment", () =>
    outside(
      `ip addr flush dev seg1; ip link add lan type bridge; ip addr add ${GATEWAY}/24 dev lan; ip link set lan up\n` +
        "for d in seg1 seg2; do ip link set $d master lan up; done",
    ),
  );

  it("has nothing while the link keeps its addresses, and has them back when the link goes", async () => {
    const d = lan.drive("bridge", "br0");
    await d.up({ ...INHERIT, ports: ["eth1"] });
    const own = await mac("br0");
    await d.preview({ ...INHERIT, ports: ["eth2"] });
    assert.match(d.log.join("\n"), /changed live \(.*; eth1 gets nothing back until br0 goes/);
    await d.up({ ...INHERIT, ports: ["eth2"] });
    assert.deepEqual(await ports("br0"), ["eth2"]);
    assert.deepEqual([await addresses("br0"), await addresses("eth1")], [[`${HOST}/24`], []]);
    assert.equal(await mac("br0"), own);
    assert.equal(await lan.pingable(), true);
    assert.equal((await d.refresh())?.drift, false);
    // Nor at the next start of the host.
    assert.equal(await autoconnect("lan"), "no");
    assert.deepEqual(await lan.onDisk(), ["br0-eth2.nmconnection", "br0.nmconnection", "lan.nmconnection"]);
    // Also after a change of something else, and by way of a port again.
    await d.up({ ...INHERIT, ports: ["eth2"], ageingTime: 100 });
    assert.equal(await autoconnect("lan"), "no");
    await d.up({ ...INHERIT, ports: ["eth1"] });
    assert.equal(await autoconnect("lan"), "no");
    await d.up({ ...INHERIT, ports: ["eth2"] });
    assert.deepEqual(await addresses("eth1"), []);
    await d.destroy();
    assert.deepEqual([await addresses("eth1"), await addresses("eth2")], [[`${HOST}/24`], []]);
    assert.equal(await lan.pingable(), true);
  });

  it("has nothing also where it was the port of another link meanwhile", async () => {
    const [br0, br5] = [lan.drive("bridge", "br0"), lan.drive("bridge", "br5")];
    await br0.up({ ...INHERIT, ports: ["eth1"] });
    await br0.up({ ...INHERIT, ports: ["eth2"] });
    await br5.up({ ports: ["eth1"] });
    assert.equal((await br0.refresh())?.drift, false);
    await br5.destroy();
    assert.deepEqual([await addresses("br0"), await addresses("eth1")], [[`${HOST}/24`], []]);
    assert.equal(await autoconnect("lan"), "no");
    assert.equal(await lan.pingable(), true);
    await br0.destroy();
    assert.deepEqual(await addresses("eth1"), [`${HOST}/24`]);
  });

  it("has its own back where the link keeps nothing of it, or has no addresses any more", async () => {
    await lan.add("office", "ethernet", "eth3", "ip4 192.0.2.3/24 ipv6.method disabled");
    await nmcli("connection", "up", "office");
    try {
      const d = lan.drive("bridge", "br2");
      const fixed = { addresses: { addresses: ["192.0.2.9/24"] } };
      await d.up({ ...fixed, ports: ["eth2", "eth3"] });
      await d.up({ ...fixed, ports: ["eth2"] });
      assert.deepEqual(await addresses("eth3"), ["192.0.2.3/24"]);
      assert.equal(await autoconnect("office"), "yes");
      await d.up({ addresses: { addresses: ["192.0.2.3/24"] }, ports: ["eth3"] });
      await d.up({ addresses: "none", ports: ["eth2"] });
      assert.deepEqual([await addresses("eth3"), await addresses("br2")], [["192.0.2.3/24"], []]);
      await d.destroy();
    } finally {
      await nmcli("connection", "delete", "office");
    }
  });

  it("is refused where its profile names no device, and would come back by itself", async () => {
    await lan.add("any", "ethernet", "*", "autoconnect no ip4 192.0.2.3/24 ipv6.method disabled");
    await nmcli("connection", "up", "any", "ifname", "eth3");
    try {
      const d = lan.drive("bridge", "br2");
      await d.up({ ...INHERIT, ports: ["eth3"] });
      await assert.rejects(
        d.up({ ...INHERIT, ports: ["eth2"] }),
        /bridge "br2": ports: "eth3" leaves it and gets its addresses back, but br2 keeps 192\.0\.2\.3\/24.*"any" names no device.*connection\.interface-name eth3/,
      );
      assert.deepEqual(await ports("br2"), ["eth3"]);
      await d.up({ ...INHERIT, ports: ["eth3"] });
      await d.destroy();
    } finally {
      await nmcli("connection", "delete", "any");
    }
  });

  it("is a port again where the exchange is taken back, or its run was killed", async () => {
    const d = lan.drive("bridge", "br0");
    await d.up({ ...INHERIT, ports: ["eth1"] });
    const was = { name: "br0", ...INHERIT, ports: ["eth1"] };
    // Nor by the outside's own addresses on another NIC.
    await outside("ip link set seg2 nomaster; ip link set seg2 arp off");
    await assert.rejects(d.up({ ...INHERIT, rollbackAfter: 12, ports: ["eth2"] }), /everything is as it was$/);
    assert.deepEqual(await ports("br0"), ["eth1"]);
    assert.equal(await lan.pingable(), true);
    await outside("ip link set seg2 arp on; ip link set seg2 master lan");
    for (const killBefore of ["attach", "prove", "commit"]) {
      const desired = { ...was, ports: ["eth2"], rollbackAfter: 10 };
      const orders = JSON.stringify({ uri: lan.host().uri, desired, was, id: d.state?.id, killBefore });
      const { code, stdout } = await run([process.execPath, require.resolve("../support/link-child.js"), orders]);
      assert.equal(code, 128 + 9, stdout);
      await waitFor(async () => (await ports("br0")).includes("eth1") && (await lan.pingable()), 25_000);
      assert.deepEqual(await addresses("eth1"), []);
    }
    await d.up({ ...INHERIT, ports: ["eth2"] });
    assert.deepEqual([await addresses("br0"), await addresses("eth1")], [[`${HOST}/24`], []]);
    await d.destroy();
  });
});
