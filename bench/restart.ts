import type { Inputs } from "../provider/handler.js";
import { closeHosts } from "../provider/host/hosts.js";
import { open } from "../provider/libvirt/index.js";
import { type Guest, startGuest } from "../sandbox/guests.js";
import { type Sandbox, startSandbox } from "../sandbox/index.js";
import { type Bench, type Context, type Line, ratios } from "./lib/bench.js";
import { resource } from "./lib/resource.js";

export const restart: Bench = {
  name: "restart",
  how: "What two guests notice of a change, by their own pings every 10 ms: the longest time without an answer from each other and from the gateway. Compared with what libvirt takes to stop and start another such network, which no VM is on, over one connection, while the same guests ping. A gap between two guests is at least two pings long; from that of the gateway, the longest one of the same pings without a change is taken away.",
  run: measure,
};

interface SetUp {
  name: string;
  args(n: number): Inputs;
}

const addresses = (n: number) => [
  { address: `10.80.${n}.1/24`, dhcp: { ranges: [{ start: `10.80.${n}.10`, end: `10.80.${n}.99` }] } },
];
const SET_UPS: SetUp[] = [
  { name: "NAT", args: (n) => ({ mode: "nat", bridge: { stp: false }, ips: addresses(n) }) },
  { name: "NAT with a spanning tree", args: (n) => ({ mode: "nat", bridge: { stp: true }, ips: addresses(n) }) },
  {
    name: "isolated, IPv4 and IPv6",
    args: (n) => ({
      mode: "isolated",
      bridge: { stp: false },
      ips: [...addresses(n), { address: `fd00:80:${n}::1/64` }],
    }),
  },
];

async function measure(ctx: Context): Promise<Line[]> {
  const sandbox = await startSandbox();
  try {
    const lines: Line[] = [];
    for (const [i, setUp] of SET_UPS.entries()) lines.push(...(await guestsOf(ctx, sandbox, setUp, i * 2)));
    lines.push(await manyNics(ctx, sandbox));
    return lines;
  } finally {
    await closeHosts();
    await sandbox.stop();
  }
}

async function guestsOf(ctx: Context, sandbox: Sandbox, { name, args }: SetUp, n: number): Promise<Line[]> {
  const net = resource(sandbox.uri, `net${n}`);
  const twin = resource(sandbox.uri, `twin${n}`);
  await net.up(args(n));
  await twin.up(args(n + 1));
  const [web, db] = (await Promise.all(
    ["web", "db"].map((g) => startGuest(sandbox, { name: g, nics: [{ network: `net${n}` }] })),
  )) as [Guest, Guest];
  await Promise.all([web.waitReady(), db.waitReady()]);
  const target = (await db.addresses())[0]?.v4[0]?.replace(/\/.*/, "") ?? "";
  const c = await open(sandbox.uri);
  const values = { guests: [], gateway: [], raw: [], said: [], still: [] } as Record<string, number[]>;
  const pinged = async (work: () => Promise<unknown>) => {
    const pings = [await web.startPing(target, 10), await db.startPing(`10.80.${n}.1`, 10)] as const;
    await web.exec("sleep 0.3");
    await work();
    await web.exec("sleep 0.5");
    return { guests: (await web.stopPing(pings[0])).maxGapMs, gateway: (await db.stopPing(pings[1])).maxGapMs };
  };
  for (let round = 0; round < ctx.runs; round++) {
    const mtu = round % 2 === 0 ? 1400 : 1450;
    // Beside the same guests and pings: without KVM they take a good part of the cores.
    const alone = await pinged(async () => {
      const started = performance.now();
      await c.networks.destroy({ name: `twin${n}` });
      await c.networks.start({ name: `twin${n}` });
      values.raw?.push(performance.now() - started);
    });
    values.still?.push(alone.guests);
    const gaps = await pinged(() => net.up({ ...args(n), mtu }));
    values.guests?.push(gaps.guests);
    values.gateway?.push(gaps.gateway - alone.gateway);
    values.said?.push(1000 * Number(/the gateway for about ([\d.]+) s/.exec(net.said.at(-1) ?? "")?.[1]));
    ctx.log(
      `${name}, round ${round + 1}: ${Object.entries(values)
        .map(([k, v]) => `${k} ${v.at(-1)?.toFixed(0)}`)
        .join(", ")}`,
    );
  }
  await c.close();
  await Promise.all([web.stop(), db.stop()]);
  await net.destroy();
  await twin.destroy();
  const { guests = [], gateway = [], raw = [], said = [], still = [] } = values;
  return [
    {
      what: `${name}: guest to guest while it restarts`,
      unit: "ms",
      values: guests,
      goal: 50,
      parts: { "without a change": still },
    },
    {
      what: `${name}: the gateway, in times of stopping and starting`,
      unit: "×",
      values: ratios(gateway, raw),
      goal: 1.1,
      parts: { "the gateway": gateway, libvirt: raw },
    },
    {
      what: `${name}: what the preview says of the gateway, in times of what was lost`,
      unit: "×",
      values: ratios(said, gateway),
      goal: 2,
    },
  ];
}

/** VMs without an operating system: their taps are as real as any. Without a boot ROM, which would ask for an address all the time. */
async function manyNics(ctx: Context, sandbox: Sandbox): Promise<Line> {
  const args = { mode: "isolated", bridge: { stp: false } };
  const [few, many] = [resource(sandbox.uri, "few"), resource(sandbox.uri, "many")];
  await few.up(args);
  await many.up(args);
  const c = await open(sandbox.uri);
  const vm = (v: number, network: string, nics: number) =>
    `<domain type='qemu'><name>vm${v}</name><memory unit='MiB'>32</memory><os><type arch='x86_64' machine='q35'>hvm</type></os><devices>${Array.from(
      { length: nics },
      (_, k) =>
        `<interface type='network'><mac address='52:54:00:80:0${v}:${String(10 + k)}'/><source network='${network}'/><model type='virtio'/><rom enabled='no'/></interface>`,
    ).join("")}<memballoon model='none'/></devices></domain>`;
  await c.domains.createXml(vm(0, "few", 1));
  await c.domains.createXml(vm(1, "many", 13));
  await c.domains.createXml(vm(2, "many", 12));
  const each: number[] = [];
  for (let round = 0; round < ctx.runs; round++) {
    const mtu = 1400 + (round % 2);
    const one = await few.up({ ...args, mtu });
    each.push(((await many.up({ ...args, mtu })) - one) / 24);
  }
  for (const v of [0, 1, 2]) await c.domains.destroy({ name: `vm${v}` });
  await c.close();
  await few.destroy();
  await many.destroy();
  return { what: "each NIC more (25 on two VMs against one), of the whole update", unit: "ms", values: each, goal: 5 };
}
