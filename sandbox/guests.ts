/**
 * Guests for a sandbox.
 *
 * - `startGuest`: a real virtual machine under QEMU without KVM: Debian's cloud kernel with busybox, up in a few seconds, with NICs to
 *   hot-plug and a command shell over a virtio-serial port.
 * - `hostGuest`: a network namespace on a bridge. Costs nothing; for whoever only needs an IP stack there.
 *
 * ```ts
 * const web = await startGuest(sandbox, { name: "web", nics: [{ network: "dev" }] });
 * await web.waitReady();
 * await web.exec("ping -c1 192.168.100.1");
 * ```
 */
import { setTimeout as sleep } from "node:timers/promises";

export type { GuestNic, GuestOptions } from "./guest-domain.js";
export { buildGuestImage, type GuestImage } from "./guest-image.js";
export { type HostGuest, type HostGuestOptions, hostGuest } from "./guest-namespace.js";
export { type Guest, startGuest } from "./guest-vm.js";
export type { NicAddresses } from "./nics.js";
export type { Pinger, PingHandle, PingResult } from "./ping.js";

/** Waits until `condition` holds. */
export async function eventually(condition: () => Promise<boolean>, timeoutMs = 10_000): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) return false;
    await sleep(100);
  }
  return true;
}
