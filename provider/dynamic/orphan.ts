/**
 * End with the engine. Pulumi's dynamic host does not: when the engine is killed, its next line of output fails with
 * EPIPE, its handler of uncaught exceptions prints that, which fails again, without end at full speed (seen with 3.259).
 */
import { fstatSync } from "node:fs";
import { idle } from "./operation.js";

/** Where this process is Pulumi's host of dynamic providers: end when the engine is gone and no operation runs any more. */
export function endWithEngine(): void {
  if (!/dynamic-provider/.test(require.main?.filename ?? "")) return;
  // An operation that is under way finishes, or takes back what it did.
  const end = () => void idle().then(() => process.exit(1));
  for (const stream of [process.stdout, process.stderr]) stream.on("error", end);
  // The engine holds the other end of standard input as long as it lives.
  if (!isPipe(0)) return;
  process.stdin.on("end", end).on("error", end).resume();
  (process.stdin as unknown as { unref(): void }).unref();
}

function isPipe(fd: number): boolean {
  try {
    const stat = fstatSync(fd);
    return stat.isFIFO() || stat.isSocket();
  } catch {
    return false;
  }
}
