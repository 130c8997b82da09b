/** What only looks at a host: a shell that stays there, and readings that are shared. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { channelOf } from "../../../provider/host/channel.js";
import { Errands } from "../../../provider/host/errands.js";
import { Host } from "../../../provider/host/hosts.js";
import { Recent } from "../../../provider/host/recent.js";
import type { Pool } from "../../../provider/libvirt/api.js";
import { skip } from "../../skip.js";

describe("programs that are run by a shell that stays on the host", () => {
  const channel = channelOf(`qemu+unix:///system?socket=/proc/${process.pid}/root/run/libvirt/libvirt-sock`);
  assert.ok(channel);
  const errands = new Errands(channel);
  before(function () {
    if (process.getuid?.() !== 0) skip(this, "entering namespaces needs root");
  });
  after(() => errands.end());
  const shell = (text: string, ...words: string[]) => errands.run(["sh", "-c", text, ...words]);

  it("answer what the channel's own way does", async () => {
    for (const argv of [
      ["printf", "%s", "no line's end"],
      ["printf", "%s\n\n", "an empty line", "$HOME; exit 3", "it's \\n"],
      ["printf", "%s", "a line\nand another"],
      ["printf", ""],
      // As another user's process may be called, in a list of all.
      ["printf", "%s\\n", "virtnet: 0", "virtnet: ", "virtnet: 0123456789abcdef01234567 0", "more"],
      ["sh", "-c", "echo out; echo bad >&2; exit 3"],
      ["no-such-program"],
    ])
      assert.deepEqual(await errands.run(argv), await channel.run(argv), JSON.stringify(argv));
  });

  it("are run again where they fail, but for an exit code that says all", async () => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), "virtnet-errands-"));
    const [file, text] = [path.join(dir, "runs"), 'echo run >> "$0"; echo seen; echo bad >&2; exit 1'];
    const runs = () => fs.readFileSync(file, "utf8").split("\n").length - 1;
    const said = await errands.run(["sh", "-c", text, file], { enough: [1] });
    assert.deepEqual([said, runs()], [{ stdout: "seen\n", stderr: "", code: 1 }, 1]);
    const complained = await errands.run(["sh", "-c", text, file], { enough: [2] });
    assert.deepEqual([complained, runs()], [{ stdout: "seen\n", stderr: "bad\n", code: 1 }, 3]);
    fs.rmSync(dir, { recursive: true });
  });

  it("run one after the other, in the same shell as long as it is there", async () => {
    const parents = async () => (await Promise.all([1, 2].map(() => shell("echo $PPID")))).map((r) => r.stdout.trim());
    const [one, two] = await parents();
    assert.equal(one, two);
    execFileSync("kill", ["-9", String(one)]);
    assert.equal((await shell("echo asked again")).stdout, "asked again\n");
    const [three, four] = await parents();
    assert.equal(three, four);
    assert.notEqual(three, one);
  });
});

describe("a host that is reached by a command of the user's own", () => {
  const uri = "qemu+tls://localhost/system";
  const configured = process.env.VIRTNET_COMMAND;
  let dir: string;
  const at = (name: string) => path.join(dir, name);
  /** It reads all before it runs any of it; a shell that would stay it does not start, and `broken` says that it starts nothing. */
  const command = `text=$(head -n 2)
case $text in *timeout*) echo asked >> "$0/kept"; exit 3;; esac
[ ! -e "$0/broken" ] || exit 4
printf '%s\\n' "$text" | sh`;
  before(function () {
    if (process.getuid?.() !== 0) skip(this, "commands run as root");
    dir = fs.mkdtempSync(path.join(os.tmpdir(), "virtnet-command-"));
    process.env.VIRTNET_COMMAND = JSON.stringify(["sh", "-c", command, dir]);
  });
  after(() => {
    if (configured === undefined) delete process.env.VIRTNET_COMMAND;
    else process.env.VIRTNET_COMMAND = configured;
    if (dir) fs.rmSync(dir, { recursive: true });
  });
  const kept = () => fs.readFileSync(at("kept"), "utf8");

  it("is not asked for a shell again and again where that does not come up", async () => {
    const channel = channelOf(uri);
    assert.ok(channel);
    const errands = new Errands(channel);
    for (const word of ["one", "two", "three"]) assert.equal((await errands.run(["echo", word])).stdout, `${word}\n`);
    assert.equal(kept(), "asked\n");
  });

  it("is read anew where a reading failed", async () => {
    const host = new Host(uri, {} as Pool);
    fs.writeFileSync(at("broken"), "");
    assert.deepEqual([await host.vitals(), await host.vitalsSince(0)], [undefined, undefined]);
    fs.rmSync(at("broken"));
    assert.ok((await host.vitalsSince(0))?.masters.has("lo"));
    assert.ok((await host.vitals())?.masters.has("lo"));
  });
});

describe("a reading that is used again", () => {
  it("counts since a moment where it began no earlier, and is not too old", async () => {
    let n = 0;
    const readings = new Recent(async () => ++n);
    const start = performance.now();
    assert.equal(await readings.since(start, 1000), 1);
    assert.equal(await readings.since(start, 1000), 1, "it began after that");
    readings.changed();
    assert.equal(await readings.since(start, 1000), 1, "what this process wrote is another's");
    assert.equal(await readings.since(performance.now(), 1000), 2, "it began before that");
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.equal(await readings.since(start, 20), 3, "it is too old");
  });
});
