/** Jobs that keep everybody else from changing a VM. */
import type { Connection, Ref } from "./libvirt/api.js";

/**
 * Whether a job holds the VM: a migration, a save, a dump … Not a backup, which may last for hours: libvirt lets a VM be changed
 * meanwhile (qemuBackupBegin sets the job's mask, qemu/qemu_backup.c).
 */
export async function isBusy(c: Connection, vm: Ref): Promise<boolean> {
  const job = await c.domains.jobType(vm).catch(() => 0); // it does not run
  if (job === 0) return false;
  const operation = await c.domains.jobOperation(vm).catch(() => "not known");
  return operation !== undefined && operation !== "backup"; // it may have ended meanwhile
}
