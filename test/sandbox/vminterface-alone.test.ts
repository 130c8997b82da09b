/**
 * Runs in processes of their own that change the same NIC, or the network that it is on, at once: the one stops itself before each of
 * its changing calls in turn, while the other one begins. Judged by virsh.
 */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Inputs } from "../../provider/handler.js";
import { closeHosts, hostAt } from "../../provider/host/hosts.js";
import { networkHandler } from "../../provider/network/handler.js";
import { eventually } from "../../sandbox/guests.js";
import { childRun, fail } from "../support/child-run.js";
import type { NicAnswer, NicOrders, NicState } from "../support/run-nic.js";
import { startNetwork, virsh, withSandbox } from "../support/sandbox.js";
import { driveNic } from "../support/vminterface.js";
import { natXml, nicsIn, vmXml } from "../support/vms.js";

const MAC = "52:54:00:86:00:01";
/** How long who waits is watched, in ms: alone, a change is done in less than a second. */
const WATCHED_MS = 1000;

describe("a NIC that several runs change at once", function () {
  this.timeout(600_000);
  const host = withSandbox();
  const owner = (key: string) => ({ project: "p", stack: "s", key });
  const nic = (more: Inputs = {}): Inputs => ({ domain: "web", network: "dev", mac: MAC, ...more });
  const dev = (mtu: number): Inputs => ({
    name: "dev",
    mode: "nat",
    bridge: { name: "va1", stp: false },
    ips: [{ address: "10.86.1.1/24" }],
    mtu,
  });
  let network: NicState;
  let there: NicState;

  const orders = (key: string, desired: Inputs | undefined, state: NicState | undefined, more = {}): NicOrders => ({
    uri: host().uri,
    ...(desired ? { desired: { uri: host().uri, owner: owner(key), ...desired } } : {}),
    ...(state ? { state } : {}),
    ...more,
  });
  const run = (what: NicOrders, fault?: string, whenStopped?: () => Promise<unknown>) =>
    childRun<NicAnswer>("run-nic.js", what, fault, whenStopped);
  const change = (desired: Inputs | undefined, state = there) => orders("nic", desired, state);
  const restart = (mtu: number) => orders("dev", dev(mtu), network, { of: "network" });
  const parks = async () =>
    (await virsh(host(), ["net-list", "--all", "--name"])).split("\n").filter((n) => n.includes("vnpark"));

  /** What both definitions have of the NIC, which is there once in each. */
  const both = async (): Promise<[string, string]> => {
    const [live, config] = [await nicsIn(host(), "web", MAC), await nicsIn(host(), "web", MAC, "--inactive")];
    assert.deepEqual([live.length, config.length], [1, 1]);
    return [live[0] as string, config[0] as string];
  };
  const assertBoth = async (what: RegExp): Promise<void> => {
    for (const xml of await both()) assert.match(xml, what);
  };
  const ok = ({ answer, killed }: Awaited<ReturnType<typeof run>>, what: string): NicAnswer => {
    assert.ok(answer && !killed, what);
    assert.equal(answer.error, undefined, what);
    return answer;
  };

  before("makes networks and a VM with a NIC", async () => {
    network = ok(await run(orders("dev", dev(1500), undefined, { of: "network" })), "the network").state as NicState;
    await startNetwork(host(), "two", natXml("two", "va2", 87));
    await virsh(host(), ["define", "/dev/stdin"], vmXml("web"));
    await virsh(host(), ["start", "web"]);
  });
  beforeEach(() => anew());
  after(() => closeHosts());

  const anew = async (): Promise<void> => {
    for (const how of ["--live", "--config"])
      await host().exec(["virsh", "detach-interface", "web", "network", "--mac", MAC, how]);
    await virsh(host(), ["destroy", "web"]); // without a system it releases nothing
    await virsh(host(), ["start", "web"]);
    there = ok(await run(orders("nic", nic(), undefined)), "plugging it").state as NicState;
    await assertBoth(/<source network='dev'/);
  };

  /**
   * Runs `first`, which stops itself before each of its changing calls in turn; `second` begins then, and must wait.
   * @param end how the first one goes on: `SIGKILL` for not at all.
   */
  const contend = async (
    first: () => NicOrders,
    second: () => NicOrders,
    judge: (at: string) => Promise<void>,
    end?: "SIGKILL",
  ): Promise<void> => {
    await settle();
    const { calls } = ok(await run(first()), "the first one by itself");
    assert.ok(calls > 1, String(calls));
    const every = calls < 10 || process.env.VIRTNET_FAULTS === "all" ? 1 : 3;
    for (let k = 1; k <= calls; k += every) {
      const at = `stopped before call ${k} of ${calls}`;
      await settle();
      let other: ReturnType<typeof run> | undefined;
      let done = false;
      const stopped = run(first(), `${k}:stop`, async () => {
        other = run(second());
        void other.then(() => {
          done = true;
        });
        await sleep(WATCHED_MS);
        assert.equal(done, false, `${at}: the second one waits`);
        return end;
      });
      const { answer, killed } = await stopped;
      assert.equal(killed, end === "SIGKILL", at);
      if (!killed) assert.equal(answer?.error, undefined, at);
      const began = performance.now();
      const { answer: then } = (await other) as Awaited<ReturnType<typeof run>>;
      assert.equal(then?.error, undefined, at);
      assert.ok(performance.now() - began < 20_000, `${at}: it waits for nobody who has ended`);
      assert.ok(await eventually(async () => (await parks()).length === 0), `${at}: ${await parks()}`);
      await judge(at).catch((e: Error) => fail(at, e));
    }
  };
  /** Where each round begins. */
  let settle: () => Promise<void> = anew;
  let mtu = 1500;

  it("by two runs, one after the other, whichever call the first one has come to: neither change is lost", async () => {
    await contend(
      () => change(nic({ linkState: "down" })),
      () => change(nic({ filter: { name: "clean-traffic" } })),
      async () => {
        // The second one wants its link up, as a NIC is that says nothing of it.
        await assertBoth(/<filterref filter='clean-traffic'/);
        for (const xml of await both()) assert.doesNotMatch(xml, /<link state='down'/);
      },
    );
    await contend(
      () => change(nic({ filter: { name: "clean-traffic" } })),
      () => change(nic({ linkState: "down" })),
      async () => {
        await assertBoth(/<filterref filter='clean-traffic'/);
        await assertBoth(/<link state='down'/);
      },
    );
  });

  it("and a run that is killed is no hindrance for the one that waits for it", async () => {
    await contend(
      () => change(nic({ linkState: "down" })),
      () => change(nic({ network: "two" })),
      () => assertBoth(/<source network='two'/),
      "SIGKILL",
    );
  });

  for (const [how, end] of [
    ["goes on", undefined],
    ["is killed there", "SIGKILL"],
  ] as const)
    it(`while its network restarts: a move waits, whichever call the restart has come to, and is done where that ${how}`, async () => {
      settle = async () => {
        await anew();
        const seen = await virsh(host(), ["net-dumpxml", "dev"]);
        mtu = 1000 + ((mtu + 1) % 400);
        assert.doesNotMatch(seen, new RegExp(`mtu size='${mtu}'`));
      };
      await contend(
        () => restart(mtu),
        () => change(nic({ network: "two" })),
        async () => {
          await assertBoth(/<source network='two'/);
          assert.match(await virsh(host(), ["net-list"]), /^dev +active/m);
          const [live] = await both();
          const tap = /<target dev='(vnet\d+)'/.exec(live)?.[1];
          assert.equal((await host().exec(["ls", "/sys/class/net/va2/brif"])).stdout.trim(), tap);
          if (end === undefined)
            assert.match(await virsh(host(), ["net-dumpxml", "dev"]), new RegExp(`mtu size='${mtu}'`));
        },
        end,
      );
    });

  /** As another program moves it. */
  const drift = async (): Promise<void> => {
    const [stored = ""] = await nicsIn(host(), "web", MAC, "--inactive");
    const xml = `<interface ${stored.replace("network='two'", "network='dev'")}</interface>`;
    await virsh(host(), ["update-device", "web", "/dev/stdin", "--live", "--config"], xml);
    await assertBoth(/<source network='dev'/);
  };

  it("while a run moves it: a restart of the network that it comes from, goes to, or was put on by others, waits", async () => {
    for (const [from, to] of [
      ["dev", "two"],
      ["two", "dev"],
      ["drift", "two"],
    ]) {
      settle = async () => {
        await anew();
        if (from !== "dev") there = ok(await run(change(nic({ network: "two" }))), "elsewhere").state as NicState;
        if (from === "drift") await drift();
        mtu = 1000 + ((mtu + 1) % 400);
      };
      await contend(
        () => change(nic({ network: to, ...(from === "drift" ? { linkState: "down" } : {}) })),
        () => restart(mtu),
        async () => {
          await assertBoth(new RegExp(`<source network='${to}'`));
          assert.match(await virsh(host(), ["net-dumpxml", "dev"]), new RegExp(`mtu size='${mtu}'`));
          const tap = /<target dev='(vnet\d+)'/.exec((await both())[0])?.[1];
          const bridge = to === "two" ? "va2" : "va1";
          assert.equal((await host().exec(["ls", `/sys/class/net/${bridge}/brif`])).stdout.trim(), tap);
        },
      );
    }
  });

  it("on a network whose restart was killed: what heals it reads the host anew, also where the rest is refused", async () => {
    assert.ok((await run(restart(1280), "3:stop", async () => "SIGKILL")).killed);
    const known = async () => [...(await hostAt(host().uri).networks()).values()].map((n) => n.name);
    assert.ok((await known()).some((name) => name.startsWith("vnpark")));
    const { id, outs } = network;
    const wanted = { ...outs, ...dev(1270), maxImpact: "live" };
    await assert.rejects(networkHandler.update({ log: () => undefined }, id, outs, wanted), /maxImpact/);
    assert.deepEqual(await parks(), []);
    assert.deepEqual((await known()).sort(), ["dev", "two"]);
  });

  it("says so where the lock cannot be had, once, and works without", async () => {
    const d = driveNic(host().uri, "unlocked");
    const uuid = await virsh(host(), ["domuuid", "web"]);
    await host().exec([
      "sh",
      "-c",
      `rm -f /run/virtnet-vm-${uuid}.lock; ln -s /nowhere/lock /run/virtnet-vm-${uuid}.lock`,
    ]);
    const args = { domain: "web", network: "two", mac: "52:54:00:86:00:02" };
    await d.up(args);
    await d.up({ ...args, linkState: "down" });
    const told = d.log.filter((l) => /warning: .* is not waited for: no lock on the host/.test(l));
    assert.equal(told.length, 1, d.log.join("\n"));
    assert.match((await nicsIn(host(), "web", args.mac))[0] ?? "", /<link state='down'/);
    await host().exec(["rm", `/run/virtnet-vm-${uuid}.lock`]);
  });
});
