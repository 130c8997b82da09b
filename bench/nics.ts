import type { Inputs } from "../provider/handler.js";
import { closeHosts, hostAt } from "../provider/host/hosts.js";
import { forgetKept } from "../provider/kept.js";
import { forgetNics, vmInterfaceHandler } from "../provider/vminterface/handler.js";
import { type Guest, startGuest } from "../sandbox/guests.js";
import { type Sandbox, startSandbox } from "../sandbox/index.js";
import { Program } from "../test/support/stack.js";
import { natXml, nicsIn, vmXml } from "../test/support/vms.js";
import { type Bench, type Context, type Line, ratios, rounds, timed } from "./lib/bench.js";
import { project, runRaw, withIdle } from "./lib/networks.js";

export const nics: Bench = {
  name: "nics",
  how: "A NIC of a running guest is plugged, moved to another network and unplugged, by the handler in this process (as the engine calls it, reading back included), compared with a C program that makes the same calls (but those that concern other runs) over one connection (`bench/lib/raw.c`; `test/sandbox/calls-nic.test.ts` counts ours: 15 to the daemon for a plug, 21 for a move, 15 for an unplug); beside it what the changing calls take alone. And NICs on running VMs in one `pulumi up`, compared with the sum of as many resources that do nothing and of the C program plugging as many, one after the other.",
  run: measure,
};

async function measure(ctx: Context): Promise<Line[]> {
  const sandbox = await startSandbox();
  try {
    for (const [name, n] of [
      ["one", 97],
      ["two", 98],
    ] as const) {
      await virsh(sandbox, ["net-define", "/dev/stdin"], natXml(name, `bnic${n}`, n));
      await virsh(sandbox, ["net-start", name]);
    }
    return [...(await oneNic(ctx, sandbox)), await manyNics(ctx, sandbox)];
  } finally {
    await closeHosts();
    await sandbox.stop();
  }
}

async function virsh(sandbox: Sandbox, argv: string[], input?: string): Promise<void> {
  const { stderr, code } = await sandbox.exec(["virsh", "-q", ...argv], input === undefined ? {} : { input });
  if (code !== 0) throw new Error(`virsh ${argv.join(" ")}: ${stderr}`);
}

const ctxOf = { log: () => undefined };
const RAW_MAC = "52:54:00:97:00:02";
const rawXml = `<interface type='network'><mac address='${RAW_MAC}'/><source network='one'/><model type='virtio'/></interface>`;
const STEPS = ["plug", "move", "unplug"] as const;
type Step = (typeof STEPS)[number];

async function oneNic(ctx: Context, sandbox: Sandbox): Promise<Line[]> {
  const guest = await startGuest(sandbox, { name: "web" });
  await guest.waitReady();
  const ours = { plug: [], move: [], unplug: [] } as Record<Step, number[]>;
  const raw = { plug: [], move: [], unplug: [] } as Record<Step, number[]>;
  const bare = { plug: [], move: [], unplug: [] } as Record<Step, number[]>;
  const lives = {
    ours: () => life(ours, () => handled(sandbox)),
    raw: () => life(raw, () => called(sandbox, "reads")),
    bare: () => life(bare, () => called(sandbox, "writes")),
  };
  const settled = async (lives: () => Promise<number>): Promise<number> => {
    const ms = await lives();
    // The guest is done with the one before the next one comes.
    await guest.exec("sleep 0.5");
    return ms;
  };
  await warmUp(lives, [ours, raw, bare], guest);
  await rounds(ctx, {
    ours: () => settled(lives.ours),
    raw: () => settled(lives.raw),
    bare: () => settled(lives.bare),
  });
  await guest.stop();
  return STEPS.map((step) => ({
    what: `${step} a NIC`,
    unit: "×",
    values: ratios(ours[step], raw[step]),
    goal: 1.1,
    parts: { ours: ours[step], "the same calls": raw[step], "the changing ones alone": bare[step] },
  }));
}

/** The first time connections are opened, and the guest loads its driver. */
async function warmUp(lives: Record<string, () => Promise<number>>, times: Record<Step, number[]>[], guest: Guest) {
  for (const life of Object.values(lives)) {
    await life();
    await guest.exec("sleep 0.5");
  }
  for (const each of times) for (const step of STEPS) each[step].length = 0;
}

async function life(times: Record<Step, number[]>, begin: () => Record<Step, () => Promise<number>>): Promise<number> {
  let sum = 0;
  const steps = begin();
  for (const step of STEPS) {
    const ms = await steps[step]();
    times[step].push(ms);
    sum += ms;
  }
  return sum;
}

/**
 * By the handler, as the engine drives it: check and diff are the preview's. Connection and daemon are awake when the time
 * begins, as they are for the C program, which has just opened its own.
 */
