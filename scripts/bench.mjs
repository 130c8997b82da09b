// Measures speed and size, and says whether the goals are met. Makes the machine ready first.
//
//   npm run bench                        everything: half an hour on two quiet cores
//   npm run bench -- xml load            these benches only
//   npm run bench -- --quick --runs 1    fewer networks, one round: does the bench work?
//   npm run bench -- --write             keep the figures in docs/benchmarks.md
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { Sentence } from "./lib/run.mjs";
import { ensureAll, root } from "./setup.mjs";

try {
  const { node, pulumiDir } = await ensureAll();
  const args = [join(root, "dist", "bench", "main.js"), ...process.argv.slice(2)];
  const { status } = spawnSync(node, args, {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, VIRTNET_PULUMI_DIR: pulumiDir },
  });
  process.exitCode = status ?? 1;
} catch (error) {
  console.error(error instanceof Sentence ? error.message : error);
  process.exitCode = 1;
}
