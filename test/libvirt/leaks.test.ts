import assert from "node:assert/strict";
import { inChild, lines } from "./child.js";

/**
 * Tolerance: resident memory may grow by 8 MB from the first half to the second. Threads that ended leave malloc arenas behind, which glibc
 * uses again; a leak of one XML text (600 bytes) a call would be 6 MB a half, and one of a handle's worth a reconnect is seen in the descriptors.
 */
const toleratedMb = 8;

describe("20,000 calls with errors and 100 reconnects among them", () => {
  it("leave memory and file descriptors as 10,000 did", async function () {
    this.timeout(180_000);
    const program = `
      const fs = require("node:fs");
      const xml = (i) => "<network><name>n" + i + "</name><ip address='10.3.0.1' prefix='24'><dhcp><range start='10.3.0.2' end='10.3.0.99'/></dhcp></ip></network>";
      async function half() {
        for (let round = 0; round < 50; round++) {
          const c = await libvirt.open("test:///default");
          const off = round % 2 ? await c.onEvent(() => undefined) : undefined;
          for (let i = 0; i < 20; i++) {
            const ref = await c.networks.define(xml(i));
            await c.networks.get(ref); await c.networks.list(); await c.domains.list(); await c.interfaces.list();
            await c.networks.start({ name: "nope" }).catch(() => undefined);
            await c.networks.define("<broken").catch(() => undefined);
            await c.domains.interfaceAddresses({ name: "test" }, "lease"); await c.capabilities();
            await c.networks.undefine(ref);
          }
          if (off && round % 4 === 1) await off();
          await c.close();
        }
        global.gc(); await new Promise((r) => setTimeout(r, 200)); global.gc();
        print({ mb: process.memoryUsage().rss / 1e6, fds: fs.readdirSync("/proc/self/fd").length, threads: fs.readdirSync("/proc/self/task").length });
      }
      await half(); await half();`;
    const [first, second] = lines(await inChild(program, {}, { timeoutMs: 170_000, nodeArgs: ["--expose-gc"] }));
    assert.equal(second.fds, first.fds);
    assert.ok(second.threads <= first.threads, `${first.threads} threads, then ${second.threads}`);
    assert.ok(second.mb - first.mb < toleratedMb, `${first.mb} MB, then ${second.mb} MB`);
    console.log(`      ${JSON.stringify(first)} ${JSON.stringify(second)}`);
  });
});
