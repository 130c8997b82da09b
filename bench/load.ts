import * as path from "node:path";
import { type Bench, type Context, type Line, root, rounds } from "./lib/bench.js";
import { argsOf, runNode } from "./lib/networks.js";

export const load: Bench = {
  name: "load",
  how: "A fresh node process that loads the provider and does a first check, minus one that does nothing. An unchanged network needs no libvirt; a new one opens a connection (here to libvirt's test driver, so that no daemon counts).",
  run: measure,
};

async function measure(ctx: Context): Promise<Line[]> {
  const entry = path.join(root, "dist", "provider", "dynamic-v1.js");
  const news = { ...argsOf(0), name: "a", uri: "test:///default", running: true, autostart: true };
  const check = (olds: object) =>
    `require(${JSON.stringify(entry)}).network.check(${JSON.stringify(olds)}, ${JSON.stringify(news)}).then(({ failures }) => process.exit(failures.length))`;
  const node = async (code: string): Promise<number> => (await runNode(["-e", code])).ms;
  const times = await rounds(
    { ...ctx, runs: Math.max(ctx.runs, ctx.quick ? 3 : 15) },
    {
      bare: () => node("process.exit(0)"),
      unchanged: () => node(check(news)),
      changed: () => node(check({})),
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
      what: "load and first check of a new network, libvirt loaded",
      unit: "ms",
      values: beyond(times.changed),
    },
  ];
}
