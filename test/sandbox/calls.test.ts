/**
 * What each operation asks of libvirt, exactly: a call more is time on every run, and over a slow line a round trip.
 *
 * virNetworkGetName and virNetworkGetUUIDString are answered by the client library; all others go to the daemon. Each
 * request looks its network up again: a handle lives no longer than the request, so none can leak or outlive its network.
 */
import assert from "node:assert/strict";
import { type Context, type Inputs, VirtnetError } from "../../provider/handler.js";
import { closeHosts, hostAt } from "../../provider/host/hosts.js";
import { forgetKept } from "../../provider/kept.js";
import { changing, type FunctionName } from "../../provider/libvirt/functions.js";
import { forgetRun, networkHandler } from "../../provider/network/handler.js";
import { type Counts, callsOf } from "../support/calls.js";
import { withSandbox } from "../support/sandbox.js";

/** Look one network up and read it: its flags, and both definitions where it runs. */
const readOne = {
  virNetworkLookupByUUIDString: 1,
  virNetworkIsActive: 1,
  virNetworkIsPersistent: 1,
  virNetworkGetAutostart: 1,
  virNetworkGetName: 1,
  virNetworkGetUUIDString: 1,
  virNetworkGetXMLDesc: 2,
};

describe("libvirt calls of a network", () => {
  const host = withSandbox();
  const ctx: Context = { log: () => undefined };
  const owner = { project: "p", stack: "s", key: "k" };
  const args = (n: number, end = 99): Inputs => ({
    name: `calls${n}`,
    uri: host().uri,
    owner: { ...owner, key: `calls${n}` },
    mode: "nat",
    ips: [{ address: `10.62.${n}.1/24`, dhcp: { ranges: [{ start: `10.62.${n}.2`, end: `10.62.${n}.${end}` }] } }],
  });
  const made: { id: string; outs: Inputs }[] = [];
  const create = async (n: number, inputs = args(n)): Promise<void> => {
    const checked = await networkHandler.check(ctx, {}, inputs);
    assert.deepEqual(checked.failures, []);
    made[n] = await networkHandler.create(ctx, checked.inputs);
  };
  const current = (n: number) => made[n] as { id: string; outs: Inputs };
  const inputsOf = async (n: number, news: Inputs): Promise<Inputs> =>
    (await networkHandler.check(ctx, current(n).outs, news)).inputs;

  const calls = (work: () => Promise<unknown>): Promise<Counts> => callsOf(hostAt(host().uri).pool, work);

  before(async () => {
    forgetRun();
    await create(0); // opens the connections, and asks once a run who the host is
    await create(1);
  });
  after(closeHosts);

  it("check of a new network: one listing of the host's networks, shared by all of a run", async () => {
    hostAt(host().uri).changed();
    await hostAt(host().uri).networks();
    assert.deepEqual(await calls(() => networkHandler.check(ctx, {}, args(2))), {});
  });

  it("create", async () => {
    assert.deepEqual(await calls(() => create(3)), {
      virNetworkLookupByName: 1, // does it exist already?
      virNetworkDefineXMLFlags: 1,
      virNetworkCreate: 1,
      virNetworkSetAutostart: 1,
      // Lookups: start, autostart, and the reading back.
      ...readOne,
      virNetworkLookupByUUIDString: 3,
      // define answers with name and UUID, and so does the reading back.
      virNetworkGetName: 2,
      virNetworkGetUUIDString: 2,
    });
  });

  it("a preview without changes: none", async () => {
    assert.deepEqual(
      await calls(async () => {
        for (const n of [0, 1]) {
          const diff = await networkHandler.diff(ctx, current(n).id, current(n).outs, await inputsOf(n, args(n)));
          assert.equal(diff.changes, false);
        }
      }),
      {},
    );
  });

  it("refresh of all networks: their listing and their definitions, once", async () => {
    const there = [0, 1, 3];
    hostAt(host().uri).changed();
    assert.deepEqual(
      await calls(async () => {
        for (const n of there) {
          const read = await networkHandler.read(ctx, current(n).id, current(n).outs);
          assert.deepEqual(read?.outs, current(n).outs);
        }
      }),
      {
        virConnectListAllNetworks: 4, // all; which are active, persistent, started with the host
        virConnectListAllDomains: 1, // whose NICs are on them
        virNetworkGetXMLDesc: 2 * there.length, // stored and running definition
        virNetworkGetName: there.length,
        virNetworkGetUUIDString: 4 * there.length, // in each of the four lists
      },
    );
  });

  it("preview of a live change: one reading, for its price", async () => {
    const news = await inputsOf(0, args(0, 120));
    assert.deepEqual(await calls(() => networkHandler.diff(ctx, current(0).id, current(0).outs, news)), {
      ...readOne,
      virConnectListAllDomains: 1, // whose NICs are on it
    });
  });

  it("a live change", async () => {
    const news = await inputsOf(0, args(0, 120));
    assert.deepEqual(
      await calls(async () => {
        made[0] = { id: current(0).id, ...(await networkHandler.update(ctx, current(0).id, current(0).outs, news)) };
      }),
      {
        // Two readings, before and after; a range is changed by removing the old one and adding the new one.
        ...twice(readOne),
        virNetworkLookupByUUIDString: 4,
        virNetworkLookupByName: 1, // has a run left something in the middle?
        virNetworkUpdate: 2,
        virConnectListAllDomains: 1, // whose NICs are on it
      },
    );
  });

  it("an update that finds all as wanted: no write", async () => {
    const news = await inputsOf(1, args(1));
    const seen = await calls(() => networkHandler.update(ctx, current(1).id, current(1).outs, news));
    assert.deepEqual(seen, { ...twice(readOne), virNetworkLookupByName: 1, virConnectListAllDomains: 1 });
    assert.deepEqual(writesOf(seen), []);
  });

  it("a whole run without changes makes no write call", async () => {
    hostAt(host().uri).changed();
    const seen = await calls(async () => {
      for (const n of [0, 1, 3]) {
        const { id, outs } = current(n);
        const read = await networkHandler.read(ctx, id, outs);
        if (!read) throw new VirtnetError("gone");
        const { inputs } = await networkHandler.check(ctx, read.inputs, { ...read.inputs });
        assert.equal((await networkHandler.diff(ctx, id, read.outs, inputs)).changes, false);
      }
    });
    assert.deepEqual(writesOf(seen), []);
  });

  it("delete", async () => {
    forgetKept(); // it goes in another run than it came in
    assert.deepEqual(await calls(() => networkHandler.delete(ctx, current(3).id, current(3).outs)), {
      ...readOne, // the owner's mark, and whether it runs
      virNetworkLookupByUUIDString: 3, // that, stop, remove
      virNetworkLookupByName: 1, // has a run left something in the middle?
      virConnectListAllDomains: 1, // who uses it, running or not
      virNetworkDestroy: 1,
      virNetworkUndefine: 1,
    });
  });

  it("delete of what is gone: by UUID, by name, and what a run may have left", async () => {
    assert.deepEqual(await calls(() => networkHandler.delete(ctx, current(3).id, current(3).outs)), {
      virNetworkLookupByUUIDString: 1,
      virNetworkLookupByName: 2,
    });
  });
});

const writesOf = (counts: Counts): string[] => Object.keys(counts).filter((name) => changing.has(name as FunctionName));
const twice = (counts: Counts): Counts => Object.fromEntries(Object.entries(counts).map(([name, n]) => [name, 2 * n]));
