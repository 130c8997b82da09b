// npm run demo: makes the machine ready, then tells the story of scripts/demo/story.mjs with the right Node.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Sentence } from "./lib/run.mjs";
import { ensureAll } from "./setup.mjs";

try {
  if (process.platform !== "linux") throw new Sentence("The demo needs Linux: its host is made of namespaces.");
  if (process.getuid() !== 0)
    throw new Sentence("The demo needs root, for namespaces and a libvirtd of its own: sudo npm run demo");
  const { node, pulumiDir } = await ensureAll({ guests: true });
  process.exitCode = await tell(node, fileURLToPath(new URL("demo/story.mjs", import.meta.url)), pulumiDir);
} catch (error) {
  console.error(error instanceof Sentence ? error.message : error);
  process.exitCode = 1;
}

function tell(node, story, pulumiDir) {
  const child = spawn(node, [story, pulumiDir], { stdio: "inherit" });
  // The terminal sends Ctrl-C to the story as well, which cleans up; this process only waits for it.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  return new Promise((done, fail) => {
    child.on("error", fail);
    child.on("close", (code) => done(code ?? 1));
  });
}
