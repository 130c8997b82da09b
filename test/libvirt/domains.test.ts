import assert from "node:assert/strict";
import { type Connection, type LibvirtError, open } from "../../provider/libvirt/index.js";
import { skip } from "../skip.js";

const xml = (name: string, nics = "") =>
  `<domain type='test'><name>${name}</name><memory unit='MiB'>8</memory><os><type>hvm</type></os><devices>${nics}</devices></domain>`;

describe("domains over the test driver", () => {
  let c: Connection;
  before(async () => {
    c = await open("test:///default");
  });
  after(() => c.close());

  it("takes a domain through define, start, suspend, resume, destroy and undefine", async () => {
    const ref = await c.domains.define(xml("vm1", "<interface type='network'><source network='default'/></interface>"));
    assert.deepEqual(
      { ...(await c.domains.get(ref)), inactiveXml: "" },
      { ...ref, active: false, persistent: true, state: 5, inactiveXml: "" },
    );
    await c.domains.start(ref);
    assert.equal((await c.domains.get(ref))?.state, 1);
    await c.domains.suspend(ref);
    assert.equal((await c.domains.get({ name: "vm1" }))?.state, 3);
    await c.domains.resume(ref);
    const running = await c.domains.get(ref);
    assert.match(running?.liveXml ?? "", /<source network='default'/);
    assert.match(running?.inactiveXml ?? "", /<source network='default'/);
    for (const ask of [c.domains.jobType, c.domains.jobInfo, c.domains.jobOperation])
      await assert.rejects(ask(ref), (e: LibvirtError) => e.class === "unsupported"); // by this driver
    await c.domains.destroy(ref);
    await c.domains.undefine(ref);
    assert.equal(await c.domains.get(ref), undefined);
  });

  it("creates a transient domain, which has no stored definition", async () => {
    const ref = await c.domains.createXml(xml("passing"));
    const domain = await c.domains.get(ref);
    assert.deepEqual([domain?.active, domain?.persistent, domain?.inactiveXml], [true, false, undefined]);
    assert.match(domain?.liveXml ?? "", /passing/);
    await c.domains.destroy(ref);
    assert.equal(await c.domains.get(ref), undefined);
  });

  it("lists the same as it gets, by activity, with and without XML", async () => {
    const off = await c.domains.define(xml("off"));
    const paused = await c.domains.createXml(xml("paused"));
    await c.domains.suspend(paused);
    const list = await c.domains.list();
    assert.deepEqual(list.map((d) => d.name).sort(), ["off", "paused", "test"]);
    for (const domain of list) assert.deepEqual(domain, await c.domains.get({ uuid: domain.uuid }));
    assert.deepEqual((await c.domains.list({ active: true })).map((d) => d.name).sort(), ["paused", "test"]);
    assert.deepEqual(await c.domains.list({ active: false, xml: false }), [
      { ...off, active: false, persistent: true, state: 5 },
    ]);
    for (const has of ["managed-save", "snapshots"] as const) assert.deepEqual(await c.domains.list({ has }), []);
    await c.domains.undefine(off);
    await c.domains.destroy(paused);
  });

  it("looks a domain up once for what is sent together, and again for what comes later or behind a write", async () => {
    const ref = await c.domains.define(xml("shared"));
    const [name, uuid] = [{ name: "shared" }, { uuid: ref.uuid }];
    const lookups = async (work: () => Promise<unknown>) => {
      const before = await c.callCounts();
      await work();
      const after = await c.callCounts();
      const more = (f: string) => (after[f] ?? 0) - (before[f] ?? 0);
      return [more("virDomainLookupByName"), more("virDomainLookupByUUIDString")];
    };
    const get = (of: typeof name | typeof uuid) => c.domains.get(of);
    assert.deepEqual(await lookups(() => Promise.all([get(name), get(name), get(name)])), [1, 0]);
    assert.deepEqual(await lookups(() => Promise.all([get(name), get(uuid), get(name)])), [2, 1]);
    assert.deepEqual(await lookups(async () => [await get(uuid), await get(uuid)]), [0, 2]);
    assert.deepEqual(
      await lookups(() => Promise.all([get(uuid), c.domains.start(uuid), get(uuid), get(uuid)])),
      [0, 2],
    );
    // Another one has the name then: the handle that was there before would find nothing.
    const [, , , again] = await Promise.all([
      get(name),
      c.domains.destroy(name),
      c.domains.undefine(name).then(() => c.domains.define(xml("shared"))),
      get(name),
    ]);
    assert.equal(again, undefined);
    const [old, , , other] = await Promise.all([
      get(name),
      c.domains.undefine(name),
      c.domains.define(xml("shared")),
      get(name),
    ]);
    assert.notEqual(old?.uuid, other?.uuid);
    assert.equal(other?.uuid, (await get(name))?.uuid);
    await c.domains.undefine(name);
  });

  it("reads interface addresses", async () => {
    const ref = await c.domains.createXml(
      xml("nic", "<interface type='network'><mac address='52:54:00:12:34:56'/><source network='default'/></interface>"),
    );
    for (const source of ["lease", "agent", "arp"] as const) {
      // the driver makes them up
      const [nic] = await c.domains.interfaceAddresses(ref, source);
      assert.deepEqual([nic?.name, nic?.mac, nic?.addresses.length], ["testnet0", "52:54:00:12:34:56", 1]);
      assert.match(JSON.stringify(nic?.addresses), /^\[{"type":"ipv4","address":"192\.168\.122\.\d+","prefix":24}]$/);
    }
    await c.domains.destroy(ref);
  });

  it("says class unsupported for hot-plug, which this driver lacks", async function () {
    if ((await c.identity()).clientVersion >= 9_001_000) skip(this, "newer test drivers can plug some devices");
    const nic = "<interface type='bridge'><source bridge='b'/></interface>";
    for (const call of [c.domains.attachDevice, c.domains.updateDevice, c.domains.detachDevice])
      await assert.rejects(
        call({ name: "test" }, nic, "live"),
        (e: LibvirtError) => e.class === "unsupported" && e.code === 3,
      );
    await assert.rejects(
      c.domains.detachDeviceAlias({ name: "test" }, "ua-x", "both"),
      (e: LibvirtError) => e.class === "unsupported",
    );
  });
});
