/**
 * A watchdog beside this process: it heals what this process leaves when it dies in the middle of a restart. Started with the
 * first restart, told of each, and gone when this process ends and none is open.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import type { Guard } from "./apply.js";

const watchdogs = new Map<string, ChildProcess>();

export function guardOf(uri: string): Guard {
  const tell = (line: string) => watchdog(uri).stdin?.write(`${line}\n`);
  return {
    arm: async (uuid) => void tell(`+${uuid}`),
    disarm: (uuid) => void tell(`-${uuid}`),
  };
}

function watchdog(uri: string): ChildProcess {
  const there = watchdogs.get(uri);
  if (there && there.exitCode === null && there.signalCode === null) return there;
  const { VIRTNET_FAULT: _, ...env } = process.env;
  // In a session of its own: what ends this process from the terminal does not end it. It reads its orders from the pipe,
  // where they stay if this process dies before it has started.
  const child = spawn(process.execPath, [join(__dirname, "watchdog.js"), uri], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
    env,
  });
  child.on("error", () => undefined); // without a watchdog "virtnet heal" is what is left
  child.stdin?.on("error", () => undefined);
  child.unref();
  (child.stdin as unknown as { unref?(): void } | null)?.unref?.();
  watchdogs.set(uri, child);
  return child;
}
