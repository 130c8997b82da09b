/** Starts a network, also one that was stopped just now. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Connection, Ref } from "../libvirt/api.js";

const PATIENCE_MS = 3000;
const PAUSE_MS = 50;

/**
 * libvirt kills the dnsmasq of a network that stops without waiting for its end (networkShutdownNetworkVirtual), so for a
 * moment it may still hold the addresses that the next one wants: then the start fails, leaves nothing, and is tried again.
 */
export async function startNetwork(c: Connection, ref: Ref): Promise<void> {
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await c.networks.start(ref);
    } catch (e) {
      // dnsmasq's own words: libvirt runs it without a locale, and has the same code (internal error) for all that it says.
      const held = e instanceof Error && /failed to create listening socket.*Address already in use/.test(e.message);
      if (!held || Date.now() > until) throw e;
    }
    await sleep(PAUSE_MS);
  }
}
