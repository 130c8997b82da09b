/** The second channel by ssh, against a real sshd. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { channelOf } from "../../provider/host/channel.js";
import { endLocks, holding } from "../../provider/host/lock.js";
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
    const { masters, addresses } = await channel().devices();
    assert.ok(masters.has("up0"));
    assert.equal(await channel().defaultSource(4, addresses), sandbox().hostAddress.v4);
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

  for (const [by, instead] of [
    ["perl"],
    ["flock(1), where there is no perl", "/dev/null"],
    ["flock(1), where perl does not start", "/bin/false"],
  ])
    describe(`by ${by}`, () => {
      let perl: string;
      before(async () => {
        if (instead === undefined) return;
        perl = (await sandbox().exec(["sh", "-c", "command -v perl"])).stdout.trim();
        const { code, stderr } = await sandbox().exec(["mount", "--bind", instead, perl]);
        assert.equal(code, 0, stderr);
        assert.notEqual((await channel().run(["perl", "-e", "1"])).code, 0);
      });
      after(async () => {
        if (instead !== undefined) await sandbox().exec(["umount", perl]);
      });

      it("has several locks at once, shared ones too, until they are let go of or the process that has them dies", async () => {
        /** What flock(1) there says, beside them. */
        const isFree = async (name: string, kind: "-s" | "-x") =>
          (await sandbox().exec(["flock", "-n", kind, `/run/virtnet-${name}.lock`, "true"])).code === 0;
        const without = (why: string) => assert.fail(why);
        const held = [
          { name: "one", what: "the first" },
          { name: "other", what: "the second", shared: true },
        ];
        const { uri } = access;
        await holding(uri, channel(), { held, waitS: 1, without }, async (_, free) => {
          assert.deepEqual([await isFree("one", "-s"), await isFree("other", "-s")], [false, true]);
          assert.equal(await isFree("other", "-x"), false);
          await assert.rejects(
            holding(uri, channel(), { held, waitS: 1, without }, async () => undefined),
            /^VirtnetError: the first is being changed by another run, which has gone on for 1 s \(it has \/run\/virtnet-one\.lock on the host\)/,
          );
          const began = performance.now();
          await assert.rejects(
            holding(uri, channel(), { held, waitS: 0, without }, async () => undefined),
            /^VirtnetError: the first is being changed by another run, which has gone on for 0 s/,
          );
          assert.ok(performance.now() - began < 900, "it waited");
          free();
          assert.ok(await eventually(() => isFree("one", "-x")));
        });
        const required = (file: string) => `require(${JSON.stringify(require.resolve(file))})`;
        const script = `${required("../../provider/host/lock.js")}.holding(${JSON.stringify(uri)},
          ${required("../../provider/host/channel.js")}.channelOf(${JSON.stringify(uri)}),
          { held: ${JSON.stringify(held)}, waitS: 5, without: console.log },
          () => { console.log("held"); return new Promise((done) => setTimeout(done, 60000)); })`;
        const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
        assert.equal(String((await once(child.stdout, "data"))[0]).trim(), "held");
        assert.equal(await isFree("one", "-x"), false);
        child.kill("SIGKILL");
        assert.ok(await eventually(() => isFree("one", "-x")));
        endLocks();
      });

      it("removes the file of a lock that nobody needs any more, and who waited for it has the new one", async () => {
        const isFree = async () =>
          (await sandbox().exec(["flock", "-n", "-x", "/run/virtnet-gone.lock", "true"])).code === 0;
        const there = async () => (await sandbox().exec(["test", "-e", "/run/virtnet-gone.lock"])).code === 0;
        const { uri } = access;
        const locks = (last: boolean) => ({ held: [{ name: "gone", what: "it", last }], waitS: 20 });
        let second: Promise<boolean> | undefined;
        await holding(uri, channel(), locks(true), async (locked) => {
          assert.deepEqual([locked, await there(), await isFree()], [true, true, false]);
          second = holding(uri, channel(), locks(false), async (has) => has && (await there()) && !(await isFree()));
          await sleep(300);
        });
        assert.equal(await second, true);
        await holding(uri, channel(), locks(true), async () => undefined);
        assert.equal(await there(), false);
        // Refused work leaves what is locked as it was, and so its lock.
        await assert.rejects(
          holding(uri, channel(), locks(true), () => Promise.reject(new Error("no"))),
          /^Error: no$/,
        );
        assert.deepEqual([await there(), await isFree()], [true, true]);
        endLocks();
      });

      it("tells who has no lock why, and takes one as soon as there is one again", async () => {
        const { uri } = access;
        const why: string[] = [];
        const held = [{ name: "bad", what: "it" }];
        const locked = (without?: (w: string) => void) =>
          holding(uri, channel(), { held, waitS: 1, ...(without ? { without } : {}) }, async (has) => has);
        await sandbox().exec(["ln", "-sf", "/nowhere/lock", "/run/virtnet-bad.lock"]);
        assert.equal(await locked((w) => why.push(w)), false);
        assert.match(why.join("\n"), /^[^\n]*virtnet-bad\.lock[^\n]*$/);
        await assert.rejects(locked(), /^VirtnetError: it cannot be changed: no lock on the host: .*virtnet-bad\.lock/);
        await sandbox().exec(["rm", "/run/virtnet-bad.lock"]);
        assert.equal(await locked(), true);
        // What takes them there has been killed.
        assert.equal((await sandbox().exec(["pkill", "-9", "-f", "/run/virtnet-[$]name"])).code, 0);
        assert.equal(await locked(), true);
        endLocks();
      });
    });

  it("has locks on a host where what the user's own perl shall load is missing", async () => {
    const here = sandbox().uri;
    const local = channelOf(here);
    assert.ok(local);
    process.env.PERL5OPT = "-Mno_such_module";
    try {
      const held = [{ name: "mine", what: "it" }];
      assert.equal(await holding(here, local, { held, waitS: 1 }, async (has) => has), true);
    } finally {
      delete process.env.PERL5OPT;
      endLocks();
    }
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
