/**
 * Take a NIC from a running VM. The guest has to release it: libvirt asks, waits five seconds, and answers success
 * whether or not it did (qemuDomainWaitForDeviceRemoval, qemu/qemu_hotplug.c). So the event counts, and the VM's XML.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { VirtnetError } from "./handler.js";
import type { Connection } from "./libvirt/api.js";
import { code, LibvirtError } from "./libvirt/errors.js";

/** How often the VM's XML is looked at while the event is waited for, in ms. */
const LOOK_MS = 1000;

export interface UnplugOptions {
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  /** What else the user can do about a guest that does not, for the message. */
  orElse?: string | undefined;
}

/** The guest did not release the NIC: it is as it was. */
export class NotReleased extends VirtnetError {
  override name = "NotReleased";
}

/** @param xml the NIC's `<interface>` as it runs. */
export async function unplug(
  c: Connection,
  vm: { uuid: string; name: string },
  mac: string,
  xml: string,
  { timeoutMs, signal, orElse = "" }: UnplugOptions,
): Promise<void> {
  const refused = (how: string) => notReleased(vm, mac, how, orElse);
  const plugged = new RegExp(`<mac address=['"]${mac}['"]`, "i");
  const gone = async (): Promise<boolean> => {
    const d = await c.domains.get({ uuid: vm.uuid });
    return !d?.active || !plugged.test(d.liveXml ?? "");
  };
  const until = Date.now() + timeoutMs;
  if ((await ask(c, vm, xml, refused)) || (await gone())) return;
  let wake: () => void = () => undefined;
  const off = await c.onEvent((e) => {
    if (e.kind === "device-removed" && e.object?.uuid === vm.uuid) wake();
  });
  try {
    for (let again = Date.now() + timeoutMs / 2; Date.now() < until; ) {
      await Promise.race([new Promise<void>((resolve) => (wake = resolve)), sleep(LOOK_MS)]);
      if (await gone()) return;
      if (signal?.aborted) break;
      if (Date.now() < again) continue;
      again = Number.POSITIVE_INFINITY;
      // Of one that is asked a second time QEMU may say that it is being unplugged already.
      await ask(c, vm, xml, refused).catch((e: unknown) => {
        if (e instanceof NotReleased) throw e;
      });
      if (await gone()) return;
    }
  } finally {
    await off();
  }
  if (signal?.aborted)
    throw new VirtnetError(
      `the run was interrupted before the guest of VM ${JSON.stringify(vm.name)} released NIC ${mac}. It was asked to, so it may release the NIC later: run this again`,
    );
  throw refused(`within ${timeoutMs / 1000} s`);
}

/** @returns whether the NIC or the VM is gone already. */
async function ask(
  c: Connection,
  vm: { uuid: string },
  xml: string,
  refused: (how: string) => NotReleased,
): Promise<boolean> {
  try {
    await c.domains.detachDevice({ uuid: vm.uuid }, xml, "live");
    return false;
  } catch (e) {
    if (!(e instanceof LibvirtError)) throw e;
    if (e.class === "not-found") return true;
    if (e.code === code.operationFailed) throw refused(`(${e.text})`);
    throw e;
  }
}

const notReleased = (vm: { name: string }, mac: string, how: string, orElse: string): NotReleased =>
  new NotReleased(
    `the guest of VM ${JSON.stringify(vm.name)} did not release NIC ${mac} ${how}: it boots, hangs, is paused, or runs no operating system; try again when it runs, or while the VM is stopped${orElse}. It was asked to, so it may release the NIC later`,
  );
