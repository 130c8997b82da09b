/** The watchdog's own process (`guard.ts`): waits until its parent is gone, and heals what is open. */
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { closeHosts, hostAt } from "../host/hosts.js";
import { healOne } from "./heal.js";

/** How long a host may be away, in ms: its daemon may have died as well. */
const PATIENCE_MS = 120_000;

async function watch(uri: string): Promise<void> {
  const open = new Set<string>();
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.startsWith("+")) open.add(line.slice(1));
    else open.delete(line.slice(1));
  }
  const started = Date.now();
  while (open.size > 0 && Date.now() - started < PATIENCE_MS) {
    for (const uuid of open) {
      const healed = await hostAt(uri)
        .use(`network:${uuid}`, (c) => healOne(c, uuid))
        .then(
          () => true,
          () => false,
        );
      if (healed) open.delete(uuid);
    }
    if (open.size === 0) break;
    await closeHosts();
    await sleep(500);
  }
  await closeHosts();
}

void watch(process.argv[2] as string);
