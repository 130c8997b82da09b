/** Traffic through bonds while a port is down, and VLANs, on a kernel that has them; looked at by ip, ping and tcpdump. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { closeHosts } from "../../provider/host/hosts.js";
import type { Kind } from "../../provider/hostlink/args.js";
import { linkHandler } from "../../provider/hostlink/handler.js";
import { networkHandler } from "../../provider/network/handler.js";
import { vmInterfaceHandler } from "../../provider/vminterface/handler.js";
import { type Pinger, type PingResult, pinger } from "../../sandbox/ping.js";
import { fullLinks } from "../support/full-links.js";
import { withLab } from "../support/lab.js";
import { bySerial, newRunOn } from "../support/lab-host.js";
import { driveLink } from "../support/links.js";
import { virtnet } from "../support/virtnet.js";

describe("traffic through bonds and VLANs, on a kernel that has them", function () {
  this.timeout(600_000);
  const lab = withLab();
  // What a failed test leaves is not the next one's.
  afterEach(() => lab().sh("nmcli connection delete br30 bond0.30 eth2.20 bond0 2> /dev/null || true"));
  const drive = (kind: Kind, name: string) => driveLink(bySerial(lab()), kind, name);

  /** Pings while one port's cable is out and back in. @returns for how long nothing came through, at most. */
  async function whileCut(cut: readonly number[], pings: Pinger, target: string): Promise<PingResult> {
    const ping = await pings.startPing(target, 20);
    await sleep(2000);
    for (const nic of cut) await lab().cable(nic, false);
    await sleep(4000);
    for (const nic of cut) await lab().cable(nic, true);
    await sleep(4000);
    return await pings.stopPing(ping);
  }
  const fromManager = () => pinger((line) => lab().manager.exec(["sh", "-c", line]), "busybox");

  // balance-xor needs a switch with a static channel, which the lab's is not.
  it("traffic goes on through a bond of mode active-backup while the port in use is down", async () => {
    const bond = drive("bond", "bond0");
    const addresses = { addresses: ["192.0.2.5/24"] };
    await bond.up({ mode: "active-backup", ports: ["eth2", "eth3"], miimon: 100, addresses });
    const port = Number((await lab().sh("cat /sys/class/net/bond0/bonding/active_slave")).at(-1));
    const result = await whileCut([port], fromManager(), "192.0.2.5");
    console.log(
      `        active-backup: ${result.sent - result.received} of ${result.sent} lost, silent for ${result.maxGapMs} ms`,
    );
    assert.ok(result.maxGapMs < 5000 && result.received > 100, JSON.stringify(result));
    await bond.destroy();
  });

  it("a bond of mode 802.3ad joins ports with a partner that speaks LACP, and traffic goes on while one is down", async () => {
    await lab().sh(`ip netns add far && ip link set eth6 netns far && ip link set eth7 netns far
      ip netns exec far sh -ec 'ip link add agg type bond mode 802.3ad miimon 100 lacp_rate fast
      for d in eth6 eth7; do ip link set $d down; ip link set $d master agg; done
      ip link set agg up; ip addr add 10.4.0.2/24 dev agg'`);
    const bond = drive("bond", "bond0");
    await bond.up({ mode: 4, lacpRate: "fast", ports: ["eth4", "eth5"], addresses: { addresses: ["10.4.0.1/24"] } });
    await lab().sh("until grep -q 'Number of ports: 2' /proc/net/bonding/bond0; do sleep 0.5; done", 30_000);
    const far = pinger((line) => lab().exec(["ip", "netns", "exec", "far", "sh", "-c", line]), "busybox");
    const result = await whileCut([4, 6], far, "10.4.0.1");
    console.log(
      `        802.3ad: ${result.sent - result.received} of ${result.sent} lost, silent for ${result.maxGapMs} ms`,
    );
    assert.ok(result.maxGapMs < 5000 && result.received > 100, JSON.stringify(result));
    await bond.destroy();
    await lab().sh("ip netns del far");
  });

  it("a VLAN has what it was given, and its tag is on the wire", async () => {
    const vlan = drive("vlan", "eth2.20");
    for (const { addresses: _, ...args } of fullLinks.vlan) {
      await vlan.up(args);
      const [{ mtu, linkinfo }] = JSON.parse(await lab().sh("ip -d -j link show dev eth2.20"));
      const told = await lab().sh("ip -d link show dev eth2.20");
      const flags = { REORDER_HDR: "reorderHeaders", GVRP: "gvrp", MVRP: "mvrp", LOOSE_BINDING: "looseBinding" };
      const on = Object.entries(flags).filter(([, f]) => args[f] ?? f === "reorderHeaders");
      const flagsOn = /vlan protocol \S+ id \d+ (?:<([^>]*)>)?/.exec(told)?.[1] ?? "";
      assert.deepEqual(flagsOn.split(",").filter(Boolean).sort(), on.map(([flag]) => flag).sort());
      assert.deepEqual([linkinfo.info_data.id, mtu], [args.vlanId, args.mtu ?? 1500]);
      assert.deepEqual(await vlan.drift(), []);
      await vlan.destroy();
    }
    await vlan.up({ parent: "eth2", vlanId: 20, addresses: { addresses: ["10.20.0.1/24"] } });
    const asked = () => lab().sh("ping -c 1 -W 1 10.20.0.2 || true");
    assert.match(
      await lab().tagged("lab2", 20, asked),
      /802\.1Q.* vlan 20, .* Request who-has 10\.20\.0\.2 tell 10\.20\.0\.1/,
    );
    await vlan.destroy();
  });

  it("no network and no NIC of a VM comes onto a bridge whose bond does not fit VMs, whoever made that", async () => {
    const ctx = { log: () => {} };
    const { uri } = lab();
    const faults = async () => {
      await newRunOn(lab());
      const checks = [
        networkHandler.check(ctx, {}, { mode: "bridge", name: "on9", bridge: "br9", uri }),
        vmInterfaceHandler.check(ctx, {}, { domain: "vm9", bridge: "br9", uri }),
        linkHandler("bridge").check(ctx, {}, { name: "br9", ports: ["bond9"], adopt: true, uri }),
      ];
      const found = (await Promise.all(checks)).flatMap(({ failures }) => failures);
      return found.filter(({ reason }) => /bond9/.test(reason)).map(({ property, reason }) => `${property}: ${reason}`);
    };
    const made = (mode: string) =>
      `ip link add bond9 type bond mode ${mode} miimon 100 && ip link set bond9 master br9`;
    await lab().sh(`ip link add br9 type bridge && ${made("balance-rr")}`);
    try {
      const [network = "", nic = "", bridge = "", ...more] = await faults();
      for (const fault of [network, nic])
        assert.match(fault, /^bridge: bond "bond9" below bridge "br9" is of mode balance-rr/);
      assert.match(bridge, /^ports\[0\]: .*balance-rr/);
      assert.deepEqual(more, []);
      await lab().sh(`ip link del bond9 && ${made("active-backup")}`);
      assert.deepEqual(await faults(), []);
    } finally {
      await lab().sh("ip link del br9; ip link del bond9");
      await closeHosts();
    }
  });

  it("a VLAN of a bond, and a bridge on it, come, change and go in their order", async () => {
    const [bond, vlan, bridge] = [drive("bond", "bond0"), drive("vlan", "bond0.30"), drive("bridge", "br30")];
    await bond.up({ mode: 1, ports: ["eth2", "eth3"] });
    await vlan.up({ parent: "bond0", vlanId: 30 });
    await bridge.up({ ports: ["bond0.30"], addresses: { addresses: ["10.30.0.1/24"] } });
    const asked = () => lab().sh("ping -c 1 -W 1 10.30.0.2 || true");
    assert.match(await lab().tagged("sw", 30, asked), /vlan 30, /);
    await bond.up({ mode: 1, ports: ["eth2", "eth3"], miimon: 50 });
    for (const link of [bond, vlan, bridge]) assert.deepEqual(await link.drift(), []);
    // As somebody else's program would take them over, by ssh.
    const env = { LIBVIRT_DEFAULT_URI: lab().uri };
    for (const [kind, name] of [
      ["bond", "bond0"],
      ["vlan", "bond0.30"],
    ] as const) {
      const { stdout, stderr } = await virtnet(["import", kind, name, "--format", "json"], { env });
      assert.match(stdout, new RegExp(`"name": ?"${name.replace(".", "\\.")}"`), stderr);
      const planned = await virtnet(["plan", "-"], { input: stdout, env });
      assert.deepEqual((JSON.parse(planned.stdout) as { steps: unknown[] }).steps, [], planned.stderr);
    }
    for (const link of [bridge, vlan, bond]) await link.destroy();
    assert.equal(await lab().sh("ls /etc/NetworkManager/system-connections"), "lan.nmconnection");
  });
});
