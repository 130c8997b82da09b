/** What the preview says of a change and refuses, and what the change then does. */
import assert from "node:assert/strict";
import { type Inputs, Unknown } from "../../provider/handler.js";
import { closeHosts } from "../../provider/host/hosts.js";
import { forgetRun } from "../../provider/network/run.js";
import { forgetNics } from "../../provider/vminterface/handler.js";
import { type Guest, startGuest } from "../../sandbox/guests.js";
import { drive } from "../support/network.js";
import { startNetwork, virsh, withSandbox } from "../support/sandbox.js";
import { driveNic } from "../support/vminterface.js";
import { natXml, nicsIn, nicXml, vmXml } from "../support/vms.js";

describe("the preview of a NIC's change", () => {
  const host = withSandbox();
  before(() => startNetwork(host(), "one", natXml("one", "vp1", 91)));
  after(() => closeHosts());
  beforeEach(() => {
    forgetNics();
    forgetRun();
    return closeHosts();
  });
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
});
