import assert from "node:assert/strict";
import { type Connection, open } from "../../provider/libvirt/index.js";
import { eventually, startGuest } from "../../sandbox/guests.js";
import { virsh, withSandbox } from "../support/sandbox.js";

describe("a job of a domain", () => {
  const host = withSandbox();
  let c: Connection;
  before(async () => {
    c = await open(host().uri);
  });
  after(() => c?.close());

  it("is told with how far it is, as virsh does", async function () {
    this.timeout(240_000);
    const guest = await startGuest(host(), { name: "busy" });
    await guest.waitReady(); // its memory holds a kernel by then: more than a pipe does
    await host().exec([
      "sh",
      "-c",
      "mkfifo /run/save; sleep 600 < /run/save & echo $! > /run/reader; virsh save busy /run/save > /dev/null 2>&1 &",
    ]);
    const stats = async () => {
      const raw = await virsh(host(), ["domjobinfo", "busy", "--rawstats"]);
      return Object.fromEntries([...raw.matchAll(/^(\w+): +(\d+)$/gm)].map(([, name, value]) => [name, Number(value)]));
    };
    assert.ok(await eventually(async () => Number((await stats()).memory_processed) > 0));
    await new Promise((resolve) => setTimeout(resolve, 1000)); // now the pipe is full, and nobody reads it
    const before = await stats();
    const job = await c.domains.jobInfo({ name: "busy" });
    const after = await stats();
    const { timeElapsed, ...rest } = job;
    assert.ok(
      timeElapsed >= Number(before.time_elapsed) && timeElapsed <= Number(after.time_elapsed),
      `${timeElapsed}`,
    );
    const progress = (kind: string) => ({
      total: after[`${kind}_total`] ?? 0,
      processed: after[`${kind}_processed`] ?? 0,
      remaining: after[`${kind}_remaining`] ?? 0,
    });
    assert.deepEqual(rest, {
      type: "unbounded",
      timeRemaining: after.time_remaining ?? 0,
      data: progress("data"),
      memory: progress("memory"),
      file: progress("disk"),
    });
    assert.ok(job.memory.remaining > 0 && job.memory.total > job.memory.remaining, JSON.stringify(job));
    assert.equal(await c.domains.jobType({ name: "busy" }), 2);
    assert.equal(await c.domains.jobOperation({ name: "busy" }), "save");
    await host().exec(["sh", "-c", "kill $(cat /run/reader)"]); // without a reader the save fails
    assert.ok(await eventually(async () => (await c.domains.jobInfo({ name: "busy" })).type === "none"));
    assert.equal(await c.domains.jobOperation({ name: "busy" }), undefined);
    assert.match(await virsh(host(), ["domjobinfo", "busy"]), /Job type: +None/);
    await guest.stop();
  });
});
