/**
 * Throwaway hosts: a real libvirtd in network, mount, pid, ipc and uts namespaces of its own, up in well under a second.
 *
 * ```ts
 * const sandbox = await startSandbox();
 * await sandbox.exec(["virsh", "net-list", "--all"]);
 * console.log(sandbox.uri);          // for any libvirt client on this machine
 * await sandbox.stop();
 * ```
 *
 * What runs inside is in init.sh. Nothing of the machine is changed: its libvirt, its network, its firewall and its /run stay as they are,
 * and killing one process (the sandbox's init) ends all of it.
 */
import type { ChildProcess } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { SandboxError } from "./errors.js";
import { type LaunchOptions, launch, letGo } from "./launch.js";
import { requireRoot, requireSandbox } from "./needs.js";
import { type ExecOptions, type ExecResult, identify, isAlive, type ProcessId, run } from "./process.js";
import { checkName, claim, end, readState, registry, type State } from "./registry.js";

export { cacheDir } from "./cache.js";
export { SandboxError, SandboxNameError } from "./errors.js";
export { requirePrograms } from "./needs.js";
export { type ExecOptions, type ExecResult, environment, run } from "./process.js";

export interface Executor {
  exec(argv: string[], options?: ExecOptions): Promise<ExecResult>;
}

export interface Addresses {
  v4: string;
  v6: string;
}

export interface SandboxOptions extends LaunchOptions {
  /** Letters, digits and hyphens, at most 31 characters; also the host name. Random by default. */
  name?: string;
  /** Another root filesystem, to run its libvirtd instead of this machine's. */
  root?: string;
  /** What libvirt tells as the host's UUID; random by default. */
  hostUuid?: string;
}

export interface Sandbox extends Executor {
  name: string;
  /** For libvirt clients on this machine, outside the sandbox. */
  uri: string;
  /** The sandbox's init, as seen from outside. */
  pid: number;
  /** State kept outside: state.json and the log of the start. */
  dir: string;
  hostUuid: string;
  root: string;
  /** Runs a command on the sandboxed host. */
  exec(argv: string[], options?: ExecOptions): Promise<ExecResult>;
  /** A network namespace of the sandbox, as of `ip netns`. */
  namespace(name: string): Executor;
  /** A machine beyond the uplink. */
  outside: Executor;
  /** Address of the host on the uplink. */
  hostAddress: Addresses;
  /** Address of the machine beyond it. */
  outsideAddress: Addresses;
  /** A path of the sandbox as a path outside. */
  path(inside: string): string;
  stop(): Promise<void>;
}

export interface SandboxInfo {
  name: string;
  /** 0 while it is starting. */
  pid: number;
  uri: string;
  started: Date;
  alive: boolean;
}

/** The argv that runs another argv on the sandboxed host. */
export function enter(pid: number, argv: string[]): string[] {
  return ["nsenter", "-t", String(pid), "-n", "-m", "-p", "-i", "-u", "-r", "-w", "--", ...argv];
}

/** Runs commands in a sandbox, each with `prefix` before it. Its init's number may be another process's some day: never enters that. */
function executorIn(name: string, init: ProcessId, prefix: string[] = []): Executor {
  return {
    async exec(argv, options = {}) {
      if (!isAlive(init)) throw new SandboxError(`The sandbox "${name}" has ended.`);
      const timeoutMs = options.timeoutMs ?? 60_000;
      const began = performance.now();
      // `timeout` kills the command's whole process group, which killing nsenter from here would not reach.
      const limited = ["timeout", "-s", "KILL", String(timeoutMs / 1000), ...prefix, ...argv];
      const result = await run(enter(init.pid, limited), { ...options, timeoutMs: timeoutMs + 2000 });
      if (result.code === 128 + 9 && performance.now() - began >= timeoutMs) {
        throw new Error(`"${argv.join(" ")}" did not end within ${timeoutMs} ms`);
      }
      return result;
    },
  };
}

