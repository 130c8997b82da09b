/**
 * Take a NIC from a running VM. The guest has to release it: libvirt asks, waits five seconds, and answers success
 * whether or not it did (qemuDomainWaitForDeviceRemoval, qemu/qemu_hotplug.c). So the event counts, and the VM's XML.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { VirtnetError } from "../handler.js";
import type { Connection } from "../libvirt/api.js";
import { code, LibvirtError } from "../libvirt/errors.js";
import { findNic } from "./document.js";

/** How often the VM's XML is looked at while the event is waited for, in ms. */
const LOOK_MS = 1000;

export interface UnplugOptions {
  timeoutMs: number;
  signal?: AbortSignal | undefined;
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
  { timeoutMs, signal }: UnplugOptions,
): Promise<void> {
  const gone = async (): Promise<boolean> => {
    const d = await c.domains.get({ uuid: vm.uuid });
    return !d?.active || findNic(d.liveXml, mac, vm.name) === undefined;
  };
  const until = Date.now() + timeoutMs;
  if ((await ask(c, vm, mac, xml)) || (await gone())) return;
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
      await ask(c, vm, mac, xml).catch((e: unknown) => {
        if (e instanceof NotReleased) throw e;
      });
      if (await gone()) return;
    }
  } finally {
    await off();
  }
  throw notReleased(vm, mac, `within ${timeoutMs / 1000} s`);
}

/** @returns whether the NIC or the VM is gone already. */
async function ask(c: Connection, vm: { uuid: string; name: string }, mac: string, xml: string): Promise<boolean> {
  try {
    await c.domains.detachDevice({ uuid: vm.uuid }, xml, "live");
    return false;
  } catch (e) {
    if (!(e instanceof LibvirtError)) throw e;
    if (e.class === "not-found") return true;
    if (e.code === code.operationFailed) throw notReleased(vm, mac, `(${e.text})`);
    throw e;
  }
}

const notReleased = (vm: { name: string }, mac: string, how: string): NotReleased =>
  new NotReleased(
    `the guest of VM ${JSON.stringify(vm.name)} did not release NIC ${mac} ${how}: it boots, hangs, is paused, or runs no operating system; try again when it runs, or while the VM is stopped, or delete with forceDetach: true. It was asked to, so it may release the NIC later`,
  );
