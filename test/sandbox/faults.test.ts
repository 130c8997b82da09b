/**
 * Faults, enumerated from a run itself: the process is killed before each action; each changing call to libvirt fails before
 * it is sent, after it was done, or never returns. Judged by virsh and the kernel, never by our own reading.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import type { Inputs } from "../../provider/handler.js";
import { channelOf } from "../../provider/host/channel.js";
import { closeHosts, hostAt } from "../../provider/host/hosts.js";
import { processOf } from "../../provider/network/author.js";
import { healAll } from "../../provider/network/heal.js";
import { lockXml } from "../../provider/network/healers.js";
import { parkName, readJournal } from "../../provider/network/journal.js";
import { undo } from "../../provider/network/settle.js";
import { fail } from "../support/child-run.js";
import { runPlan } from "../support/plan-child.js";
import type { Orders } from "../support/run-plan.js";
import { virsh, withSandbox } from "../support/sandbox.js";
import { virtnet } from "../support/virtnet.js";
import { nicXml, vmXml } from "../support/vms.js";

const nat = (more: Inputs = {}): Inputs => ({
  mode: "nat",
  name: "net",
  bridge: { name: "flt0", stp: false },
  ips: [{ address: "10.73.1.1/24", dhcp: { ranges: [{ start: "10.73.1.10", end: "10.73.1.99" }] } }],
  ...more,
});

/** A change, and what the host says when it is done. */
interface Change {
  does: string;
  from: Inputs;
  to: Inputs;
  /** What virsh's definition of the network has before, and after. */
  before: RegExp;
  after: RegExp;
  /** The bridge that the VM's tap is on before, and after. */
  bridges: [string, string];
  /** Whether it runs before, and after; both, unless said. */
  runs?: [boolean, boolean];
  /** Done on the host after each reset. */
  harm?: string;
  /** What a stored NIC that named the network's bridge names after it, and before; that bridge, unless said. */
  named?: string;
  namedFrom?: string;
}

const onBridge = (bridge: string): Inputs => ({ mode: "bridge", name: "net", bridge });

const CHANGES: Change[] = [
  {
    does: "a restart",
    from: nat(),
    to: nat({ mtu: 1400 }),
    before: /^(?![\s\S]*<mtu)/,
    after: /<mtu size='1400'\/>/,
    bridges: ["flt0", "flt0"],
  },
  {
    does: "a rename",
    from: nat(),
    to: nat({ name: "renamed" }),
    before: /<name>net</,
    after: /<name>renamed</,
    bridges: ["flt0", "flt0"],
  },
  {
    does: "a change of mode to a bridge of the host",
    from: nat(),
    to: onBridge("lan0"),
    before: /<forward mode='nat'/,
    after: /<forward mode='bridge'/,
    bridges: ["flt0", "lan0"],
    named: "network='net'",
  },
  {
    does: "a change of its bridge's name",
    from: nat(),
    to: nat({ bridge: { name: "flt1", stp: false } }),
    before: /<bridge name='flt0'/,
    after: /<bridge name='flt1'/,
    bridges: ["flt0", "flt1"],
    named: "bridge='flt1'",
  },
  {
    does: "a live change of DHCP",
    from: nat(),
    to: nat({ ips: [{ address: "10.73.1.1/24", dhcp: { ranges: [{ start: "10.73.1.20", end: "10.73.1.120" }] } }] }),
    before: /start='10\.73\.1\.10'/,
    after: /start='10\.73\.1\.20'/,
    bridges: ["flt0", "flt0"],
  },
  {
    does: "a change from one bridge of the host to another",
    from: onBridge("lan0"),
    to: onBridge("lan1"),
    before: /<bridge name='lan0'/,
    after: /<bridge name='lan1'/,
    bridges: ["lan0", "lan1"],
    named: "network='net'",
    namedFrom: "network='net'",
  },
];

