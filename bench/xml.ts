import { open } from "../provider/libvirt/index.js";
import { startSandbox } from "../sandbox/index.js";
import { type Bench, type Context, type Line, ratios, rounds, timed } from "./lib/bench.js";
import { nameOf, runRaw } from "./lib/networks.js";

export const xml: Bench = {
  name: "xml",
  how: "Reading networks through the bindings, compared with a C program that makes the same libvirt calls (`bench/lib/raw.c`): one network with its state and definition (`networks.get`), and all definitions of the host (`networks.list`, 200 of them). The goal is judged by the C program that has an event loop on a thread of its own and keepalive, since a connection of ours has them; the bare one, which would wait for a hung daemon for ever, stands beside it.",
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
      rawListLoop: () => runRaw([sandbox.uri, "list", lists, "loop"]),
    });
    await c.close();
    const each = (values: number[], n: number) => values.map((ms) => (ms * 1000) / n);
    const one = (raw: number[], n: number) => show(each(raw, n));
    return [
      {
        what: `one network, in µs: ours ${one(times.get, reads)}, C with an event loop and keepalive ${one(times.rawLoop, reads)}`,
        unit: "×",
        values: ratios(times.get, times.rawLoop),
        goal: 1.2,
      },
      {
        what: `the same, bare C ${one(times.rawGet, reads)}`,
        unit: "×",
        values: ratios(times.get, times.rawGet),
      },
      {
        what: `one definition of a listing, in µs: ours ${one(times.list, lists * count)}, C with an event loop and keepalive ${one(times.rawListLoop, lists * count)}`,
        unit: "×",
        values: ratios(times.list, times.rawListLoop),
        goal: 1.2,
      },
      {
        what: `the same, bare C ${one(times.rawList, lists * count)}`,
        unit: "×",
        values: ratios(times.list, times.rawList),
      },
    ];
  } finally {
    await sandbox.stop();
  }
}

const show = (values: number[]): string => [...values].sort((a, b) => a - b)[values.length >> 1]!.toFixed(0);
