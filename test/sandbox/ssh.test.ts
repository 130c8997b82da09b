/** The second channel by ssh, against a real sshd. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { channelOf } from "../../provider/host/channel.js";
import { eventually } from "../../sandbox/guests.js";
import { withSandbox } from "../support/sandbox.js";
import { needsSshd, type SshAccess, sshTo } from "../support/ssh.js";

describe("the channel by ssh", () => {
  needsSshd();
  const sandbox = withSandbox();
  let access: SshAccess;
  before(async () => {
    access = await sshTo(sandbox());
  });
  after(() => access?.close());
  const channel = () => {
    const found = channelOf(access.uri);
    assert.ok(found);
    return found;
  };
  /** Processes of sshd that serve a connection. */
  const served = async () => {
    const { stdout } = await sandbox().exec(["sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"]);
    return stdout.split("sshd: root@").length - 1;
  };

  it("runs commands on the host, and no shell reads their words", async () => {
    const hello = await channel().run(["printf", "%s|", "$HOME; exit 3", "it's", "two\nlines", ""]);
    assert.deepEqual(hello, { stdout: "$HOME; exit 3|it's|two\nlines||", stderr: "", code: 0 });
    assert.equal((await channel().run(["hostname"])).stdout.trim(), sandbox().name);
    assert.ok((await channel().masters()).has("up0"));
    assert.equal(await channel().defaultSource(4), sandbox().hostAddress.v4);
  });

  it("tells exit code and error output, and programs that are not there", async () => {
    const { code, stderr } = await channel().run(["sh", "-c", "echo bad >&2; exit 3"]);
    assert.deepEqual([code, stderr], [3, "bad\n"]);
    assert.equal((await channel().run(["no-such-program"])).code, 127);
  });

  it("gives a command nothing to read", async () => {
    assert.equal((await channel().run(["cat"])).stdout, "");
  });

  it("shares one connection, except to prove that the host can be reached", async () => {
    await channel().run(["true"]);
    const before = await served();
    await Promise.all([1, 2, 3].map(() => channel().run(["true"])));
    assert.equal(await served(), before);
    const [, during] = await Promise.all([
      channel().runAnew(["sleep", "2"]),
      new Promise((r) => setTimeout(r, 1500)).then(served),
    ]);
    assert.equal(during, before + 1);
  });

  it("holds a program until it is let go of, or the process that holds it dies", async () => {
    const ended = async (name: string) => (await sandbox().exec(["test", "-e", `/run/${name}`])).code === 0;
    const program = (name: string) => ["sh", "-c", 'echo held; cat > /dev/null; touch "/run/$1"', "it", name];
    const held = await channel().hold(program("one"), 10_000);
    assert.equal(held.held, true);
    assert.equal(await ended("one"), false);
    await held.release();
    assert.equal(await ended("one"), true);
    const { held: not, code } = await channel().hold(["sh", "-c", "echo noise; exit 3"], 10_000);
    assert.deepEqual([not, code], [false, 3]);
    const script = `require(${JSON.stringify(require.resolve("../../provider/host/channel.js"))})
      .channelOf(${JSON.stringify(access.uri)}).hold(${JSON.stringify(program("two"))}, 10000).then((h) => console.log(h.held))`;
    const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout, "data");
    assert.equal(await ended("two"), false);
    child.kill("SIGKILL");
    assert.ok(await eventually(() => ended("two")));
  });

  it("refuses a host with another key than is known", async () => {
    const good = fs.readFileSync(access.knownHosts, "utf8");
    try {
      fs.writeFileSync(
        access.knownHosts,
        good.replace(/AAAA\S+/, (key) => `${key.slice(0, -6)}AAAAAA`),
      );
      const { code, stderr } = await channel().runAnew(["true"]);
      assert.equal(code, 255);
      assert.match(stderr, /host key/i);
    } finally {
      fs.writeFileSync(access.knownHosts, good);
    }
  });
});
