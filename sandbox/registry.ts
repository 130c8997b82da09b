/**
 * The registry: one directory a sandbox. It appears complete (rename), and a stale one is moved away before it is removed.
 */
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { SandboxError, SandboxNameError } from "./errors.js";
import { isAlive, kill, type ProcessId } from "./process.js";

export interface State {
  /** Tells two sandboxes of the same name apart. */
  id: string;
  name: string;
  root: string;
  hostUuid: string;
  started: string;
  starter: ProcessId;
  /** Waits for the init to end and removes the directory. */
  keeper?: ProcessId;
  init?: ProcessId;
  ready: boolean;
  /** It lives on without its starter, once it is ready. */
  detached: boolean;
}

export function registry(): string {
  const uid = process.getuid?.() ?? 0;
  // Root's is the same whoever became root, and stays when a session ends, with which XDG_RUNTIME_DIR goes.
  const bases = uid === 0 ? ["/run", os.tmpdir()] : [process.env.XDG_RUNTIME_DIR, os.tmpdir()];
  for (const base of bases) {
    if (!base) continue;
    try {
      const dir = path.join(base, `virtnet-sandbox-${uid}`);
      fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
      return dir;
    } catch {
      // Not writable: the next one.
    }
  }
  throw new SandboxError(`Cannot write to any of ${bases.filter(Boolean).join(", ")}, where the sandboxes are kept.`);
}

export function readState(dir: string): State | undefined {
  try {
    return JSON.parse(fs.readFileSync(path.join(dir, "state.json"), "utf8")) as State;
  } catch {
    return undefined;
  }
}

export function writeState(dir: string, state: State): void {
  const temporary = path.join(dir, `state.${state.id}`);
  fs.writeFileSync(temporary, JSON.stringify(state));
  fs.renameSync(temporary, path.join(dir, "state.json"));
}

/** Somebody still works on it: it runs, ends just now, or is being started. */
function isInUse(state: State | undefined): boolean {
  if (state === undefined) return false;
  return isAlive(state.init) || isAlive(state.keeper) || (!state.ready && isAlive(state.starter));
}

/** It should end, or will in a moment: who started it has died. */
function isOrphan(state: State): boolean {
  return !(state.ready && state.detached) && !isAlive(state.starter);
}

/** Removes what a dead sandbox left. Never a living one's, also if that took the name just now. */
function clear(dir: string, id: string | undefined): void {
  const aside = path.join(path.dirname(dir), `.${randomBytes(6).toString("hex")}`);
  try {
    fs.renameSync(dir, aside);
    if (readState(aside)?.id !== id) {
      fs.renameSync(aside, dir);
      return;
    }
  } catch {
    return; // Another one cleared it.
  }
  fs.rmSync(aside, { recursive: true, force: true });
}

/** Removes what starters that died left beside the sandboxes. */
function clearPrepared(base: string): void {
  for (const name of fs.readdirSync(base)) {
    if (!name.startsWith(".")) continue;
    const dir = path.join(base, name);
    const state = readState(dir);
    if (state !== undefined && !isAlive(state.starter) && !isInUse(state))
      fs.rmSync(dir, { recursive: true, force: true });
  }
}

/** Takes the name, or says who has it. */
export async function claim(state: State): Promise<string> {
  const base = registry();
  clearPrepared(base);
  const dir = path.join(base, state.name);
  const prepared = path.join(base, `.${state.id}`);
  fs.mkdirSync(prepared, { mode: 0o700 });
  writeState(prepared, state);
  const deadline = performance.now() + 5000;
  for (;;) {
    try {
      fs.renameSync(prepared, dir);
      return dir;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
    }
    const other = readState(dir);
    if (other === undefined || !isInUse(other)) {
      clear(dir, other?.id);
    } else if (isOrphan(other)) {
      await end(dir, other);
    } else if (isAlive(other.init) || !other.ready || performance.now() > deadline) {
      fs.rmSync(prepared, { recursive: true, force: true });
      throw new SandboxError(`A sandbox "${state.name}" runs already.`);
    } else {
      await sleep(10); // It ends just now.
    }
  }
}

/** Ends a sandbox and waits until nothing of it is left. */
export async function end(dir: string, state: State): Promise<void> {
  const began = performance.now();
  kill(state.init);
  // One that is still starting: the keeper leads the process group of all that is not a daemon yet, the init too.
  if (state.init === undefined) kill(state.keeper, "group");
  while (isAlive(state.init) || isAlive(state.keeper)) {
    await sleep(5);
    const waited = performance.now() - began;
    if (waited > 3000) kill(state.keeper, "group");
    if (waited > 10_000)
      throw new SandboxError(`The sandbox "${state.name}" (process ${state.init?.pid}) does not end.`);
  }
  if (readState(dir)?.id === state.id) clear(dir, state.id);
}

export function checkName(name: string): void {
  if (!/^[a-z0-9]([a-z0-9-]{0,29}[a-z0-9])?$/i.test(name)) {
    throw new SandboxNameError(
      `"${name}" cannot be a sandbox's name: letters, digits and hyphens, at most 31 characters.`,
    );
  }
}
