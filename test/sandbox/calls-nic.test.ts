/**
 * What each operation on a running VM's NIC asks of libvirt, exactly. `bench/lib/raw.c` makes the same calls, but those that are there for
 * others only (park networks, and whether a VM was migrated away): what changes here changes there.
 *
 * What is sent together looks its VM up once, so a lookup stands for each time that the handler waits for an answer.
 */
import assert from "node:assert/strict";
import type { Context, Inputs } from "../../provider/handler.js";
import { closeHosts, hostAt } from "../../provider/host/hosts.js";
import { forgetKept } from "../../provider/kept.js";
import { forgetRun } from "../../provider/network/run.js";
import { forgetNics, vmInterfaceHandler } from "../../provider/vminterface/handler.js";
import { startGuest } from "../../sandbox/guests.js";
import { callsOf } from "../support/calls.js";
import { startNetwork, withSandbox } from "../support/sandbox.js";
import { natXml } from "../support/vms.js";

/** A running VM with both definitions, however it is looked up. */
const readVm = {
  virDomainGetState: 1,
  virDomainIsPersistent: 1,
  virDomainGetName: 1,
  virDomainGetUUIDString: 1,
  virDomainGetXMLDesc: 2,
};
const read = (times: number) =>
  Object.fromEntries(Object.entries(readVm).map(([name, count]) => [name, times * count]));
const [readTwice, readThrice] = [read(2), read(3)];

describe("libvirt calls of a running VM's NIC", () => {
  const host = withSandbox();
  const ctx: Context = { log: () => undefined };
  const owner = { project: "p", stack: "s", key: "calls" };
  let made: { id: string; outs: Inputs } | undefined;
  const calls = (work: () => Promise<unknown>) => callsOf(hostAt(host().uri).pool, work);
  const there = () => made as { id: string; outs: Inputs };
  /** As the engine has it before it asks for a change. */
  const checked = async (network: string): Promise<Inputs> => {
    const news = { domain: "web", network, uri: host().uri, owner };
    const { inputs, failures } = await vmInterfaceHandler.check(ctx, made?.outs ?? {}, news);
    assert.deepEqual(failures, []);
    return inputs;
  };
  const plug = async (): Promise<void> => {
    made = await vmInterfaceHandler.create(ctx, await checked("one"));
  };
  const unplug = async (): Promise<void> => {
    forgetKept(); // it goes in another run than it came in
    await vmInterfaceHandler.delete(ctx, there().id, there().outs);
    made = undefined;
  };

  before("starts a guest", async function () {
    this.timeout(120_000);
    await startNetwork(host(), "one", natXml("one", "vcn1", 83));
    await startNetwork(host(), "two", natXml("two", "vcn2", 84));
    await (await startGuest(host(), { name: "web", nics: [] })).waitReady();
    forgetNics();
    forgetRun();
    await plug(); // opens the connections, and asks once a run who the host is
    await unplug();
  });
  after(closeHosts);

  it("plug: the VM and the network, whether a job holds the VM, the change, and the VM again", async () => {
    const inputs = await checked("one");
    const seen = await calls(async () => {
      made = await vmInterfaceHandler.create(ctx, inputs);
    });
    assert.deepEqual(seen, {
      ...readTwice,
      virDomainLookupByName: 1,
      virDomainGetJobInfo: 1,
      // The network, and whether a restart of it that died has left its park network.
      virNetworkLookupByName: 2,
      virNetworkGetXMLDesc: 1,
      virDomainAttachDeviceFlags: 1,
      // For the change, and for the reading back: what was found before a change may be another VM after it.
      virDomainLookupByUUIDString: 2,
    });
  });

  it("move: both networks, both definitions changed, and the guest's addresses beside the reading back", async () => {
    const inputs = await checked("two");
    const seen = await calls(async () => {
      made = { id: there().id, outs: (await vmInterfaceHandler.update(ctx, there().id, there().outs, inputs)).outs };
    });
    assert.deepEqual(seen, {
      ...readTwice,
      virDomainLookupByName: 1,
      virDomainGetJobInfo: 1,
      virNetworkLookupByName: 4,
      virNetworkGetXMLDesc: 2,
      virDomainUpdateDeviceFlags: 2,
      virDomainInterfaceAddresses: 2,
      virDomainLookupByUUIDString: 3,
    });
  });

  it("unplug: the VM and its jobs, the running NIC, whether it is gone, and the stored one", async () => {
    assert.deepEqual(await calls(unplug), {
      ...readThrice,
      virDomainGetJobInfo: 1,
      virNetworkLookupByName: 1,
      virDomainDetachDeviceFlags: 2,
      // Once more at the end: a VM that was migrated away meanwhile has taken its NIC along.
      virDomainLookupByUUIDString: 5,
    });
  });
});
