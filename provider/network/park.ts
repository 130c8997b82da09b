/** Keep NICs on a switch while their network is away, and bring them home. What is done already is not done again. */
import { textOf, VirtnetError } from "../handler.js";
import type { Connection, NetworkInfo } from "../libvirt/api.js";
import { type Element, parseXml } from "../schema/xml.js";
import { ownBridgeOf } from "./document.js";
import type { JournalNic } from "./journal.js";
import { handsFor, hop, hopAll, type NicRef, replug } from "./moves.js";
import {
  bridgeOf,
  interfacesOf,
  macOf,
  type Nic,
  networkOf,
  onBridge,
  onNetwork,
  type Plug,
  plugOf,
  plugOfNic,
} from "./nics.js";
import { withOwn } from "./own.js";
import { startNetwork } from "./starting.js";

/** Where NICs belong. */
export interface Home {
  name: string;
  /** Its own bridge, which NICs may name themselves. */
  bridge?: string | undefined;
  plug: Plug;
}

/** Where NICs may still be: what is elsewhere by now was put there by somebody. */
export interface Places {
  networks: readonly string[];
  bridges: readonly (string | undefined)[];
}

export function homeOf(info: NetworkInfo): Home {
  return { name: info.name, bridge: ownBridgeOf(info), plug: plugOf(info.liveXml ?? info.inactiveXml) };
}

/** A NIC that named the network's bridge names the one that it has now, or the network where it has none any more. */
export function pointedHome(home: Pick<Home, "name" | "bridge">, by: Nic["by"], iface: Element): Element {
  return by === "bridge" && home.bridge !== undefined ? onBridge(iface, home.bridge) : onNetwork(iface, home.name);
}

export function isHome(home: Pick<Home, "name" | "bridge">, by: Nic["by"], iface: Element): boolean {
  const at = networkOf(iface);
  return by === "bridge" && home.bridge !== undefined
    ? at === undefined && bridgeOf(iface) === home.bridge
    : at === home.name;
}

export function isAt({ networks, bridges }: Places, iface: Element): boolean {
  const at = networkOf(iface);
  return at === undefined ? bridges.includes(bridgeOf(iface)) : networks.includes(at);
}

/**
 * Move taps to the park network, which runs then. Other NICs do not hang on the network's bridge, and stay.
 *
 * @param from where they were; one that somebody has put elsewhere meanwhile stays there.
 * @param other a connection that takes its share of them.
 */
export async function park(
  c: Connection,
  name: string,
  nics: readonly JournalNic[],
  { from, other }: { from?: Places | undefined; other?: Connection | undefined } = {},
): Promise<void> {
  if ((await c.networks.get({ name }))?.active === false) await startNetwork(c, { name });
  const seen = await lookAtAll(c, nics);
  const taps = nics.flatMap((nic) => {
    const iface = seen.get(keyOf(nic))?.iface;
    return iface && networkOf(iface) !== name && plugOfNic(iface) === "tap" && (!from || isAt(from, iface))
      ? [{ nic, to: onNetwork(iface, name) }]
      : [];
  });
  await hopAll(c, taps, other);
}

/**
 * Bring NICs home; one that somebody has put on another network meanwhile stays there. Where one cannot be brought home, the others are; the error names those.
 *
 * @param sightings where they are, where that was looked at already.
 * @param other a connection that takes its share of them.
 */
export async function bringHome(
  c: Connection,
  home: Home,
  from: Places,
  nics: readonly JournalNic[],
  { sightings = lookAtAll(c, nics), other }: { sightings?: Promise<Sightings>; other?: Connection | undefined } = {},
): Promise<void> {
  const failed: string[] = [];
  const fails = (nic: JournalNic, why: string) => void failed.push(`${nic.mac} of VM ${nic.domainName}: ${why}`);
  const moved: JournalNic[] = [];
  const seen = await sightings;
  const hand = handsFor(nics, c, other);
  const bring = async (nic: JournalNic): Promise<void> => {
    const there = seen.get(keyOf(nic));
    if (!there) return; // its VM does not run any more
    await bringOneHome(hand(nic), home, from, nic, there.iface).then(
      (did) => did && moved.push(nic),
      (e: unknown) => fails(nic, textOf(e)),
    );
  };
  // Hops are sent together; what is plugged anew may want what another one has to release first.
  const hops = (nic: JournalNic) =>
    home.plug === "tap" && plugOfNic(seen.get(keyOf(nic))?.iface ?? parseXml(nic.xml)) === "tap";
  await Promise.all(nics.filter(hops).map(bring));
  for (const nic of nics.filter((n) => !hops(n))) await bring(nic);
  // libvirt answers success for changes that it ignored.
  const then = await lookAtAll(c, moved);
  for (const nic of moved) {
    const now = then.get(keyOf(nic));
    if (now && !(now.iface && isHome(home, nic.by, now.iface))) {
      const at = now.iface && (networkOf(now.iface) ?? bridgeOf(now.iface));
      fails(nic, `libvirt answered success, but it is on ${at ?? "nothing"}`);
    }
  }
  if (failed.length > 0) throw new VirtnetError(`NICs could not be moved back: ${failed.join("; ")}`);
}

/** @returns whether there was anything to do. */
async function bringOneHome(
  c: Connection,
  home: Home,
  from: Places,
  nic: JournalNic,
  iface: Element | undefined,
): Promise<boolean> {
  const was = parseXml(nic.xml);
  const pointed = (of: Element) => pointedHome(home, nic.by, of);
  if (!iface) {
    // Unplugged by a run that died before it could plug it; a tap is never unplugged for a tap.
    if (home.plug === "tap" && plugOfNic(was) === "tap") return false;
    await replug(c, nic, was, pointed);
    return true;
  }
  const tapped = home.plug === "tap" && plugOfNic(iface) === "tap";
  const there = isHome(home, nic.by, iface);
  if (there && (tapped || plugOfNic(iface) === home.plug)) return false;
  if (!there && !isAt(from, iface)) return false;
  if (tapped) await hop(c, nic, pointed(withOwn(iface, was)));
  else await replug(c, nic, was, pointed);
  return true;
}

export const keyOf = (nic: NicRef): string => `${nic.domain} ${nic.mac}`;

/** NICs whose VM runs, each with its live `<interface>` where the VM still has it. */
type Sightings = ReadonlyMap<string, { iface?: Element }>;

/** Each VM is read once, however many of its NICs there are. */
export async function lookAtAll(c: Connection, nics: readonly NicRef[]): Promise<Sightings> {
  const seen = new Map<string, { iface?: Element }>();
  const uuids = [...new Set(nics.map((n) => n.domain))];
  for (const d of await Promise.all(uuids.map((uuid) => c.domains.get({ uuid })))) {
    if (!d?.active || d.liveXml === undefined) continue;
    const interfaces = new Map(interfacesOf(d.liveXml).map((i) => [macOf(i), i]));
    for (const nic of nics) {
      if (nic.domain !== d.uuid) continue;
      const iface = interfaces.get(nic.mac);
      seen.set(keyOf(nic), iface ? { iface } : {});
    }
  }
  return seen;
}
