import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { repository } from "../../support/repository.js";

const text = (...file: string[]) => readFileSync(path.join(repository, ...file), "utf8");

describe("the README", () => {
  it("names the folder of the Pulumi CLI that setup builds", () => {
    const version = /^const pulumiVersion = "(.*)";$/m.exec(text("scripts", "setup.mjs"))?.[1];
    assert.ok(version);
    assert.match(
      text("README.md"),
      new RegExp(`^export PATH=~/\\.cache/pulumi-virtnet/pulumi-${version}:\\$PATH `, "m"),
    );
  });

  it("shows a first network that is the example it names", () => {
    const shown = /\n {2}ips: (\[.*\]),\n/.exec(text("README.md"))?.[1];
    assert.ok(shown);
    const squeezed = (s: string) => s.replace(/[\s,]/g, "");
    assert.ok(squeezed(text("examples", "nat", "index.ts")).includes(squeezed(shown)));
  });
});
