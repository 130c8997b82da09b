/** What the preview says of a change and refuses, and what the change then does. */
import assert from "node:assert/strict";
import { type Inputs, Unknown } from "../../provider/handler.js";
import { closeHosts } from "../../provider/host/hosts.js";
import { forgetRun } from "../../provider/network/run.js";
import { forgetNics } from "../../provider/vminterface/handler.js";
import { type Guest, startGuest } from "../../sandbox/guests.js";
import { drive } from "../support/network.js";
import { startNetwork, virsh, withSandbox } from "../support/sandbox.js";
import { driveNic, newRun } from "../support/vminterface.js";
import { natXml, nicsIn, nicXml, vmXml } from "../support/vms.js";

describe("the preview of a NIC's change", () => {
  const host = withSandbox();
  before(() => startNetwork(host(), "one", natXml("one", "vp1", 91)));
  after(() => closeHosts());
  beforeEach("is a new run", newRun);
  const nics = (name: string, containing: string, ...flags: string[]) => nicsIn(host(), name, containing, ...flags);
  const mac = (n: number): string => `52:54:00:91:00:0${n}`;

  it("of a VM whose slots are all taken lets a NIC get another MAC: its own slot is free first", async function () {
    this.timeout(180_000);
    const guest: Guest = await startGuest(host(), { name: "tight", nics: [] });
    await guest.waitReady();
    const d = driveNic(host().uri, "tight-nic");
    const args = (n: number): Inputs => ({ domain: "tight", network: "one", mac: mac(n) });
    await d.up(args(1));
    const others = [];
    for (let n = 3; ; n++) {
      const xml = nicXml(mac(n), "network", "network='one'");
      const { code } = await host().exec(["virsh", "attach-device", "tight", "/dev/stdin", "--live"], { input: xml });
      if (code !== 0) break;
      others.push(mac(n));
    }
    assert.ok(others.length > 0, "there were slots");
    forgetNics();
    await closeHosts();
    await d.up(args(2));
    assert.deepEqual(await nics("tight", mac(1)), []);
    assert.equal((await nics("tight", mac(2))).length, 1);
    const another = driveNic(host().uri, "tight-other");
    assert.match(String((await another.check(args(9)))[0]?.reason), /no PCIe slot left/);
    await d.destroy();
    await guest.stop();
  });

  it("knows what carries a network that the same run makes, and refuses nothing for it", async () => {
    await virsh(host(), ["create", "/dev/stdin"], vmXml("moves"));
    const d = driveNic(host().uri, "mover");
    const args = (network: string): Inputs => ({ domain: "moves", network, maxImpact: "live" });
    await d.up(args("one"));
    forgetNics();
    forgetRun();
    const net = drive(host().uri, "made");
    const wanted: Inputs = { mode: "isolated", bridge: { stp: false } };
    await net.preview(wanted);
    assert.equal(await d.preview(args("made")), true);
    assert.match(d.log.at(-1) ?? "", /NIC .* of VM moves: network: changed live/);
    await net.up(wanted);
    await d.up(args("made"));
    assert.match((await nics("moves", "<mac"))[0] ?? "", /network='made'/);
    const onDevice = drive(host().uri, "on-device");
    await onDevice.check({ mode: "bridge", macvtap: { interfaces: ["lo"] } });
    await assert.rejects(
      d.preview(args("on-device")),
      /maxImpact is "live", but network \(replug: libvirt moves a NIC/,
    );
    await drive(host().uri, "later").check({ mode: Unknown });
    assert.equal(await d.preview(args("later")), true);
    assert.match(
      d.log.at(-1) ?? "",
      /the price of this change is not known: what carries network "later" is not known/,
    );
    await virsh(host(), ["destroy", "moves"]);
  });

  it("says that an adopted NIC which is replaced stays plugged", async () => {
    const mac = (n: number): string => `52:54:00:91:02:0${n}`;
    const xml = (n: number) => nicXml(mac(n), "network", "network='one'");
    await virsh(host(), ["define", "/dev/stdin"], vmXml("taken", { devices: xml(1) }));
    const d = driveNic(host().uri, "taken-nic");
    const args = (n: number, more: Inputs = {}): Inputs => ({
      ...{ domain: "taken", network: "one", mac: mac(n), adopt: true },
      ...more,
    });
    await d.up(args(1));
    await assert.rejects(
      d.preview(args(2, { maxImpact: "live" })),
      /maxImpact is "live", but this lets go of the NIC, which stays plugged \(adopted without deleteAdopted\), and plugs another one/,
    );
    await d.up(args(2));
    assert.match(
      d.log.join("\n"),
      /mac: lets go of this NIC, which stays plugged \(adopted without deleteAdopted\), and plugs another one/,
    );
    for (const n of [1, 2]) assert.equal((await nics("taken", mac(n), "--inactive")).length, 1);
    await d.up(args(3));
    assert.match(d.log.at(-1) ?? "", /mac: unplugs this NIC, and plugs another one/);
    assert.deepEqual(await nics("taken", mac(2), "--inactive"), [], "that one was its own");
    await virsh(host(), ["undefine", "taken"]);
  });

  it("to a host that cannot be reached warns, and refuses nothing", async () => {
    await virsh(host(), ["create", "/dev/stdin"], vmXml("stays"));
    const d = driveNic(host().uri, "stayer");
    const args: Inputs = { domain: "stays", network: "one", mac: mac(7) };
    await d.up(args);
    await newRun();
    assert.equal(await d.preview({ ...args, uri: "qemu+unix:///system?socket=/nowhere" }), true);
    assert.match(d.log.join("\n"), /warning: host .*\/nowhere cannot be reached/);
    await virsh(host(), ["destroy", "stays"]);
    await newRun();
    await d.destroy();
  });
});
