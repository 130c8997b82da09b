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
import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomBytes, randomUUID } from "node:crypto";
import * as fs from "node:fs";
import type { Socket } from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export interface ExecOptions {
  /** What the command reads on stdin; nothing by default. */
  input?: string | Buffer;
  /** Killed, with all it started, after this time; 60 s by default. */
  timeoutMs?: number;
  env?: Record<string, string>;
}

export interface ExecResult {
  stdout: string;
  stderr: string;
  /** Exit code; 128 + signal when a signal ended it. */
  code: number;
}

export interface Executor {
  exec(argv: string[], options?: ExecOptions): Promise<ExecResult>;
}

export interface Addresses {
  v4: string;
  v6: string;
}

export interface SandboxOptions {
  /** Letters, digits and hyphens, at most 31 characters; also the host name. Random by default. */
  name?: string;
  /** Another root filesystem, to run its libvirtd instead of this machine's. */
  root?: string;
  /** libvirt 10.4 and newer know more than iptables. */
  firewallBackend?: "iptables" | "nftables";
  /** The veth pair up0 to a namespace "outside", and the default route through it; true by default. */
  uplink?: boolean;
  /** What libvirt tells as the host's UUID; random by default. */
  hostUuid?: string;
  /** Lives on when its starter ends, until `stop`. By default a sandbox never outlives its starter. */
  detached?: boolean;
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

/** What a user can mend: shown without a stack trace. */
export class SandboxError extends Error {
  override name = "SandboxError";
}

/** A name that no sandbox can have. */
export class SandboxNameError extends SandboxError {}

const INIT = path.join(__dirname, "../../sandbox/init.sh");
const PATH = "/usr/sbin:/usr/bin:/sbin:/bin";

// ---------------------------------------------------------------------------------------------------------------------
// Processes. A process id is reused some day, so every process is remembered with the time of its start.

interface ProcessId {
  pid: number;
  startTime: string;
}

function identify(pid: number): ProcessId | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state] = fields;
    const startTime = fields[19];
    if (state === "Z" || state === "X" || startTime === undefined) return undefined;
    return { pid, startTime };
  } catch {
    return undefined;
  }
}

function isAlive(target: ProcessId | undefined): boolean {
  return target !== undefined && identify(target.pid)?.startTime === target.startTime;
}

function kill(target: ProcessId | undefined, scope: "process" | "group" = "process"): void {
  if (target === undefined || !isAlive(target)) return;
  try {
    process.kill(scope === "group" ? -target.pid : target.pid, "SIGKILL");
  } catch {
    // Gone meanwhile.
  }
}

/** Runs a command to its end. */
export function run(argv: string[], options: ExecOptions = {}): Promise<ExecResult> {
  const timeoutMs = options.timeoutMs ?? 60_000;
  const [command = "", ...args] = argv;
  return new Promise((resolve, reject) => {
    const stdin = options.input === undefined ? "ignore" : readable(options.input);
    const child = spawn(command, args, { env: environment(options.env), stdio: [stdin, "pipe", "pipe"] });
    if (typeof stdin === "number") fs.closeSync(stdin);
    const [output, errors] = [child.stdout as Socket, child.stderr as Socket];
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      output.destroy();
      errors.destroy();
    }, timeoutMs);
    const started = performance.now();
    output.on("data", (chunk: Buffer) => stdout.push(chunk));
    errors.on("data", (chunk: Buffer) => stderr.push(chunk));
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      if (signal === "SIGKILL" && performance.now() - started >= timeoutMs - 5) {
        reject(new Error(`"${argv.join(" ")}" did not end within ${timeoutMs} ms`));
        return;
      }
      resolve({
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
        code: code ?? 128 + (signal === null ? 0 : os.constants.signals[signal]),
      });
    });
  });
}

/** A file without a name. A pipe of Node's is a socket, which "/dev/stdin" cannot be opened from. */
function readable(input: string | Buffer): number {
  const file = path.join(os.tmpdir(), `virtnet-${randomBytes(8).toString("hex")}`);
  fs.writeFileSync(file, input, { mode: 0o600, flag: "wx" });
  const descriptor = fs.openSync(file, "r");
  fs.unlinkSync(file);
  return descriptor;
}

