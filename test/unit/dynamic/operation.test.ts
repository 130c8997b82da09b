import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";

const program = `
const { operate } = require(${JSON.stringify(require.resolve("../../../provider/dynamic/operation.js"))});
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const [deadlineMs, when, restMs] = JSON.parse(process.argv[1]);
const interrupt = () => process.kill(process.pid, "SIGINT");
const reasons = [];
operate("it", deadlineMs, async (signal) => {
  const aborted = new Promise((resolve) => signal.addEventListener("abort", resolve));
  if (when === "at once") interrupt();
  await aborted;
  reasons.push(signal.reason.message);
  if (when === "when it is late") interrupt();
  await sleep(restMs);
}).then(() => console.log(reasons.join()));
setTimeout(() => undefined, 3000); // it does not end by itself before that
`;
const run = (deadlineMs: number, when: "at once" | "when it is late", restMs: number) => {
  const orders = JSON.stringify([deadlineMs, when, restMs]);
  const { status, stdout } = spawnSync(process.execPath, ["-e", program, orders], { encoding: "utf8" });
  return { status, reason: stdout.trim() };
};

describe("an operation that is interrupted", () => {
  const interrupted = { status: 130, reason: "interrupted" };

  it("ends the process once it has cleaned up", () => {
    assert.deepEqual(run(60_000, "at once", 100), interrupted);
  });

  it("ends the process also where its time limit is over by then", () => {
    assert.deepEqual(run(1000, "at once", 1500), interrupted);
  });

  it("after its time limit is over is told of that alone, and the process goes on", () => {
    const reason = "it did not end within 0.1 s (stack config virtnet:timeout, in seconds)";
    assert.deepEqual(run(100, "when it is late", 300), { status: 0, reason });
  });
});
