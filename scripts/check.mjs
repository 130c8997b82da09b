// The quick checks, all of them, whatever the first one says: format and lint, types, layers and cycles, dead code, unit
// tests. `--fix` lets the formatter and the linter repair what they can.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { Sentence, seconds } from "./lib/run.mjs";
import { ensureAll, root } from "./setup.mjs";

const fix = process.argv.includes("--fix");
const folders = ["provider", "sdk", "cli", "sandbox", "bench", "test"].filter((folder) =>
  existsSync(join(root, folder)),
);
const checks = [
  { name: "format and lint", command: ["biome", "check", ...(fix ? ["--write"] : []), "--error-on-warnings", "."] },
  { name: "types", command: ["tsc", "-p", ".", "--noEmit"] },
  {
    name: "layers and cycles",
    command: ["depcruise", "--config", ".dependency-cruiser.cjs", ...folders],
    accept: sawModules,
  },
  { name: "dead code", command: ["knip"] },
  { name: "documentation", command: ["node", "scripts/docs.mjs", "--check"] },
  { name: "unit tests", command: ["node", "scripts/test.mjs", "--level", "unit"] },
];

/** With a TypeScript it cannot use, dependency-cruiser sees no modules, and reports success. */
function sawModules(text) {
  return Number(/(\d+) modules?, \d+ dependenc/.exec(text)?.[1] ?? 0) > 0 ? undefined : "no module was looked at";
}

try {
  await ensureAll({ system: false, build: false, pulumi: false });
  const env = { ...process.env, PATH: [join(root, "node_modules", ".bin"), process.env.PATH].join(delimiter) };
  const failed = [];
  for (const { name, command, accept } of checks) {
    const started = Date.now();
    const { status, stdout, stderr } = spawnSync(command[0], command.slice(1), {
      cwd: root,
      env,
      encoding: "utf8",
      maxBuffer: 2 ** 26,
    });
    const objection = status === 0 ? accept?.(stdout) : `status ${status}`;
    if (objection) {
      failed.push(name);
      console.log(`\n===== ${name} =====\n${stdout}${stderr}`);
    }
    console.log(`${objection ? `FAILED (${objection})` : "ok"}: ${name} (${seconds(started)})`);
  }
  if (failed.length > 0) throw new Sentence(`Failed: ${failed.join(", ")}.`);
  console.log("All checks passed.");
} catch (error) {
  console.error(error instanceof Sentence ? error.message : error);
  process.exitCode = 1;
}
