/** Whether a host that is managed through the links that change can still be reached: asked anew, before the change may stay. */
import { setTimeout as sleep } from "node:timers/promises";
import { VirtnetError } from "../handler.js";
import type { Channel } from "../host/channel.js";
import { readLinks } from "./facts.js";

const PAUSE_MS = 500;

/** What was so before the change, and so must be after it. */
export interface Baseline {
  /** Default gateways that answered. */
  gateways: readonly string[];
}

export async function baseline(channel: Channel): Promise<Baseline> {
  // By ssh the new connection is the proof.
  if (channel.by === "ssh") return { gateways: [] };
  const { gateways } = await readLinks(channel);
  const answers = await Promise.all(gateways.map((g) => answersArp(channel, g)));
  return { gateways: gateways.filter((_, i) => answers[i]).map((g) => g.via) };
}

/** Returns when the host is proven; throws with what was tried last. */
export async function prove(channel: Channel, before: Baseline, untilMs: number): Promise<void> {
  let why = "the time that the host waits for it was over";
  // Later the host has taken the change back, and would be found reachable again.
  while (Date.now() < untilMs) {
    const fault = channel.by === "ssh" ? await byNewConnection(channel, untilMs) : await byGateways(channel, before);
    if (fault === undefined) return;
    why = fault;
    await sleep(PAUSE_MS);
  }
  throw new VirtnetError(why);
}

async function byNewConnection(channel: Channel, untilMs: number): Promise<string | undefined> {
  const limitMs = Math.max(1000, untilMs - Date.now());
  const { code, stderr } = await channel.runAnew(["true"], { limitMs });
  return code === 0 ? undefined : `no new ssh connection to the host: ${stderr.trim() || "no answer"}`;
}

async function byGateways(channel: Channel, before: Baseline): Promise<string | undefined> {
  const { gateways } = await readLinks(channel);
  for (const via of before.gateways) {
    const now = gateways.find((g) => g.via === via);
    if (!now) return `there is no default route by ${via} any more`;
    if (!(await answersArp(channel, now))) return `the gateway ${via} does not answer on ${now.device}`;
  }
  return undefined;
}

/** By ARP or neighbour discovery: a router that does not answer pings answers that. */
async function answersArp(channel: Channel, { via, device }: { via: string; device: string }): Promise<boolean> {
  const script =
    'ip neigh del "$1" dev "$2" 2> /dev/null; ping -c 1 -W 1 -I "$2" "$1" > /dev/null 2>&1; ip -j neigh show to "$1" dev "$2"';
  const { stdout } = await channel.run(["sh", "-c", script, "sh", via, device]);
  const found = JSON.parse(stdout.trim() || "[]") as { lladdr?: string; state?: string[] }[];
  return found.some((n) => n.lladdr !== undefined && !n.state?.some((s) => s === "FAILED" || s === "INCOMPLETE"));
}
