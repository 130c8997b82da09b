// How the demo speaks: numbered parts with the time they took, plain sentences, and claims that are checked. Plain
// text, at most 110 columns, no escape codes.
const WIDTH = 110;

const began = performance.now();
const since = (start) => `${((performance.now() - start) / 1000).toFixed(1)} s`;
const broken = [];
let parts = 0;

let endsBlank = false;

/** Prints a text; of empty lines between two texts only one. */
export function print(text) {
  console.log(endsBlank ? text.replace(/^\n/, "") : text);
  endsBlank = text.endsWith("\n");
}

/** A part of the story; its time is told at its end. */
export async function part(title, tell) {
  const start = performance.now();
  print(`\n${++parts}. ${title}`);
  await tell();
  print(`   (${since(start)})`);
}

/** A sentence, folded. */
export function say(text) {
  print(fold(text, "   "));
}

/** What a command is, and what it printed, line by line. */
export function show(command, lines) {
  print(["", `     $ ${command}`, ...lines.map((line) => fold(line, "       ", "           ")), ""].join("\n"));
}

/** A sentence that must be true. */
export function claim(text, holds, instead) {
  if (!holds) broken.push(text);
  print(
    holds
      ? fold(text, "   ok  ", "       ")
      : fold(`${text}: NOT SO${instead ? `: ${instead}` : ""}`, "   !!  ", "       "),
  );
}

/** The end: how long it took, and whether all of it was true. @returns the exit code. */
export function conclude() {
  print(
    broken.length === 0
      ? `\nAll of it was true. The whole took ${since(began)}.`
      : `\n${broken.length} of the claims ${broken.length === 1 ? "was" : "were"} not true (${since(began)}):\n${broken.map((text) => `  - ${text}`).join("\n")}`,
  );
  return broken.length === 0 ? 0 : 1;
}

function fold(text, first, next = first) {
  const lines = [first];
  for (const word of text.trimEnd().split(" ")) {
    const line = lines.at(-1);
    const blank = line === first || line === next;
    if (!blank && line.length + 1 + word.length > WIDTH) lines.push(next + word);
    else lines[lines.length - 1] = blank ? line + word : `${line} ${word}`;
  }
  return lines.join("\n");
}
