/** Words that become shell text come out of a real shell as they went in. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { shellText } from "../../../provider/host/quote.js";

const word = fc.string({ unit: "binary" }).map((s) => s.replaceAll("\0", ""));
const nasty = fc.constantFrom("'", "''", "\\", "$(id)", "`id`", "\n", "-e", "", " ", "!x", "~", "*", ";", "é", "'\\''");
const words = fc.array(
  fc.oneof(
    word,
    nasty,
    fc.tuple(word, nasty, word).map((t) => t.join("")),
  ),
  { maxLength: 6 },
);

describe("words as shell text", () => {
  it("reach the program unchanged, whatever they hold", () => {
    // One shell for many commands: what each printed is told apart by its own line.
    fc.assert(
      fc.property(fc.array(words, { minLength: 1, maxLength: 20 }), (commands) => {
        const script = commands.map((argv) => `printf '%s\\0' ${shellText([...argv, "end"])}`).join("\n");
        const out = execFileSync("sh", [], { input: script }).toString();
        assert.deepEqual(
          out.split("\0").slice(0, -1),
          commands.flatMap((argv) => [...argv, "end"]),
        );
      }),
      { numRuns: 60 },
    );
  });

  it("cannot hold a NUL, which no program could be given", () => {
    assert.throws(() => shellText(["a\0b"]), /NUL/);
  });
});
