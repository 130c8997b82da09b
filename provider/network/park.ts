/** Keep NICs on a switch while their network is away, and bring them home. What is done already is not done again. */
import { VirtnetError } from "../handler.js";
import type { Connection, NetworkInfo } from "../libvirt/api.js";
import { type Element, parseXml } from "../schema/xml.js";
import { readNetwork } from "./document.js";
import type { JournalNic } from "./journal.js";
import { hop, look, replug } from "./moves.js";
import { bridgeOf, networkOf, onBridge, onNetwork, type Plug, plugOf, plugOfNic } from "./nics.js";

/** Where NICs belong. */
export interface Home {
  name: string;
  /** The bridge that NICs may name themselves. */
  bridge?: string | undefined;
  plug: Plug;
}

export function homeOf(info: NetworkInfo): Home {
  const xml = info.liveXml ?? info.inactiveXml;
  return { name: info.name, bridge: readNetwork(xml).bridgeName, plug: plugOf(xml) };
}

/** Move taps to the park network, which runs then. Other NICs do not hang on the network's bridge, and stay. */
export async function park(c: Connection, name: string, nics: readonly JournalNic[]): Promise<void> {
  if ((await c.networks.get({ name }))?.active === false) await c.networks.start({ name });
  for (const nic of nics) {
    const seen = await look(c, nic);
    if (!seen?.iface || networkOf(seen.iface) === name || plugOfNic(seen.iface) !== "tap") continue;
    await hop(c, nic, onNetwork(seen.iface, name));
  }
}

/**
 * Bring NICs home; one that somebody has put on another network meanwhile stays there. `from`: the names of networks that
 * they may still be on. Where one cannot be brought home, the others are; the error names those.
 */
export async function bringHome(
  c: Connection,
  home: Home,
  from: readonly string[],
  nics: readonly JournalNic[],
): Promise<void> {
  const failed: string[] = [];
  for (const nic of nics) {
    await bringOneHome(c, home, from, nic).catch((e: unknown) => {
      failed.push(`${nic.mac} of VM ${nic.domainName}: ${e instanceof Error ? e.message : String(e)}`);
    });
  }
  if (failed.length > 0) throw new VirtnetError(`NICs could not be moved back: ${failed.join("; ")}`);
}

async function bringOneHome(c: Connection, home: Home, from: readonly string[], nic: JournalNic): Promise<void> {
  const seen = await look(c, nic);
  if (!seen) return;
  const was = parseXml(nic.xml);
  const pointed = (iface: Element): Element => {
    if (nic.by === "network") return onNetwork(iface, home.name);
    if (home.plug === "tap" && home.bridge !== undefined) return onBridge(iface, home.bridge);
    throw new VirtnetError("it names the bridge itself, which is gone: point it at the network");
  };
  if (!seen.iface) {
    // Unplugged by a run that died before it could plug it; a tap is never unplugged for a tap.
    if (home.plug !== "tap" || plugOfNic(was) !== "tap") await replug(c, nic, was, pointed);
    return;
  }
  const at = networkOf(seen.iface);
  const tapped = home.plug === "tap" && plugOfNic(seen.iface) === "tap";
  const there = nic.by === "network" ? at === home.name : at === undefined && bridgeOf(seen.iface) === home.bridge;
  if (there && (tapped || plugOfNic(seen.iface) === home.plug)) return;
  if (!there && !(at === undefined ? bridgeOf(seen.iface) === bridgeOf(was) : from.includes(at))) return;
  if (tapped) await hop(c, nic, pointed(seen.iface));
  else await replug(c, nic, was, pointed);
  await proveHome(c, home, nic);
}

/** libvirt answers success for changes that it ignored. */
async function proveHome(c: Connection, home: Home, nic: JournalNic): Promise<void> {
  const seen = await look(c, nic);
  if (!seen) return;
  const at = seen.iface && (nic.by === "network" ? networkOf(seen.iface) : bridgeOf(seen.iface));
  if (at !== (nic.by === "network" ? home.name : home.bridge))
    throw new VirtnetError(`libvirt answered success, but it is on ${at ?? "nothing"}`);
}
