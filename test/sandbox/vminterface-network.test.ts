/** A NIC and a network of one program, where the NIC names the network by a literal: Pulumi does not know that one needs the other. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Inputs } from "../../provider/handler.js";
import { startGuest } from "../../sandbox/guests.js";
import type { Driver } from "../support/drive.js";
import { drive } from "../support/network.js";
import { startNetwork, virsh, withSandbox } from "../support/sandbox.js";
import { driveNic, newRun } from "../support/vminterface.js";
import { nicsIn, vmXml } from "../support/vms.js";

const nat = (n: number, more: Inputs = {}): Inputs => ({
  mode: "nat",
  bridge: { name: `vw${n}`, stp: false },
  ips: [{ address: `10.86.${n}.1/24` }],
  ...more,
});

describe("a VM's NIC and its network", function () {
  this.timeout(120_000);
  const host = withSandbox();
  before("starts a guest, and a VM that runs no operating system", async () => {
    await (await startGuest(host(), { name: "web", nics: [] })).waitReady();
    await virsh(host(), ["define", "/dev/stdin"], vmXml("idle", { slots: 4 }));
    await virsh(host(), ["start", "idle"]);
  });
  after(() => newRun());
  const run = async (command: string) => (await host().exec(["sh", "-c", command])).stdout.trim();
  const networks = async () => (await virsh(host(), ["net-list", "--all", "--name"])).split("\n").filter(Boolean);

  describe("deleted at the same time", () => {
    const both = async (name: string, nic: Inputs = {}) => {
      const [network, eth] = [drive(host().uri, name), driveNic(host().uri, `eth-${name}`)];
      await network.up(nat(name.charCodeAt(0)));
      await eth.up({ domain: "web", network: name, ...nic });
      await newRun();
      return { network, eth };
    };
    /** What became of each. */
    const outcomes = async (...work: Promise<void>[]) =>
      (await Promise.allSettled(work)).map((r) => (r.status === "rejected" ? (r.reason as Error).message : "done"));
    const later = async (d: Driver, ms: number) => {
      await sleep(ms);
      await d.destroy();
    };

    it("are gone, whichever begins first", async () => {
      for (const [name, ms] of [
        ["a", 0],
        ["b", 600],
      ] as const) {
        const { network, eth } = await both(name);
        const mac = String(eth.state?.outs.mac);
        assert.deepEqual(await outcomes(network.destroy(), later(eth, ms)), ["done", "done"]);
        assert.deepEqual(await nicsIn(host(), "web", mac), []);
        assert.ok(!(await networks()).includes(name));
      }
    });

    it("are gone where the NIC has an alias of its own, whichever begins first", async () => {
      for (const [name, ms] of [
        ["c", 0],
        ["f", 600],
      ] as const) {
        const { network, eth } = await both(name, { alias: `ua-${name}` });
        assert.deepEqual(await outcomes(network.destroy(), later(eth, ms)), ["done", "done"]);
      }
    });

    it("the network's error names who is left where another stack's NIC is on it too", async () => {
      const { network, eth } = await both("g");
      const others = driveNic(host().uri, "theirs", { stack: "t" });
      await others.up({ domain: "idle", network: "g" });
      const [first = "", second = ""] = await outcomes(network.destroy(), eth.destroy());
      assert.equal(second, "done");
      assert.match(first, /network "g" is in use by idle: move/);
      await virsh(host(), ["destroy", "idle"]);
      await others.destroy();
      await virsh(host(), ["start", "idle"]);
      await network.destroy();
    });

    it("stay where the guest does not release the NIC, and the network's error names the VM", async () => {
      const { network, eth } = await both("d", { domain: "idle", unplugTimeout: 5 });
      const [first = "", second = ""] = await outcomes(network.destroy(), eth.destroy());
      assert.match(second, /did not release NIC/);
      assert.match(first, /network "d" is in use by idle: move or remove their NICs first/);
      await virsh(host(), ["destroy", "idle"]);
      assert.deepEqual(await outcomes(network.destroy(), eth.destroy()), ["done", "done"]);
    });

    it("the network is refused where nobody deletes the NIC", async () => {
      const { network, eth } = await both("e");
      await assert.rejects(network.destroy(), /network "e" is in use by web/);
      await eth.destroy();
      await network.destroy();
    });
  });

  describe("moved live between networks of different MTU", () => {
    const NICS = { mac: "52:54:00:86:00:01" };
    const frames: Record<string, number | undefined> = { low: 1400, high: 2000, plain: undefined };
    const tap = async () => /vnet\d+/.exec(await virsh(host(), ["domiflist", "idle"]))?.[0] ?? "";
    const mtuOf = (device: string) => run(`cat /sys/class/net/${device}/mtu`);
    before(async () => {
      await virsh(host(), ["start", "idle"]).catch(() => undefined);
      for (const [n, [name, mtu]] of Object.entries(frames).entries()) {
        const net = `<network><name>${name}</name><bridge name='vm${name}' stp='off'/>${mtu ? `<mtu size='${mtu}'/>` : ""}<ip address='10.87.${n}.1' prefix='24'/></network>`;
        await startNetwork(host(), name, net);
      }
      await run("ip link add vmhost mtu 1450 type bridge && ip link set vmhost up");
      await run("ip link add vmport mtu 1450 type dummy && ip link set vmport master vmhost up");
      await newRun();
    });

    afterEach(() => newRun());

    it("its device has the MTU of where it is, as if it had been plugged in there", async () => {
      const d = driveNic(host().uri, "moves");
      await d.up({ domain: "idle", network: "low", ...NICS });
      assert.equal(await mtuOf(await tap()), "1400", "as libvirt makes it");
      for (const [where, bridge, mtu] of [
        [{ network: "high" }, "vmhigh", 2000],
        [{ network: "plain" }, "vmplain", 1500],
        [{ bridge: "vmhost" }, "vmhost", 1450],
        [{ network: "low" }, "vmlow", 1400],
      ] as const) {
        await d.up({ domain: "idle", ...where, ...NICS });
        assert.match(d.log.at(-1) ?? "", /changed live/);
        assert.deepEqual([await mtuOf(await tap()), await mtuOf(bridge)], [String(mtu), String(mtu)], bridge);
      }
      await virsh(host(), ["destroy", "idle"]);
      await d.destroy();
      await virsh(host(), ["start", "idle"]);
    });

    it("a NIC with an MTU of its own keeps it", async () => {
      const d = driveNic(host().uri, "keeps");
      await virsh(host(), ["destroy", "idle"]);
      await d.up({ domain: "idle", network: "low", mtu: 1300, ...NICS });
      await virsh(host(), ["start", "idle"]);
      await d.up({ domain: "idle", network: "high", mtu: 1300, ...NICS });
      assert.equal(await mtuOf(await tap()), "1300");
      await virsh(host(), ["destroy", "idle"]);
      await d.destroy();
    });
  });
});
