import assert from "node:assert/strict";
import { type Connection, type LibvirtError, open } from "../../provider/libvirt/index.js";

const bond = `<interface type='bridge' name='br7'><start mode='onboot'/><bridge>
  <interface type='bond' name='bond7'><bond mode='active-backup'><miimon freq='100'/><interface type='ethernet' name='eth7'/></bond></interface></bridge></interface>`;

describe("host interfaces over the test driver", () => {
  let c: Connection;
  before(async () => {
    c = await open("test:///default");
  });
  after(() => c.close());

  it("takes a bridge over a bond through define, start, destroy and undefine", async () => {
    await c.interfaces.define(bond);
    assert.equal((await c.interfaces.get("br7"))?.active, false);
    await c.interfaces.start("br7");
    const bridge = await c.interfaces.get("br7");
    assert.equal(bridge?.active, true);
    assert.match(bridge?.xml ?? "", /bond mode='active-backup'/);
    assert.deepEqual((await c.interfaces.list()).map((i) => i.name).sort(), ["br7", "eth1"]);
    await c.interfaces.destroy("br7");
    await c.interfaces.undefine("br7");
    assert.equal(await c.interfaces.get("br7"), undefined);
  });

  it("lists those that are up, and those that are not", async () => {
    await c.interfaces.define(bond);
    const found = async (active: boolean) => (await c.interfaces.list({ active })).map(({ name }) => name);
    assert.deepEqual([await found(true), await found(false)], [["eth1"], ["br7"]]);
    await c.interfaces.start("br7");
    assert.deepEqual([(await found(true)).sort(), await found(false)], [["br7", "eth1"], []]);
    await c.interfaces.destroy("br7");
    await c.interfaces.undefine("br7");
  });

  it("has no stored definition to tell of where the driver refuses the question", async () => {
    const counts = await c.callCounts();
    const link = await c.interfaces.get("eth1", { inactive: true });
    assert.deepEqual(link, await c.interfaces.get("eth1"));
    assert.deepEqual(await c.interfaces.list({ inactive: true }), [link]);
    const asked = ((await c.callCounts()).virInterfaceGetXMLDesc ?? 0) - (counts.virInterfaceGetXMLDesc ?? 0);
    assert.equal(asked, 5); // twice each where it was asked for
  });

  it("takes back a change that is rolled back, and keeps one that is committed", async () => {
    await c.interfaces.changeBegin();
    await c.interfaces.define(bond);
    await c.interfaces.changeRollback();
    assert.equal(await c.interfaces.get("br7"), undefined);
    await c.interfaces.changeBegin();
    await c.interfaces.define(bond);
    await c.interfaces.changeCommit();
    assert.notEqual(await c.interfaces.get("br7"), undefined);
    await c.interfaces.undefine("br7");
  });

  it("says class invalid-state for a commit without a begin", async () => {
    await assert.rejects(
      c.interfaces.changeCommit(),
      (e: LibvirtError) => e.class === "invalid-state" && e.code === 55,
    );
  });
});
