import assert from "node:assert/strict";
import * as path from "node:path";
import { type ExecResult, run, stopSandbox } from "../../sandbox/index.js";
import { skip } from "../skip.js";

/** The commands on a program of their own; `virtnet` is not needed for them. */
const SCRIPT = `
  const { Command } = require("commander");
  const program = new Command().exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
  require(process.argv[1]).registerSandbox(program);
  program.parseAsync(process.argv.slice(2), { from: "user" });
`;

function sandbox(...args: string[]): Promise<ExecResult> {
  return run([process.execPath, "-e", SCRIPT, path.join(__dirname, "../../sandbox/cli.js"), "sandbox", ...args]);
}

describe("the sandbox commands", () => {
  const one = `cli-${process.pid}-a`;
  const two = `cli-${process.pid}-b`;
  let up: ExecResult;

  before("starts two", async function () {
    if (process.getuid?.() !== 0) skip(this, "a sandbox needs root");
    up = await sandbox("up", "--name", one);
    assert.equal((await sandbox("up", "--name", two, "--no-uplink")).code, 0);
  });
  after("stops them", async () => {
    await stopSandbox(one);
    await stopSandbox(two);
  });

  it("up prints the URI, as uri does, which libvirt clients can use", async () => {
    assert.deepEqual(await sandbox("uri", "--name", one), up);
    const { stdout } = await run(["virsh", "-c", up.stdout.trim(), "hostname"]);
    assert.equal(stdout.trim(), one);
  });

  it("exec runs a command in it, in the same directory, with its input, output and exit code", async () => {
    const script = "cat; pwd; hostname; echo no >&2; exit 7";
    const command = ["sandbox", "exec", "--name", two, "--", "sh", "-c", script];
    const argv = [process.execPath, "-e", SCRIPT, path.join(__dirname, "../../sandbox/cli.js"), ...command];
    assert.deepEqual(await run(argv, { input: "in\n" }), {
      stdout: `in\n${process.cwd()}\n${two}\n`,
      stderr: "no\n",
      code: 7,
    });
  });

  it("list shows them", async () => {
    const { stdout } = await sandbox("list");
    assert.match(stdout, /^NAME +PID +AGE +ALIVE +URI$/m);
    for (const name of [one, two]) {
      assert.match(
        stdout,
        new RegExp(`^${name} +\\d+ +\\d+s +yes +qemu\\+unix:///system\\?socket=/proc/\\d+/root/run/`, "m"),
      );
    }
  });

  it("up says that it runs already", async () => {
    assert.deepEqual(await sandbox("up", "--name", one), {
      stdout: "",
      stderr: `virtnet: A sandbox "${one}" runs already.\n`,
      code: 1,
    });
  });

  it("down ends one, and says when there is none", async () => {
    assert.deepEqual(await sandbox("down", "--name", two), { stdout: "", stderr: "", code: 0 });
    for (const command of ["down", "uri"]) {
      const { code, stderr } = await sandbox(command, "--name", two);
      assert.equal(code, 1);
      assert.match(stderr, /^virtnet: .*sandbox "cli-\d+-b"/);
    }
  });

  it("take a wrong name or no command for a mistake in usage", async () => {
    assert.equal((await sandbox("up", "--name", "a/b")).code, 2);
    assert.equal((await sandbox("exec", "--name", one)).code, 2);
  });
});
