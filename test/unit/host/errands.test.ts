/** What only looks at a host: a shell that stays there, and readings that are shared. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { channelOf } from "../../../provider/host/channel.js";
import { Errands } from "../../../provider/host/errands.js";
import { Recent } from "../../../provider/host/recent.js";
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
      ["sh", "-c", "echo out; echo bad >&2; exit 3"],
      ["no-such-program"],
    ])
      assert.deepEqual(await errands.run(argv), await channel.run(argv), JSON.stringify(argv));
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
