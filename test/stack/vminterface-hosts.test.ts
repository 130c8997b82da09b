import assert from "node:assert/strict";
import { type Guest, startGuest } from "../../sandbox/guests.js";
import type { Sandbox } from "../../sandbox/index.js";
import { connectHosts, migrate } from "../support/migration.js";
import { startNetwork, virsh, withSandbox } from "../support/sandbox.js";
import { withProgram } from "../support/stack.js";
import { natXml, nicsIn, vmXml } from "../support/vms.js";

describe("pulumi with NICs of VMs on two hosts", function () {
  this.timeout(600_000);
  const first = withSandbox();
  const second = withSandbox();
  const program = withProgram();
  let guest: Guest;
  before("connects two hosts, and starts a guest on the first", async () => {
    await connectHosts(first(), second());
    for (const host of [first(), second()]) await startNetwork(host, "one", natXml("one", "vh1", 93));
    await virsh(second(), ["define", "/dev/stdin"], vmXml("stays"));
    guest = await startGuest(first(), { name: "web" });
    await guest.waitReady();
  });
  const write = (at: Sandbox, more = "") =>
    program().write(
      "index.js",
      `const { VmInterface } = require("pulumi-virtnet");
       const nic = new VmInterface("nic", { domain: "web", network: "one", uri: "${at.uri}"${more} });
       new VmInterface("other", { domain: "stays", network: "one", uri: "${second().uri}" });
       exports.mac = nic.mac;`,
    );
  const live = (host: Sandbox, mac: string) => nicsIn(host, "web", mac);
  const moved = async (from: Sandbox, to: Sandbox) => {
    const { code, said } = await migrate("web", from, to);
    assert.equal(code, 0, said);
  };

  it("replaces the NIC of a VM by one of another VM on another host", async () => {
    const stack = program().stack("replaces");
    const writeOne = (domain: string, uri: string) =>
      program().write(
        "index.js",
        `const { VmInterface } = require("pulumi-virtnet");
         exports.mac = new VmInterface("nic", { domain: "${domain}", network: "one", uri: "${uri}" }).mac;`,
      );
    writeOne("web", first().uri);
    await stack.up();
    const mac = String((await stack.outputs()).mac);
    assert.equal((await live(first(), mac)).length, 1);
    writeOne("stays", second().uri);
    await stack.preview();
    await stack.up();
    const now = String((await stack.outputs()).mac);
    assert.equal((await nicsIn(second(), "stays", now, "--inactive")).length, 1);
    assert.deepEqual([await live(first(), mac), await nicsIn(first(), "web", mac, "--inactive")], [[], []]);
    await stack.destroy();
  });

  it("finds the NIC of a VM that was live-migrated where it is, refuses the old host by name, and follows to the new one and back", async () => {
    const stack = program().stack("moves");
    write(first());
    await stack.up();
    const mac = String((await stack.outputs()).mac);
    const [before = ""] = await live(first(), mac);
    const slot = (xml: string) => /<address type='pci'[^>]*>/.exec(xml)?.[0];
    await moved(first(), second());

    const left = /error: NIC 52:54:\S+ of VM "web": VM "web" has moved to \S+ \(.*\): set uri of the NIC to that/;
    assert.match((await stack.previewFails({ args: ["--refresh"] })).text, left);
    const { text } = await stack.refresh();
    assert.match(text, /NIC 52:54:\S+ of VM "web": the VM has moved to \S+ .*, and the NIC with it/);
    assert.equal((await stack.resources()).nic?.outputs?.uri, second().uri);
    for (const refused of [await stack.previewFails(), await stack.upFails()]) assert.match(refused.text, left);
    assert.equal((await live(second(), mac)).length, 1);

    write(second());
    await stack.up();
    assert.equal(slot((await live(second(), mac))[0] ?? ""), slot(before), "it was never unplugged");
    assert.deepEqual(await stack.drift(), {});

    // Nobody refreshes; the program names the host that it is on.
    await moved(second(), first());
    write(first(), ', linkState: "down"');
    await stack.up();
    for (const flags of [[], ["--inactive"]])
      assert.match((await nicsIn(first(), "web", mac, ...flags))[0] ?? "", /<link state='down'/);
    assert.deepEqual(await stack.drift(), {});

    // Looked at one after the other, this NIC before anything on the other host.
    await moved(first(), second());
    await stack.refresh({ args: ["--parallel", "1"] });
    assert.equal((await stack.resources()).nic?.outputs?.uri, second().uri);

    await stack.destroy();
    for (const host of [first(), second()])
      assert.doesNotMatch(await virsh(host, ["list", "--all", "--name"]), host === first() ? /web/ : /^$/);
    assert.deepEqual([await live(second(), mac), await nicsIn(second(), "web", mac, "--inactive")], [[], []]);
  });
});
