import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { promisify } from "node:util";
import { installedModules } from "../support/installed.js";
import { type Ran, virtnet } from "../support/virtnet.js";

const program = `
import * as pulumi from "@pulumi/pulumi";
import { type Borrowed, type Connection, LibvirtError, type NetworkInfo, open, openPool } from "pulumi-virtnet/libvirt";
import * as virtnet from "pulumi-virtnet";

export const declare = (name: string): pulumi.Output<string> =>
  new virtnet.Network(name, { mode: "nat", ips: [{ address: "10.0.0.1/24" }] }).uuid;

async function main(): Promise<void> {
  const connection: Connection = await open("test:///default");
  const networks: NetworkInfo[] = await connection.networks.list({ active: true });
  console.log(networks.map(({ name }) => name).join());
  await connection.networks.start({ name: "nope" }).catch((e: unknown) => {
    if (e instanceof LibvirtError) console.log(e.class);
  });
  await connection.close();
  const pool = openPool("test:///default");
  const one: Borrowed | undefined = await pool.borrow();
  await one?.giveBack();
  await pool.close();
  console.log(typeof virtnet.Network);
}
void main();
`;

/** What the compiler must object to: it has seen the types, and not taken the modules for \`any\`. */
const wrong = `
import { open } from "pulumi-virtnet/libvirt";
import * as virtnet from "pulumi-virtnet";
new virtnet.Network("a", { mode: "isolated", nat: {} });
export const x: Promise<number> = open("test:///default");
`;

const resolutions: Record<string, Record<string, unknown>> = {
  node10: { module: "commonjs", moduleResolution: "node10", ignoreDeprecations: "6.0" },
  node16: { module: "node16", moduleResolution: "node16", skipLibCheck: true },
};

describe("the package from a tarball that npm has packed with its scripts", () => {
  let modules: string;
  const ran = (file: string, args: string[], cwd: string): Promise<Ran> =>
    promisify(execFile)(file, args, { cwd }).then(
      (ok) => ({ ...ok, code: 0 }),
      (e: Ran) => ({ stdout: e.stdout, stderr: e.stderr, code: e.code }),
    );

  before("packs and installs it", () => {
    modules = installedModules();
  });

  for (const [name, resolution] of Object.entries(resolutions)) {
    it(`serves a program that the compiler resolves as ${name}, with its types, and runs it`, async function () {
      this.timeout(120_000);
      const dir = path.join(path.dirname(modules), `program-${name}`);
      fs.mkdirSync(dir);
      const compilerOptions = { target: "es2022", strict: true, types: ["node"], ...resolution };
      const files = ["main.ts", "wrong.ts"];
      fs.writeFileSync(path.join(dir, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
      fs.writeFileSync(path.join(dir, "main.ts"), program);
      fs.writeFileSync(path.join(dir, "wrong.ts"), wrong);
      const compiled = await ran(process.execPath, [path.join(modules, "typescript/bin/tsc"), "-p", dir], dir);
      const faults = compiled.stdout.split("\n").filter((line) => /^\S/.test(line));
      const where = faults.map((line) => line.split(",")[0]);
      assert.deepEqual(where, ["wrong.ts(4", "wrong.ts(5"], compiled.stdout + compiled.stderr);
      const { stdout, stderr } = await ran(process.execPath, ["main.js"], dir);
      assert.deepEqual([stdout, stderr], ["default\nnot-found\nfunction\n", ""]);
    });
  }

  it("brings the command, which npx runs", async () => {
    const dir = path.dirname(modules);
    const npx = { command: ["npx", "--prefix", dir, "--no-install", "virtnet"] };
    const help = await virtnet(["--help"], npx);
    assert.equal(help.code, 0, help.stderr);
    assert.match(help.stdout, /^Usage: virtnet /);
    const input = JSON.stringify({ kind: "Network", name: "dev", mode: "isolated", ips: [{ address: "10.1.0.1/24" }] });
    const xml = await virtnet(["xml", "-"], { ...npx, input });
    assert.equal(xml.code, 0, xml.stderr);
    assert.match(xml.stdout, /<name>dev<\/name>[\s\S]*<ip [^>]*address=.10\.1\.0\.1/);
  });
});
