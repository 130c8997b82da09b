/** What a network, or its port group, gives a NIC is the network's: it does not stay with the NIC when the network takes it back. */
import assert from "node:assert/strict";
import type { Inputs } from "../../provider/handler.js";
import { closeHosts, hostAt } from "../../provider/host/hosts.js";
import { vmInterfaceHandler } from "../../provider/vminterface/handler.js";
import { startGuest } from "../../sandbox/guests.js";
import { driveHandler } from "../support/drive.js";
import { drive } from "../support/network.js";
import { virsh, withSandbox } from "../support/sandbox.js";
import { nicsIn, nicXml, vmXml } from "../support/vms.js";

const mac = (n: number): string => `52:54:00:00:0a:0${n}`;

describe("what a network gives its NICs", () => {
  const host = withSandbox();
  after(() => closeHosts());
  const run = async (command: string) => (await host().exec(["sh", "-c", command])).stdout.trim();
  const live = async (vm: string, n: number, ...flags: string[]) => {
    const [nic] = await nicsIn(host(), vm, mac(n), ...flags);
    assert.ok(nic, `${vm} has no NIC ${n}`);
    return nic;
  };
  const isolated = async (vm: string, n: number) => {
    const tap = /target dev='(\w+)'/.exec(await live(vm, n))?.[1];
    return /isolated (\w+)/.exec(await run(`bridge -d link show dev ${tap}`))?.[1];
  };
  const net = (more: Inputs): Inputs => ({
    mode: "isolated",
    bridge: { stp: false },
    ...more,
  });

  /** A stored VM with one NIC, one that runs with a NIC more, and one that is not stored. */
  async function vms(network: string, own = "") {
    const nic = (n: number, inner = "") =>
      nicXml(mac(n), "network", `network='${network}'`).replace("</interface>", `${inner}</interface>`);
    await virsh(host(), ["define", "/dev/stdin"], vmXml("kept", { devices: nic(1, own) }));
    await virsh(host(), ["start", "kept"]);
    await virsh(host(), ["attach-device", "kept", "/dev/stdin", "--live"], nic(2));
    await virsh(host(), ["create", "/dev/stdin"], vmXml("passing", { devices: nic(3) }));
  }
  async function gone() {
    for (const name of ["kept", "passing"]) await virsh(host(), ["destroy", name]);
    await virsh(host(), ["undefine", "kept"]);
  }

  it("isolation of ports that is taken back leaves stored, running and passing NICs, over several restarts", async () => {
    const d = drive(host().uri, "isolates");
    await d.up(net({ portIsolated: true }));
    await vms("isolates");
    const all = async () => [await isolated("kept", 1), await isolated("kept", 2), await isolated("passing", 3)];
    assert.deepEqual(await all(), ["on", "on", "on"]);
    await d.up(net({ portIsolated: true, mtu: 1400 }));
    assert.deepEqual(await all(), ["on", "on", "on"]);
    await d.up(net({ mtu: 1400 }));
    assert.deepEqual(await all(), ["off", "off", "off"]);
    await d.up(net({ portIsolated: true }));
    assert.deepEqual(await all(), ["on", "on", "on"]);
    await gone();
    await d.destroy();
  });

  it("a NIC that is isolated by its own definition stays so", async () => {
    const d = drive(host().uri, "own");
    await d.up(net({ portIsolated: true }));
    await vms("own", "<port isolated='yes'/>");
    await d.up(net({}));
    assert.deepEqual(
      [await isolated("kept", 1), await isolated("kept", 2), await isolated("passing", 3)],
      ["on", "off", "off"],
    );
    await gone();
    await d.destroy();
  });

  it("a NIC whose tap is off its bridge is plugged anew, and is isolated again", async function () {
    this.timeout(120_000);
    const apart = drive(host().uri, "apart");
    await apart.up(net({ portIsolated: true }));
    const guest = await startGuest(host(), { name: "off", nics: [] });
    await guest.waitReady();
    const owner = { project: "p", stack: "s", key: "off" };
    const d = driveHandler(vmInterfaceHandler, (args) => ({ domain: "off", uri: host().uri, owner, ...args }));
    const args: Inputs = { network: "apart", mac: mac(4) };
    await d.up(args);
    assert.equal(await isolated("off", 4), "on");
    await run(`ip link set ${String(d.state?.outs.targetDevice)} nomaster`);
    hostAt(host().uri).changed();
    assert.equal((await d.refresh())?.inputs.connected, false);
    await d.up(args);
    assert.equal(await isolated("off", 4), "on");
    assert.equal((await d.refresh())?.drift, false);
    assert.doesNotMatch(await live("off", 4, "--inactive"), /isolated/);
    await d.destroy();
    await guest.stop();
    await apart.destroy();
  });

  it("a NIC that moves to another network leaves the isolation of the first one behind", async () => {
    const [a, b] = [drive(host().uri, "apart"), drive(host().uri, "joined")];
    await a.up(net({ portIsolated: true }));
    await b.up(net({}));
    await vms("apart");
    const own = { project: "p", stack: "s" };
    const d = driveHandler(vmInterfaceHandler, (args) => ({
      ...{ domain: "kept", uri: host().uri, owner: { ...own, key: "nic" } },
      ...args,
    }));
    await d.up({ network: "apart", mac: mac(1), adopt: true });
    assert.equal(await isolated("kept", 1), "on");
    await d.up({ network: "joined", mac: mac(1), adopt: true });
    assert.equal(await isolated("kept", 1), "off");
    assert.doesNotMatch(await live("kept", 1), /isolated/);
    assert.equal((await d.refresh())?.drift, false);
    await gone();
    for (const each of [a, b]) await each.destroy();
  });
});
