/** The networks of the benches, in each form that is compared: arguments, a Pulumi program, and raw.c. */
import { execFileSync, spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { cacheDir, run } from "../../sandbox/index.js";
import { Program, type Stack } from "../../test/support/stack.js";
import { root } from "./bench.js";

export const project = "bench";
export const nameOf = (n: number): string => `bench-${n}`;

/** A typical NAT network; `end` of its DHCP range is what changes. */
export function argsOf(n: number, end = 99): Record<string, unknown> {
  const net = `10.${100 + Math.floor(n / 250)}.${n % 250}`;
  return {
    mode: "nat",
    bridge: { name: `bn${n}` },
    ips: [{ address: `${net}.1/24`, dhcp: { ranges: [{ start: `${net}.10`, end: `${net}.${end}` }] } }],
  };
}

const head = `const argsOf = (n, end) => { const net = \`10.\${100 + Math.floor(n / 250)}.\${n % 250}\`;
  return { mode: "nat", bridge: { name: "bn" + n }, ips: [{ address: net + ".1/24", dhcp: { ranges: [{ start: net + ".10", end: net + "." + end }] } }] }; };
`;

interface Content {
  count: number;
  end?: number;
  /** Only defined, neither started nor started with the host. */
  inactive?: boolean;
}

const literal = ({ count, end = 99, inactive = false }: Content): string =>
  `const count = ${count}, end = ${end}, state = ${inactive ? "{ running: false, autostart: false }" : "{}"};\n${head}`;

/** Lets the text in a state find resources that do nothing. */
export function withIdle(program: Program): void {
  const modules = path.join(program.dir, "node_modules", "bench-idle");
  fs.mkdirSync(modules);
  fs.writeFileSync(
    path.join(modules, "index.js"),
    `module.exports = require(${JSON.stringify(require.resolve("./idle.js"))});`,
  );
}

/** A folder with a program of ours, or of resources that do nothing with the same inputs. */
export class BenchProgram {
  readonly program: Program;
  readonly stack: Stack;
  readonly #idle: boolean;

  constructor(cli: string, kind: { uri: string } | "idle") {
    this.#idle = kind === "idle";
    this.program = new Program(cli, { project });
    this.stack = this.program.stack("bench", { "virtnet:uri": kind === "idle" ? "qemu:///idle" : kind.uri });
    withIdle(this.program);
  }

  write(content: Content): void {
    const ours = `const { Network } = require("pulumi-virtnet");
for (let n = 0; n < count; n++) new Network("bench-" + n, { ...argsOf(n, end), ...state });`;
    const idle = `const pulumi = require("@pulumi/pulumi");
const computed = { uuid: undefined, bridgeName: undefined, macAddress: undefined, active: undefined, adopted: undefined, hostUuid: undefined, hostName: undefined, upstreamRoutes: undefined };
class Idle extends pulumi.CustomResource {
  constructor(name, args) {
    const settled = { name, uri: "qemu:///idle", owner: { project: pulumi.getProject(), stack: pulumi.getStack(), key: name } };
    super("pulumi-nodejs:dynamic/virtnet:Idle", name, { ...computed, ...args, ...settled, __provider: 'exports.handler=()=>require("bench-idle").idle' }, { deleteBeforeReplace: true });
  }
}
for (let n = 0; n < count; n++) new Idle("bench-" + n, { ...argsOf(n, end), ...state });`;
    this.program.write("index.js", `${literal(content)}${this.#idle ? idle : ours}\n`);
  }

  /** The state as the file backend keeps it. */
  stateBytes(): number {
    return fs.statSync(path.join(this.program.dir, "..", "state", ".pulumi", "stacks", project, "bench.json")).size;
  }
}

let raw: string | undefined;

/** raw.c, compiled into the cache. */
function rawProgram(): string {
  if (raw === undefined) {
    const source = path.join(root, "bench", "lib", "raw.c");
    raw = path.join(cacheDir(), "bench-raw");
    fs.mkdirSync(cacheDir(), { recursive: true });
    execFileSync("gcc", ["-O2", "-Wall", "-o", raw, source, "-lvirt", "-lpthread"]);
  }
  return raw;
}

/** @returns milliseconds, as it measured them itself. */
export async function runRaw(args: (string | number)[]): Promise<number> {
  const { stdout, stderr, code } = await run([rawProgram(), ...args.map(String)], { timeoutMs: 600_000 });
  if (code !== 0) throw new Error(`raw ${args.join(" ")}: ${stderr}`);
  return Number(stdout);
}

/** A node process of its own. @returns its last line, and the milliseconds until its end. */
export function runNode(argv: string[]): Promise<{ line: string; ms: number }> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, argv, { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    child.on("error", reject);
    child.on("close", (code) => {
      if (code !== 0) return reject(new Error(`node ${argv.join(" ")} ended with ${code}`));
      resolve({ line: text.trim().split("\n").at(-1) ?? "", ms: performance.now() - started });
    });
  });
}
