import { open } from "../provider/libvirt/index.js";
import { startSandbox } from "../sandbox/index.js";
import { type Bench, type Context, type Line, ratios, rounds, timed } from "./lib/bench.js";
import { nameOf, runRaw } from "./lib/networks.js";

export const xml: Bench = {
  name: "xml",
  how: "Reading networks through the bindings, compared with a C program that makes the same libvirt calls (`bench/lib/raw.c`): one network with its state and definition (`networks.get`), and all definitions of the host (`networks.list`, 200 of them).",
  run: measure,
};

async function measure(ctx: Context): Promise<Line[]> {
  const count = ctx.quick ? 50 : 200;
  const [reads, lists] = ctx.quick ? [200, 2] : [2000, 10];
  const sandbox = await startSandbox();
  try {
    await runRaw([sandbox.uri, "create", 4, 0, count, "defined"]);
    const c = await open(sandbox.uri);
    const network = (await c.networks.get({ name: nameOf(0) }))!;
    const times = await rounds(ctx, {
      get: () =>
        timed(async () => {
          for (let i = 0; i < reads; i++) await c.networks.get({ uuid: network.uuid });
        }),
      rawGet: () => runRaw([sandbox.uri, "read", nameOf(0), reads]),
      rawLoop: () => runRaw([sandbox.uri, "read", nameOf(0), reads, "loop"]),
      list: () =>
        timed(async () => {
          for (let i = 0; i < lists; i++) await c.networks.list();
        }),
      rawList: () => runRaw([sandbox.uri, "list", lists]),
    });
    await c.close();
    const each = (values: number[], n: number) => values.map((ms) => (ms * 1000) / n);
    return [
      {
        what: `one network, in µs: ours ${show(each(times.get, reads))}, C ${show(each(times.rawGet, reads))}`,
        unit: "×",
        values: ratios(times.get, times.rawGet),
        goal: 1.2,
      },
      {
        what: `the same, the C program too with an event loop and keepalive: C ${show(each(times.rawLoop, reads))}`,
        unit: "×",
        values: ratios(times.get, times.rawLoop),
      },
      {
        what: `one definition of a listing, in µs: ours ${show(each(times.list, lists * count))}, C ${show(each(times.rawList, lists * count))}`,
        unit: "×",
        values: ratios(times.list, times.rawList),
        goal: 1.2,
      },
    ];
  } finally {
    await sandbox.stop();
  }
}

const show = (values: number[]): string => [...values].sort((a, b) => a - b)[values.length >> 1]!.toFixed(0);
