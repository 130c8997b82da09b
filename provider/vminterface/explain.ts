/** What libvirt refuses, as a sentence with the way out; by codes and by what the VM's XML tells, not by libvirt's text. */
import { textOf, VirtnetError } from "../handler.js";
import type { Connection } from "../libvirt/api.js";
import { LibvirtError } from "../libvirt/errors.js";
import { noHotplug, noSlot } from "./rules/device.js";
import type { Action } from "./steps.js";
import { vmFacts } from "./vm.js";

interface Named {
  uuid: string;
  name: string;
}

export async function explain(c: Connection, vm: Named, action: Action, e: unknown): Promise<string> {
  const text = textOf(e);
  if (!(e instanceof LibvirtError)) return text;
  if (e.class === "busy") return `${isHeld(vm.name)} (${text})`;
  if (action.do !== "attach" || action.affect === "config" || e.class === "transport") return text;
  const live = (await c.domains.get({ uuid: vm.uuid }).catch(() => undefined))?.liveXml;
  if (live === undefined) return text;
  const { freeSlots, slotsBy, hotplug } = vmFacts(live);
  const why = !hotplug ? noHotplug(vm.name) : freeSlots === 0 ? noSlot(vm.name, slotsBy) : undefined;
  return why === undefined ? text : `${why} (${text})`;
}

const isHeld = (vm: string): string =>
  `VM ${JSON.stringify(vm)} is busy with a job (migration, save, dump …; "virsh domjobinfo ${vm}" shows it): wait for its end and run this again`;

/** The VM has left while its NIC was changed. */
export const vanished = (what: string): string =>
  `the VM ${what} (it was stopped, deleted, or migrated to another host, with what was done to it): see where it runs, set uri to that host if it is another, and run this again`;

/** A job holds the VM: libvirt would let each change wait for 30 s, and then refuse it (qemuDomainObjBeginJob). */
export function refuseBusy(vm: Named, busy: boolean | undefined): void {
  if (busy) throw new VirtnetError(`${isHeld(vm.name)}; nothing was changed`);
}
