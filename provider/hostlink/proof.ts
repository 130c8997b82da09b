/** Whether a host that is managed through the links that change can still be reached: asked anew, before the change may stay. */
import { setTimeout as sleep } from "node:timers/promises";
import { VirtnetError } from "../handler.js";
import type { Channel } from "../host/channel.js";
import { type Hop, readLinks } from "./facts.js";
import type { Probe } from "./steps.js";

const PAUSE_MS = 500;
/** A port that has just come back may listen and learn for a spanning tree, twice 15 s. */
const LEARNING_MS = 35_000;

/** What was so before the change, and so must be after it. */
export interface Baseline {
  /** Next hops that answered. */
  hops: readonly Hop[];
  /** An address that answered. */
  probe?: string;
}

/**
 * Who answers now. Where nobody does, nothing could be proven afterwards: an error, before anything is changed.
 * @param probe an address that has to answer as well; `false`: without any it is done unproven.
 */
export async function baseline(channel: Channel, probe: Probe | undefined): Promise<Baseline> {
  let { hops } = await readLinks(channel);
  const answering = async (): Promise<Hop[]> => {
    const answers = await Promise.all(hops.map((hop) => answersArp(channel, hop)));
    return hops.filter((_, i) => answers[i]);
  };
  // From elsewhere the new connection is a proof of its own.
  const needed = channel.by === "local" && probe === undefined;
  let before: Baseline = { hops: await answering() };
  for (
    const until = Date.now() + LEARNING_MS;
    needed && before.hops.length === 0 && hops.length > 0 && Date.now() < until;
  ) {
    await sleep(PAUSE_MS);
    hops = (await readLinks(channel)).hops;
    before = { hops: await answering() };
  }
  if (typeof probe === "string") {
    if (!(await answersPing(channel, probe)))
      throw new VirtnetError(`the probe ${probe} does not answer before the change already: name an address that does`);
    return { ...before, probe };
  }
  if (before.hops.length > 0 || !needed) return before;
  const asked =
    hops.length > 0 ? `${[...new Set(hops.map((h) => h.via))].join(" and ")} did not answer` : "there is no gateway";
  throw new VirtnetError(
    `nothing tells whether the host is still reachable afterwards (${asked}): name an address that answers in probe, or set probe: false to do without a proof`,
  );
}

/** Returns when the host is proven; throws with what was tried last. */
export const prove = (channel: Channel, before: Baseline, untilMs: number): Promise<void> =>
  until(
    untilMs,
    async () =>
      (await byNewConnection(channel, untilMs)) ?? (await byHops(channel, before)) ?? (await byProbe(channel, before)),
  );

/** Returns when a new connection gets through; locally at once. */
export const reachedAnew = (channel: Channel, untilMs: number): Promise<void> =>
  until(untilMs, () => byNewConnection(channel, untilMs));

async function until(untilMs: number, fault: () => Promise<string | undefined>): Promise<void> {
  let why = "the time that the host waits for it was over";
  // Later the host has taken the change back, and would be found reachable again.
  while (Date.now() < untilMs) {
    const found = await fault();
    if (found === undefined && Date.now() < untilMs) return;
    why = found ?? why;
    await sleep(PAUSE_MS);
  }
  throw new VirtnetError(why);
}

async function byNewConnection(channel: Channel, untilMs: number): Promise<string | undefined> {
  if (channel.by === "local") return undefined;
  const limitMs = Math.max(1000, untilMs - Date.now());
  const { code, stderr } = await channel.runAnew(["true"], { limitMs });
  return code === 0 ? undefined : `no new connection to the host: ${stderr.trim() || "no answer"}`;
}

const familyOf = ({ via }: Hop): string => (via.includes(":") ? "IPv6" : "IPv4");

/** Each that answered before does so again. A default gateway may be another one now, which answers too. */
async function byHops(channel: Channel, before: Baseline): Promise<string | undefined> {
  const { hops } = await readLinks(channel);
  for (const was of before.hops) {
    const others = hops.filter(
      (h) => h.to === was.to && familyOf(h) === familyOf(was) && !before.hops.some((b) => b.via === h.via),
    );
    const now = hops.find((h) => h.via === was.via && h.to === was.to);
    const asked = [...(now ? [now] : []), ...others];
    if (asked.length === 0) return `there is no way by ${was.via} for ${was.to} any more`;
    const answers = await Promise.all(asked.map((hop) => answersArp(channel, hop)));
    if (!answers.includes(true))
      return `${asked.map((hop) => `${hop.via} does not answer on ${hop.device}`).join(", ")} (the next hop for ${was.to})`;
  }
  return undefined;
}

async function byProbe(channel: Channel, { probe }: Baseline): Promise<string | undefined> {
  return probe === undefined || (await answersPing(channel, probe)) ? undefined : `the probe ${probe} does not answer`;
}

async function answersPing(channel: Channel, address: string): Promise<boolean> {
  return (await channel.run(["ping", "-n", "-c", "1", "-W", "2", address])).code === 0;
}

/** By ARP or neighbour discovery: a router that does not answer pings answers that. */
async function answersArp(channel: Channel, { via, device }: Hop): Promise<boolean> {
  const script =
    'ip neigh del "$1" dev "$2" 2> /dev/null; ping -c 1 -W 1 -I "$2" "$1" > /dev/null 2>&1; ip -j neigh show to "$1" dev "$2"';
  const { stdout } = await channel.run(["sh", "-c", script, "sh", via, device]);
  const found = JSON.parse(stdout.trim() || "[]") as { lladdr?: string; state?: string[] }[];
  return found.some((n) => n.lladdr !== undefined && !n.state?.some((s) => s === "FAILED" || s === "INCOMPLETE"));
}