/** For commands in a sandbox: their libvirt is the one there, and they find what is in sbin. */
export function environment(extra: Record<string, string> = {}): NodeJS.ProcessEnv {
  const { LIBVIRT_DEFAULT_URI: _, ...own } = process.env;
  return { ...own, PATH: `${PATH}:${process.env.PATH ?? ""}`, LC_ALL: "C", ...extra };
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

// ---------------------------------------------------------------------------------------------------------------------
// The registry: one directory a sandbox. It appears complete (rename), and a stale one is moved away before it is removed.

interface State {
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

/** Kept between sandboxes: what is slow to build, and may be deleted at any time. */
export function cacheDir(): string {
  const { VIRTNET_CACHE, XDG_CACHE_HOME } = process.env;
  return path.join(VIRTNET_CACHE || XDG_CACHE_HOME || path.join(os.homedir(), ".cache"), "pulumi-virtnet");
}

function capabilitiesDir(root: string): string {
  const name = `capabilities-${createHash("sha256").update(root).digest("hex").slice(0, 12)}`;
  const dir = path.join(cacheDir(), name);
  fs.mkdirSync(dir, { recursive: true });
  return dir;
}

function registry(): string {
  const uid = process.getuid?.() ?? 0;
  const bases = [process.env.XDG_RUNTIME_DIR, "/run", os.tmpdir()];
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

function readState(dir: string): State | undefined {
  try {
    return JSON.parse(fs.readFileSync(path.join(dir, "state.json"), "utf8")) as State;
  } catch {
    return undefined;
  }
}

function writeState(dir: string, state: State): void {
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
async function claim(state: State): Promise<string> {
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

function checkName(name: string): void {
  if (!/^[a-z0-9]([a-z0-9-]{0,29}[a-z0-9])?$/i.test(name)) {
    throw new SandboxNameError(
      `"${name}" cannot be a sandbox's name: letters, digits and hyphens, at most 31 characters.`,
    );
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// What the machine must have

/** Program → Debian package. */
const NEEDED: Record<string, string> = {
  unshare: "util-linux",
  nsenter: "util-linux",
  ip: "iproute2",
  virsh: "libvirt-clients",
};

const NEEDED_IN_ROOT: Record<string, string> = {
  libvirtd: "libvirt-daemon-system",
  virtlogd: "libvirt-daemon-system",
  dnsmasq: "dnsmasq-base",
  ip: "iproute2",
  iptables: "iptables",
  nft: "nftables",
  "qemu-system-x86_64": "qemu-system-x86",
};

function has(program: string, root = "/"): boolean {
  return PATH.split(":").some((dir) => {
    try {
      return fs.lstatSync(path.join(root, dir, program)) !== undefined;
    } catch {
      return false;
    }
  });
}

/** Throws one sentence when `programs` (program → package) are not all there. */
export function requirePrograms(programs: Record<string, string>, what: string, root = "/"): void {
  const missing = Object.entries(programs).filter(([program]) => !has(program, root));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map(([, name]) => name))].join(" ");
  const where = root === "/" ? "" : ` in ${root}`;
  throw new SandboxError(
    `${what} needs ${missing.map(([program]) => program).join(", ")}${where}: apt-get install --no-install-recommends ${packages}`,
  );
}

function requireRoot(): void {
  if (process.platform !== "linux") throw new SandboxError("A sandbox needs Linux: it is made of namespaces.");
  if (process.getuid?.() !== 0)
    throw new SandboxError("A sandbox needs root, for its namespaces and its libvirtd: run this with sudo.");
}

// ---------------------------------------------------------------------------------------------------------------------

/** Their stdin must stay open: see init.sh. */
const held = new Set<ChildProcess>();

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
      if (hold !== undefined) held.delete(hold);
      hold?.stdin?.destroy();
    },
  };
}

function uriOf(pid: number): string {
  return `qemu+unix:///system?socket=/proc/${pid}/root/run/libvirt/libvirt-sock`;
}

/** Ends a sandbox and waits until nothing of it is left. */
async function end(dir: string, state: State): Promise<void> {
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

/** Starts a sandbox and waits until its libvirtd answers. It ends with this process, unless `detached`. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  requireRoot();
  const root = path.resolve(options.root ?? "/");
  requirePrograms(NEEDED, "A sandbox");
  requirePrograms(NEEDED_IN_ROOT, "A sandbox", root);
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

/** Runs init.sh and follows it until it is ready. */
async function launch(state: State, dir: string, log: number, options: SandboxOptions): Promise<ChildProcess> {
  // The keeper waits for the end and removes the directory, whatever happens to this process.
  const keeper = `dir=$1; shift
    unshare --net --mount --pid --ipc --uts --fork --kill-child -- "$@"
    if grep -q '"id":"${state.id}"' "$dir/state.json"; then rm -rf "$dir"; fi`;
  const { name, root, hostUuid } = state;
  const { firewallBackend = "", uplink = true } = options;
  const settings = [name, root, hostUuid, firewallBackend, uplink ? "1" : "0", capabilitiesDir(root)];
  const child = spawn("/bin/sh", ["-c", keeper, "virtnet-sandbox", dir, "/bin/sh", INIT, ...settings], {
    cwd: "/",
    detached: true,
    env: environment(),
    stdio: ["pipe", "pipe", log],
  });
  const stdin = child.stdin as Socket;
  const stdout = child.stdout as Socket;
  stdin.on("error", () => {});
  await new Promise<void>((resolve, reject) => {
    let text = "";
    let seen = 0;
    const timer = setTimeout(() => reject(new Error("no answer within 30 s")), 30_000);
    const settle = (action: () => void) => {
      clearTimeout(timer);
      action();
    };
    child.once("error", (error) => settle(() => reject(error)));
    child.once("close", (code) => settle(() => reject(new Error(`its init ended with code ${code}`))));
    child.once("spawn", () => {
      state.keeper = identify(child.pid ?? 0);
      writeState(dir, state);
    });
    stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      const lines = text.split("\n").slice(0, -1);
      for (const line of lines.slice(seen)) {
        if (line.startsWith("PID ")) {
          state.init = identify(Number(line.slice(4)));
          writeState(dir, state);
        } else if (line === "READY") {
          settle(resolve);
        }
      }
      seen = lines.length;
    });
  });
  state.ready = true;
  writeState(dir, state);
  // Detached: told to keep, it needs us no more. Else stdin stays open as long as this process lives, and no longer.
  if (options.detached === true) {
    await new Promise<void>((resolve) => stdin.end("keep\n", () => resolve()));
  } else {
    stdin.write("hold\n");
    held.add(child);
  }
  stdout.removeAllListeners("data");
  stdout.destroy();
  child.removeAllListeners("close");
  child.unref();
  stdin.unref();
  return child;
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
