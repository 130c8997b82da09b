/** Bonds and VLANs on a kernel that has them; looked at in /sys, by ip, ping and tcpdump. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Inputs } from "../../provider/handler.js";
import { type Channel, channelOf } from "../../provider/host/channel.js";
import { shellText } from "../../provider/host/quote.js";
import { type Kind, kinds } from "../../provider/hostlink/args.js";
import { NM, ROOT, type Settings } from "../../provider/hostlink/backends/networkmanager/bus.js";
import { writeProfile } from "../../provider/hostlink/backends/networkmanager/profile.js";
import { v, words } from "../../provider/hostlink/backends/networkmanager/values.js";
import { checkLink } from "../../provider/hostlink/check.js";
import { BOND_MODES } from "../../provider/hostlink/rules/fit.js";
import { priceOf } from "../../provider/network/prices.js";
import { type Pinger, type PingResult, pinger } from "../../sandbox/ping.js";
import { every, fullLinks } from "../support/full-links.js";
import { withLab } from "../support/lab.js";
import { driveLink } from "../support/links.js";

const kernelName = (field: string): string =>
  field === "arpIpTargets" ? "arp_ip_target" : field.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);

describe("bonds and VLANs, on a kernel that has them", function () {
  this.timeout(300_000);
  const lab = withLab();
  // By the serial port, which is quicker than ssh here; management.test.ts goes by ssh.
  const channel = (): Channel => {
    const run: Channel["run"] = (argv, { limitMs = 60_000 } = {}) => lab().exec([...argv], { timeoutMs: limitMs });
    return { ...(channelOf(lab().uri) as Channel), run, runAnew: run };
  };
  // What a failed test leaves is not the next one's.
  afterEach(() => lab().sh("nmcli connection delete br30 bond0.30 eth2.20 bond0 2> /dev/null || true"));
  const drive = (kind: Kind, name: string) => driveLink(channel(), kind, name);
  /** Fields of the bond as the kernel has them. */
  async function inKernel(bond: string): Promise<Record<string, string>> {
    const text = await lab().sh(`cd /sys/class/net/${bond}/bonding && grep -s . * || true`);
    return Object.fromEntries(text.split("\n").map((line) => [line.split(":")[0], line.slice(line.indexOf(":") + 1)]));
  }
  /** As the kernel writes it: `active-backup 1`. */
  function told(field: string, value: unknown): RegExp {
    const text = field === "mode" && typeof value === "number" ? BOND_MODES[value] : value;
    const plain = typeof text === "boolean" ? Number(text) : Array.isArray(text) ? text.join(" ") : String(text);
    return new RegExp(`^${String(plain).replaceAll(".", "\\.").replaceAll("+", "\\+")}( |$)`);
  }
  const OWN = new Set(
    Object.keys(kinds.bond.fields.fields).filter((f) => !(f in every) && f !== "ports" && f !== "name"),
  );

  /** Other values of all that changes live. */
  const OTHER: Inputs = {
    ...{ miimon: 100, updelay: 200, downdelay: 300, useCarrier: true, allSlavesActive: false, packetsPerSlave: 5 },
    ...{ resendIgmp: 2, primary: "eth3", primaryReselect: "better", peerNotifDelay: 400 },
    ...{ arpInterval: 200, arpIpTargets: ["192.0.2.3"], arpValidate: "active", arpAllTargets: "any" },
    ...{ xmitHashPolicy: "layer2+3", minLinks: 2, lpInterval: 3 },
  };
  async function hasAll(bond: string, args: Inputs): Promise<void> {
    const there = await inKernel(bond);
    for (const [field, value] of Object.entries(args))
      if (OWN.has(field))
        assert.match(there[kernelName(field)] ?? "", told(field, value), `${field} of mode ${args.mode}`);
    assert.deepEqual((there.slaves ?? "").split(" ").sort(), args.ports ?? []);
  }

  describe("a profile of a bond", () => {
    before(async () => {
      const port = (nic: string) =>
        `nmcli connection add type ethernet ifname ${nic} con-name ${nic} master bond0 slave-type bond autoconnect no`;
      await lab().sh(`${port("eth2")}; ${port("eth3")}`);
    });
    after(() => lab().sh("nmcli connection delete eth2 eth3"));

    for (const args of fullLinks.bond)
      it(`of mode ${args.mode} with ${args.arpInterval ? "ARP" : "MII"} monitoring has in the kernel what it was given, and changes it there`, async () => {
        const desired = { name: "bond0", ...args, addresses: "none" };
        const changes = Object.entries(OTHER).filter(([field]) => field in args);
        const live = Object.keys(args).filter((f) => OWN.has(f) && priceOf(kinds.bond.prices, f).impact === "live");
        assert.deepEqual(changes.map(([field]) => field).sort(), live.sort());
        const other: Inputs = { ...desired, ...Object.fromEntries(changes) };
        for (const each of [desired, other]) assert.deepEqual(checkLink("bond", each), []);
        const settings: Settings = {
          connection: { id: v("s", "bond0"), type: v("s", "bond"), "interface-name": v("s", "bond0") },
        };
        const call = (path: string, face: string, member: string) => {
          const given = words("a{sa{sv}}ua{sv}", [settings, 0x22, {}]);
          return shellText(["busctl", "call", NM, path, `${NM}.${face}`, member, "a{sa{sv}}ua{sv}", ...given]);
        };
        writeProfile("bond", settings, desired, {});
        const path = await lab().sh(`${call(`${ROOT}/Settings`, "Settings", "AddConnection2")} | cut -d '"' -f 2`);
        const up = ["bond0", "eth2", "eth3"].map((name) => `nmcli --wait 0 connection up ${name} > /dev/null`);
        const joined = "until [ $(wc -w < /sys/class/net/bond0/bonding/slaves) = 2 ]; do sleep 0.2; done";
        const uuid = await lab().sh([...up, joined, "nmcli -g connection.uuid connection show bond0"].join(" && "));
        await hasAll("bond0", desired);
        Object.assign(settings.connection ?? {}, { uuid: v("s", uuid) });
        writeProfile("bond", settings, other, desired);
        await lab().sh(`${call(path, "Settings.Connection", "Update2")} && nmcli device reapply bond0`);
        await hasAll("bond0", other);
      });
  });

  it("a bond changes in place what the price table calls live, and goes back to the kernel's defaults", async () => {
    const bond = drive("bond", "bond0");
    const ports = ["eth2", "eth3"];
    const plain: Inputs = { mode: "active-backup", ports, addresses: { addresses: ["192.0.2.5/24"] } };
    await bond.up(plain);
    const before = await inKernel("bond0");
    const index = await lab().sh("cat /sys/class/net/bond0/ifindex");
    const changed = { miimon: 50, updelay: 100, primaryReselect: "failure" };
    const more = { autoconnect: false, addresses: { addresses: ["192.0.2.6/24"] } };
    const p = await bond.up({ ...plain, ...changed, ...more, ports: ["eth2"], primary: "eth2" });
    assert.equal(p.impact, "live");
    await hasAll("bond0", { ...plain, ...changed, ports: ["eth2"], primary: "eth2" });
    assert.match(await lab().sh("ip addr show dev bond0"), / inet 192\.0\.2\.6\/24/);
    assert.deepEqual(await bond.drift(), []);
    await bond.up(plain);
    const { active_slave: _a, mii_status: _m, slaves: _s, queue_id: _q, ...after } = await inKernel("bond0");
    assert.deepEqual({ ...before, ...after }, before);
    await hasAll("bond0", plain);
    assert.equal(await lab().sh("cat /sys/class/net/bond0/ifindex"), index);
    assert.match(await lab().sh("ip addr show dev bond0"), / inet 192\.0\.2\.5\/24/);
    await bond.destroy();
  });

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
    const port = Number((await inKernel("bond0")).active_slave?.at(-1));
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
      assert.deepEqual([linkinfo.info_data.id, mtu], [args.id, args.mtu ?? 1500]);
      assert.deepEqual(await vlan.drift(), []);
      await vlan.destroy();
    }
    await vlan.up({ parent: "eth2", id: 20, addresses: { addresses: ["10.20.0.1/24"] } });
    const wire = lab().manager.exec([
      "timeout",
      "20",
      "tcpdump",
      "-nn",
      "-e",
      "-c",
      "1",
      "-i",
      "lab2",
      "vlan 20 and arp",
    ]);
    await sleep(1000);
    await lab().sh("ping -c 5 -W 1 10.20.0.2 || true");
    assert.match((await wire).stdout, /802\.1Q.* vlan 20, .* Request who-has 10\.20\.0\.2 tell 10\.20\.0\.1/);
    await vlan.destroy();
  });

  it("a VLAN of a bond, and a bridge on it, come, change and go in their order", async () => {
    const [bond, vlan, bridge] = [drive("bond", "bond0"), drive("vlan", "bond0.30"), drive("bridge", "br30")];
    await bond.up({ mode: 1, ports: ["eth2", "eth3"] });
    await vlan.up({ parent: "bond0", id: 30 });
    await bridge.up({ ports: ["bond0.30"], addresses: { addresses: ["10.30.0.1/24"] } });
    const wire = lab().manager.exec([
      "timeout",
      "20",
      "tcpdump",
      "-nn",
      "-e",
      "-c",
      "1",
      "-i",
      "sw",
      "vlan 30 and arp",
    ]);
    await sleep(1000);
    await lab().sh("ping -c 5 -W 1 10.30.0.2 || true");
    assert.match((await wire).stdout, /vlan 30, /);
    await bond.up({ mode: 1, ports: ["eth2", "eth3"], miimon: 50 });
    for (const link of [bond, vlan, bridge]) assert.deepEqual(await link.drift(), []);
    for (const link of [bridge, vlan, bond]) await link.destroy();
    assert.equal(await lab().sh("ls /etc/NetworkManager/system-connections"), "lan.nmconnection");
  });
});