function handled(sandbox: Sandbox): Record<Step, () => Promise<number>> {
  let state: { id: string; outs: Inputs } | undefined;
  const there = () => state as { id: string; outs: Inputs };
  const up = async (network: string) => {
    const owner = { project, stack: "bench", key: "nic" };
    const news = { domain: "web", network, uri: sandbox.uri, owner };
    const { inputs, failures } = await vmInterfaceHandler.check(ctxOf, state?.outs ?? {}, news);
    if (failures.length > 0) throw new Error(JSON.stringify(failures));
    if (state) await vmInterfaceHandler.diff(ctxOf, state.id, state.outs, inputs);
    await hostAt(sandbox.uri).pool.use((c) => c.networks.list({ xml: false }));
    return await timed(async () => {
      state = state
        ? { id: state.id, outs: (await vmInterfaceHandler.update(ctxOf, state.id, state.outs, inputs)).outs }
        : await vmInterfaceHandler.create(ctxOf, inputs);
    });
  };
  forgetNics();
  hostAt(sandbox.uri).changed();
  return {
    plug: () => up("one"),
    move: () => up("two"),
    unplug() {
      forgetKept(); // it goes in another run than it came in
      return timed(() => vmInterfaceHandler.delete(ctxOf, there().id, there().outs));
    },
  };
}

function called(sandbox: Sandbox, calls: "reads" | "writes"): Record<Step, () => Promise<number>> {
  const interfaceOf = async (...flags: string[]) => {
    const [xml = ""] = await nicsIn(sandbox, "web", RAW_MAC, ...flags);
    return `<interface ${xml}</interface>`;
  };
  const moved = (xml: string) => xml.replace("network='one'", "network='two'").replace(/ (portid|bridge)='[^']*'/g, "");
  return {
    plug: () => runRaw([sandbox.uri, "plug", "web", calls, rawXml]),
    move: async () =>
      runRaw([sandbox.uri, "move", "web", calls, moved(await interfaceOf("--inactive")), moved(await interfaceOf())]),
    unplug: async () => runRaw([sandbox.uri, "unplug", "web", calls, await interfaceOf("--inactive")]),
  };
}

async function manyNics(ctx: Context, sandbox: Sandbox): Promise<Line> {
  const [vms, each] = ctx.quick ? [2, 5] : [10, 5];
  // VMs without an operating system: their NICs are as real as any.
  const start = async () => {
    for (let v = 0; v < vms; v++) {
      await virsh(sandbox, ["define", "/dev/stdin"], vmXml(`vm${v}`, { slots: each + 1 }));
      await virsh(sandbox, ["start", `vm${v}`]);
    }
  };
  const stop = async () => {
    for (let v = 0; v < vms; v++) {
      await virsh(sandbox, ["destroy", `vm${v}`]);
      await virsh(sandbox, ["undefine", `vm${v}`]);
    }
  };
  const up = async (idle: boolean): Promise<number> => {
    const program = new Program(ctx.cli, { project });
    try {
      if (idle) withIdle(program);
      program.write("index.js", idle ? idleText(vms, each) : ourText(vms, each));
      const stack = program.stack("bench", { "virtnet:uri": idle ? "qemu:///idle" : sandbox.uri });
      return await timed(() => stack.up());
    } finally {
      program.remove();
    }
  };
  const fresh = async (work: () => Promise<number>): Promise<number> => {
    await start();
    const ms = await work();
    await stop();
    return ms;
  };
  const values = await rounds(ctx, {
    ours: () => fresh(() => up(false)),
    engine: () => up(true),
    libvirt: () => fresh(() => runRaw([sandbox.uri, "plugs", "one", vms, each])),
  });
  return {
    what: `\`up\` of ${vms * each} NICs on ${vms} running VMs`,
    unit: "×",
    values: ratios(values.ours, values.engine, values.libvirt),
    goal: 1.1,
    parts: values,
  };
}

const forEach = (vms: number, each: number, text: string) =>
  `for (let v = 0; v < ${vms}; v++) for (let n = 0; n < ${each}; n++) ${text}\n`;

const ourText = (vms: number, each: number): string =>
  `const { VmInterface } = require("pulumi-virtnet");
${forEach(vms, each, 'new VmInterface("vm" + v + "-" + n, { domain: "vm" + v, network: "one" });')}`;

const idleText = (vms: number, each: number): string =>
  `const pulumi = require("@pulumi/pulumi");
const computed = { mac: undefined, alias: undefined, targetDevice: undefined, domainUuid: undefined, domainName: undefined, generated: undefined, active: undefined, addresses: undefined, adopted: undefined, hostUuid: undefined, hostName: undefined };
class Idle extends pulumi.CustomResource {
  constructor(name, args) {
    const settled = { name, uri: "qemu:///idle", owner: { project: pulumi.getProject(), stack: pulumi.getStack(), key: name } };
    super("pulumi-nodejs:dynamic/virtnet:IdleNic", name, { ...computed, ...args, ...settled, __provider: 'exports.handler=()=>require("bench-idle").idleNic' }, { deleteBeforeReplace: true });
  }
}
${forEach(vms, each, 'new Idle("vm" + v + "-" + n, { domain: "vm" + v, network: "one" });')}`;
