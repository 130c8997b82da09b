import assert from "node:assert/strict";
import type { Inputs } from "../../provider/handler.js";
import { PartialFailure, Unknown } from "../../provider/handler.js";
import { closeHosts, hostAt } from "../../provider/host/hosts.js";
import { forgetRun, networkHandler } from "../../provider/network/handler.js";
import { drive } from "../support/network.js";
import { startNetwork, virsh, withSandbox } from "../support/sandbox.js";
import { nicXml, vmXml } from "../support/vms.js";

const nat = (n: number, more: Inputs = {}): Inputs => ({
  mode: "nat",
  bridge: { stp: false },
  ips: [{ address: `10.70.${n}.1/24`, dhcp: { ranges: [{ start: `10.70.${n}.10`, end: `10.70.${n}.99` }] } }],
  ...more,
});

const MAC = "52:54:00:70:17:01";

describe("a network on a real libvirtd", () => {
  const host = withSandbox();
  const on = (key: string, owner = {}) => drive(host().uri, key, owner);
  const xml = (name: string, ...flags: string[]) => virsh(host(), ["net-dumpxml", name, ...flags]);
  const info = async (name: string) => (await virsh(host(), ["net-info", name])).replace(/ +/g, " ");
  const names = async () =>
    (await virsh(host(), ["net-list", "--all", "--name"]))
      .split("\n")
      .map((s) => s.trim())
      .filter(Boolean);
  // What virsh did behind the provider's back is older than the next read in real use.
  const behindOurBack = () => hostAt(host().uri).changed();
  after(() => closeHosts());

  it("is defined, started, set to autostart, and gone after delete", async () => {
    const d = on("life");
    await d.up(nat(1));
    assert.match(await info("life"), /Active: yes[\s\S]*Persistent: yes[\s\S]*Autostart: yes/);
    assert.match(await xml("life"), /<range start='10.70.1.10' end='10.70.1.99'\/>/);
    assert.equal(await d.up(nat(1)), false);
    assert.deepEqual((await d.refresh())?.drift, false);
    await d.destroy();
    assert.deepEqual(await names(), []);
  });

  it("changes a DHCP host live, in both definitions, and the bridge stays the same device", async () => {
    const d = on("live");
    await d.up(nat(2));
    const before = (await host().exec(["cat", "/sys/class/net/virbr0/ifindex"])).stdout;
    const hosts = [{ mac: "52:54:00:AA:00:01", ip: "10.70.2.5", name: "web" }];
    await d.up(
      nat(2, {
        ips: [{ address: "10.70.2.1/24", dhcp: { ranges: [{ start: "10.70.2.10", end: "10.70.2.99" }], hosts } }],
      }),
    );
    for (const flags of [[], ["--inactive"]])
      assert.match(await xml("live", ...flags), /<host mac='52:54:00:AA:00:01' name='web' ip='10.70.2.5'\/>/i);
    assert.equal((await host().exec(["cat", "/sys/class/net/virbr0/ifindex"])).stdout, before);
    assert.ok(
      d.log.some((l) => /network live: ips\[0\]\.dhcp\.hosts\[0\]: changed live/.test(l)),
      d.log.join("\n"),
    );
    await d.destroy();
  });

  it("swaps the addresses of two DHCP hosts live", async () => {
    const d = on("swap");
    const hosts = (a: string, b: string) => [
      { mac: "52:54:00:aa:00:01", ip: a },
      { mac: "52:54:00:aa:00:02", ip: b },
    ];
    const args = (a: string, b: string) => nat(3, { ips: [{ address: "10.70.3.1/24", dhcp: { hosts: hosts(a, b) } }] });
    await d.up(args("10.70.3.5", "10.70.3.6"));
    await d.up(args("10.70.3.6", "10.70.3.5"));
    assert.match(await xml("swap"), /aa:00:01' ip='10.70.3.6'[\s\S]*aa:00:02' ip='10.70.3.5'/);
    await d.destroy();
  });

  it("keeps uuid, bridge name and MAC through a restart, and what it does not own", async () => {
    const d = on("keep");
    await startNetwork(
      host(),
      "keep",
      "<network><name>keep</name><metadata><x:y xmlns:x='urn:x'>foreign</x:y></metadata><forward mode='nat'/><ip address='10.70.4.1' netmask='255.255.255.0'/></network>",
    );
    const before = await xml("keep", "--inactive");
    await d.up({ ...nat(4, { ips: [{ address: "10.70.4.1/24" }], mtu: 1400 }), adopt: true });
    const now = await xml("keep", "--inactive");
    for (const piece of [
      /<uuid>.*<\/uuid>/,
      /<bridge name='[^']*'/,
      /<mac address='[^']*'/,
      /foreign/,
      /netmask='255.255.255.0'/,
    ]) {
      assert.equal(now.match(piece)?.[0], before.match(piece)?.[0], String(piece));
    }
    assert.match(await xml("keep"), /<mtu size='1400'\/>/);
    await d.destroy();
    assert.ok((await names()).includes("keep"), "an adopted network is released, not deleted");
    assert.doesNotMatch(await xml("keep", "--inactive"), /pulumi-virtnet/);
    await virsh(host(), ["net-destroy", "keep"]);
    await virsh(host(), ["net-undefine", "keep"]);
  });

  it("follows its stack where that gets another name, in place, and says so at preview; another stack's it does not take", async () => {
    const first = on("moved");
    await first.up({ mode: "isolated" });
    const renamed = on("moved", { stack: "new", project: "q" });
    renamed.state = first.state;
    assert.equal(await renamed.preview({ mode: "isolated" }), true);
    assert.ok(
      renamed.log.some((l) => /it carries the mark of its owner/.test(l)),
      renamed.log.join("\n"),
    );
    await renamed.up({ mode: "isolated" });
    assert.equal((await renamed.refresh())?.drift, false);
    // Who still has the old state has nothing of it any more: that shows before anything is done.
    await assert.rejects(first.preview({ mode: "isolated", mtu: 1400 }), /belongs to stack q\/new: set adopt/);
    await renamed.destroy();
  });

  it("refuses a network that exists, and one of another stack, naming the way out", async () => {
    await startNetwork(host(), "there", "<network><name>there</name></network>");
    await assert.rejects(
      on("there").up({ mode: "isolated" }),
      /network "there" exists already on .* \(uuid .*\): set adopt: true/,
    );
    const first = on("there");
    await first.up({ mode: "isolated", adopt: true });
    await assert.rejects(
      on("there", { stack: "other" }).up({ mode: "isolated", adopt: true }),
      /belongs to stack p\/s: set adopt: \{ from: "p\/s" \}/,
    );
    const second = on("there", { stack: "other" });
    await second.up({ mode: "isolated", adopt: { from: "p/s" }, deleteAdopted: true });
    await first.destroy();
    assert.ok((await names()).includes("there"), "what moved to another stack is left alone");
    await second.destroy();
    assert.deepEqual(await names(), []);
  });

  it("says at preview what taking a network over costs, and refuses it there where it may not cost that much", async () => {
    await startNetwork(host(), "costly", "<network><name>costly</name><mtu size='1400'/></network>");
    await closeHosts(); // a run's first reading of the host
    const d = on("costly");
    const [missing] = await d.check({ mode: "isolated", mtu: 1300 });
    assert.equal(missing?.property, "name");
    assert.match(missing?.reason ?? "", /exists already on .*: set adopt: true/);
    const [refused] = await d.check({ mode: "isolated", mtu: 1300, adopt: true, maxImpact: "live" });
    assert.equal(refused?.property, "maxImpact");
    assert.match(refused?.reason ?? "", /network "costly".*mtu/);
    assert.deepEqual(await d.check({ mode: "isolated", mtu: 1300, adopt: true, maxImpact: "restart" }), []);
    assert.deepEqual(d.log.filter((l) => /^info: network costly: mtu: restarts it in place/.test(l)).length, 1);
    assert.match(await xml("costly"), /<mtu size='1400'/, "a preview changes nothing");
    await d.up({ mode: "isolated", mtu: 1300, adopt: true, deleteAdopted: true });
    assert.match(await xml("costly"), /<mtu size='1300'/);
    await d.destroy();
  });

  it("takes over a network of this stack under another key, and the old key's delete leaves it", async () => {
    const old = drive(host().uri, "renamed");
    await old.up(nat(5));
    const now = drive(host().uri, "newkey");
    assert.match(
      (await now.check({ ...nat(5), name: "renamed" }))[0]?.reason ?? "",
      /"renamed" is the network of resource "renamed" of this program already/,
    );
    forgetRun(); // in the run that renames a resource, check does not see the old one
    await now.up({ ...nat(5), name: "renamed" });
    assert.equal(now.state?.id, old.state?.id);
    await old.destroy();
    assert.deepEqual(await names(), ["renamed"]);
    await now.destroy();
    assert.deepEqual(await names(), []);
  });

  it("stays when its resource comes under another URN with the same key, in that run and in the next one", async () => {
    const old = on("wrapped");
    await old.up(nat(40));
    forgetRun();
    const now = on("wrapped");
    await now.up(nat(40));
    assert.equal(now.state?.id, old.state?.id);
    await old.deleteFormer();
    assert.deepEqual(await names(), ["wrapped"]);
    // Where that run ended before it deleted the old one, the next does.
    forgetRun();
    assert.equal(await now.up(nat(40)), false);
    await old.deleteFormer();
    assert.match(await info("wrapped"), /Active: yes/);
    await now.destroy();
    assert.deepEqual(await names(), []);
  });

  it("goes with its resource where another network comes under the same key, where that one failed, and before it is made anew", async () => {
    const [old, other] = [on("former"), on("former")];
    await old.up(nat(41));
    forgetRun();
    await other.up({ ...nat(42), name: "latter" });
    await old.deleteFormer();
    assert.deepEqual(await names(), ["latter"]);
    // The engine of --replace: a check without a state, then delete, then create.
    await other.preview({ ...nat(42), name: "latter" });
    const again = on("former");
    await again.preview({ ...nat(42), name: "latter" });
    await other.deleteFormer();
    assert.deepEqual(await names(), []);
    await again.up({ ...nat(42), name: "latter" });
    forgetRun();
    await startNetwork(host(), "busy", "<network><name>busy</name><ip address='10.70.43.1' prefix='24'/></network>");
    const failing = { ...{ name: "latter", uri: host().uri, running: true, autostart: true }, ...nat(43) };
    const owner = again.state?.outs.owner;
    await assert.rejects(
      networkHandler.create({ log: () => undefined }, { ...failing, owner }),
      /all is restored as it was/,
    );
    await again.deleteFormer();
    assert.deepEqual(await names(), ["busy"]);
    await virsh(host(), ["net-destroy", "busy"]);
    await virsh(host(), ["net-undefine", "busy"]);
  });

  it("leaves nothing behind when the start fails", async () => {
    await startNetwork(host(), "busy", "<network><name>busy</name><ip address='10.70.6.1' prefix='24'/></network>");
    const d = on("clash");
    const bad = {
      name: "clash",
      uri: host().uri,
      owner: { project: "p", stack: "s", key: "clash" },
      running: true,
      autostart: true,
      ...nat(6),
    };
    await assert.rejects(
      networkHandler.create({ log: () => undefined }, bad),
      /network "clash": starting it failed: .*; nothing is left of it/,
    );
    assert.deepEqual(await names(), ["busy"]);
    assert.equal(d.state, undefined);
    await virsh(host(), ["net-destroy", "busy"]);
    await virsh(host(), ["net-undefine", "busy"]);
  });

  it("restores the old definition, running, when a restart fails", async () => {
    const d = on("undo");
    await d.up(nat(7));
    await startNetwork(host(), "rival", "<network><name>rival</name><ip address='10.70.8.1' prefix='24'/></network>");
    const before = await xml("undo");
    const news = { ...d.state?.outs, ...nat(8) } as Inputs;
    await assert.rejects(
      networkHandler.update({ log: () => undefined }, d.state?.id as string, d.state?.outs as Inputs, news),
      (e: Error) => {
        assert.match(e.message, /starting it failed .*all is restored as it was/);
        assert.ok(!(e instanceof PartialFailure));
        return true;
      },
    );
    assert.equal(await xml("undo"), before);
    await d.destroy();
    await virsh(host(), ["net-destroy", "rival"]);
    await virsh(host(), ["net-undefine", "rival"]);
  });

  it("restores all of many whose restarts fail at once, though together they hold all connections", async () => {
    const numbers = Array.from({ length: 6 }, (_, k) => 140 + k);
    const all = numbers.map((n) => on(`many${n}`));
    await Promise.all(all.map((d, k) => d.up(nat(numbers[k] as number))));
    await startNetwork(host(), "rival", "<network><name>rival</name><ip address='10.70.8.1' prefix='24'/></network>");
    const ends = await Promise.allSettled(
      all.map(({ state }) =>
        networkHandler.update({ log: () => undefined }, state?.id as string, state?.outs as Inputs, {
          ...state?.outs,
          ...nat(8),
        }),
      ),
    );
    for (const end of ends)
      assert.match(end.status === "rejected" ? String(end.reason) : "done", /starting it failed .*all is restored/);
    for (const n of numbers) assert.match(await info(`many${n}`), /Active: yes/);
    await Promise.all(all.map((d) => d.destroy()));
    await virsh(host(), ["net-destroy", "rival"]);
    await virsh(host(), ["net-undefine", "rival"]);
  });

  it("shows a stopped network as running: false, and starts it again", async () => {
    const d = on("stopped");
    await d.up(nat(9));
    await virsh(host(), ["net-destroy", "stopped"]);
    behindOurBack();
    const seen = await d.refresh();
    assert.deepEqual([seen?.drift, seen?.inputs.running], [true, false]);
    await d.up(nat(9));
    assert.match(await info("stopped"), /Active: yes/);
    await d.destroy();
  });

  it("shows a running network whose stored definition somebody has taken away, also where it has no autostart, and stores it again", async () => {
    const d = on("unstored");
    const args = { mode: "isolated", autostart: false };
    await d.up(args);
    await virsh(host(), ["net-undefine", "unstored"]);
    behindOurBack();
    const seen = await d.refresh();
    assert.equal(seen?.drift, true);
    assert.equal(seen?.inputs.intact, false);
    assert.equal(await d.up(args), true);
    assert.match(await virsh(host(), ["net-info", "unstored"]), /Persistent: +yes/);
    assert.equal((await d.refresh())?.drift, false);
    await d.destroy();
  });

  it("shows an entry added by hand as drift, and takes it away", async () => {
    const d = on("byhand");
    await d.up(nat(10));
    await virsh(host(), [
      "net-update",
      "byhand",
      "add",
      "ip-dhcp-range",
      "<range start='10.70.10.200' end='10.70.10.210'/>",
      "--live",
      "--config",
    ]);
    behindOurBack();
    assert.equal((await d.refresh())?.drift, true);
    await d.up(nat(10));
    assert.doesNotMatch(await xml("byhand"), /10.70.10.200/);
    assert.equal((await d.refresh())?.drift, false);
    await d.destroy();
  });

  it("counts a network that is gone as deleted, and makes it anew", async () => {
    const d = on("gone");
    await d.up(nat(11));
    await virsh(host(), ["net-destroy", "gone"]);
    await virsh(host(), ["net-undefine", "gone"]);
    behindOurBack();
    assert.equal(await d.refresh(), undefined);
    await d.up(nat(11));
    assert.deepEqual(await names(), ["gone"]);
    await d.destroy();
  });

  it("makes it again with the same UUID in an update without refresh, and delete removes it", async () => {
    const d = on("again");
    await d.up(nat(114));
    for (const c of ["net-destroy", "net-undefine"]) await virsh(host(), [c, "again"]);
    await d.up(nat(114, { mtu: 1400 }));
    assert.equal(await virsh(host(), ["net-uuid", "again"]), d.state?.id);
    // By another tool, under another UUID, with our mark.
    const copy = (await xml("again", "--inactive")).replace(/<uuid>.*<\/uuid>/, "");
    for (const c of ["net-destroy", "net-undefine"]) await virsh(host(), [c, "again"]);
    await virsh(host(), ["net-define", "/dev/stdin"], copy);
    await d.destroy();
    assert.deepEqual(await names(), []);
  });

  it("neither makes nor forgets a network where the host is not certain to be the state's", async () => {
    const d = on("doubt");
    await d.up(nat(115));
    for (const c of ["net-destroy", "net-undefine"]) await virsh(host(), [c, "doubt"]);
    const { id, outs } = d.state as NonNullable<typeof d.state>;
    d.state = { id, outs: { ...outs, hostUuid: "11111111-2222-3333-4444-555555555555" } };
    behindOurBack();
    const uncertain = /that this is the host of the state is not certain/;
    await assert.rejects(d.refresh(), uncertain);
    await assert.rejects(d.up(nat(115, { mtu: 1400 })), uncertain);
    await assert.rejects(d.destroy(), uncertain);
    assert.deepEqual(await names(), []);
  });

  it("shows drift of the stored definition while the running one is as wanted, and mends it", async () => {
    const d = on("stale");
    await d.up(nat(116, { mtu: 1400 }));
    const stored = (await xml("stale", "--inactive")).replace("<mtu size='1400'/>", "<mtu size='1300'/>");
    await virsh(host(), ["net-define", "/dev/stdin"], stored);
    behindOurBack();
    const seen = await d.refresh();
    assert.deepEqual([seen?.drift, seen?.inputs.mtu], [true, 1300]);
    const bridge = d.state?.outs.bridgeName;
    const index = (await host().exec(["cat", `/sys/class/net/${bridge}/ifindex`])).stdout;
    await d.up(nat(116, { mtu: 1400 }));
    assert.match(await xml("stale", "--inactive"), /<mtu size='1400'\/>/);
    assert.equal((await host().exec(["cat", `/sys/class/net/${bridge}/ifindex`])).stdout, index);
    await d.destroy();
  });

  it("lets go of a network that was disowned: neither changed nor deleted, unless it is adopted again", async () => {
    const d = on("let-go");
    await d.up(nat(117));
    const bare = (await xml("let-go", "--inactive")).replace(/<metadata>[\s\S]*<\/metadata>/, "");
    await virsh(host(), ["net-define", "/dev/stdin"], bare);
    await assert.rejects(d.up(nat(117, { mtu: 1400 })), /no longer carries the mark of its owner .*adopt: true/);
    const { id, outs } = d.state as NonNullable<typeof d.state>;
    await d.destroy();
    assert.deepEqual(await names(), ["let-go"]);
    assert.ok(d.log.some((l) => /let-go.*disowned.*left as it is/.test(l)));
    d.state = { id, outs };
    await d.up(nat(117, { mtu: 1400, adopt: true, deleteAdopted: true }));
    await virsh(host(), ["net-define", "/dev/stdin"], bare);
    const again = d.state as NonNullable<typeof d.state>;
    await d.destroy();
    assert.deepEqual(await names(), ["let-go"], "adopted or not, who is disowned deletes nothing");
    d.state = again;
    await d.up(nat(117, { mtu: 1300, adopt: true, deleteAdopted: true }));
    await d.destroy();
    assert.deepEqual(await names(), []);
  });

  it("keeps fields that could not be taken away in the state of a failed update", async () => {
    const d = on("half");
    await d.up(nat(118, { mtu: 1400 }));
    // Somebody defines it back between our define and our reading: the update can only say so.
    const { mtu: _, ...news } = (d.state as NonNullable<typeof d.state>).outs;
    const stored = await xml("half", "--inactive");
    let over = false;
    const back = (async () => {
      while (!over) await virsh(host(), ["net-define", "/dev/stdin"], stored);
    })();
    const failed = await networkHandler
      .update({ log: () => undefined }, d.state?.id as string, d.state?.outs as Inputs, news)
      .then(
        () => undefined,
        (e: unknown) => e,
      );
    over = true;
    await back;
    assert.ok(failed instanceof PartialFailure, String(failed));
    assert.equal(failed.state.mtu, 1400);
    d.state = { id: failed.id, outs: failed.state };
    await d.up(nat(118));
    assert.doesNotMatch(await xml("half", "--inactive"), /<mtu/);
    await d.destroy();
  });

  it("says nothing of a network on another host than the state's", async () => {
    const d = on("elsewhere");
    await d.up(nat(12));
    const { id, outs } = d.state as NonNullable<typeof d.state>;
    const foreign = { ...outs, hostUuid: "11111111-2222-3333-4444-555555555555", hostName: "laptop" };
    d.state = { id, outs: foreign };
    await assert.rejects(d.refresh(), /network "elsewhere" is on host laptop .* but .* is now /);
    await assert.rejects(d.preview(nat(12, { mtu: 1400 })), /network "elsewhere" is on host laptop .* but .* is now /);
    await assert.rejects(d.destroy(), /laptop/);
    d.state = { id, outs };
    await d.destroy();
  });

  it("deletes a network whose stored definition somebody has taken away, and one that runs no more", async () => {
    for (const away of ["net-undefine", "net-destroy"]) {
      const d = on(away);
      forgetRun();
      await d.up(nat(18, { bridge: { name: "gone0" } }));
      await virsh(host(), [away, away]);
      await d.destroy();
      assert.deepEqual(await names(), []);
      assert.notEqual((await host().exec(["ip", "link", "show", "gone0"])).code, 0);
    }
  });

  it("refuses to delete a network that a VM's stored definition refers to, naming the VM", async () => {
    const d = on("used");
    await d.up(nat(13));
    const domain =
      "<domain type='qemu'><name>web</name><memory unit='MiB'>32</memory><os><type arch='x86_64'>hvm</type></os><devices><interface type='network'><source network='used'/></interface></devices></domain>";
    await virsh(host(), ["define", "/dev/stdin"], domain);
    await assert.rejects(d.destroy(), /network "used" is in use by web: /);
    assert.deepEqual(await names(), ["used"]);
    await d.up({ ...nat(13), forceDelete: true });
    await d.destroy();
    assert.deepEqual(await names(), []);
    await virsh(host(), ["undefine", "web"]);
  });

  it("under another network of mode bridge is changed live only, which the preview says, and not deleted under its VMs", async () => {
    const d = on("under");
    const args = nat(17, { bridge: { name: "under0", stp: false } });
    await d.up(args);
    const guest = "<network><name>over</name><forward mode='bridge'/><bridge name='under0'/></network>";
    await startNetwork(host(), "over", guest);
    await virsh(host(), ["create", "/dev/stdin"], vmXml("web", { devices: nicXml(MAC, "network", "network='over'") }));
    behindOurBack();
    forgetRun();
    const [ip] = args.ips as { dhcp: Inputs }[];
    const hosts = [{ mac: MAC, ip: "10.70.17.5" }];
    const live = { ...args, ips: [{ ...ip, dhcp: { ...ip?.dhcp, hosts } }] };
    await d.up(live);
    assert.match(await xml("under"), /10\.70\.17\.5/);
    const refused = /network "under": under0 is the bridge that network "over" of the host is on.*remove "over" first/;
    await assert.rejects(d.preview({ ...live, mtu: 1400 }), refused);
    await d.preview(live);
    await assert.rejects(d.destroy(), /network "under" is in use by web: /);
    await virsh(host(), ["destroy", "web"]);
    await virsh(host(), ["net-destroy", "over"]);
    await virsh(host(), ["net-undefine", "over"]);
    behindOurBack();
    forgetRun();
    await d.up({ ...live, mtu: 1400 });
    await d.destroy();
  });

  it("refuses a change that costs more than maxImpact, at preview, but not at refresh", async () => {
    const d = on("limit");
    await d.up({ ...nat(14), maxImpact: "live" });
    await assert.rejects(
      d.preview({ ...nat(14), maxImpact: "live", mtu: 1400 }),
      /network "limit": maxImpact is "live", but mtu \(restart: /,
    );
    await d.up({ ...nat(14), maxImpact: "live" });
    await d.destroy();
  });

  it("tells and refuses at preview what is known of a change while other values are not", async () => {
    const d = on("partly");
    const args = { ...nat(39), maxImpact: "live" };
    await d.up(args);
    const dns = { hosts: [{ ip: Unknown, hostnames: ["a"] }] };
    await assert.rejects(d.preview({ ...args, mtu: 1400, dns }), /network "partly": maxImpact is "live", but mtu /);
    d.log.length = 0;
    await d.preview({ ...args, mtu: 1400, dns, ips: Unknown, maxImpact: "restart" });
    await d.preview({ ...args, dns });
    assert.match(
      d.log[0] ?? "",
      /^info: network partly: mtu: restarts it in place .*; (dns, ips|ips, dns): not known before up/,
    );
    assert.match(d.log[1] ?? "", /^info: network partly: dns: not known before up, which tells what it costs$/);
    assert.equal(d.log.length, 2);
    // It may turn out to cost less, or to be allowed.
    await d.preview({ ...args, mtu: 1400, apply: Unknown });
    await d.preview({ ...args, mtu: 1400, maxImpact: Unknown });
    assert.match(d.log[2] ?? "", /^info: network partly: mtu: restarts it in place .*; apply: not known before up/);
    await d.up(args);
    await d.destroy();
  });

  it("goes through all modes and back in place", async () => {
    const d = on("modes");
    const isolated = { mode: "isolated", bridge: { stp: false }, ips: nat(15).ips };
    const steps: [Inputs, RegExp][] = [
      [nat(15), /<forward mode='nat'/],
      [{ ...nat(15), mode: "route" }, /<forward mode='route'/],
      [{ ...nat(15), mode: "open" }, /<forward mode='open'/],
      [isolated, /<name>modes<\/name>/],
      [{ mode: "bridge", bridge: "up0" }, /<forward mode='bridge'\/>[\s\S]*<bridge name='up0'\/>/],
      [{ mode: "bridge", macvtap: { mode: "vepa", interfaces: ["up0"] } }, /<forward dev='up0' mode='vepa'>/],
      [nat(15), /<forward mode='nat'/],
    ];
    let uuid: string | undefined;
    for (const [args, shape] of steps) {
      await d.up(args);
      assert.match(await xml("modes"), shape);
      assert.equal((await d.refresh())?.drift, false);
      uuid ??= d.state?.id;
      assert.equal(d.state?.id, uuid);
    }
    await d.destroy();
  });

  it("gives forty networks that are made at once a bridge each", async () => {
    forgetRun(); // the subnets of the networks above are free again
    const all = Array.from({ length: 40 }, (_, i) => on(`many${i}`));
    await Promise.all(all.map((d, i) => d.up(nat(100 + i))));
    const bridges = (await host().exec(["sh", "-c", "ls -d /sys/class/net/virbr* | wc -l"])).stdout.trim();
    assert.equal(bridges, "40");
    await Promise.all(all.map((d) => d.destroy()));
    assert.deepEqual(await names(), []);
  });
});
