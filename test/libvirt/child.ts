/** Runs a piece of a program in a Node of its own: for what ends, breaks or counts per process. */
import { spawn } from "node:child_process";
import { join } from "node:path";

export interface ChildResult {
  stdout: string;
  stderr: string;
  code: number | null;
  signal: string | null;
  ms: number;
}

/** `body` is the body of an async function; it has `libvirt`, the room's exports, and `print` for JSON lines on stdout. */
export function inChild(
  body: string,
  env: Record<string, string> = {},
  options: { timeoutMs?: number; nodeArgs?: string[] } = {},
): Promise<ChildResult> {
  const program = `
    const libvirt = require(${JSON.stringify(join(__dirname, "../../provider/libvirt/index.js"))});
    const print = (value) => console.log(JSON.stringify(value));
    const data = (e) => ({ class: e.class, code: e.code, domain: e.domain, level: e.level, sent: e.sent, text: e.text, fn: e.function });
    (async () => { ${body} })();`;
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...(options.nodeArgs ?? []), "-e", program], {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const timer = setTimeout(() => child.kill("SIGKILL"), options.timeoutMs ?? 20_000);
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk;
    });
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk;
    });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      resolve({ stdout, stderr, code, signal, ms: performance.now() - started });
    });
  });
}

/** The JSON lines that a child printed; its failure, with what it said, if it did not end well by itself. */
// biome-ignore lint/suspicious/noExplicitAny: what the child printed is whatever the test made it print
export function lines(result: ChildResult): any[] {
  if (result.code !== 0) throw new Error(`child ended with ${result.code ?? result.signal}: ${result.stderr}`);
  return result.stdout
    .trim()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}
