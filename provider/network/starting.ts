/** Starts a network, also one that was stopped just now, or whose start was cut off. */
import { setTimeout as sleep } from "node:timers/promises";
import { channelOf } from "../host/channel.js";
import type { Connection, Ref } from "../libvirt/api.js";
import { child, parseXml } from "../schema/xml.js";
import { isParkName } from "./journal.js";

const PATIENCE_MS = 3000;
const PAUSE_MS = 50;

/**
 * libvirt kills the dnsmasq of a network that stops without waiting for its end (networkShutdownNetworkVirtual), so for a
 * moment it may still hold the addresses that the next one wants: then the start fails, leaves nothing, and is tried again.
 */
export async function startNetwork(c: Connection, ref: Ref): Promise<void> {
  const until = Date.now() + PATIENCE_MS;
  for (let cleared = false; ; ) {
    try {
      return await c.networks.start(ref);
    } catch (e) {
      const text = e instanceof Error ? e.message : "";
      const inTheWay = /creating bridge interface (\S+): File exists/.exec(text)?.[1];
      if (!cleared && inTheWay !== undefined && (await removeLeftBridge(c, ref, inTheWay))) {
        cleared = true;
        continue;
      }
      // dnsmasq's own words: libvirt runs it without a locale, and has the same code (internal error) for all that it says.
      const held = /failed to create listening socket.*Address already in use/.test(text);
      if (!held || Date.now() > until) throw e;
    }
    await sleep(PAUSE_MS);
  }
}

// $1: the bridge, $2: its MAC, or nothing. Who has the MAC of the network's definition was made for it; on one with ports somebody is.
// libvirt 12.8 removes what was in its way itself, when it has failed (measured): then the way is free.
const REMOVE = `[ -e "/sys/class/net/$1" ] || exit 0; cd "/sys/class/net/$1" && [ "$(cat address)" = "\${2:-$(cat address)}" ] && [ -z "$(ls brif)" ] && cd / && ip link del dev "$1"`;

/** The bridge that a daemon had made when it was killed while it started this network: libvirt knows nothing of it any more. */
async function removeLeftBridge(c: Connection, ref: Ref, bridge: string): Promise<boolean> {
  const xml = (await c.networks.get(ref))?.inactiveXml;
  const mac = xml === undefined ? undefined : child(parseXml(xml), "mac")?.getAttribute("address");
  const channel = channelOf(c.uri);
  // A park network is defined anew each time, with another MAC; its name is nobody else's.
  const own = isParkName(bridge) ? "" : mac?.toLowerCase();
  if (own === undefined || !channel) return false;
  return (await channel.run(["sh", "-c", REMOVE, "virtnet-left", bridge, own])).code === 0;
}