function sandboxOf(state: State, dir: string, hold?: ChildProcess): Sandbox {
  const { init } = state;
  if (init === undefined) throw new SandboxError(`The sandbox "${state.name}" is not up yet.`);
  const { pid } = init;
  const namespace = (name: string) => executorIn(state.name, init, ["ip", "netns", "exec", name]);
  return {
    name: state.name,
    uri: uriOf(pid),
    pid,
    dir,
    hostUuid: state.hostUuid,
    root: state.root,
    ...executorIn(state.name, init),
    namespace,
    outside: namespace("outside"),
    hostAddress: { v4: "203.0.113.2", v6: "2001:db8:113::2" },
    outsideAddress: { v4: "203.0.113.1", v6: "2001:db8:113::1" },
    path: (inside) => {
      if (!isAlive(init)) throw new SandboxError(`The sandbox "${state.name}" has ended.`);
      return `/proc/${pid}/root${inside}`;
    },
    stop: async () => {
      await end(dir, state);
      letGo(hold);
    },
  };
}

function uriOf(pid: number): string {
  return `qemu+unix:///system?socket=/proc/${pid}/root/run/libvirt/libvirt-sock`;
}

/** Starts a sandbox and waits until its libvirtd answers. It ends with this process, unless `detached`. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  requireRoot();
  const root = path.resolve(options.root ?? "/");
  requireSandbox(root);
  const id = randomBytes(6).toString("hex");
  const name = options.name ?? `s-${id.slice(0, 8)}`;
  checkName(name);
  const starter = identify(process.pid);
  if (starter === undefined) throw new SandboxError("A sandbox needs /proc.");
  const state: State = {
    id,
    name,
    root,
    hostUuid: options.hostUuid ?? randomUUID(),
    started: new Date().toISOString(),
    starter,
    ready: false,
    detached: options.detached === true,
  };
  const dir = await claim(state);
  const log = fs.openSync(path.join(dir, "log"), "a+", 0o600);
  try {
    const child = await launch(state, dir, log, options);
    return sandboxOf(state, dir, child);
  } catch (error) {
    await end(dir, state);
    const said = readAll(log).trim();
    throw new SandboxError(`The sandbox "${name}" did not start: ${said || (error as Error).message}`);
  } finally {
    fs.closeSync(log);
  }
}

function readAll(descriptor: number): string {
  const buffer = Buffer.alloc(fs.fstatSync(descriptor).size);
  fs.readSync(descriptor, buffer, 0, buffer.length, 0);
  return buffer.toString();
}

/** The sandboxes of this user, with those that are being started or have just died. */
export async function listSandboxes(): Promise<SandboxInfo[]> {
  const base = registry();
  const found: SandboxInfo[] = [];
  for (const name of fs.readdirSync(base).sort()) {
    if (name.startsWith(".")) continue;
    const state = readState(path.join(base, name));
    if (state === undefined) continue;
    const alive = isAlive(state.init);
    found.push({
      name,
      pid: state.init?.pid ?? 0,
      uri: state.init === undefined ? "" : uriOf(state.init.pid),
      started: new Date(state.started),
      alive,
    });
  }
  return found;
}

/** A sandbox that somebody else started. */
export async function openSandbox(name: string): Promise<Sandbox> {
  requireRoot();
  checkName(name);
  const dir = path.join(registry(), name);
  const state = readState(dir);
  if (state === undefined || !state.ready || !isAlive(state.init)) throw new SandboxError(`No sandbox "${name}" runs.`);
  return sandboxOf(state, dir);
}

/** Ends a sandbox, or clears what a dead one left. False when there is none. */
export async function stopSandbox(name: string): Promise<boolean> {
  requireRoot();
  checkName(name);
  const dir = path.join(registry(), name);
  const state = readState(dir);
  if (state === undefined) return false;
  await end(dir, state);
  return true;
}
