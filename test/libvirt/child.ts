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

/**
 * For children that count memory: `await settled()` is the state after collecting garbage: bytes that C has got from malloc and not
 * given back (glibc's mallinfo2, over all arenas and mappings), resident memory, file descriptors, threads. To be run with {@link counting}.
 */
export const settled = `
  const koffi = require(${JSON.stringify(require.resolve("koffi"))});
  const fields = ["arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"];
  koffi.struct("mallinfo2", Object.fromEntries(fields.map((name) => [name, "size_t"])));
  const mallinfo2 = koffi.load(null).func("mallinfo2 mallinfo2()");
  const count = (dir) => require("node:fs").readdirSync("/proc/self/" + dir).length;
  const settled = async () => {
    for (let i = 0; i < 3; i++) { global.gc(); await new Promise((r) => setTimeout(r, 20)); }
    const { uordblks, hblkhd } = mallinfo2();
    return { bytes: Number(uordblks) + Number(hblkhd), mb: process.memoryUsage().rss / 1e6, fds: count("fd"), threads: count("task") };
  };`;

/** So that the numbers are those of libvirt: no cache in each thread that counts as in use, and little garbage that waits in the heap of a worker. */
export const counting = {
  env: { GLIBC_TUNABLES: "glibc.malloc.tcache_count=0" },
  nodeArgs: ["--expose-gc", "--max-semi-space-size=1"],
};

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
