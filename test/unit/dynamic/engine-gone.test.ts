import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as path from "node:path";

const adapter = path.resolve("dist/provider/dynamic/adapter.js");

/** As Pulumi's host: it prints every uncaught error, also that printing failed. */
const program = `
  process.on("uncaughtException", (error) => console.error(error.stack));
  const { adapt } = require(${JSON.stringify(adapter)});
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  const p = adapt({ delete: async (context) => {
    for (let i = 0; i < 5; i++) { context.log("info", "line " + i); await wait(50); }
    require("node:fs").writeSync(3, "ended");
  } });
  setInterval(() => {}, 1000);
  process.stdin.once("data", () => p.delete("1", {}));
  console.log("up");
`;

describe("a provider process whose engine was killed", () => {
  it("ends what it does, and then itself, instead of spinning on an error that cannot be printed", async () => {
    const child = spawn(process.execPath, ["-e", program], { stdio: ["pipe", "pipe", "pipe", "pipe"] });
    try {
      await once(child.stdout as NodeJS.ReadableStream, "data");
      child.stdout?.destroy();
      child.stderr?.destroy();
      let said = "";
      child.stdio[3]?.on("data", (chunk: Buffer) => {
        said += chunk;
      });
      child.stdin?.write("go");
      const [code] = await once(child, "close", { signal: AbortSignal.timeout(15_000) });
      assert.equal(said, "ended");
      assert.equal(code, 1);
    } finally {
      child.kill("SIGKILL");
    }
  });
});
