/** Processes of this machine: each is remembered with the time of its start, since a process id is reused some day. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import type { Socket } from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { SandboxError } from "./errors.js";

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

/** Where a sandbox's programs are. */
export const PATH = "/usr/sbin:/usr/bin:/sbin:/bin";

export interface ProcessId {
  pid: number;
  startTime: string;
}

export function identify(pid: number): ProcessId | undefined {
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

export function isAlive(target: ProcessId | undefined): boolean {
  return target !== undefined && identify(target.pid)?.startTime === target.startTime;
}

export function kill(target: ProcessId | undefined, scope: "process" | "group" = "process"): void {
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

/** What it says, where it ends well; else an error that says `what` failed. */
export async function must(argv: string[], what = argv.join(" ")): Promise<string> {
  const { stdout, stderr, code } = await run(argv, { timeoutMs: 300_000 });
  if (code !== 0) throw new SandboxError(`${what} failed: ${stderr.trim() || stdout.trim() || `code ${code}`}`);
  return stdout;
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
