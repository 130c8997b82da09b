/** A spanning tree that is turned off for a moment is on again, also where the process that turned it off is killed meanwhile. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as path from "node:path";
import { eventually } from "../../sandbox/guests.js";
import { withSandbox } from "../support/sandbox.js";

describe("a bridge's spanning tree", () => {
  const host = withSandbox();
  const run = async (command: string) => (await host().exec(["sh", "-c", command])).stdout.trim();
  const tree = () => run("cat /sys/class/net/tree0/bridge/stp_state");
  before(() => run("ip link add tree0 type bridge stp_state 1"));

  /** A process that does something without the tree, and is at it. */
  async function begun() {
    const p = spawn(process.execPath, [path.join(__dirname, "../support/without-tree.js"), host().uri, "tree0"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    await once(p.stdout, "data");
    return p;
  }

  it("is on again after the work, and where the process that does it is killed", async () => {
    for (const end of ["SIGKILL", undefined] as const) {
      const p = await begun();
      assert.equal(await tree(), "0");
      if (end) p.kill(end);
      else p.stdin.end();
      assert.ok(await eventually(async () => (await tree()) === "1"), String(end));
    }
  });

  it("is left off by one that found it off", async () => {
    await run("ip link set dev tree0 type bridge stp_state 0");
    const p = await begun();
    p.kill("SIGKILL");
    await once(p, "close");
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.equal(await tree(), "0");
  });
});
