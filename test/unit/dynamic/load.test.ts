import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { STATE_FIELDS } from "../../../provider/network/args.js";

const entry = path.resolve("dist/provider/dynamic-v1.js");

describe("the entry that the state's text calls", () => {
  it("loads a handful of small files: neither Pulumi's SDK nor valibot, xmldom or koffi", () => {
    const program = `require(${JSON.stringify(entry)}); console.log(JSON.stringify(Object.keys(require.cache)))`;
    const loaded = JSON.parse(execFileSync(process.execPath, ["-e", program], { encoding: "utf8" })) as string[];
    assert.deepEqual(
      loaded.filter((file) => file.includes("node_modules")),
      [],
    );
    assert.ok(loaded.length < 10, `${loaded.length} files: ${loaded.join("\n")}`);
  });

  const owner = { project: "p", stack: "s", key: "a" };
  const unchanged = {
    network: {
      mode: "isolated",
      name: "a",
      uri: "qemu:///nowhere",
      ...Object.fromEntries(STATE_FIELDS.map((field) => [field, true])),
    },
    vmInterface: {
      domain: "a",
      network: "a",
      uri: "qemu:///nowhere",
      linkState: "up",
      mac: "52:54:00:00:00:01",
      owner,
    },
    bond: { name: "bond0", mode: "active-backup", ports: ["eth0", "eth1"], uri: "qemu:///nowhere", up: true, owner },
  };
  for (const [name, args] of Object.entries(unchanged))
    it(`checks a ${name} that has not changed with few files: neither xmldom nor koffi`, () => {
      const program = `const args = ${JSON.stringify(args)}; require(${JSON.stringify(entry)}).${name}.check(args, args)
      .then(({ failures }) => console.log(JSON.stringify([failures.length, ...Object.keys(require.cache)])))`;
      const [failures, ...loaded] = JSON.parse(execFileSync(process.execPath, ["-e", program], { encoding: "utf8" }));
      assert.equal(failures, 0);
      const packages = new Set(loaded.map((file: string) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1]));
      assert.deepEqual(packages, new Set([undefined, "valibot", "ip-address"]));
      assert.ok(loaded.length < 121, `${loaded.length} files: ${loaded.join("\n")}`);
    });

  it("keeps its compiled code in the user's cache folder, where the environment names no other", () => {
    const cache = fs.mkdtempSync(path.join(os.tmpdir(), "virtnet-load-"));
    try {
      const { NODE_COMPILE_CACHE: _, ...env } = process.env;
      execFileSync(process.execPath, ["-e", `require(${JSON.stringify(entry)}).network.check({}, {})`], {
        env: { ...env, VIRTNET_CACHE: cache },
      });
      const kept = fs.readdirSync(path.join(cache, "pulumi-virtnet", "compiled"), { recursive: true });
      assert.ok(kept.length > 20, kept.join());
    } finally {
      fs.rmSync(cache, { recursive: true, force: true });
    }
  });

  it("has every name that a state may hold, each with all that the host calls", () => {
    const v1 = require(entry) as Record<string, Record<string, unknown>>;
    for (const name of ["network", "vmInterface", "bridge", "bond", "vlan"]) {
      for (const method of ["configure", "check", "diff", "create", "read", "update", "delete"]) {
        assert.equal(typeof v1[name]?.[method], "function", `${name}.${method}`);
      }
    }
  });
});
