import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LibvirtError, type LibvirtEvent, open } from "../../provider/libvirt/index.js";
import { inChild, lines } from "./child.js";

describe("a connection", () => {
  it("says who it is connected to", async () => {
    const c = await open("test:///default");
    const identity = await c.identity();
    assert.equal(identity.uri, "test:///default");
    assert.equal(identity.driver, "TEST");
    assert.ok(identity.clientVersion >= 7_002_000 && identity.libVersion === identity.clientVersion);
    assert.ok(identity.hostname.length > 0);
    assert.match(await c.capabilities(), /<capabilities>/);
    assert.equal(await c.isAlive(), true);
    await c.close();
    assert.equal(await c.isAlive(), false);
  });

  it("refuses calls at once when it is closed, and may be closed twice", async () => {
    const c = await open("test:///default");
    await Promise.all([c.close(), c.close()]);
    await c.close();
    await assert.rejects(
      c.networks.list(),
      (e: LibvirtError) => e.class === "transport" && /closed/.test(e.text) && !e.sent,
    );
  });

  it("answers calls in the order in which they were made", async () => {
    const c = await open("test:///default");
    const order: number[] = [];
    await Promise.all([1, 2, 3, 4, 5].map((i) => c.networks.list().then(() => order.push(i))));
    assert.deepEqual(order, [1, 2, 3, 4, 5]);
    await c.close();
  });

  it("does what is asked for together in order, also behind a failure", async () => {
    const c = await open("test:///default");
    const ref = { name: "late" };
    const [defined, again, started, got] = await Promise.allSettled([
      c.networks.define("<network><name>late</name></network>"),
      c.networks.define("<network>"),
      c.networks.start(ref),
      c.networks.get(ref),
    ]);
    assert.deepEqual([defined.status, again.status, started.status], ["fulfilled", "rejected", "fulfilled"]);
    assert.ok(got.status === "fulfilled" && got.value?.active === true);
    await c.close();
  });

  it("names the caller in the stack of an error", async () => {
    const c = await open("test:///default");
    async function theCaller() {
      await c.networks.start({ name: "nope" });
    }
    await assert.rejects(theCaller(), (e: Error) => /theCaller/.test(e.stack ?? ""));
    await c.close();
  });

  it("delivers network and domain events until it is unsubscribed", async () => {
    const c = await open("test:///default");
    const other = await open("test:///default");
    const seen: LibvirtEvent[] = [];
    const off = await c.onEvent((e) => seen.push(e));
    await other.networks.destroy({ name: "default" });
    await other.networks.start({ name: "default" });
    await other.domains.suspend({ name: "test" });
    await other.domains.resume({ name: "test" });
    await until(() => seen.length >= 4);
    assert.deepEqual(
      seen.map((e) => `${e.kind} ${e.object?.name} ${e.event}`),
      [
        "network-lifecycle default 3",
        "network-lifecycle default 2",
        "domain-lifecycle test 3",
        "domain-lifecycle test 4",
      ],
    );
    assert.match(seen[0]?.object?.uuid ?? "", /^[0-9a-f-]{36}$/);
    await off();
    await other.domains.suspend({ name: "test" });
    await other.domains.resume({ name: "test" });
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(seen.length, 4);
    await c.close();
    await other.close();
  });

  it("gives up opening a host that accepts and then says nothing, and leaves the event loop free meanwhile", async () => {
    const silent = createServer();
    await new Promise<void>((resolve) => {
      silent.listen(0, "127.0.0.1", resolve);
    });
    const result = await inChild(`
      let ticks = 0; const timer = setInterval(() => ticks++, 10);
      const error = await libvirt.open("qemu+tcp://127.0.0.1:${(silent.address() as AddressInfo).port}/system", { deadlineMs: 600 }).catch(data);
      clearInterval(timer);
      print({ ...error, ticks });`);
    silent.close();
    const [error] = lines(result);
    assert.equal(error.class, "timeout");
    assert.match(error.text, /did not answer open within 600 ms/);
    assert.ok(error.ticks > 20, `${error.ticks} ticks`);
    assert.ok(result.ms < 5000, `the process ended after ${result.ms} ms although a thread still hangs`);
  });
});

