/** `pulumi stack rename`: the marks on the host still name the stack as it was called. */
import assert from "node:assert/strict";
import { virsh, withSandbox } from "../support/sandbox.js";
import { withProgram } from "../support/stack.js";

describe("a stack that was renamed", () => {
  const host = withSandbox();
  const program = withProgram();
  const write = (name: string, mtu: number) =>
    program().write(
      "index.js",
      `new (require("pulumi-virtnet").Network)("net", { mode: "isolated", name: "${name}", mtu: ${mtu} });`,
    );
  const stored = (name: string) => virsh(host(), ["net-dumpxml", name, "--inactive"]);

  it("keeps its networks, changes them, and is their owner from then on", async () => {
    write("kept", 1400);
    const before = program().stack("before", { "virtnet:uri": host().uri });
    await before.up();
    const uuid = await virsh(host(), ["net-uuid", "kept"]);
    assert.match(await stored("kept"), /stack="before"/);
    const run = async (...argv: string[]) => {
      const { code, text } = await program().run([...argv, "--stack", argv[0] === "stack" ? "before" : "after"]);
      assert.equal(code, 0, text);
      return text;
    };
    await run("stack", "rename", "after");
    write("kept", 1300);
    await run("up", "--yes", "--skip-preview");
    assert.equal(await virsh(host(), ["net-uuid", "kept"]), uuid);
    assert.match(await virsh(host(), ["net-dumpxml", "kept"]), /<mtu size='1300'/);
    assert.match(await stored("kept"), /stack="after"/);
    assert.doesNotMatch(await stored("kept"), /stack="before"/);
    await run("preview", "--refresh", "--expect-no-changes");
    await run("destroy", "--yes", "--skip-preview");
    assert.equal(await virsh(host(), ["net-list", "--all", "--name"]), "");
  });

  it("does not take what another stack has taken meanwhile", async () => {
    write("taken", 1400);
    const mine = program().stack("mine", { "virtnet:uri": host().uri });
    await mine.up();
    // As another stack would by adopt: { from }.
    const taken = (await stored("taken")).replace('stack="mine"', 'stack="theirs"');
    await virsh(host(), ["net-define", "/dev/stdin"], taken);
    const renamed = await program().run(["stack", "rename", "yours", "--stack", "mine"]);
    assert.equal(renamed.code, 0, renamed.text);
    write("taken", 1300);
    const { code, text } = await program().run(["up", "--yes", "--skip-preview", "--stack", "yours"]);
    assert.notEqual(code, 0);
    assert.ok(text.includes(`belongs to stack ${program().project}/theirs`), text);
    assert.match(await virsh(host(), ["net-dumpxml", "taken"]), /<mtu size='1400'/);
  });
});
