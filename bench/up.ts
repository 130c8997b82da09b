import { startSandbox } from "../sandbox/index.js";
import { type Bench, type Context, type Line, ratios, rounds, timed } from "./lib/bench.js";
import { BenchProgram, runRaw } from "./lib/networks.js";

export const up: Bench = {
  name: "up",
  how: "40 NAT networks, running, by the real `pulumi up`, a change of the DHCP range of all 40, and `destroy`. Compared with the sum of what nobody can go below: the same three runs over 40 resources that do nothing (`bench/lib/idle.ts`, the same inputs and the same thin form), and a C program that makes, changes and removes the same 40 networks over 4 connections (`bench/lib/raw.c`).",
  run: measure,
};

async function measure(ctx: Context): Promise<Line[]> {
  const count = ctx.quick ? 8 : 40;
  const sandbox = await startSandbox();
  const idle = new BenchProgram(ctx.cli, "idle");
  const ours = new BenchProgram(ctx.cli, { uri: sandbox.uri });
  const state: number[] = [];
  try {
    const times = { idle: [[], [], []], raw: [[], [], []], ours: [[], [], []] } as Record<string, number[][]>;
    const life = async (name: string, work: (() => Promise<number>)[]): Promise<number> => {
      let sum = 0;
      for (const [i, step] of work.entries()) {
        const ms = await step();
        times[name]?.[i]?.push(ms);
        sum += ms;
      }
      return sum;
    };
    const program = (p: BenchProgram, name: string) =>
      life(name, [
        () => {
          p.write({ count });
          return timed(() => p.stack.up());
        },
        () => {
          if (name === "ours") state.push(p.stateBytes() / count / 1000);
          p.write({ count, end: 120 });
          return timed(() => p.stack.up());
        },
        () => timed(() => p.stack.destroy()),
      ]);
    await idle.stack.run(["stack", "ls"]); // makes the stacks
    await ours.stack.run(["stack", "ls"]);
    await rounds(ctx, {
      idle: () => program(idle, "idle"),
      raw: () =>
        life(
          "raw",
          ["create", "range", "delete"].map((verb) => () => runRaw([sandbox.uri, verb, 4, 0, count, "running"])),
        ),
      ours: () => program(ours, "ours"),
    });
    const line = (what: string, i: number): Line => {
      const [own, engine, libvirt] = [times.ours![i]!, times.idle![i]!, times.raw![i]!];
      return {
        what,
        unit: "×",
        values: ratios(own, engine, libvirt),
        goal: 1.05,
        parts: { ours: own, engine, libvirt },
      };
    };
    return [
      line(`\`up\` of ${count} networks`, 0),
      line("a live DHCP change of all", 1),
      line("`destroy`", 2),
      { what: "state of a network in the file backend (file ÷ networks)", unit: "KB", values: state, goal: 3 },
    ];
  } finally {
    idle.program.remove();
    ours.program.remove();
    await sandbox.stop();
  }
}
