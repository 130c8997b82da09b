import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { repository } from "../../support/repository.js";

describe("where daemons differ", () => {
  it("is said in abilities.ts, and in no other file of the networks", () => {
    const folder = path.join(repository, "provider/network");
    const files = (fs.readdirSync(folder, { recursive: true }) as string[]).filter((name) => name.endsWith(".ts"));
    const asks = (name: string) => {
      const code = fs.readFileSync(path.join(folder, name), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
      return /(daemon|libVersion)\s*[<>]|\d_00[0-9]_000|\b\d+_0\d\d_\d{3}\b/.test(code);
    };
    assert.deepEqual(files.filter(asks), ["abilities.ts"]);
  });
});
