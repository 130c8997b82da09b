/** `npm run bench`: runs the benches that are named (or all), prints their tables, and with `--write` keeps them in docs/benchmarks.md. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { parseArgs } from "node:util";
import { type Bench, type Context, type Line, met, root, row } from "./lib/bench.js";
import { endThousand } from "./lib/thousand.js";
import { live } from "./live.js";
import { load } from "./load.js";
import { memory } from "./memory.js";
import { nics } from "./nics.js";
import { refresh } from "./refresh.js";
import { restart } from "./restart.js";
import { up } from "./up.js";
import { xml } from "./xml.js";

const benches: Bench[] = [load, xml, memory, refresh, up, restart, live, nics];
const page = path.join(root, "docs", "benchmarks.md");

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      runs: { type: "string", default: "7" },
      quick: { type: "boolean", default: false },
      write: { type: "boolean", default: false },
    },
  });
  const unknown = positionals.filter((name) => !benches.some((bench) => bench.name === name));
  const runs = Number(values.runs);
  if (unknown.length > 0 || !(runs >= 1)) {
    console.error(
      `bench knows ${benches.map(({ name }) => name).join(", ")}, --runs N, --quick and --write, not ${unknown.join(" ") || `--runs ${values.runs}`}.`,
    );
    process.exitCode = 2;
    return;
  }
  const chosen = benches.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  const ctx: Context = {
    runs,
    quick: values.quick,
    cli: process.env.VIRTNET_PULUMI_DIR ?? "",
    log: (text) => console.log(`  ${text}`),
  };
  const missed: string[] = [];
  try {
    for (const bench of chosen) {
      console.log(`${bench.name}: ${bench.how}`);
      const lines = await bench.run(ctx);
      const table = tableOf(lines);
      console.log(`\n${table}\n`);
      missed.push(...lines.filter((line) => met(line) === false).map((line) => `${bench.name}: ${line.what}`));
      if (values.write) write(bench, table, ctx);
    }
  } finally {
    await endThousand();
  }
  console.log(missed.length === 0 ? "All goals are met." : `Goals not met: ${missed.join("; ")}.`);
}

function tableOf(lines: Line[]): string {
  const rows = [
    ["", "median", "min–max", "goal", "met", "of which (medians)"],
    ["---", "---", "---", "---", "---", "---"],
    ...lines.map(row),
  ];
  return rows.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** Replaces the bench's own section; what is written around the sections stays. */
function write({ name, how }: Bench, table: string, { runs, quick }: Context): void {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
  const text = fs.existsSync(page) ? fs.readFileSync(page, "utf8") : "# Benchmarks\n";
  const load = os.loadavg()[0]!.toFixed(1);
  const section = `${begin}\n${how}\n\n${table}\n\n${runs} rounds${quick ? ", quick" : ""}; ${os.availableParallelism()} cores, load ${load} at the end; node ${process.versions.node}.\n${end}`;
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  const next =
    from < 0
      ? `${text.trimEnd()}\n\n## ${name}\n\n${section}\n`
      : text.slice(0, from) + section + text.slice(to + end.length);
  fs.writeFileSync(page, next);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
