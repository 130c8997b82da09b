/** A run in a process of its own, which dies or fails where it is told to. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export interface ChildRun<Answer> {
  /** Absent: it was killed before it could answer. */
  answer?: Answer;
  killed: boolean;
}

/**
 * @param script a file of this folder, which takes its orders as its first argument, JSON, and answers with a line of JSON.
 * @param fault what VIRTNET_FAULT says to it.
 * @param whenStopped what is done when it has stopped itself, before it goes on; or is killed, where this gives "SIGKILL".
 */
export const childRun = <Answer>(
  script: string,
  orders: object,
  fault?: string,
  whenStopped?: () => Promise<unknown>,
): Promise<ChildRun<Answer>> =>
  new Promise((resolve, reject) => {
    const p = spawn(process.execPath, [path.join(__dirname, script), JSON.stringify(orders)], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, ...(fault === undefined ? {} : { VIRTNET_FAULT: fault }) },
    });
    let out = "";
    if (whenStopped)
      void stopped(p.pid as number)
        .then(whenStopped)
        .then((end) => p.kill(end === "SIGKILL" ? end : "SIGCONT"), reject);
    p.stdout.on("data", (b: Buffer) => {
      out += b.toString();
    });
    p.on("error", reject);
    p.on("close", (_code, signal) =>
      resolve({ killed: signal === "SIGKILL", ...(out.trim() ? { answer: JSON.parse(out) as Answer } : {}) }),
    );
  });

async function stopped(pid: number): Promise<void> {
  while (!/^\d+ \(.*\) T/.test(readFileSync(`/proc/${pid}/stat`, "utf8"))) await sleep(20);
}

/** Says where it was, in front of what went wrong. */
export function fail(at: string, e: Error): never {
  e.message = `${at}: ${e.message}`;
  throw e;
}
