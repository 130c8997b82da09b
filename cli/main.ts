/** The entry of bin/virtnet: runs one command, closes its connections, leaves the exit code. */
import { closeHosts } from "../provider/host/hosts.js";
import { exitCodeOf, tell } from "./errors.js";
import { createProgram } from "./program.js";

// A reader that has seen enough (`virtnet … | head`) is no failure.
process.stdout.on("error", (e: NodeJS.ErrnoException) => {
  if (e.code !== "EPIPE") throw e;
  process.exit();
});

async function main(): Promise<void> {
  try {
    await createProgram().parseAsync();
  } catch (e) {
    tell(e);
    process.exitCode = exitCodeOf(e);
  } finally {
    await closeHosts();
  }
}

void main();
