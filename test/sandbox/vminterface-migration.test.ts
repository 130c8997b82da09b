/**
 * A running guest is live-migrated from one host to another, by virsh, and its NIC is looked for, changed and taken away. Judged by
 * virsh on both hosts, and by the guest's pings.
 */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { type Inputs, PartialFailure } from "../../provider/handler.js";
import { closeHosts, hostAt } from "../../provider/host/hosts.js";
import { forgetNics, vmInterfaceHandler } from "../../provider/vminterface/handler.js";
import { eventually, type Guest, startGuest } from "../../sandbox/guests.js";
import type { Sandbox } from "../../sandbox/index.js";
import { childRun, fail } from "../support/child-run.js";
import type { Driver } from "../support/drive.js";
import { connectHosts, type MigrateOptions, migrate, shellOn } from "../support/migration.js";
import type { NicAnswer, NicOrders } from "../support/run-nic.js";
import { startNetwork, virsh, withSandbox } from "../support/sandbox.js";
import { driveNic } from "../support/vminterface.js";
import { natXml, nicsIn } from "../support/vms.js";

const MAC = "52:54:00:88:00:01";

describe("the NIC of a VM that is live-migrated", function () {
  this.timeout(600_000);
  const first = withSandbox();
  const second = withSandbox();
  const both = () => [first(), second()];
  let guest: Guest;

  before("connects two hosts, each with the same networks", async () => {
    await connectHosts(first(), second());
    for (const host of both()) {
      await startNetwork(host, "one", natXml("one", "vm1", 88));
      await startNetwork(host, "two", natXml("two", "vm2", 89));
    }
  });
  beforeEach(async () => {
    await newRun();
    guest = await startGuest(first(), { name: "web" });
    await guest.waitReady();
  });
  afterEach(async () => {
    for (const host of both())
      for (const what of ["destroy", "undefine"]) await host.exec(["virsh", "-q", what, "web"]);
  });
  after(() => closeHosts());

  const newRun = (): Promise<void> => {
    forgetNics();
    return closeHosts();
  };
  const nic = (more: Inputs = {}): Inputs => ({ domain: "web", network: "one", mac: MAC, unplugTimeout: 8, ...more });
  const moveVm = async (from = first(), to = second(), options?: MigrateOptions): Promise<void> => {
    const { code, said } = await migrate("web", from, to, options);
    assert.equal(code, 0, said);
    assert.match(await virsh(to, ["list", "--name"]), /^web$/m);
    assert.doesNotMatch(await virsh(from, ["list", "--name"]), /^web$/m);
  };
  const live = (host: Sandbox) => nicsIn(host, "web", MAC);
  const stored = (host: Sandbox) => nicsIn(host, "web", MAC, "--inactive");
  const isOn = async (host: Sandbox) => (await virsh(host, ["list", "--all", "--name"])).split("\n").includes("web");
  const alikeIn = async (host: Sandbox, what: RegExp): Promise<void> => {
    const there = [...(await live(host)), ...(await stored(host))];
    assert.equal(there.length, 2, "once in each definition");
    for (const xml of there) assert.match(xml, what);
  };
  const plugged = async (): Promise<Driver> => {
    const d = driveNic(first().uri, "nic");
    await d.up(nic());
    await guest.up("eth0");
    return d;
  };
  const escaped = (text: string) => text.replace(/[?+.]/g, "\\$&");

  it("is found on the other host of the program by refresh and up, and changed there while it carries traffic", async () => {
    const d = await plugged();
    const address = /inet (10\.88\.1\.\d+)/.exec((await guest.exec("ip addr show dev eth0")).stdout)?.[1];
    await moveVm();
    const shell = shellOn(second(), "web");
    const pings = async () => (await shell.exec("ping -c1 -W2 10.88.1.1")).code === 0;
    try {
      assert.equal(await eventually(pings), true, "libvirt has moved it, with its address");
      await newRun();
      hostAt(second().uri); // as a resource of the program on that host would
      assert.ok(d.state);
      await assert.rejects(
        vmInterfaceHandler.update({ log: () => undefined }, d.state.id, d.state.outs, {
          ...d.state.outs,
          linkState: "down",
        }),
        new RegExp(`VM "web" has moved to \\S+ \\(${escaped(second().uri)}\\): set uri`),
      );
      const seen = await d.refresh();
      assert.deepEqual([seen?.drift, seen?.inputs.uri], [true, second().uri]);
      assert.match(d.log.join("\n"), /the VM has moved to \S+ .*, and the NIC with it/);
      const slot = async () => /<address type='pci'[^>]*bus='(\w+)'/.exec((await live(second()))[0] ?? "")?.[1];
      const before = await slot();
      const there = nic({ uri: second().uri });
      await d.up(there);
      assert.equal((await d.refresh())?.drift, false);
      assert.equal(await d.preview(there), false, "nothing is left to do");
      await d.up({ ...there, linkState: "down" });
      assert.equal(await pings(), false);
      await alikeIn(second(), /<link state='down'/);
      await d.up(there);
      assert.equal(await eventually(pings), true);
      assert.match((await shell.exec("ip addr show dev eth0")).stdout, new RegExp(`inet ${address}/`));
      await d.up({ ...there, network: "two" });
      await alikeIn(second(), /<source network='two'/);
      assert.equal(await slot(), before, "it was never unplugged");
      assert.equal(await isOn(first()), false);
      await d.destroy();
      assert.deepEqual([await live(second()), await stored(second())], [[], []]);
    } finally {
      shell.close();
    }
  });

  it("is followed back as well, and deleted where the VM is by a program that still names the first host", async () => {
    const d = await plugged();
    await moveVm();
    await newRun();
    hostAt(second().uri);
    await d.refresh();
    await moveVm(second(), first());
    await newRun();
    hostAt(first().uri);
    const seen = await d.refresh();
    assert.equal(seen?.inputs.uri, first().uri);
    await d.up(nic());
    assert.equal((await live(first())).length, 1);
    await moveVm();
    await newRun();
    hostAt(second().uri);
    await d.destroy();
    assert.deepEqual([await live(second()), await stored(second())], [[], []]);
  });

  it("counts as gone where the VM is on no host of the program, an up says so, and with the new uri it is taken over as it is", async () => {
    const d = await plugged();
    await moveVm();
    await newRun();
    assert.ok(d.state);
    const { id, outs } = d.state;
    await assert.rejects(
      vmInterfaceHandler.update({ log: () => undefined }, id, outs, { ...outs, linkState: "down" }),
      /VM "web" is not on \S+: .*; where it was migrated to another host, set uri to that/,
    );
    const checked = await d.check(nic({ linkState: "down" }));
    assert.deepEqual(checked, [], "that it is not there is told when it is needed");
    assert.equal(await d.refresh(), undefined);
    await assert.rejects(d.up(nic()), /VM "web" is not on /);
    const before = await live(second());
    await d.up(nic({ uri: second().uri }));
    assert.deepEqual(await live(second()), before);
    await alikeIn(second(), /<source network='one'/);
  });

  it("is found where the VM runs when the migration has left a definition on the first host", async () => {
    const d = await plugged();
    await moveVm(first(), second(), { flags: [] });
    assert.equal(await isOn(first()), true);
    await newRun();
    hostAt(second().uri);
    assert.ok(d.state);
    await assert.rejects(
      vmInterfaceHandler.update({ log: () => undefined }, d.state.id, d.state.outs, {
        ...d.state.outs,
        linkState: "down",
      }),
      /VM "web" has moved to /,
    );
    assert.doesNotMatch((await stored(first()))[0] ?? "", /<link state='down'/);
    const seen = await d.refresh();
    assert.equal(seen?.inputs.uri, second().uri);
    await d.up(nic({ uri: second().uri, linkState: "down" }));
    assert.match((await live(second()))[0] ?? "", /<link state='down'/);
    await d.destroy();
    assert.deepEqual(await live(second()), []);
  });

  it("is not changed while the migration goes on, which is said; and is afterwards", async () => {
    const d = await plugged();
    // What cannot be squeezed: at 1 MiB/s it takes long enough.
    await guest.exec("dd if=/dev/urandom of=/run/noise bs=1M count=24", { timeoutMs: 60_000 });
    const going = migrate("web", first(), second(), { flags: ["--persistent", "--undefinesource"], bandwidth: 1 });
    const jobOf = () => virsh(first(), ["domjobinfo", "web"]);
    assert.ok(await eventually(async () => /Unbounded|Bounded/.test(await jobOf()), 20_000), await jobOf());
    const before = [await live(first()), await stored(first())];
    const busy =
      /VM "web" is busy with a job \(migration, save, dump …; "virsh domjobinfo web" shows it\): wait for its end/;
    const began = performance.now();
    // Nothing was changed, so the state stays as it is too.
    for (const more of [{ linkState: "down" }, { network: "two" }, { mtu: 1400 }])
      await assert.rejects(d.up(nic(more)), (e) => busy.test(String(e)) && !(e instanceof PartialFailure));
    await assert.rejects(driveNic(first().uri, "other").up(nic({ mac: "52:54:00:88:00:02" })), busy);
    await assert.rejects(d.destroy(), busy);
    assert.ok(performance.now() - began < 15_000, "it is said at once");
    assert.match(await jobOf(), /Unbounded|Bounded/, "the migration still goes on");
    assert.deepEqual([await live(first()), await stored(first())], before);
    await virsh(first(), ["domjobabort", "web"]);
    assert.notEqual((await going).code, 0);
    await d.up(nic({ linkState: "down" }));
    await alikeIn(first(), /<link state='down'/);
  });

  const owner = { project: "p", stack: "s", key: "nic" };
  for (const [does, from, to] of [
    ["plugged", undefined, nic()],
    ["moved", nic(), nic({ network: "two" })],
    ["plugged anew", nic(), nic({ mtu: 1400 })],
    ["unplugged", nic(), undefined],
  ] as const)
    it(`is neither lost nor there twice where the VM is migrated while it is ${does}, before whichever call`, async () => {
      const with_ = (uri: string, desired: Inputs | undefined) =>
        desired ? { desired: { uri, owner, ...desired } } : {};
      let [here, away] = [first(), second()];
      const run = (
        state: NicAnswer["state"],
        desired: Inputs | undefined,
        fault?: string,
        whenStopped?: () => Promise<unknown>,
      ) => {
        const orders: NicOrders = { uri: here.uri, ...with_(here.uri, desired), ...(state ? { state } : {}) };
        return childRun<NicAnswer>("run-nic.js", orders, fault, whenStopped);
      };
      const begin = async () => {
        if (!from) {
          if ((await live(here)).length > 0) await takeOut(here);
          return undefined;
        }
        const { answer } = await run(undefined, from);
        assert.equal(answer?.error, undefined);
        await alikeIn(here, /<source network='one'(?![\s\S]*<mtu)/);
        return answer?.state;
      };
      const takeOut = async (host: Sandbox) => {
        for (const how of ["--live", "--config"])
          await host.exec(["virsh", "detach-interface", "web", "network", "--mac", MAC, how]);
        assert.ok(await eventually(async () => (await live(host)).length === 0));
      };
      const { answer } = await run(await begin(), to);
      const calls = answer?.calls ?? 0;
      assert.ok(calls > 0);
      for (let k = 1; k <= calls; k++) {
        const at = `migrated before call ${k} of ${calls}`;
        await takeOut(here);
        const state = await begin();
        const cut = await run(state, to, `${k}:stop`, async () => {
          await sleep(100);
          await moveVm(here, away);
        });
        assert.equal(await isOn(here), false, at);
        for (const there of [await live(away), await stored(away)]) assert.ok(there.length <= 1, `${at}: ${there}`);
        // What was unplugged before the VM went is wanted gone, and is.
        if (to || cut.answer?.error !== undefined)
          assert.match(String(cut.answer?.error), /is not on this host any more \(.*migrated to another host/, at);
        [here, away] = [away, here];
        const d = driveNic(here.uri, "nic");
        d.state = cut.answer?.state ?? state;
        await newRun();
        if (to) {
          await d.up(to);
          const what =
            to.network === "two" ? /<source network='two'/ : to.mtu ? /<mtu size='1400'/ : /<source network='one'/;
          await alikeIn(here, what).catch((e: Error) => fail(at, e));
        } else {
          hostAt(here.uri);
          if (d.state) await d.destroy();
          assert.deepEqual([await live(here), await stored(here)], [[], []], at);
        }
      }
    });
});
