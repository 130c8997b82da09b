/** Takes a change through a process of its own (`run-plan.ts`), which may be killed, stopped, or given a fault. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Answer, Orders } from "./run-plan.js";

/** @param whenStopped runs while it is stopped (`stopBefore`); then it goes on. */
export function runPlan(
  orders: Orders,
  fault?: string,
  whenStopped?: () => Promise<void>,
): Promise<{ answer?: Answer; killed: boolean }> {
  return new Promise((resolve, reject) => {
    const p = spawn(process.execPath, [path.join(__dirname, "run-plan.js"), JSON.stringify(orders)], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, ...(fault === undefined ? {} : { VIRTNET_FAULT: fault }) },
    });
    let out = "";
    if (whenStopped)
      void stopped(p.pid as number)
        .then(whenStopped)
        .then(() => p.kill("SIGCONT"), reject);
    p.stdout.on("data", (b: Buffer) => {
      out += b.toString();
    });
    p.on("error", reject);
    p.on("close", (_code, signal) =>
      resolve({ killed: signal === "SIGKILL", ...(out.trim() ? { answer: JSON.parse(out) as Answer } : {}) }),
    );
  });
}

async function stopped(pid: number): Promise<void> {
  while (!/^\d+ \(.*\) T/.test(readFileSync(`/proc/${pid}/stat`, "utf8"))) await sleep(20);
}
