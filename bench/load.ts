import * as path from "node:path";
import { STATE_FIELDS } from "../provider/network/args.js";
import { startSandbox } from "../sandbox/index.js";
import { type Bench, type Context, type Line, root, rounds } from "./lib/bench.js";
import { argsOf, runNode } from "./lib/networks.js";

export const load: Bench = {
  name: "load",
  how: "A fresh node process that loads the provider and does a first check, minus one that does nothing. An unchanged network needs no libvirt; a new one opens a connection (here to libvirt's test driver, so that no daemon counts). Beside it a sandbox, until its libvirtd answers.",
  run: measure,
};

async function measure(ctx: Context): Promise<Line[]> {
  const entry = path.join(root, "dist", "provider", "dynamic-v1.js");
  const state = Object.fromEntries(STATE_FIELDS.map((field) => [field, true]));
  const news = { ...argsOf(0), name: "a", uri: "test:///default", ...state };
  const end = "const { user, system } = process.cpuUsage(); console.log((user + system) / 1000)";
  const check = (olds: object) =>
    `require(${JSON.stringify(entry)}).network.check(${JSON.stringify(olds)}, ${JSON.stringify(news)}).then(({ failures }) => { ${end}; process.exit(failures.length); })`;
  const cpu: Record<string, number[]> = { bare: [], unchanged: [] };
  const node = async (name: string, code: string): Promise<number> => {
    const { line, ms } = await runNode(["-e", code]);
    cpu[name]?.push(Number(line));
    return ms;
  };
  const times = await rounds(
    { ...ctx, runs: Math.max(ctx.runs, ctx.quick ? 3 : 15) },
    {
      bare: () => node("bare", `${end}; process.exit(0)`),
      unchanged: () => node("unchanged", check(news)),
      changed: () => node("changed", check({})),
      sandbox: async () => {
        const began = performance.now();
        const sandbox = await startSandbox();
        const ms = performance.now() - began;
        await sandbox.stop();
        return ms;
      },
    },
  );
  const beyond = (values: number[]) => values.map((value, i) => value - times.bare[i]!);
  return [
    {
      what: "load and first check of an unchanged network",
      unit: "ms",
      values: beyond(times.unchanged),
      goal: 150,
      parts: { "bare node": times.bare },
    },
    {
      what: "the same in CPU time of all its threads, which other work on the machine changes less",
      unit: "ms",
      values: cpu.unchanged!.map((value, i) => value - cpu.bare![i]!),
    },
    {
      what: "load and first check of a new network, libvirt loaded",
      unit: "ms",
      values: beyond(times.changed),
    },
    { what: "a sandbox, until its libvirtd answers", unit: "ms", values: times.sandbox, goal: 1000 },
  ];
}
