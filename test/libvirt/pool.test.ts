import assert from "node:assert/strict";
import { type Connection, type LibvirtError, open, openPool } from "../../provider/libvirt/index.js";
import { inChild, lines } from "./child.js";

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("a pool", () => {
  it("is refused a size or a deadline that is none, and takes a deadline that never comes", async () => {
    for (const size of [0, -1, 1.5, Number.NaN])
      assert.throws(() => openPool("test:///default", { size }), { class: "invalid-input", message: /size is/ });
    for (const deadlineMs of [0, -1, Number.NaN]) {
      const refused = { class: "invalid-input", message: /deadlineMs is .*: give ms above 0, or Infinity for none/ };
      assert.throws(() => openPool("test:///default", { deadlineMs }), refused);
      await assert.rejects(open("test:///default", { deadlineMs }), refused);
    }
    for (const deadlineMs of [Number.POSITIVE_INFINITY, 2 ** 40]) {
      const connection = await open("test:///default", { deadlineMs });
      assert.equal((await connection.networks.list()).length, 1);
      await connection.close();
    }
  });

  it("opens connections as they are needed, up to its size, and uses them again", async () => {
    const pool = openPool("test:///default", { size: 2 });
    const seen = new Set<Connection>();
    await pool.use(async (c) => {
      seen.add(c);
    });
    await pool.use(async (c) => {
      seen.add(c);
    });
    assert.equal(seen.size, 1);
    let now = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 6 }, () =>
        pool.use(async (c) => {
          seen.add(c);
          most = Math.max(most, ++now);
          await c.networks.list();
          await sleep(100);
          now--;
        }),
      ),
    );
    assert.deepEqual([most, seen.size], [2, 2]);
    await pool.close();
  });

  it("runs uses with the same key one after the other, in order, also after a failure", async () => {
    const pool = openPool("test:///default");
    const order: string[] = [];
    const use = (name: string, ms: number, fail = false) =>
      pool
        .use(
          async () => {
            order.push(`${name}+`);
            await sleep(ms);
            order.push(`${name}-`);
            if (fail) throw new Error("failed");
          },
          { key: "k" },
        )
        .catch(() => undefined);
    await Promise.all([use("a", 30, true), use("b", 10), use("c", 1)]);
    assert.deepEqual(order, ["a+", "a-", "b+", "b-", "c+", "c-"]);
    await pool.close();
  });

  it("runs uses that share a key beside each other, but not beside one that has it for itself", async () => {
    const pool = openPool("test:///default");
    const order: string[] = [];
    const use = (name: string, ms: number, options: { key?: string; shared?: string[] }) =>
      pool.use(async () => {
        order.push(`${name}+`);
        await sleep(ms);
        order.push(`${name}-`);
      }, options);
    await Promise.all(Array.from({ length: 4 }, () => pool.use(() => sleep(50))));
    await Promise.all([
      use("net", 60, { key: "network:a" }),
      use("nic1", 60, { key: "domain:1", shared: ["network:a", "network:b"] }),
      use("nic2", 20, { key: "domain:2", shared: ["network:a"] }),
      use("net again", 10, { key: "network:a" }),
      use("nic3", 1, { shared: ["network:a"] }),
    ]);
    assert.deepEqual(order.slice(0, 2), ["net+", "net-"]);
    assert.deepEqual(order.slice(2, 4).sort(), ["nic1+", "nic2+"]);
    assert.deepEqual(order.slice(4, 6).sort(), ["nic1-", "nic2-"]);
    assert.deepEqual(order.slice(6), ["net again+", "net again-", "nic3+", "nic3-"]);
    // Two that need each other's object do not wait for each other.
    await Promise.all([use("x", 5, { key: "a", shared: ["b"] }), use("y", 5, { key: "b", shared: ["a"] })]);
    await pool.close();
  });

  it("gives a read-only connection where asked, also when all slots are taken by others", async () => {
    const pool = openPool("test:///default", { size: 1 });
    await pool.use((c) => c.networks.list());
    await assert.rejects(
      pool.use((c) => c.networks.destroy({ name: "default" }), { readOnly: true }),
      (e: LibvirtError) => e.class === "auth",
    );
    await pool.use(async (c) => {
      await c.networks.destroy({ name: "default" });
      await c.networks.start({ name: "default" });
    });
    await pool.close();
  });

  it("passes errors of the work on, and keeps the connection", async () => {
    const pool = openPool("test:///default", { size: 1 });
    const seen = new Set<Connection>();
    await assert.rejects(
      pool.use(async (c) => {
        seen.add(c);
        await c.networks.start({ name: "nope" });
      }),
      (e: LibvirtError) => e.class === "not-found",
    );
    await pool.use(async (c) => {
      seen.add(c);
    });
    assert.equal(seen.size, 1);
    await pool.close();
  });

  it("refuses uses once it is closed, also waiting ones", async () => {
    const pool = openPool("test:///default", { size: 1 });
    const first = pool.use(() => sleep(30));
    const second = assert.rejects(
      pool.use(async () => undefined),
      (e: LibvirtError) => e.class === "transport" && /closed/.test(e.text),
    );
    await sleep(10);
    await pool.close();
    await first;
    await second;
    await assert.rejects(
      pool.use(async () => undefined),
      /closed/,
    );
  });

  it("does not try a host again that could not be reached", async () => {
    const uri = "qemu+tcp://127.0.0.1:1/system";
    await assert.rejects(
      openPool(uri).use(async () => undefined),
      (e: LibvirtError) => e.class === "transport",
    );
    const started = performance.now();
    await assert.rejects(
      openPool(uri).use(async () => undefined),
      (e: LibvirtError) => e.class === "transport" && /not tried again in this run/.test(e.text),
    );
    assert.ok(performance.now() - started < 20);
  });

  it("fails every use of a host that cannot be reached, also those that wait for a connection", async () => {
    const pool = openPool("qemu+tcp://127.0.0.1:2/system", { size: 2 });
    const results = await Promise.allSettled(Array.from({ length: 12 }, () => pool.use(async () => undefined)));
    for (const result of results)
      assert.equal(result.status === "rejected" && (result.reason as LibvirtError).class, "transport");
  });

  it("waits only once for a host that hangs", async () => {
    const [first, second, third] = lines(
      await inChild(`
      const server = require("node:net").createServer().listen(0, "127.0.0.1", async () => {
        const uri = "qemu+tcp://127.0.0.1:" + server.address().port + "/system";
        for (let i = 0; i < 2; i++) {
          const started = performance.now();
          const error = await libvirt.openPool(uri, { deadlineMs: 500 }).use(async () => 1).catch(data);
          print({ ...error, ms: performance.now() - started });
        }
        libvirt.forgetDeadHosts(uri);
        const started = performance.now();
        await libvirt.openPool(uri, { deadlineMs: 500 }).use(async () => 1).catch(() => undefined);
        print({ ms: performance.now() - started });
        server.close(); process.exit();
      });`),
    );
    assert.equal(first.class, "timeout");
    assert.ok(first.ms >= 490);
    assert.equal(second.class, "timeout");
    assert.match(second.text, /not tried again in this run/);
    assert.ok(second.ms < 50);
    assert.ok(third.ms >= 490);
  });
});
