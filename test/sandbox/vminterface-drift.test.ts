import assert from "node:assert/strict";
import type { Inputs } from "../../provider/handler.js";
import { closeHosts, hostAt } from "../../provider/host/hosts.js";
import { forgetRun } from "../../provider/network/run.js";
import { forgetNics, vmInterfaceHandler } from "../../provider/vminterface/handler.js";
import { startNetwork, virsh, withSandbox } from "../support/sandbox.js";
import { driveNic } from "../support/vminterface.js";
import { natXml, nicsIn, vmXml } from "../support/vms.js";

const ctx = { log: () => undefined };
const UUID = "11111111-2222-4333-8444-0000000000";
/** The VM that is there, with a UUID of its own. */
const vmAs = (name: string, n: number, devices = ""): string =>
  vmXml(name, { devices }).replace("<memory ", `<uuid>${UUID}${n}</uuid><memory `);

describe("what others do to a NIC and its VM", () => {
  const host = withSandbox();
  const second = withSandbox();
  before(async () => {
    await startNetwork(host(), "one", natXml("one", "vd1", 85));
    await startNetwork(second(), "one", natXml("one", "vd1", 86));
    await host().exec(["sh", "-c", "ip link add vdbr0 type bridge && ip link set vdbr0 up"]);
    await startNetwork(
      host(),
      "lan",
      "<network><name>lan</name><forward mode='bridge'/><bridge name='vdbr0'/></network>",
    );
  });
  after(() => closeHosts());
  beforeEach(async () => newRun());
  function newRun() {
    forgetNics();
    forgetRun();
    return closeHosts();
  }
  const run = async (command: string) => (await host().exec(["sh", "-c", command])).stdout.trim();
  const nics = (name: string, containing: string, ...flags: string[]) => nicsIn(host(), name, containing, ...flags);
  const masterOf = (device: unknown) => run(`basename "$(readlink /sys/class/net/${String(device)}/master)"`);
  async function end(name: string) {
    await virsh(host(), ["destroy", name]);
    await virsh(host(), ["undefine", name]);
  }

  it("a NIC that is in one definition only shows as plugged: false, and up puts it into the other, also with an alias of its own", async () => {
    for (const [i, alias] of [undefined, "ua-mine"].entries()) {
      const name = `half${i}`;
      await virsh(host(), ["define", "/dev/stdin"], vmXml(name));
      const d = driveNic(host().uri, name);
      const args: Inputs = { domain: name, network: "one", ...(alias ? { alias } : {}) };
      await d.up(args);
      const mac = String(d.state?.outs.mac);
      // It never was in the running VM: the stored definition alone has it.
      await virsh(host(), ["detach-interface", name, "network", "--mac", mac, "--config"]);
      await virsh(host(), ["start", name]);
      await virsh(
        host(),
        ["attach-device", name, "/dev/stdin", "--config"],
        `<interface type='network'><mac address='${mac}'/><source network='one'/><model type='virtio'/><alias name='${alias ?? `ua-virtnet__p__s__${name}`}'/></interface>`,
      );
      await newRun();
      const seen = await d.refresh();
      assert.deepEqual([seen?.drift, seen?.inputs.plugged], [true, false]);
      await d.up(args);
      assert.equal((await nics(name, mac)).length, 1);
      assert.equal((await d.refresh())?.drift, false);
      await virsh(host(), ["detach-interface", name, "network", "--mac", mac, "--config"]);
      await newRun();
      assert.equal((await d.refresh())?.inputs.plugged, false);
      await d.up(args);
      const [stored = ""] = await nics(name, mac, "--inactive");
      assert.match(stored, alias ? /ua-mine/ : /ua-virtnet__p__s__half0/);
      assert.equal((await d.refresh())?.drift, false);
      await end(name);
    }
  });

  it("a tap that is off its bridge shows as connected: false, and up plugs it in again, without a new device", async () => {
    await virsh(host(), ["create", "/dev/stdin"], vmXml("taps"));
    for (const [source, bridge] of [
      [{ network: "one" }, "vd1"],
      [{ network: "lan" }, "vdbr0"],
      [{ bridge: "vdbr0" }, "vdbr0"],
    ] as const) {
      const d = driveNic(host().uri, `tap-${JSON.stringify(source)}`);
      const args: Inputs = { domain: "taps", ...source };
      await d.up(args);
      const tap = d.state?.outs.targetDevice;
      assert.equal(await masterOf(tap), bridge);
      assert.equal((await d.refresh())?.drift, false);
      await run(`ip link set ${String(tap)} nomaster`);
      await newRun();
      const seen = await d.refresh();
      assert.deepEqual([seen?.drift, seen?.inputs.connected], [true, false]);
      await d.up(args);
      assert.equal(await masterOf(tap), bridge);
      assert.equal((await d.refresh())?.drift, false);
      // On another bridge it is as far off.
      await run(`ip link add other0 type bridge; ip link set ${String(tap)} master other0`);
      await newRun();
      assert.equal((await d.refresh())?.inputs.connected, false);
      await d.up(args);
      assert.equal(await masterOf(tap), bridge);
      // Whoever wants it so is left alone.
      await d.up({ ...args, connected: false });
      await run(`ip link set ${String(tap)} nomaster; ip link del other0`);
      await newRun();
      assert.equal((await d.refresh())?.drift, false);
    }
    await virsh(host(), ["destroy", "taps"]);
  });

  it("a VM that another program makes anew gets its NIC back, with a warning at the second time", async () => {
    const d = driveNic(host().uri, "anew-nic");
    const args: Inputs = { domain: "anew", network: "one" };
    await virsh(host(), ["define", "/dev/stdin"], vmAs("anew", 10));
    await d.up(args);
    const mac = String(d.state?.outs.mac);
    for (const n of [11, 12]) {
      await virsh(host(), ["undefine", "anew"]);
      await virsh(host(), ["define", "/dev/stdin"], vmAs("anew", n));
      await newRun();
      const before = d.log.length;
      const seen = await d.refresh();
      assert.deepEqual([seen?.drift, seen?.inputs.plugged], [true, false]);
      const told = d.log.slice(before).filter((l) => /made the VM anew/.test(l));
      if (n === 11) assert.match(told.join(), /^info: .*up plugs it in again/);
      else assert.match(told.join(), /^warning: .*for the 2nd time.*docs\/vm-interfaces\.md/);
      await d.up(args);
      assert.equal((await nics("anew", mac, "--inactive")).length, 1, "with the MAC it had");
      assert.equal((await d.refresh())?.drift, false);
      assert.equal(d.state?.outs.domainUuid, `${UUID}${n}`);
    }
    // Nobody refreshed: a change of the NIC finds the new VM too.
    await virsh(host(), ["undefine", "anew"]);
    await virsh(host(), ["define", "/dev/stdin"], vmAs("anew", 13));
    await newRun();
    await d.up({ ...args, alias: "ua-own" });
    await d.up({ ...args, alias: "ua-own", linkState: "down" });
    assert.match((await nics("anew", mac, "--inactive"))[0] ?? "", /ua-own/);
    await d.destroy();
    assert.deepEqual(await nics("anew", "<mac", "--inactive"), []);
    await virsh(host(), ["undefine", "anew"]);
  });

  it("a VM that was made anew is said to lack its NIC until it has it again", async () => {
    const d = driveNic(host().uri, "awaits-nic");
    const args: Inputs = { domain: "awaits", network: "one" };
    await virsh(host(), ["define", "/dev/stdin"], vmAs("awaits", 30));
    await d.up(args);
    const mac = String(d.state?.outs.mac);
    for (const [n, told] of [
      [31, /^info: .*made the VM anew on \S+ \(it is \S+31 now, it was \S+30\)/],
      [32, /^warning: .*made the VM anew .*for the 2nd time \(it is \S+32 now, it was \S+31\)/],
    ] as const) {
      await virsh(host(), ["undefine", "awaits"]);
      await virsh(host(), ["define", "/dev/stdin"], vmAs("awaits", n));
      await newRun();
      assert.equal((await d.refresh())?.inputs.plugged, false);
      assert.match(d.log.at(-1) ?? "", told);
      await newRun();
      assert.equal((await d.refresh())?.inputs.plugged, false);
      assert.match(
        d.log.at(-1) ?? "",
        new RegExp(`made the VM anew .*\\(it is \\S+${n} now\\), without this NIC: up plugs`),
      );
    }
    await d.up(args);
    assert.equal((await nics("awaits", mac, "--inactive")).length, 1, "with the MAC it had");
    // From then on it is gone where it is gone.
    await virsh(host(), ["detach-interface", "awaits", "network", "--mac", mac, "--config"]);
    await newRun();
    assert.equal(await d.refresh(), undefined);
    await virsh(host(), ["undefine", "awaits"]);
  });

  it("a VM that was renamed keeps its NIC, and the program follows without unplugging it", async () => {
    const d = driveNic(host().uri, "renamed-nic");
    const args: Inputs = { domain: "born", network: "one" };
    for (const refreshed of [false, true]) {
      await virsh(host(), ["define", "/dev/stdin"], vmXml("born"));
      await newRun();
      await d.up(args);
      const mac = String(d.state?.outs.mac);
      const uuid = d.state?.outs.domainUuid;
      const before = await nics("born", mac, "--inactive");
      await virsh(host(), ["domrename", "born", "called"]);
      await newRun();
      if (refreshed) {
        assert.equal((await d.refresh())?.drift, false);
        assert.match(d.log.at(-1) ?? "", /^warning: .*VM "born" is called "called" now.*: set domain to that$/);
      }
      await assert.rejects(
        d.up({ ...args, linkState: "down" }),
        /VM "born" is called "called" now.*: set domain to that$/,
      );
      await newRun();
      const { id, outs } = d.state as NonNullable<typeof d.state>;
      const olds = { ...outs };
      const news = { ...args, domain: "called" };
      const { inputs } = await vmInterfaceHandler.check(ctx, olds, { ...news, uri: host().uri, owner: outs.owner });
      assert.deepEqual((await vmInterfaceHandler.diff(ctx, id, olds, inputs)).replaces, []);
      assert.ok(await d.up(news));
      assert.deepEqual(await nics("called", mac, "--inactive"), before);
      assert.deepEqual([d.state?.outs.domainUuid, d.state?.outs.domain], [uuid, "called"]);
      await newRun();
      const lines = d.log.length;
      assert.equal((await d.refresh())?.drift, false);
      assert.equal(d.log.length, lines);
      assert.equal(await d.up(news), false);
      await d.destroy();
      await virsh(host(), ["undefine", "called"]);
    }
  });

  it("a VM that was renamed, with another one under its name, keeps its NIC until it is unplugged there", async () => {
    const d = driveNic(host().uri, "twice-nic");
    const args: Inputs = { domain: "twice", network: "one" };
    await virsh(host(), ["define", "/dev/stdin"], vmXml("twice"));
    await d.up(args);
    const mac = String(d.state?.outs.mac);
    await virsh(host(), ["domrename", "twice", "twice-old"]);
    await virsh(host(), ["define", "/dev/stdin"], vmXml("twice"));
    await newRun();
    assert.equal((await d.refresh())?.drift, false);
    const both =
      /VM "twice" is another one now \(\S+\), and the one that has the NIC is called "twice-old" \(\S+\): set domain to "twice-old" .*"(virsh detach-interface \S+ network --mac \S+ --persistent)"/;
    assert.match(d.log.at(-1) ?? "", both);
    await newRun();
    const error = await d.up({ ...args, linkState: "down" }).then(
      () => "none",
      (e: unknown) => String(e),
    );
    const [, command = ""] = both.exec(error) ?? [];
    assert.deepEqual(await nics("twice", "<mac", "--inactive"), []);
    await virsh(host(), command.split(" ").slice(1));
    await newRun();
    await d.up({ ...args, linkState: "down" });
    assert.equal((await nics("twice", mac, "--inactive")).length, 1);
    assert.deepEqual(await nics("twice-old", "<mac", "--inactive"), []);
    await d.destroy();
    for (const name of ["twice", "twice-old"]) await virsh(host(), ["undefine", name]);
  });

  it("a VM that went to another host of the program has its NIC there; without that host, it is gone, or a clear error", async () => {
    const devices = (mac: string, alias: string) =>
      `<interface type='network'><mac address='${mac}'/><source network='one'/><model type='virtio'/><alias name='${alias}'/></interface>`;
    await virsh(host(), ["create", "/dev/stdin"], vmAs("moves", 20));
    const d = driveNic(host().uri, "moves-nic");
    const args: Inputs = { domain: "moves", network: "one" };
    await d.up(args);
    assert.ok(d.state);
    const there = { ...d.state };
    const [mac, alias] = [String(there.outs.mac), String(there.outs.alias)];
    await virsh(host(), ["destroy", "moves"]);
    await virsh(second(), ["create", "/dev/stdin"], vmAs("moves", 20, devices(mac, alias)));
    await newRun();
    assert.equal(await vmInterfaceHandler.read(ctx, there.id, there.outs), undefined, "no other host is known");
    await assert.rejects(
      vmInterfaceHandler.update(ctx, there.id, there.outs, { ...there.outs, linkState: "down" }),
      /VM "moves" is not on /,
    );
    // A resource of the program is on the other one.
    hostAt(second().uri);
    const seen = await d.refresh();
    assert.deepEqual([seen?.drift, seen?.inputs.uri], [true, second().uri]);
    await assert.rejects(
      vmInterfaceHandler.update(ctx, there.id, there.outs, { ...there.outs, linkState: "down" }),
      new RegExp(`VM "moves" has moved to \\S+ \\(${second().uri.replace(/[?+.]/g, "\\$&")}\\): set uri`),
    );
    // The program follows, whether or not anybody refreshed.
    for (const state of [d.state, there]) {
      d.state = state;
      await newRun();
      await d.up({ ...args, uri: second().uri, linkState: state === there ? "up" : "down" });
      assert.equal((await nicsIn(second(), "moves", mac)).length, 1);
      assert.equal(d.state?.outs.uri, second().uri);
      assert.equal((await d.refresh())?.drift, false);
    }
    await virsh(second(), ["destroy", "moves"]);
  });

  it("a MAC that an unchanged NIC of the program has is refused, on the same VM too", async () => {
    await virsh(host(), ["define", "/dev/stdin"], vmXml("twins"));
    const [a, b] = [driveNic(host().uri, "twin-a"), driveNic(host().uri, "twin-b")];
    const args = (n: number): Inputs => ({ domain: "twins", network: "one", mac: `52:54:00:85:00:0${n}` });
    await a.up(args(1));
    await b.up(args(2));
    for (const first of [a, b]) {
      await newRun();
      const faults = [];
      for (const d of first === a ? [a, b] : [b, a]) faults.push(...(await d.check(args(1))));
      assert.match(String(faults.map((f) => f.reason)), /is that of a NIC of VM "twins" of this program/);
    }
    await a.destroy();
    await b.destroy();
    await virsh(host(), ["undefine", "twins"]);
  });

  it("keeps its MAC when it is replaced, though it was made for another name in the program; and moves to another VM with an alias of its own", async () => {
    for (const name of ["from", "to"]) await virsh(host(), ["define", "/dev/stdin"], vmXml(name));
    const d = driveNic(host().uri, "first-name");
    await d.up({ domain: "from", network: "one", alias: "ua-kept" });
    const mac = d.state?.outs.mac;
    // Renamed with an alias of Pulumi's, and put on another VM: the engine checks once more, as if it were new.
    await newRun();
    const news: Inputs = {
      domain: "to",
      network: "one",
      alias: "ua-kept",
      uri: host().uri,
      owner: { project: "p", stack: "s", key: "second-name" },
    };
    const first = await vmInterfaceHandler.check(ctx, d.state?.outs as Inputs, news);
    assert.deepEqual(first.failures, []);
    assert.equal(first.inputs.mac, mac);
    const again = await vmInterfaceHandler.check(ctx, {}, news);
    assert.deepEqual(again.failures, []);
    assert.equal(again.inputs.mac, mac);
    await d.destroy();
    for (const name of ["from", "to"]) await virsh(host(), ["undefine", name]);
  });

  it("one whose alias another program has changed is not its own to unplug", async () => {
    await virsh(host(), ["define", "/dev/stdin"], vmXml("claimed"));
    const d = driveNic(host().uri, "claimer");
    await d.up({ domain: "claimed", network: "one", alias: "ua-first" });
    const mac = String(d.state?.outs.mac);
    const other = driveNic(host().uri, "other", { stack: "other" });
    await newRun();
    await other.up({ domain: "claimed", network: "one", mac, adopt: true, alias: "ua-second" });
    await d.destroy();
    assert.match(d.log.at(-1) ?? "", /its alias is "ua-second" now: it is left as it is/);
    assert.equal((await nics("claimed", mac, "--inactive")).length, 1);
    await virsh(host(), ["undefine", "claimed"]);
  });
});
