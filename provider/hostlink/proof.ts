/** Whether a host that is managed through the links that change can still be reached: asked anew, before the change may stay. */
import { setTimeout as sleep } from "node:timers/promises";
import { VirtnetError } from "../handler.js";
import type { Channel } from "../host/channel.js";
import { familyOf, type Hop, type HostLinks, readLinks, type Way } from "./facts.js";
import type { HostProof, Probe } from "./steps.js";

const PAUSE_MS = 500;
/** A port that has just come back may listen and learn for a spanning tree, twice 15 s. */
const LEARNING_MS = 35_000;
/** Where nobody has to answer: an answer may be lost. */
const LOST_MS = 3000;

/** What was so before the change, and so must be after it. */
export interface Baseline {
  /** Next hops that answered. */
  hops: readonly Hop[];
  /** By which devices the host sends. */
  ways: readonly Way[];
  /** And what it sends to its next hops. */
  toHops: ReadonlyMap<string, string>;
  /** An address that answered. */
  probe?: string;
}

/**
 * Who answers now. Where the host is managed through what changes and nobody does, nothing could be proven afterwards: an error,
 * before anything is changed.
 * @param probe an address that has to answer as well; `false`: without any it is done unproven.
 */
export async function baseline(channel: Channel, probe: Probe | undefined, managed: boolean): Promise<Baseline> {
  let links = await readLinks(channel);
  const answering = async (): Promise<Hop[]> => {
    const answers = await Promise.all(links.hops.map((hop) => answersArp(channel, hop)));
    return links.hops.filter((_, i) => answers[i]);
  };
  // From elsewhere the new connection is a proof of its own.
  const needed = managed && channel.by === "local" && probe === undefined;
  let hops = await answering();
  const until = Date.now() + (needed ? LEARNING_MS : LOST_MS);
  while (hops.length === 0 && links.hops.length > 0 && Date.now() < until) {
    await sleep(PAUSE_MS);
    links = await readLinks(channel);
    hops = await answering();
  }
  const before: Baseline = { hops, ways: links.ways, toHops: await waysTo(channel, links.hops) };
  if (typeof probe === "string") {
    if (!(await answersPing(channel, probe)))
      throw new VirtnetError(`the probe ${probe} does not answer before the change already: name an address that does`);
    return { ...before, probe };
  }
  if (hops.length > 0 || !needed) return before;
  const asked =
    links.hops.length > 0
      ? `${[...new Set(links.hops.map((h) => h.via))].join(" and ")} did not answer`
      : "there is no gateway";
  throw new VirtnetError(
    `nothing tells whether the host is still reachable afterwards (${asked}): name an address that answers in probe, or set probe: false to do without a proof`,
  );
}

/** Returns when the host is proven; throws with what was tried last. */
export const prove = (
  channel: Channel,
  before: Baseline,
  untilMs: number,
  host: HostProof | undefined,
): Promise<void> =>
  until(
    untilMs,
    async () =>
      (await byNewConnection(channel, untilMs)) ??
      (await byRoutes(channel, before, host)) ??
      (await byProbe(channel, before)),
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

async function byRoutes(channel: Channel, before: Baseline, host: HostProof | undefined): Promise<string | undefined> {
  const links = await readLinks(channel);
  return (await byHops(channel, before, links)) ?? (host && (await byWays(channel, before, links, host)));
}

/** Each that answered before does so again. A default gateway may be another one now, which answers too. */
async function byHops(channel: Channel, before: Baseline, { hops, sessions }: HostLinks): Promise<string | undefined> {
  for (const was of before.hops) {
    const alike = hops.filter((h) => h.to === was.to && h.peer === was.peer && familyOf(h.via) === familyOf(was.via));
    const now = alike.find((h) => h.via === was.via);
    const others = alike.filter((h) => !before.hops.some((b) => b.via === h.via));
    const asked = [...(now ? [now] : []), ...others];
    if (asked.length === 0) {
      // It has ended; a session that is cut off goes on for long.
      if (was.peer !== undefined && !sessions.includes(was.peer)) continue;
      // Where the user names what has to answer then, the way may be another one.
      if (before.probe !== undefined) continue;
      return `there is no way by ${was.via} for ${was.to} any more: where that is meant, name an address in probe that has to answer then`;
    }
    const answers = await Promise.all(asked.map((hop) => answersArp(channel, hop)));
    if (!answers.includes(true))
      return (
        `${asked.map((hop) => `${hop.via} does not answer on ${hop.device}`).join(", ")} (the next hop for ${was.to}), but did before the change: ` +
        `where that has reasons of its own, run up again with an address in probe that answers, or with probe: false`
      );
  }
  return undefined;
}

/** What the host sends goes by the devices by which it went, or by those of the change. */
async function byWays(
  channel: Channel,
  before: Baseline,
  { ways, hops }: HostLinks,
  { managed, to, brings }: HostProof,
): Promise<string | undefined> {
  // What has to answer then is named.
  if (before.probe !== undefined) return undefined;
  const strange = strayed(before.ways, ways, to) ?? elsewhere(before.toHops, await waysTo(channel, hops), to);
  if (strange === undefined) return undefined;
  const out = managed
    ? ""
    : `: leave gateway and routes out of the addresses of ${brings.join(" and ")}, or, where that is meant, name an address in probe that has to answer then`;
  return `${strange}${out}`;
}

/** Pure. */
export function strayed(before: readonly Way[], after: readonly Way[], to: readonly string[]): string | undefined {
  for (const { to: what, family, peer } of before) {
    const [was, now] = [before, after].map((ways) => {
      const same = ways.filter((w) => w.to === what && w.family === family && w.peer === peer);
      const least = Math.min(...same.map((w) => w.metric));
      return same.filter((w) => w.metric === least).map((w) => w.device);
    }) as [string[], string[]];
    const stray = now.find((device) => !was.includes(device) && !to.includes(device));
    if (stray !== undefined) return `${family} for ${what} goes by ${stray} instead of ${was.join(" and ")}`;
  }
  return undefined;
}

function elsewhere(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
  to: readonly string[],
): string | undefined {
  for (const [via, device] of after) {
    const was = before.get(via);
    if (was !== undefined && was !== device && !to.includes(device))
      return `what goes to ${via} goes by ${device} instead of ${was}`;
  }
  return undefined;
}

/** By which device the host sends to its next hops; a link-local address says its device itself. */
async function waysTo(channel: Channel, hops: readonly Hop[]): Promise<Map<string, string>> {
  const vias = [...new Set(hops.map((h) => h.via))].filter((via) => !/^fe[89ab]/i.test(via));
  if (vias.length === 0) return new Map();
  const script = 'for a do ip -j route get "$a" 2> /dev/null || echo "[]"; done';
  const { stdout } = await channel.run(["sh", "-c", script, "sh", ...vias]);
  const found = stdout.split("\n").filter(Boolean);
  return new Map(
    vias.flatMap((via, i) => {
      const [route] = JSON.parse(found[i] ?? "[]") as { dev?: string }[];
      return route?.dev === undefined ? [] : [[via, route.dev] as const];
    }),
  );
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
