import * as path from "node:path";
import { type Bench, type Context, type Line, ratios, rounds, timed } from "./lib/bench.js";
import { delay } from "./lib/delay.js";
import type { BenchProgram } from "./lib/networks.js";
import { thousand } from "./lib/thousand.js";

const roundTripMs = 20;

export const refresh: Bench = {
  name: "refresh",
  how: `\`pulumi preview --refresh\` of 1000 networks, compared with 1000 resources that do nothing. The networks are defined and not running, so that one sandbox holds them. "Far host": the same through a Unix socket that delivers each way ${roundTripMs / 2} ms later (\`bench/lib/delay.ts\`; this kernel has no netem).`,
  run: measure,
};

async function measure(ctx: Context): Promise<Line[]> {
  const all = await thousand(ctx);
  const socket = path.join(all.dir, "far");
  const proxy = await delay(
    socket,
    new URL(all.sandbox.uri.replace("qemu+unix", "http")).searchParams.get("socket") ?? "",
    roundTripMs,
  );
  const programs: BenchProgram[] = [];
  try {
    const stack = async (kind: { uri: string } | "idle"): Promise<BenchProgram> => {
      const program = await all.stack(kind);
      programs.push(program);
      return program;
    };
    const engine = await stack("idle");
    const near = await stack({ uri: all.sandbox.uri });
    const far = await stack({ uri: `qemu+unix:///system?socket=${socket}` });
    const preview = async (program: BenchProgram): Promise<number> => {
      let text = "";
      const ms = await timed(async () => {
        ({ text } = await program.stack.run(["preview", "--refresh"]));
      });
      if (!text.includes(`${all.count + 1} unchanged`)) throw new Error(`not all of them are unchanged:\n${text}`);
      return ms;
    };
    const times = await rounds(ctx, {
      engine: () => preview(engine),
      ours: () => preview(near),
      far: () => preview(far),
    });
    return [
      {
        what: `\`preview --refresh\` of ${all.count} networks`,
        unit: "×",
        values: ratios(times.ours, times.engine),
        goal: 1.2,
        parts: { ours: times.ours, engine: times.engine },
      },
      {
        what: `the same, ${roundTripMs} ms from the host`,
        unit: "×",
        values: ratios(times.far, times.engine),
        goal: 1.5,
        parts: { ours: times.far, engine: times.engine },
      },
    ];
  } finally {
    for (const { program } of programs) program.remove();
    await proxy.close();
  }
}
