import assert from "node:assert/strict";
import { closeHosts, hostAt } from "../../provider/host/hosts.js";
import { forgetNics } from "../../provider/vminterface/handler.js";
import { startNetwork, virsh, withSandbox } from "../support/sandbox.js";
import { driveNic, newRun } from "../support/vminterface.js";
import { natXml, nicsIn, vmXml } from "../support/vms.js";

const nic = (mac: string, more = "", network = "one"): string =>
  `<interface type='network'><mac address='${mac}'/><source network='${network}'/><model type='e1000e'/>${more}</interface>`;

/** The VM with the UUID that it had. */
const vmAgain = (name: string, uuid: unknown, devices: string): string =>
  vmXml(name, { devices }).replace("<memory ", `<uuid>${String(uuid)}</uuid><memory `);

describe("a NIC that exists already, or is another's", () => {
  const host = withSandbox();
  before(async () => {
    await startNetwork(host(), "one", natXml("one", "va1", 77));
    await startNetwork(host(), "two", natXml("two", "va2", 78));
  });
  after(() => closeHosts());
  beforeEach("is a new run", newRun);
  const nics = (name: string, containing: string, ...flags: string[]) => nicsIn(host(), name, containing, ...flags);
  async function running(name: string, devices: string) {
    await virsh(host(), ["define", "/dev/stdin"], vmXml(name, { devices }));
    await virsh(host(), ["start", name]);
  }
  async function end(name: string) {
    await virsh(host(), ["destroy", name]);
    await virsh(host(), ["undefine", name]);
  }

  it("is taken over with adopt: true, without being touched while it runs; and released, not unplugged", async () => {
    const mac = "52:54:00:77:00:01";
    await running("adopts", nic(mac));
    const before = await nics("adopts", mac);
    const stored = await nics("adopts", mac, "--inactive");
    const d = driveNic(host().uri, "adopter");
    const args = { domain: "adopts", network: "one", mac, adopt: true };
    await d.up(args);
    assert.deepEqual(await nics("adopts", mac), before, "the running NIC is as it was");
    const [marked = ""] = await nics("adopts", mac, "--inactive");
    assert.match(marked, /<alias name='ua-virtnet__p__s__adopter__adopted'\/>/);
    assert.equal(marked.replace(/\s*<alias[^>]*>/, ""), stored[0], "the stored one has the mark and nothing else");
    assert.equal(d.state?.outs.adopted, true);
    assert.equal(await d.up(args), false);
    assert.equal((await d.refresh())?.drift, false);
    await d.up({ ...args, network: "two" });
    assert.match((await nics("adopts", mac))[0] ?? "", /network='two'[\s\S]*e1000e/);
    assert.match((await nics("adopts", mac, "--inactive"))[0] ?? "", /network='two'[\s\S]*e1000e/);
    await d.destroy();
    assert.equal((await nics("adopts", mac)).length, 1);
    assert.doesNotMatch((await nics("adopts", mac, "--inactive"))[0] ?? "", /<alias/);
    await end("adopts");
  });

  it("that is replaced by itself, the new one first, is not unplugged with the old one", async () => {
    await virsh(host(), ["define", "/dev/stdin"], vmXml("itself"));
    const args = { domain: "itself", network: "one" };
    const d = driveNic(host().uri, "itself-nic");
    await d.up(args);
    // As the engine does it with deleteBeforeReplace: false and --replace.
    forgetNics();
    const next = driveNic(host().uri, "itself-nic");
    await next.up(args);
    assert.equal(next.state?.id, d.state?.id);
    await d.deleteFormer();
    assert.equal((await nics("itself", "<mac", "--inactive")).length, 1);
    // Where that run ended before it deleted the old one, the next does.
    await newRun();
    assert.equal(await next.up(args), false);
    await d.deleteFormer();
    assert.equal((await nics("itself", "<mac", "--inactive")).length, 1);
    await next.destroy();
    assert.deepEqual(await nics("itself", "<mac", "--inactive"), []);
    await virsh(host(), ["undefine", "itself"]);
  });

  it("is said what taking it over changes, at preview, and may be forbidden", async () => {
    const mac = "52:54:00:77:00:05";
    await running("priced", nic(mac));
    const d = driveNic(host().uri, "priced-nic");
    const args = { domain: "priced", network: "two", mac, adopt: true, maxImpact: "live" };
    assert.deepEqual(await d.check(args), []);
    assert.match(d.log.at(-1) ?? "", /NIC 52:54:00:77:00:05 of VM priced: network: changed live/);
    const [dear] = await d.check({ ...args, mtu: 1400 });
    assert.match(
      `${dear?.property}: ${dear?.reason}`,
      /^maxImpact: NIC .*maxImpact is "live", but network, mtu \(replug/,
    );
    assert.match((await nics("priced", mac))[0] ?? "", /network='one'/);
    await end("priced");
  });

  it("is unplugged with deleteAdopted: true", async () => {
    const mac = "52:54:00:77:00:02";
    await virsh(host(), ["define", "/dev/stdin"], vmXml("unplugs", { devices: nic(mac) }));
    const d = driveNic(host().uri, "unplugger");
    await d.up({ domain: "unplugs", network: "one", mac, adopt: true, deleteAdopted: true });
    await d.destroy();
    assert.deepEqual(await nics("unplugs", mac, "--inactive"), []);
    await virsh(host(), ["undefine", "unplugs"]);
  });

  it("keeps an alias that another program gave it", async () => {
    const mac = "52:54:00:77:00:03";
    await running("alias", nic(mac, "<alias name='ua-theirs'/>"));
    const d = driveNic(host().uri, "alias-keeper");
    await d.up({ domain: "alias", network: "two", mac, adopt: true });
    for (const flags of [[], ["--inactive"]])
      assert.match((await nics("alias", mac, ...flags))[0] ?? "", /network='two'[\s\S]*<alias name='ua-theirs'\/>/);
    assert.equal((await d.refresh())?.drift, false);
    await d.destroy();
    assert.match((await nics("alias", mac, "--inactive"))[0] ?? "", /ua-theirs/);
    await end("alias");
  });

  it("of another stack is refused, and handed over with adopt: { from }", async () => {
    await virsh(host(), ["define", "/dev/stdin"], vmXml("shared"));
    const first = driveNic(host().uri, "first", { stack: "a b" });
    const args = { domain: "shared", network: "one", mac: "52:54:00:77:00:04" };
    await first.up(args);
    const second = driveNic(host().uri, "second", { stack: "b" });
    forgetNics();
    await closeHosts();
    await assert.rejects(second.up(args), /belongs to stack p\/a b: set adopt: \{ from: "p\/a b" \} to take it over/);
    forgetNics();
    await second.up({ ...args, adopt: { from: "p/a b" } });
    assert.equal((await nics("shared", args.mac, "--inactive")).length, 1);
    await first.destroy();
    assert.equal((await nics("shared", args.mac, "--inactive")).length, 1, "the first one's delete leaves it");
    await second.destroy();
    assert.deepEqual(await nics("shared", args.mac, "--inactive"), []);
    await virsh(host(), ["undefine", "shared"]);
  });

  it("of another stack that has given it an alias of its own is neither changed nor unplugged by the first one", async () => {
    for (const kind of ["define", "create"]) {
      const name = `aliased-${kind}`;
      await virsh(host(), [kind, "/dev/stdin"], vmXml(name));
      const first = driveNic(host().uri, "first", { stack: "a b" });
      const args = { domain: name, network: "one", mac: kind === "define" ? "52:54:00:77:02:01" : "52:54:00:77:02:02" };
      forgetNics();
      await first.up(args);
      if (kind === "define") {
        const second = driveNic(host().uri, "second", { stack: "b" });
        forgetNics();
        await second.up({ ...args, adopt: { from: "p/a b" }, alias: "ua-b" });
      } else {
        // Of a VM that is not stored: unplugged, and plugged by somebody else.
        await virsh(host(), ["destroy", name]);
        await virsh(host(), [kind, "/dev/stdin"], vmAgain(name, first.state?.outs.domainUuid, nic(args.mac)));
      }
      forgetNics();
      await closeHosts();
      const alias = kind === "define" ? "ua-b" : "net0";
      await assert.rejects(first.up({ ...args, linkState: "down" }), /no longer carries the mark of its owner/);
      await first.destroy();
      assert.match(first.log.at(-1) ?? "", kind === "define" ? /its alias is "ua-b" now: it is left/ : /\(disowned\)/);
      const [there = ""] = await nics(name, args.mac);
      assert.match(there, new RegExp(`<alias name='${alias}'`));
      assert.doesNotMatch(there, /state='down'/);
      if (kind === "define") await virsh(host(), ["undefine", name]);
      else await virsh(host(), ["destroy", name]);
    }
  });

  it("of this stack under another key is taken over, running and stored, and the old key's delete leaves it", async () => {
    for (const kind of ["define", "create"]) {
      const name = `renamed-${kind}`;
      await virsh(host(), [kind, "/dev/stdin"], vmXml(name));
      const args = { domain: name, network: "one", mac: kind === "define" ? "52:54:00:77:01:01" : "52:54:00:77:01:02" };
      forgetNics();
      const old = driveNic(host().uri, "old-key");
      await old.up(args);
      const before = await nics(name, args.mac);
      forgetNics();
      const renamed = driveNic(host().uri, "new-key");
      await renamed.up(args);
      await old.destroy();
      assert.deepEqual((await nics(name, args.mac)).length, before.length);
      assert.equal((await renamed.refresh())?.drift, false);
      if (kind === "create") await virsh(host(), ["destroy", name]);
      else {
        assert.match((await nics(name, args.mac, "--inactive"))[0] ?? "", /ua-virtnet__p__s__new-key'/);
        await renamed.destroy();
        await virsh(host(), ["undefine", name]);
      }
    }
  });

  it("that a run left in one of the two definitions is completed by the next, as the same NIC", async () => {
    await running("halves", "");
    for (const half of ["--live", "--config"]) {
      const d = driveNic(host().uri, `half${half.slice(1)}`);
      const args = { domain: "halves", network: "one" };
      await d.check(args);
      await d.preview(args);
      const { inputs } = await (await import("../../provider/vminterface/handler.js")).vmInterfaceHandler.check(
        { log: () => undefined },
        {},
        { ...args, uri: host().uri, owner: { project: "p", stack: "s", key: `half${half.slice(1)}` } },
      );
      const mac = String(inputs.mac);
      const alias = `<alias name='ua-virtnet__p__s__half${half.slice(1)}'/>`;
      await virsh(host(), ["attach-device", "halves", "/dev/stdin", half], nic(mac, alias));
      hostAt(host().uri).changed();
      await d.up(args);
      assert.equal(d.state?.outs.mac, mac);
      assert.equal((await nics("halves", mac)).length, 1);
      assert.equal((await nics("halves", mac, "--inactive")).length, 1);
      assert.equal((await d.refresh())?.drift, false);
    }
    await end("halves");
  });
});
