import assert from "node:assert/strict";
import { inChild, lines } from "./child.js";

const program = `
  const c = await libvirt.open("test:///default", { deadlineMs: 1500 });
  const other = await libvirt.open("test:///default");
  const state = async () => (await other.networks.get({ name: "default" })).active;
  await c.networks.destroy({ name: "default" });
  print(await c.networks.start({ name: "default" }).then(() => "done", data));
  print(await state());
  print(await c.networks.list({ xml: false }).then((l) => l.length, data));`;

describe("the fault hook", () => {
  it("does nothing without VIRTNET_FAULT", async () => {
    assert.deepEqual(lines(await inChild(program)), ["done", true, 1]);
  });

  it("fails the k-th changing call before it is sent", async () => {
    const [error, active] = lines(await inChild(program, { VIRTNET_FAULT: "2:before" }));
    assert.deepEqual([error.class, error.fn, error.sent, active], ["transport", "virNetworkCreate", false, false]);
  });

  it("fails the k-th changing call after it is done", async () => {
    const [error, active] = lines(await inChild(program, { VIRTNET_FAULT: "2:after" }));
    assert.deepEqual([error.class, error.fn, error.sent, active], ["transport", "virNetworkCreate", true, true]);
  });

  it("makes the k-th changing call hang: it ends by the deadline, later calls fail at once, other connections work on", async () => {
    const result = await inChild(program, { VIRTNET_FAULT: "2:hang" });
    const [error, active, later] = lines(result);
    assert.deepEqual([error.class, error.sent, active], ["timeout", true, false]);
    assert.match(error.text, /did not answer networks.start within 1500 ms/);
    assert.deepEqual([later.class, later.sent], ["timeout", false]);
    assert.ok(result.ms < 5000);
  });

  it("counts over all connections of the process, and lets another read while one hangs", async () => {
    const printed = lines(
      await inChild(
        `
      const [a, b] = await Promise.all([1, 2].map(() => libvirt.open("test:///default", { deadlineMs: 3000 })));
      await a.networks.destroy({ name: "default" });
      const hanging = b.networks.start({ name: "default" }).catch(data);
      let reads = 0, pending = true; hanging.then(() => { pending = false; });
      while (pending && reads < 200) { await a.networks.list(); reads++; }
      print(reads); print((await hanging).class);`,
        { VIRTNET_FAULT: "2:hang" },
      ),
    );
    assert.deepEqual(printed, [200, "timeout"]);
  });

  it("counts writes that may have been sent, and no others, against running a pool's work again", async () => {
    const work = `
      const pool = libvirt.openPool("test:///default");
      let runs = 0;
      print(await pool.use(async (c) => { runs++; await c.networks.destroy({ name: "default" }); }).then(() => "done", (e) => e.class));
      print(runs);`;
    // The injected error leaves the connection alive, so the work is not run again in either case: only a lost connection is replaced.
    assert.deepEqual(lines(await inChild(work, { VIRTNET_FAULT: "1:before" })), ["transport", 1]);
    assert.deepEqual(lines(await inChild(work, { VIRTNET_FAULT: "1:after" })), ["transport", 1]);
  });
});
