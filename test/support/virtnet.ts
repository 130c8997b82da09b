/** Runs bin/virtnet as a user does: a process of its own. */
import { spawn } from "node:child_process";
import { repository } from "./repository.js";

export interface Ran {
  stdout: string;
  stderr: string;
  code: number | null;
}

export interface RunOptions {
  /** What it reads on stdin. */
  input?: string;
  env?: NodeJS.ProcessEnv;
  /** What to run instead of node with bin/virtnet. */
  command?: string[];
}

export function virtnet(args: string[], { input = "", env = {}, command }: RunOptions = {}): Promise<Ran> {
  const [program = "", ...before] = command ?? [process.execPath, `${repository}/bin/virtnet`];
  const { LIBVIRT_DEFAULT_URI: _, ...inherited } = process.env;
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...before, ...args], { env: { ...inherited, ...env }, timeout: 120_000 });
    const ran: Ran = { stdout: "", stderr: "", code: null };
    child.stdout.setEncoding("utf8").on("data", (s: string) => {
      ran.stdout += s;
    });
    child.stderr.setEncoding("utf8").on("data", (s: string) => {
      ran.stderr += s;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ ...ran, code }));
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}