describe("a process", () => {
  const started = `const c = await libvirt.open("test:///default"); await c.networks.list();`;
  for (const [how, body] of [
    ["after close", `${started} await c.close(); print("done");`],
    ["without close", `${started} print("done");`],
    ["without close, subscribed to events", `${started} await c.onEvent(() => undefined); print("done");`],
    ["by process.exit without close", `${started} print("done"); process.exit(0);`],
    ["by process.exit while a call runs", `${started} c.networks.list(); print("done"); process.exit(0);`],
    [
      "after closing a pool",
      `const p = libvirt.openPool("test:///default"); await p.use((c) => c.networks.list()); await p.close(); print("done");`,
    ],
  ] as const) {
    it(`ends by itself ${how}`, async () => {
      const result = await inChild(body);
      assert.deepEqual(lines(result), ["done"]);
      assert.ok(result.ms < 5000, `${result.ms} ms`);
      assert.equal(result.stderr, "");
    });
  }

  it("does not end while a call is under way", async () => {
    assert.deepEqual(lines(await inChild(`${started} c.networks.list().then((l) => print(l.length));`)), [1]);
  });

  it("keeps its exit code when it ends while a call hangs", async () => {
    const result = await inChild(
      `const c = await libvirt.open("test:///default"); setTimeout(() => process.exit(7), 100); await c.networks.destroy({ name: "default" });`,
      { VIRTNET_FAULT: "1:hang" },
    );
    assert.equal(result.code, 7);
    assert.ok(result.ms < 5000);
  });

  it("still prints what killed it while a call hangs", async () => {
    const result = await inChild(
      `const c = await libvirt.open("test:///default", { deadlineMs: 1500 }); await c.networks.destroy({ name: "default" });`,
      { VIRTNET_FAULT: "1:hang" },
    );
    assert.equal(result.code, 1);
    assert.match(result.stderr, /did not answer networks.destroy within 1500 ms/);
  });

  it("says in one sentence what to install where the library is missing", async () => {
    const [error] = lines(
      await inChild(`print(await libvirt.open("test:///default").catch(data));`, {
        VIRTNET_LIBVIRT: "/nonexistent/libvirt.so.0",
      }),
    );
    assert.equal(error.class, "unsupported");
    assert.match(
      error.text,
      /^libvirt's client library \(\/nonexistent\/libvirt.so.0\) cannot be loaded: install the package libvirt0 \(Debian, Ubuntu\) or libvirt-libs \(Fedora, RHEL\)/,
    );
  });

  it("gets nothing on stderr from libvirt for a failed call", async () => {
    const result = await inChild(
      `const c = await libvirt.open("test:///default"); await c.networks.start({ name: "nope" }).catch(() => undefined); await c.close();`,
    );
    assert.equal(result.stderr, "");
  });

  it("loads nothing of libvirt before the first open", async () => {
    const result = await inChild(
      `print(require("node:fs").readFileSync("/proc/self/maps", "utf8").includes("libvirt.so"));`,
    );
    assert.deepEqual(lines(result), [false]);
  });
});

async function until(condition: () => boolean, ms = 5000): Promise<void> {
  const end = performance.now() + ms;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`still not so after ${ms} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe("test:///path/file.xml", () => {
  it("gives a host of one's own, described in a file", async () => {
    const directory = await mkdtemp(join(tmpdir(), "virtnet-"));
    try {
      const file = join(directory, "host.xml");
      await writeFile(file, "<node><network><name>mine</name><bridge name='mine0'/></network></node>");
      const c = await open(`test://${file}`);
      assert.deepEqual(
        (await c.networks.list()).map((n) => [n.name, n.active]),
        [["mine", true]],
      );
      assert.deepEqual(await c.domains.list(), []);
      await c.close();
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
