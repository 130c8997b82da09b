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
      // A version compared or written down; a million alone is what versions are made of.
      return /(daemon|libVersion)\s*[<>]|\b(?!1_000_000)\d{1,2}_\d{3}_\d{3}\b/.test(code);
    };
    assert.deepEqual(files.filter(asks), ["abilities.ts"]);
  });
});
