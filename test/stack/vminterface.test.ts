import assert from "node:assert/strict";
import { type Guest, startGuest } from "../../sandbox/guests.js";
import { virsh, withSandbox } from "../support/sandbox.js";
import { withProgram } from "../support/stack.js";
import { nicsIn, vmXml } from "../support/vms.js";

describe("pulumi with NICs of a running VM", function () {
  this.timeout(600_000);
  const host = withSandbox();
  const program = withProgram();
  let guest: Guest;
  before("starts a guest", async () => {
    guest = await startGuest(host(), { name: "web" });
    await guest.waitReady();
  });
  const stackOf = (name: string, config: Record<string, string> = {}) =>
    program().stack(name, { "virtnet:uri": host().uri, ...config });
  const write = (text: string) =>
    program().write(
      "index.js",
      `const { Network, VmInterface } = require("pulumi-virtnet"); const pulumi = require("@pulumi/pulumi");\n${text}\n`,
    );
  const nics = (containing: string, ...flags: string[]) => nicsIn(host(), "web", containing, ...flags);
  const network = (name: string, n: number, more = "") =>
    `const ${name} = new Network("${name}", { mode: "nat", bridge: { stp: false }, ips: [{ address: "10.81.${n}.1/24", dhcp: { ranges: [{ start: "10.81.${n}.10", end: "10.81.${n}.99" }] } }]${more} });`;

  it("makes a network and plugs a NIC into it in one up, changes both in another, and is gone after destroy", async () => {
    const stack = stackOf("both");
    const text = (mtu: number, more: string) =>
      `${network("a", 1, `, mtu: ${mtu}`)} ${network("b", 2)}
       exports.mac = new VmInterface("web-eth", { domain: "web", ${more} }).mac;`;
    write(text(1400, "network: a.name"));
    const preview = await stack.preview();
    assert.match(preview.text, /mac +: "52:54:00:/, "the MAC is known before anything is made");
    await stack.up();
    const mac = String((await stack.outputs()).mac);
    assert.equal((await nics(mac)).length, 1);
    assert.match((await nics(mac, "--inactive"))[0] ?? "", /<alias name='ua-virtnet__\w+__both__web-eth'\/>/);
    await guest.up("eth0");
    assert.equal((await guest.exec("ping -c1 -W5 10.81.1.1")).code, 0);
    assert.deepEqual(await stack.drift(), {}, "no noise");
    assert.deepEqual(await stack.plannedSteps(), {});

    // The network restarts under the NIC, and the NIC is changed, in the same run.
    write(text(1300, 'network: a.name, linkState: "down"'));
    const changed = await stack.run(["up", "--yes"]);
    assert.equal(changed.code, 0, changed.text);
    assert.match(changed.text, /network a: mtu: restarts it in place/);
    assert.match(changed.text, /NIC 52:54:\S+ of VM web: linkState: changed live/);
    const [live = ""] = await nics(mac);
    assert.match(live, /network='a'[\s\S]*<link state='down'\/>/);
    const tap = /<target dev='(vnet\d+)'/.exec(live)?.[1];
    const bridge = /bridge name='(\w+)'/.exec(await virsh(host(), ["net-dumpxml", "a"]))?.[1];
    const { stdout } = await host().exec(["sh", "-c", `ls /sys/class/net/${bridge}/brif`]);
    assert.equal(stdout.trim(), tap, "it is on the new bridge");

    write(text(1300, "network: b.name"));
    await stack.up();
    assert.match((await nics(mac))[0] ?? "", /network='b'/);
    await guest.exec("ip addr flush dev eth0; ip addr add 10.81.2.50/24 dev eth0");
    assert.equal((await guest.exec("sleep 1; ping -c1 -W5 10.81.2.1")).code, 0);
    assert.deepEqual(await stack.drift(), {});
    await stack.destroy();
    assert.deepEqual(await nics(mac), []);
    assert.deepEqual(await nics(mac, "--inactive"), []);
  });

  it("destroys both in one run where the NIC names its network by a literal", async () => {
    const stack = stackOf("literal");
    const text = (of: string) =>
      write(`${network("l", 9)} exports.mac = new VmInterface("nic", { domain: "web", network: ${of} }).mac;`);
    text("l.name");
    await stack.up();
    const mac = String((await stack.outputs()).mac);
    text('"l"');
    await stack.up();
    await stack.destroy();
    assert.deepEqual(await nics(mac), []);
    assert.doesNotMatch(await virsh(host(), ["net-list", "--all", "--name"]), /^l$/m);
  });

  it("shows what was changed behind its back by name, and mends it", async () => {
    const stack = stackOf("drift");
    write(`${network("c", 3)} exports.mac = new VmInterface("nic", { domain: "web", network: c.name }).mac;`);
    await stack.up();
    const mac = String((await stack.outputs()).mac);
    await virsh(host(), ["domif-setlink", "web", mac, "down"]);
    await stack.refresh();
    assert.equal((await stack.resources()).nic?.outputs?.linkState, "down");
    await stack.up();
    assert.doesNotMatch((await nics(mac))[0] ?? "", /<link state='down'/);
    const tap = /<target dev='(vnet\d+)'/.exec((await nics(mac))[0] ?? "")?.[1];
    await host().exec(["ip", "link", "set", String(tap), "nomaster"]);
    // The network misses it too.
    assert.deepEqual(await stack.drift(), { c: "update", nic: "update" });
    await stack.refresh();
    assert.equal((await stack.resources()).nic?.outputs?.connected, false);
    await stack.up();
    assert.equal((await host().exec(["test", "-e", `/sys/class/net/${tap}/master`])).code, 0);
    await virsh(host(), ["detach-interface", "web", "network", "--mac", mac, "--live", "--config"]);
    assert.deepEqual(await stack.drift(), { nic: "create" });
    await stack.refresh();
    await stack.up();
    assert.equal((await nics(mac)).length, 1, "it is there again, with its MAC");
    assert.deepEqual(await stack.drift(), {});
    await stack.destroy();
  });

  it("finds a VM that was made anew, under another id, and plugs its NIC in again", async () => {
    await virsh(host(), ["define", "/dev/stdin"], vmXml("anew"));
    const stack = stackOf("anew");
    write(`${network("f", 6)} exports.mac = new VmInterface("nic", { domain: "anew", network: f.name }).mac;`);
    await stack.up();
    const mac = String((await stack.outputs()).mac);
    for (const times of [1, 2]) {
      await virsh(host(), ["undefine", "anew"]);
      await virsh(host(), ["define", "/dev/stdin"], vmXml("anew"));
      const { text } = await stack.refresh();
      assert.match(text, times === 1 ? /made the VM anew/ : /warning: NIC .* made the VM anew .* for the 2nd time/);
      assert.equal((await stack.resources()).nic?.outputs?.plugged, false);
      await stack.up();
      assert.equal((await nicsIn(host(), "anew", mac, "--inactive")).length, 1);
      assert.deepEqual(await stack.drift(), {});
      assert.equal((await stack.resources()).nic?.id, `${await virsh(host(), ["domuuid", "anew"])}/${mac}`);
    }
    await stack.destroy();
    assert.deepEqual(await nicsIn(host(), "anew", "<mac", "--inactive"), []);
    await virsh(host(), ["undefine", "anew"]);
  });

  const make = async (name: string) => {
    await virsh(host(), ["define", "/dev/stdin"], vmXml(name));
    await virsh(host(), ["start", name]);
  };
  const unmake = async (name: string) => {
    for (const what of ["destroy", "undefine"]) await virsh(host(), [what, name]);
  };

  it("plugs its NIC into a running VM that was made anew, in one up --refresh, and the preview says so", async () => {
    await make("again");
    const stack = stackOf("again");
    write(`${network("i", 9)} exports.mac = new VmInterface("nic", { domain: "again", network: i.name }).mac;`);
    await stack.up();
    const mac = String((await stack.outputs()).mac);
    await unmake("again");
    await make("again");
    const before = (await stack.resources()).nic?.id;
    assert.deepEqual(await stack.plannedSteps(), {}, "nobody has looked yet");
    assert.deepEqual(await stack.drift(), { nic: "update" });
    assert.equal((await stack.resources()).nic?.id, before, "a preview writes no state");
    const up = await stack.run(["up", "--yes", "--refresh"]);
    assert.equal(up.code, 0, up.text);
    assert.match(up.text, /made the VM anew .* without this NIC: up plugs it in again/);
    for (const flags of [[], ["--inactive"]]) assert.equal((await nicsIn(host(), "again", mac, ...flags)).length, 1);
    assert.deepEqual(await stack.drift(), {});
    await virsh(host(), ["destroy", "again"]); // without an operating system it releases nothing
    await stack.destroy();
    await virsh(host(), ["undefine", "again"]);
  });

  it("counts a NIC as gone with its VM, says that the VM is not there, and plugs it in when it is, with the MAC that it had", async () => {
    await make("absent");
    const stack = stackOf("absent");
    write(`${network("j", 10)} exports.mac = new VmInterface("nic", { domain: "absent", network: j.name }).mac;`);
    await stack.up();
    const mac = String((await stack.outputs()).mac);
    await unmake("absent");
    assert.deepEqual(await stack.drift(), { nic: "create" });
    await stack.refresh();
    assert.equal((await stack.resources()).nic, undefined);
    assert.match((await stack.upFails()).text, /VM "absent" is not on \S+: make it first/);
    await make("absent");
    await stack.up();
    assert.equal((await nicsIn(host(), "absent", mac)).length, 1);
    await unmake("absent");
    await stack.destroy();
  });

  it("keeps its MAC when it is renamed with an alias, moved to another VM, and replaced by force; a target changes alone", async () => {
    for (const name of ["here", "there"]) await virsh(host(), ["define", "/dev/stdin"], vmXml(name));
    const stack = stackOf("renames");
    const text = (name: string, domain: string, more = "") =>
      `${network("g", 7)} const nic = new VmInterface("${name}", { domain: "${domain}", network: g.name${more} }, { aliases: [{ name: "first" }] });
       const other = new VmInterface("other", { domain: "${domain}", network: g.name${more} }); exports.mac = nic.mac;`;
    write(text("first", "here"));
    await stack.up();
    const mac = String((await stack.outputs()).mac);
    const stored = (vm: string) => nicsIn(host(), vm, mac, "--inactive");
    write(text("second", "here"));
    await stack.up();
    assert.match((await stored("here"))[0] ?? "", /<alias name='ua-virtnet__\w+__renames__second'\/>/);
    write(text("second", "there"));
    await stack.up();
    assert.deepEqual([(await stored("here")).length, (await stored("there")).length], [0, 1]);
    const { urn } = (await stack.resources()).second as { urn: string };
    const replaced = await stack.run(["up", "--yes", "--replace", urn]);
    assert.equal(replaced.code, 0, replaced.text);
    assert.equal((await stored("there")).length, 1);
    assert.equal((await stack.outputs()).mac, mac);
    write(text("second", "there", ', linkState: "down"'));
    const targeted = await stack.run(["up", "--yes", "--target", urn]);
    assert.equal(targeted.code, 0, targeted.text);
    assert.match((await stored("there"))[0] ?? "", /<link state='down'/);
    assert.equal(
      (await nicsIn(host(), "there", "<link state='down'", "--inactive")).length,
      1,
      "the other one is as it was",
    );
    await stack.up();
    assert.deepEqual(await stack.drift(), {});
    await stack.destroy();
    for (const name of ["here", "there"]) {
      assert.deepEqual(await nicsIn(host(), name, "<mac", "--inactive"), []);
      await virsh(host(), ["undefine", name]);
    }
  });

  it("refuses in the preview what costs more than maxImpact, and what cannot be", async () => {
    const stack = stackOf("refused", { "virtnet:maxImpact": "live" });
    const text = (more: string) =>
      `${network("d", 4)} new VmInterface("nic", { domain: "web", network: d.name${more} });`;
    write(text(""));
    await stack.up();
    write(text(", mtu: 1400"));
    const dear = await stack.previewFails();
    assert.match(dear.text, /error: NIC 52:54:\S+ of VM "web": maxImpact is "live", but mtu \(replug: /);
    write(text(', targetDevice: "vnet7"'));
    const wrong = await stack.previewFails();
    assert.match(wrong.text, /targetDevice.*begins like the names that libvirt generates/);
    write(text(""));
    await stack.destroy();
  });

  it("plugs fifty NICs into ten VMs in one up, each once, running or not", async () => {
    const names = Array.from({ length: 10 }, (_, i) => `vm${i}`);
    for (const [i, name] of names.entries()) {
      await virsh(host(), ["define", "/dev/stdin"], vmXml(name));
      if (i < 5) await virsh(host(), ["start", name]);
    }
    const all = async (...flags: string[]) =>
      Promise.all(names.map(async (name) => (await nicsIn(host(), name, "network='e'", ...flags)).length));
    const stack = stackOf("many");
    write(`${network("e", 5)}
      for (let i = 0; i < 50; i++) new VmInterface("nic" + i, { domain: "vm" + (i % 10), network: e.name });`);
    await stack.up();
    assert.deepEqual([await all(), await all("--inactive")], [Array(10).fill(5), Array(10).fill(5)]);
    assert.deepEqual(await stack.drift(), {});
    // Without an operating system they release nothing.
    for (const name of names.slice(0, 5)) await virsh(host(), ["destroy", name]);
    await stack.destroy();
    for (const name of names) {
      assert.deepEqual(await nicsIn(host(), name, "<mac", "--inactive"), []);
      await virsh(host(), ["undefine", name]);
    }
  });
});
