/** Which process writes a journal, and whether that process still runs. */
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import type { Author } from "./journal.js";

/** A run on another machine cannot be looked at; after this long, in ms, it counts as dead. */
const LONGEST_MS = 15 * 60_000;

/** A process of this machine. */
export function processOf(pid: number): Author {
  return { machine: machineId(), pid, started: startOf(pid) ?? "", at: new Date().toISOString() };
}

export const thisProcess = (): Author => processOf(process.pid);

export function isThisProcess(author: Author): boolean {
  const self = thisProcess();
  return author.machine === self.machine && author.pid === self.pid && author.started === self.started;
}

/** Of a machine, or of processes, that cannot be looked at from here. */
export const elsewhere = (author: Author): boolean => author.machine !== machineId();

export function stillRuns(author: Author, now = Date.now()): boolean {
  if (elsewhere(author)) return now - Date.parse(author.at) < LONGEST_MS;
  return author.started === "" ? answers(author.pid) : startOf(author.pid) === author.started;
}

/** Where a process number means the same process: many machines are called localhost, and containers count from 1. */
function machineId(): string {
  const read = (what: () => string): string => {
    try {
      return what().trim();
    } catch {
      return ""; // not Linux
    }
  };
  const boot = read(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8"));
  return [hostname(), boot, read(() => readlinkSync("/proc/self/ns/pid"))].join(" ").trim();
}

function answers(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (e) {
    return (e as NodeJS.ErrnoException).code === "EPERM";
  }
}

function startOf(pid: number): string | undefined {
  try {
    // The second field is the command in parentheses, and may have blanks: count from the last one.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
