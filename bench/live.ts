import type { Inputs } from "../provider/handler.js";
import { closeHosts } from "../provider/host/hosts.js";
import { type Connection, open } from "../provider/libvirt/index.js";
import { startFlows } from "../sandbox/flows.js";
import { type Guest, hostGuest, startGuest } from "../sandbox/guests.js";
import { type Sandbox, startSandbox } from "../sandbox/index.js";
import type { Bench, Context, Line } from "./lib/bench.js";
import { resource } from "./lib/resource.js";

export const live: Bench = {
  name: "live",
  how: "What is lost while DHCP of a NAT network is changed live, one range and one reservation at a time: of two guests' pings every 10 ms, to each other and to a machine outside, and of new flows of UDP to that machine, one every 4 ms, from a third guest that is a network namespace. Compared with the same calls of libvirt alone.",
  run: measure,
};

const END = (n: number): string => `10.81.1.${100 + n}`;
const args = (n: number): Inputs => ({
  mode: "nat",
  bridge: { name: "live0", stp: false },
  ips: [
    {
      address: "10.81.1.1/24",
      dhcp: {
        ranges: [{ start: "10.81.1.10", end: END(n) }],
        hosts: [{ mac: "52:54:00:81:00:99", ip: `10.81.1.${200 + (n % 50)}` }],
      },
    },
  ],
});

async function measure(ctx: Context): Promise<Line[]> {
  const sandbox = await startSandbox();
  const net = resource(sandbox.uri, "live");
  try {
    await net.up(args(0));
    const [web, db] = (await Promise.all(
      ["web", "db"].map((g) => startGuest(sandbox, { name: g, nics: [{ network: "live" }] })),
    )) as [Guest, Guest];
    await Promise.all([web.waitReady(), db.waitReady()]);
    await hostGuest(sandbox, { name: "flows", bridge: "live0", v4: "10.81.1.5/24", gateway: { v4: "10.81.1.1" } });
    const c = await open(sandbox.uri);
    const ours: Counts = { guests: [], outside: [], flows: [] };
    const bare: Counts = { guests: [], outside: [], flows: [] };
    let n = 0;
    for (let round = 0; round < ctx.runs; round++) {
      await count(sandbox, web, db, ours, () => net.up(args(++n)));
      // The same calls, and what the program says is so again.
      await count(sandbox, web, db, bare, () => calls(c, n, n + 1));
      n++;
      const last = (counts: Counts) => Object.entries(counts).map(([k, v]) => `${k} ${v.at(-1)}`);
      ctx.log(`round ${round + 1}: lost ${last(ours).join(", ")}; libvirt alone ${last(bare).join(", ")}`);
    }
    await c.close();
    await Promise.all([web.stop(), db.stop()]);
    await net.destroy();
    const line = (what: string, k: keyof Counts): Line => ({
      what,
      unit: "lost",
      values: ours[k],
      goal: 0,
      parts: { "libvirt alone": bare[k] },
    });
    return [
      line("pings from guest to guest", "guests"),
      line("pings from a guest to outside", "outside"),
      line("new flows to outside", "flows"),
    ];
  } finally {
    await closeHosts();
    await sandbox.stop();
  }
}

type Counts = Record<"guests" | "outside" | "flows", number[]>;

async function count(
  sandbox: Sandbox,
  web: Guest,
  db: Guest,
  into: Counts,
  work: () => Promise<unknown>,
): Promise<void> {
  const target = (await db.addresses())[0]?.v4[0]?.replace(/\/.*/, "") ?? "";
  const pings = [await web.startPing(target, 10), await db.startPing(sandbox.outsideAddress.v4, 10)] as const;
  const flows = await startFlows(sandbox, "flows", sandbox.outsideAddress.v4);
  await web.exec("sleep 0.3");
  await work();
  await web.exec("sleep 0.3");
  into.guests.push((await web.stopPing(pings[0])).lostSequences.length);
  into.outside.push((await db.stopPing(pings[1])).lostSequences.length);
  into.flows.push((await flows.stop()).lost);
}

/** What libvirt is told for the change from one state to the other. */
async function calls(c: Connection, from: number, to: number): Promise<void> {
  const ref = { name: "live" };
  const range = (n: number) => `<range start='10.81.1.10' end='${END(n)}'/>`;
  const host = (n: number) => `<host mac='52:54:00:81:00:99' ip='10.81.1.${200 + (n % 50)}'/>`;
  await c.networks.update(ref, "delete", "ip-dhcp-range", 0, range(from), "both");
  await c.networks.update(ref, "add-last", "ip-dhcp-range", 0, range(to), "both");
  await c.networks.update(ref, "delete", "ip-dhcp-host", 0, host(from), "both");
  await c.networks.update(ref, "add-last", "ip-dhcp-host", 0, host(to), "both");
}
