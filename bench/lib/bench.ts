/** What a bench is, and how its rounds become a line of the table. */
import * as path from "node:path";

export interface Context {
  /** Rounds of each measurement; in a round all that is compared runs once. */
  runs: number;
  /** Fewer networks: to see that the bench works. */
  quick: boolean;
  /** Folder of the Pulumi CLI. */
  cli: string;
  log(line: string): void;
}

export interface Line {
  what: string;
  unit: "×" | "ms" | "KB" | "lost";
  /** One value a round. */
  values: number[];
  /** At most this; absent where it is told for information. */
  goal?: number;
  /** What stands behind the values: milliseconds of each part, by name. */
  parts?: Record<string, number[]>;
}

export interface Bench {
  name: string;
  /** What is measured against what, and how; stands above the table. */
  how: string;
  run(ctx: Context): Promise<Line[]>;
}

export const root = path.resolve(__dirname, "../../..");

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** Runs the parts once a round, each round beginning with another one: what drifts hits all alike. */
export async function rounds<K extends string>(
  ctx: Context,
  parts: Record<K, (round: number) => Promise<number>>,
): Promise<Record<K, number[]>> {
  const names = Object.keys(parts) as K[];
  const values = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<K, number[]>;
  for (let round = 0; round < ctx.runs; round++) {
    for (let i = 0; i < names.length; i++) {
      const name = names[(i + round) % names.length]!;
      values[name].push(await parts[name](round));
    }
    ctx.log(`round ${round + 1}: ${names.map((name) => `${name} ${values[name].at(-1)?.toFixed(1)}`).join(", ")}`);
  }
  return values;
}

/** Round by round. */
export function ratios(above: readonly number[], ...below: readonly (readonly number[])[]): number[] {
  return above.map((value, i) => value / below.reduce((sum, values) => sum + values[i]!, 0));
}

export function met(line: Line): boolean | undefined {
  // What is lost once is lost.
  const judged = line.unit === "lost" ? Math.max(...line.values) : median(line.values);
  return line.goal === undefined ? undefined : judged <= line.goal;
}

const digits = (unit: Line["unit"]): number => (unit === "ms" || unit === "lost" ? 0 : 2);

export function row(line: Line): string[] {
  const shown = (value: number, unit = line.unit) => value.toFixed(digits(unit));
  const of = line.unit === "lost" ? "lost" : "ms";
  const parts = Object.entries(line.parts ?? {}).map(([name, values]) => `${name} ${shown(median(values), of)} ${of}`);
  return [
    line.what,
    `${shown(median(line.values))} ${line.unit}`,
    `${shown(Math.min(...line.values))}–${shown(Math.max(...line.values))}`,
    line.goal === undefined ? "" : `≤ ${line.goal} ${line.unit}`,
    { true: "yes", false: "**no**", undefined: "" }[String(met(line)) as "true" | "false" | "undefined"],
    parts.join(", "),
  ];
}
