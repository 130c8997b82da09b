import * as fs from "node:fs";
import * as path from "node:path";
import { type Bench, type Context, type Line, rounds } from "./lib/bench.js";
import { runNode } from "./lib/networks.js";
import { thousand } from "./lib/thousand.js";

export const memory: Bench = {
  name: "memory",
  how: "A process with the provider reads 1000 networks, as `refresh` does; what it holds then, garbage collected, minus what it held when it was idle, connected and with all loaded; a network. Judged by the heap: resident memory, told beside it, is mostly room that V8 has grown while it parsed and keeps.",
  run: measure,
};

async function measure(ctx: Context): Promise<Line[]> {
  const all = await thousand(ctx);
  const file = path.join(all.dir, "outs.json");
  fs.writeFileSync(file, JSON.stringify(all.outs));
  const results: { heap: number; rss: number }[] = [];
  await rounds(ctx, {
    heap: async () => {
      const { line } = await runNode(["--expose-gc", require.resolve("./lib/memory-child.js"), file]);
      const result = JSON.parse(line) as { heap: number; rss: number };
      results.push(result);
      return result.heap / 1000;
    },
  });
  return [
    { what: "heap and buffers a network", unit: "KB", values: results.map((r) => r.heap / 1000), goal: 30 },
    { what: "resident memory a network", unit: "KB", values: results.map((r) => r.rss / 1000) },
  ];
}
