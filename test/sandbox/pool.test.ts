/** The pool on a daemon that dies. */
import assert from "node:assert/strict";
import { openPool } from "../../provider/libvirt/index.js";
import { restartDaemon, withSandbox } from "../support/sandbox.js";

describe("a pool whose connections have all broken under their work", function () {
  this.timeout(60_000);
  const host = withSandbox();

  it("gives their work others to end it by, however much of it there is", async () => {
    const pool = openPool(host().uri);
    let began = 0;
    let restarted = () => undefined as unknown;
    const again = new Promise((resolve) => {
      restarted = () => resolve(undefined);
    });
    const ended = Array.from({ length: pool.size }, (_, n) =>
      pool.use(
        async (c) => {
          await c.networks.define(`<network><name>net${n}</name><bridge name='pool${n}'/></network>`);
          if (++began === pool.size) await restartDaemon(host()).then(restarted);
          await again;
          while (await c.isAlive()) await new Promise((resolve) => setTimeout(resolve, 20));
          return await pool.use(async (other) => (await other.networks.get({ name: `net${n}` }))?.name);
        },
        { key: `net${n}` },
      ),
    );
    assert.deepEqual(await Promise.all(ended), ["net0", "net1", "net2", "net3"]);
    await pool.close();
  });

  it("runs what goes around a use while it has no connection", async () => {
    const pool = openPool(host().uri);
    const order: string[] = [];
    const around = async <T>(work: () => Promise<T>): Promise<T> => {
      // All connections may be had by others meanwhile.
      await Promise.all(Array.from({ length: pool.size }, () => pool.use((c) => c.networks.list({ xml: false }))));
      order.push("before");
      const done = await work();
      order.push("after");
      return done;
    };
    await Promise.all(
      Array.from({ length: pool.size }, (_, n) =>
        pool.use(async (c) => void order.push((await c.isAlive()) ? "work" : "dead"), { key: `a${n}`, around }),
      ),
    );
    assert.deepEqual(
      order.toSorted(),
      ["after", "before", "work"].flatMap((what) => Array.from({ length: pool.size }, () => what)),
    );
    await pool.close();
  });

  it("lends a further connection only where nobody has to wait for it", async () => {
    const pool = openPool(host().uri, { size: 2 });
    await pool.use(async (first) => {
      const second = await pool.borrow();
      assert.ok(second && second.connection !== first);
      assert.equal(await pool.borrow(), undefined, "both are at work");
      const waits = pool.use((c) => c.networks.list({ xml: false }));
      await second.giveBack();
      await waits;
    });
    await pool.close();
    assert.equal(await pool.borrow(), undefined, "it is closed");
  });
});