/** Changes that write no journal: killed in the middle, they are ended by the next run. */
const LIFE: Change[] = [
  {
    does: "a stop",
    from: nat(),
    to: nat({ running: false, autostart: false }),
    before: /<name>net</,
    after: /<name>net</,
    bridges: ["flt0", ""],
    runs: [true, false],
  },
  {
    does: "a start with new settings",
    from: nat({ running: false, autostart: false }),
    to: nat({ mtu: 1400 }),
    before: /^(?![\s\S]*<mtu)/,
    after: /<mtu size='1400'\/>/,
    bridges: ["", "flt0"],
    runs: [false, true],
  },
];

const vm = (name: string, mac: string): string => vmXml(name, { devices: nicXml(mac, "network", "network='net'") });

describe("a change that is cut off", function () {
  this.timeout(900_000);
  const host = withSandbox();
  after(() => closeHosts());
  const MAC = "52:54:00:00:73:01";
  const NAMED = "52:54:00:00:73:09";
  const run = async (command: string) => (await host().exec(["sh", "-c", command])).stdout.trim();

  /** The one network that is not a park network, and what virsh and the kernel say of it. */
  const look = async () => {
    // One shell and two virsh for all questions: they are asked a thousand times.
    const out = await run(`
      list=$(virsh -q net-list --all --name); name=$(echo "$list" | grep -v vnpark | head -1)
      echo "$list"; echo "== end"
      virsh -q "net-uuid $name; echo '== end'; net-info $name; echo '== end'; net-dumpxml --inactive $name; echo '== end'; net-dumpxml $name; echo '== end'; \
        dumpxml web; echo '== end'; dumpxml --inactive off; echo '== end'; domiflist web" 2> /dev/null; echo "== end"
      { iptables-save; nft list table ip libvirt_network; } 2> /dev/null | grep -oE '\\b(flt|vnpark)[0-9a-f]+' | sort -u; echo "== end"
      ip -o link`);
    const [
      list = "",
      uuid = "",
      info = "",
      stored = "",
      live = "",
      web = "",
      off = "",
      taps = "",
      ruled = "",
      links = "",
    ] = out.split("== end").map((part) => part.trim());
    const lineOf = (text: string, has: RegExp) => text.split("\n").find((line) => has.test(line)) ?? "";
    const tap = lineOf(taps, new RegExp(MAC)).trim().split(/\s+/)[0];
    const names = list.split("\n").map((n) => n.trim());
    const [name, ...others] = names.filter((n) => n !== "" && !n.startsWith("vnpark"));
    assert.deepEqual(others, []);
    assert.ok(name, "the network is gone");
    const active = /Active:\s+yes/.test(info);
    return {
      name,
      uuid,
      active,
      autostart: /Autostart:\s+yes/.test(info),
      stored,
      live: active ? live : "",
      parks: names.filter((n) => n.startsWith("vnpark")),
      nic: web.split("<interface ").find((i) => i.includes(MAC)) ?? "",
      refers: off.includes(`network='${name}'`),
      names: off.split("<interface ").find((i) => i.includes(NAMED)) ?? "",
      /** Bridges that rules of the firewall name. */
      ruled: ruled.split("\n").filter(Boolean),
      master: / master (\S+)/.exec(lineOf(links, new RegExp(`: ${tap}: `)))?.[1] ?? "",
    };
  };

  type Seen = Awaited<ReturnType<typeof look>>;

  /** Whole, either before or after the change, with the VM on it. */
  const assertWhole = async (change: Change, looked?: Seen): Promise<"before" | "after"> => {
    const { before, after, bridges, runs = [true, true], namedFrom = "bridge='flt0'", named = namedFrom } = change;
    const seen = looked ?? (await look());
    const is = (runs[0] === runs[1] ? after.test(seen.stored) : seen.active === runs[1]) ? "after" : "before";
    const [want, running, bridge] = is === "after" ? [after, runs[1], bridges[1]] : [before, runs[0], bridges[0]];
    assert.match(seen.stored, want);
    assert.equal(seen.active, running, "whether it runs");
    if (running) assert.match(seen.live, want);
    assert.equal(seen.autostart, running, "autostart");
    assert.equal(seen.master, bridge);
    assert.ok(seen.names.includes(is === "after" ? named : namedFrom), seen.names);
    assert.ok(seen.nic.includes(`network='${seen.name}'`), seen.nic);
    assert.ok(seen.refers, "the stored definition of the other VM names another network");
    assert.deepEqual(seen.parks, []);
    const own = /<bridge name='(flt\d)'/.exec(seen.live)?.[1];
    assert.deepEqual(seen.ruled, own === undefined ? [] : [own], "bridges that the firewall's rules name");
    return is;
  };

  let last = CHANGES[0] as Change;
  const reset = async (change: Change): Promise<string> => {
    await hostAt(host().uri).use("heal", (c) => healAll(c, true));
    let seen = await look();
    const { runs = [true, true], namedFrom = "bridge='flt0'" } = change;
    const was = last.to;
    last = change;
    if (
      was !== change.to ||
      !change.before.test(seen.stored) ||
      seen.name !== "net" ||
      seen.active !== runs[0] ||
      seen.autostart !== runs[0]
    ) {
      const to: Orders = { uri: host().uri, desired: change.from, was, uuid: seen.uuid };
      const { answer } = await runPlan(to);
      assert.equal(answer?.error, undefined);
      // What follows the network to itself does not go back to a bridge.
      seen = await look();
      if (!seen.names.includes(namedFrom)) {
        await run(
          `virsh detach-interface off --type ${/^type='(\w+)'/.exec(seen.names)?.[1]} --mac ${NAMED} --config && virsh attach-interface off --type bridge --source flt0 --mac ${NAMED} --model virtio --config`,
        );
        seen = await look();
      }
    }
    assert.equal(await assertWhole({ ...change, ...(runs[0] === runs[1] ? { after: /$^/ } : {}) }, seen), "before");
    return seen.uuid;
  };

  before(async () => {
    for (const name of ["lan0", "lan1"]) await run(`ip link add ${name} type bridge && ip link set ${name} up`);
    const { answer } = await runPlan({ uri: host().uri, desired: nat(), was: {} });
    assert.equal(answer?.error, undefined);
    await virsh(host(), ["create", "/dev/stdin"], vm("web", MAC));
    const stored = nicXml("52:54:00:00:73:02", "network", "network='net'") + nicXml(NAMED, "bridge", "bridge='flt0'");
    await virsh(host(), ["define", "/dev/stdin"], vmXml("off", { devices: stored }));
  });

  for (const change of [...CHANGES, ...LIFE]) {
    const journalled = !LIFE.includes(change) && change.does !== "a live change of DHCP";
    const orders = (uuid: string): Orders => ({ uri: host().uri, desired: change.to, was: change.from, uuid });

    it(`${change.does}: killed before each action, it is healed, and the next run finishes it`, async () => {
      const { answer } = await runPlan(orders(await reset(change)));
      assert.equal(answer?.error, undefined);
      assert.equal(await assertWhole(change), "after");
      const count = answer?.actions.length ?? 0;
      for (let n = 1; n <= count + 1; n++) {
        const at = `killed before action ${n} of ${answer?.actions.join(", ")}`;
        const uuid = await reset(change);
        assert.ok((await runPlan({ ...orders(uuid), killBefore: n })).killed, at);
        const { failed } = await hostAt(host().uri).use("heal", (c) => healAll(c));
        assert.deepEqual(failed, [], at);
        // A change without a journal can be half done between two live calls; the next run ends it.
        if (journalled) await assertWhole(change).catch((e: Error) => fail(at, e));
        const next = await runPlan(orders(uuid));
        assert.equal(next.answer?.error, undefined, at);
        assert.equal(await assertWhole(change).catch((e: Error) => fail(at, e)), "after", at);
      }
    });

    it(`${change.does}: where a call to libvirt fails, before or after it is done, or hangs, all is as it was`, async () => {
      const { answer } = await runPlan(orders(await reset(change)));
      const calls = answer?.calls ?? 0;
      assert.ok(calls > 1);
      for (let k = 1; k <= calls; k++) {
        // One that hangs costs its time limit: every fifth, unless VIRTNET_FAULTS=all.
        const hangs = k % 5 === 0 || process.env.VIRTNET_FAULTS === "all";
        for (const moment of ["before", "after", ...(hangs ? ["hang"] : [])]) {
          const at = `call ${k} of ${calls}, ${moment}`;
          const uuid = await reset(change);
          const { answer: failed } = await runPlan(orders(uuid), `${k}:${moment}`);
          if (failed?.error === undefined) {
            // Its own retry got through.
            assert.equal(await assertWhole(change).catch((e: Error) => fail(at, e)), "after", at);
            continue;
          }
          assert.match(failed.error, /all is restored as it was/, `${at}: ${failed.error}`);
          assert.equal(await assertWhole(change).catch((e: Error) => fail(at, e)), "before", at);
        }
      }
    });
  }

  it("a NIC that lost its network: killed before each action, or with a call that fails, the next run plugs it in", async () => {
    const change: Change = { ...(CHANGES[0] as Change), to: nat() };
    const lost = async (): Promise<Orders> => {
      const uuid = await reset({ ...change, to: nat({ mtu: 1400 }) });
      await run(`ip link set $(virsh -q domiflist web | awk '/${MAC}/{print $1}') nomaster`);
      assert.equal((await look()).master, "");
      return { uri: host().uri, desired: nat(), was: nat(), uuid };
    };
    const { answer } = await runPlan(await lost());
    assert.deepEqual([answer?.error, answer?.actions], [undefined, ["journal", "park", "home"]]);
    const faults = [
      ...Array.from({ length: 4 }, (_, n) => ({ killBefore: n + 1 })),
      ...Array.from({ length: answer?.calls ?? 0 }, (_, k) => [`${k + 1}:before`, `${k + 1}:after`]).flat(),
    ];
    assert.ok(faults.length > 10);
    for (const fault of faults) {
      const at = JSON.stringify(fault);
      const orders = await lost();
      if (typeof fault === "string") await runPlan(orders, fault);
      else assert.ok((await runPlan({ ...orders, ...fault })).killed, at);
      assert.deepEqual((await hostAt(host().uri).use("heal", (c) => healAll(c))).failed, [], at);
      assert.equal((await runPlan(orders)).answer?.error, undefined, at);
      assert.equal(await assertWhole({ ...change, after: /$^/ }).catch((e: Error) => fail(at, e)), "before", at);
    }
  });

  it("a network that does not exist yet: what fails leaves nothing, and the next run makes it whole", async () => {
    const wanted = { mode: "isolated", name: "vnew", bridge: { name: "flt9" }, ips: [{ address: "10.73.9.1/24" }] };
    const orders: Orders = { uri: host().uri, desired: wanted, was: {} };
    const seen = () =>
      run(`virsh -q net-list --all --autostart | awk '/vnew/{print $2}'; cat /sys/class/net/flt9/operstate`);
    const gone = async () => {
      await run("virsh net-destroy vnew; virsh net-undefine vnew");
      assert.equal(await run("virsh -q net-list --all --name | grep -c vnew || true"), "0");
    };
    const { answer } = await runPlan(orders);
    assert.deepEqual(answer?.actions, ["define", "start", "autostart"]);
    assert.match(await seen(), /^active\n\w+$/);
    for (let n = 1; n <= 4; n++) {
      await gone();
      assert.ok((await runPlan({ ...orders, killBefore: n })).killed);
      assert.equal((await runPlan(orders)).answer?.error, undefined, `killed before ${n}`);
      assert.match(await seen(), /^active\n\w+$/, `killed before ${n}`);
    }
    for (let k = 1; k <= (answer?.calls ?? 0); k++)
      for (const moment of ["before", "after", "hang"]) {
        await gone();
        const { answer: failed } = await runPlan(orders, `${k}:${moment}`);
        if (failed?.error === undefined) assert.match(await seen(), /^active/, `${k}:${moment}`);
        else {
          assert.match(failed.error, /nothing is left of it/, `${k}:${moment}`);
          assert.equal(
            await run(
              "virsh -q net-list --all --name | grep -c vnew || true; ls /sys/class/net | grep -c flt9 || true",
            ),
            "0\n0",
            `${k}:${moment}`,
          );
        }
      }
    await gone();
  });

  it("two that heal at once: the second one waits for the first; one that died is no hindrance; nothing is left of their lock", async () => {
    const change = CHANGES[0] as Change;
    const uuid = await reset(change);
    const orders: Orders = { uri: host().uri, desired: change.to, was: change.from, uuid };
    const locks = () => run("virsh -q net-list --all --name | grep -c 'vnpark.*h' || true");
    assert.ok((await runPlan({ ...orders, killBefore: 5 })).killed);
    // Another process holds the lock: this one, as another one would see it.
    const holder = spawn("sleep", ["600"]);
    const lock = lockXml(uuid, processOf(holder.pid as number));
    await virsh(host(), ["net-define", "/dev/stdin"], lock);
    const healing = hostAt(host().uri).use("heal", (c) => healAll(c));
    await sleep(1500);
    assert.equal((await look()).active, false, "it did not wait");
    holder.kill("SIGKILL");
    assert.deepEqual((await healing).failed, []);
    await assertWhole(change);
    assert.equal(await locks(), "0");
    // And many at once, in processes of their own.
    await reset(change);
    assert.ok((await runPlan({ ...orders, killBefore: 5 })).killed);
    const heal = () => virtnet(["heal", "--uri", host().uri]);
    for (const { code, stderr } of await Promise.all([heal(), heal(), heal()])) assert.equal(code, 0, stderr);
    await assertWhole(change);
    assert.equal(await locks(), "0");
    // What a healer left that died after its work.
    await virsh(host(), ["net-define", "/dev/stdin"], lock);
    assert.deepEqual((await hostAt(host().uri).use("heal", (c) => healAll(c))).failed, []);
    assert.equal(await locks(), "0");
  });

  it("libvirtd killed before each action, and started again: all is as it was, or as it shall be", async () => {
    const change = CHANGES[0] as Change;
    const whole = (uuid: string): Orders => ({ uri: host().uri, desired: change.to, was: change.from, uuid });
    const { answer } = await runPlan(whole(await reset(change)));
    const count = answer?.actions.length ?? 0;
    assert.ok(count > 4);
    for (let n = 1; n <= count; n++) {
      const at = `libvirtd killed before action ${n} of ${answer?.actions.join(", ")}`;
      const uuid = await reset(change);
      const { answer: seen } = await runPlan({ ...whole(uuid), stopBefore: n }, undefined, async () => {
        await run("kill -9 $(cat /run/libvirtd.pid /run/libvirt/libvirtd.pid 2>/dev/null | head -1)");
        assert.notEqual((await host().exec(["virsh", "net-list"])).code, 0, "libvirtd still answers");
        setTimeout(() => void run("libvirtd -d"), 1000);
      });
      if (seen?.error !== undefined) assert.match(seen.error, /all is restored as it was/, `${at}: ${seen.error}`);
      const is = await assertWhole(change).catch((e: Error) => fail(at, e));
      assert.equal(is, seen?.error === undefined ? "after" : "before", at);
    }
  });

  it("two at once: the second one is told of the first, changes nothing, and gets through afterwards", async () => {
    const change = CHANGES[0] as Change;
    const uuid = await reset(change);
    const first: Orders = { uri: host().uri, desired: change.to, was: change.from, uuid };
    const second: Orders = { ...first, desired: nat({ mtu: 1300 }) };
    // The first one is held while the network is down.
    const { answer } = await runPlan({ ...first, stopBefore: 5 }, undefined, async () => {
      const other = await runPlan(second);
      assert.match(other.answer?.error ?? "", /another run is changing it at this moment/);
    });
    assert.equal(answer?.error, undefined);
    assert.equal(await assertWhole(change), "after");
    assert.equal((await runPlan({ ...second, was: change.to })).answer?.error, undefined);
    assert.match((await look()).live, /<mtu size='1300'\/>/);
    await runPlan({ ...first, was: second.desired });
  });

  it("VMs that start or stop while it runs: the one is plugged in, the other is no fault", async () => {
    const change = CHANGES[0] as Change;
    const orders = async (): Promise<Orders> => ({
      ...{ uri: host().uri, desired: change.to, was: change.from, uuid: await reset(change), stopBefore: 3 },
    });
    const master = (name: string) =>
      run(`basename $(readlink /sys/class/net/$(virsh -q domiflist ${name} | awk '{print $1}')/master)`);
    // After the NICs were looked at, before they are parked.
    const started = await runPlan(await orders(), undefined, async () => {
      await virsh(host(), ["create", "/dev/stdin"], vm("late", "52:54:00:00:73:03"));
    });
    assert.equal(started.answer?.error, undefined);
    assert.equal(await assertWhole(change), "after");
    assert.equal(await master("late"), "flt0");
    const stopped = await runPlan(await orders(), undefined, async () => {
      await virsh(host(), ["destroy", "late"]);
    });
    assert.equal(stopped.answer?.error, undefined);
    assert.equal(await assertWhole(change), "after");
  });

  it("an undo leaves alone what others have on a bridge of the host", async () => {
    const change = CHANGES[2] as Change;
    const uuid = await reset(change);
    const orders: Orders = { uri: host().uri, desired: change.to, was: change.from, uuid };
    const { answer } = await runPlan(orders);
    await reset(change);
    const nic = nicXml("52:54:00:00:73:04", "bridge", "bridge='lan0'");
    await virsh(host(), ["create", "/dev/stdin"], vmXml("stranger", { devices: nic }));
    // It has started in its new mode, and its NICs are still on the park network.
    assert.ok((await runPlan({ ...orders, killBefore: (answer?.actions.indexOf("home") ?? 0) + 1 })).killed);
    await hostAt(host().uri).use("undo", async (c) => {
      const park = await c.networks.get({ name: parkName(uuid) });
      const journal = readJournal(park?.inactiveXml ?? "<network/>");
      assert.ok(journal);
      assert.deepEqual(await undo(c, journal, channelOf(host().uri)), { as: "before", off: [] });
    });
    assert.equal(await assertWhole(change), "before");
    assert.match(await virsh(host(), ["dumpxml", "stranger"]), /type='bridge'>[\s\S]*<source bridge='lan0'\/>/);
    await virsh(host(), ["destroy", "stranger"]);
  });

  it("a new name that somebody else took meanwhile: all is as it was, and their VMs stay on theirs", async () => {
    const change = CHANGES[1] as Change;
    const orders: Orders = { uri: host().uri, desired: change.to, was: change.from, uuid: await reset(change) };
    const theirs = async () => [
      /source network='renamed'/.test(await virsh(host(), ["dumpxml", "stranger"])),
      await run("ls /sys/class/net/flt9/brif"),
    ];
    let before: unknown;
    const { answer } = await runPlan({ ...orders, stopBefore: 5 }, undefined, async () => {
      await virsh(
        host(),
        ["net-define", "/dev/stdin"],
        "<network><name>renamed</name><bridge name='flt9' stp='off'/></network>",
      );
      await virsh(host(), ["net-start", "renamed"]);
      await virsh(
        host(),
        ["create", "/dev/stdin"],
        vmXml("stranger", { devices: nicXml("52:54:00:00:73:05", "network", "network='renamed'") }),
      );
      before = await theirs();
    });
    assert.match(answer?.error ?? "", /defining it .*already exists.*; all is restored as it was/);
    assert.deepEqual(await theirs(), before);
    await virsh(host(), ["destroy", "stranger"]);
    await virsh(host(), ["net-destroy", "renamed"]);
    await virsh(host(), ["net-undefine", "renamed"]);
    assert.equal(await assertWhole(change), "before");
  });

  it("two at once that have both looked already: the one that comes second takes nothing back of the first", async () => {
    const change = CHANGES[0] as Change;
    const uuid = await reset(change);
    const first: Orders = { uri: host().uri, desired: change.to, was: change.from, uuid, stopBefore: 5 };
    const second: Orders = { ...first, desired: nat({ mtu: 1300 }), stopBefore: 1 };
    let letGo = (): void => undefined;
    const go = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    let waits = (): void => undefined;
    const waiting = new Promise<void>((resolve) => {
      waits = resolve;
    });
    const other = runPlan(second, undefined, async () => {
      waits();
      await go;
    });
    await waiting;
    const { answer } = await runPlan(first, undefined, async () => {
      letGo();
      assert.match((await other).answer?.error ?? "", /another run is changing it .*; nothing was changed/);
      assert.equal((await look()).active, false, "it was started under the first one");
    });
    assert.equal(answer?.error, undefined);
    assert.equal(await assertWhole(change), "after");
  });

  it("what somebody else changed after it was looked at is kept: nothing is done with what was planned before", async () => {
    const change = CHANGES[0] as Change;
    const uuid = await reset(change);
    const orders: Orders = { uri: host().uri, desired: change.to, was: change.from, uuid, stopBefore: 1 };
    const { answer } = await runPlan(orders, undefined, async () => {
      const entry = "<host mac='52:54:00:00:73:77' ip='10.73.1.50'/>";
      await virsh(host(), ["net-update", "net", "add", "ip-dhcp-host", entry, "--live", "--config"]);
    });
    assert.match(answer?.error ?? "", /another program keeps changing it.*nothing was changed/);
    assert.equal(await assertWhole(change), "before");
    for (const seen of [(await look()).live, (await look()).stored]) assert.match(seen, /52:54:00:00:73:77/);
    assert.equal(
      (await runPlan({ uri: host().uri, desired: change.from, was: change.from, uuid })).answer?.error,
      undefined,
    );
  });

  it("a NIC that somebody else moves meanwhile stays where they put it", async () => {
    const change = CHANGES[0] as Change;
    const uuid = await reset(change);
    await virsh(
      host(),
      ["net-define", "/dev/stdin"],
      "<network><name>prod</name><bridge name='flt8' stp='off'/></network>",
    );
    await virsh(host(), ["net-start", "prod"]);
    await virsh(host(), ["create", "/dev/stdin"], vm("mover", "52:54:00:00:73:06"));
    const orders: Orders = { uri: host().uri, desired: change.to, was: change.from, uuid };
    const moved = nicXml("52:54:00:00:73:06", "network", "network='prod'");
    // After it was looked at, before it is parked.
    const { answer } = await runPlan({ ...orders, stopBefore: 3 }, undefined, async () => {
      await virsh(host(), ["update-device", "mover", "/dev/stdin", "--live"], moved);
    });
    assert.deepEqual([answer?.error, answer?.actions[2]], [undefined, "park"]);
    assert.match(await virsh(host(), ["dumpxml", "mover"]), /source network='prod'/);
    assert.equal(await run("ls /sys/class/net/flt8/brif | grep -c vnet"), "1");
    await virsh(host(), ["destroy", "mover"]);
    for (const c of ["net-destroy", "net-undefine"]) await virsh(host(), [c, "prod"]);
    assert.equal(await assertWhole(change), "after");
  });

  it("what a run of another machine left is healed at once where its lock on the host is free, and not while it is held", async () => {
    const change = CHANGES[0] as Change;
    const uuid = await reset(change);
    const orders: Orders = { uri: host().uri, desired: change.to, was: change.from, uuid };
    assert.ok((await runPlan({ ...orders, killBefore: 5 })).killed);
    const heal = async () => (await hostAt(host().uri).use("heal", (c) => healAll(c))).failed.join("\n");
    const park = parkName(uuid);
    const authored = async (locked: boolean) => {
      const xml = await virsh(host(), ["net-dumpxml", "--inactive", park]);
      const theirs = xml
        .replace(/ machine=(['"]).*?\1/, " machine='another one'")
        .replace(/ locked=(['"]).*?\1/, ` locked='${locked}'`);
      assert.match(theirs, /machine='another one'/);
      await virsh(host(), ["net-define", "/dev/stdin"], theirs);
    };
    // It had no lock: whether it goes on is not known.
    await authored(false);
    assert.match(await heal(), /is being changed by another run .*on another/);
    await authored(true);
    const lock = `/run/virtnet-network-${uuid}.lock`;
    const holder = host().exec(["flock", lock, "sleep", "5"]);
    await sleep(300);
    assert.match(await heal(), /is being changed by another run, which has gone on/);
    await holder;
    assert.equal(await heal(), "");
    await assertWhole(change);
  });

  it("a host that went down in the middle, and came back, is healed by virtnet heal; the VM starts on its network", async () => {
    const change = CHANGES[0] as Change;
    const uuid = await reset(change);
    const orders: Orders = { uri: host().uri, desired: change.to, was: change.from, uuid };
    const { answer } = await runPlan(orders);
    await reset(change);
    assert.ok((await runPlan({ ...orders, killBefore: (answer?.actions.indexOf("start") ?? 0) + 1 })).killed);
    // As after a power cut: no VM, no bridge, no rule, nothing that /run held; the definitions are there.
    await run(`virsh destroy web
      kill -9 $(cat /run/libvirtd.pid /run/libvirt/libvirtd.pid 2> /dev/null | head -1)
      for b in $(ls /sys/class/net | grep -E '^(flt|vnpark)'); do ip link del $b; done
      for pid in $(pgrep -x dnsmasq); do kill -9 $pid; done
      for tool in iptables ip6tables; do
        for table in filter nat mangle; do $tool -t $table -F; $tool -t $table -X; done
      done
      nft flush ruleset
      rm -rf /run/libvirt/network /run/libvirt/qemu
      libvirtd -d`);
    await virsh(host(), ["net-list"]);
    const { code, stdout, stderr } = await virtnet(["heal", "--uri", host().uri]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /network "net": /);
    await virsh(host(), ["create", "/dev/stdin"], vm("web", MAC));
    await assertWhole(change);
    assert.equal((await runPlan(orders)).answer?.error, undefined);
    assert.equal(await assertWhole(change), "after");
  });

  it("is healed by the watchdog within 3 s of the death of its process", async () => {
    const change = CHANGES[0] as Change;
    const uuid = await reset(change);
    const orders: Orders = { uri: host().uri, desired: change.to, was: change.from, uuid, guard: true };
    const { answer } = await runPlan(orders);
    const start = (answer?.actions.indexOf("start") ?? 0) + 1;
    await reset(change);
    // Looked at while it stands still: the watchdog may be faster than virsh.
    const { killed } = await runPlan({ ...orders, stopBefore: start, killBefore: start }, undefined, async () => {
      assert.equal((await look()).active, false);
    });
    assert.ok(killed);
    let seen = await look();
    for (let i = 0; i < 30 && (!seen.active || seen.parks.length > 0); i++) {
      await sleep(100);
      seen = await look();
    }
    await assertWhole(change);
  });
});
