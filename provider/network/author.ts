/** Which process writes a journal, and whether that process still runs. */
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import type { Author } from "./journal.js";

/** A run on another machine cannot be looked at; after this long, in ms, it counts as dead. */
const LONGEST_MS = 5 * 60_000;

export function thisProcess(): Author {
  return {
    machine: machineId(),
    pid: process.pid,
    started: startOf(process.pid) ?? "",
    at: new Date().toISOString(),
  };
}

export function stillRuns(author: Author, now = Date.now()): boolean {
  if (author.machine !== machineId()) return now - Date.parse(author.at) < LONGEST_MS;
  return startOf(author.pid) === author.started && author.started !== "";
}

/** Containers have a host name of their own, and processes of their own. */
const machineId = (): string => hostname();

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
