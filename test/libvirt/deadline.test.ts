import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { Deadline } from "../../provider/libvirt/deadline.js";
import { inChild, lines } from "./child.js";

describe("the deadline of a connection's calls", () => {
  it("is missed by a call that does not end, counted from its own begin", async () => {
    const missed: number[] = [];
    const deadline = new Deadline(() => missed.push(performance.now()));
    deadline.start(300);
    await sleep(200);
    deadline.stop();
    const begun = performance.now();
    deadline.start(300);
    await sleep(600);
    assert.equal(missed.length, 1);
    assert.ok(missed[0]! - begun >= 299, `${missed[0]! - begun} ms`);
    deadline.end();
  });

  it("is another one for a call with another limit", async () => {
    let missed = 0;
    const deadline = new Deadline(() => missed++);
    deadline.start(60_000);
    deadline.stop();
    deadline.start(20);
    await sleep(200);
    assert.equal(missed, 1);
    deadline.end();
  });

  it("passes unseen between calls and after the last", async () => {
    let missed = 0;
    const deadline = new Deadline(() => missed++);
    deadline.start(50);
    deadline.stop();
    await sleep(200);
    deadline.start(50);
    deadline.end();
    await sleep(200);
    assert.equal(missed, 0);
  });

  it("keeps the process alive while a call runs, also when it has passed between two, and only then", async () => {
    const program = `
      const { Deadline } = require(${JSON.stringify(require.resolve("../../provider/libvirt/deadline.js"))});
      const deadline = new Deadline(() => print("missed"));
      deadline.start(50);
      deadline.stop();
      await new Promise((resolve) => setTimeout(resolve, 200));
      deadline.start(50);
      setTimeout(() => print("still here"), 10_000).unref();`;
    assert.deepEqual(lines(await inChild(program)), ["missed"]);
  });
});
