/** Read back what was written: libvirt answers success for changes that it ignored (portgroup, trustGuestRxFilters on 9.0). */
import { type Inputs, VirtnetError } from "../handler.js";
import type { DomainInfo } from "../libvirt/api.js";
import type { Givers, Nic } from "./document.js";
import { toObserved } from "./observe.js";
import { changesOf, runningChanges } from "./plan.js";
import type { ObservedVm } from "./steps.js";

/** @param info the VM, read after the last change. */
export function verify(
  info: DomainInfo | undefined,
  desired: Inputs,
  was: Inputs | undefined,
  givers: Givers | undefined,
): DomainInfo {
  const what = `NIC ${String(desired.mac)} of VM ${JSON.stringify(desired.domain)}`;
  if (!info) throw new VirtnetError(`${what}: the VM is gone right after it was changed: another program removed it`);
  const wrong = stillWrong(toObserved(info, String(desired.mac), givers), desired, was);
  if (wrong.length > 0) throw new VirtnetError(`${what}: libvirt answered success, but ${wrong.join("; ")}`);
  return info;
}

/** What differs from the wish, in words. */
function stillWrong(vm: ObservedVm, desired: Inputs, was: Inputs | undefined): string[] {
  // `plugged: false`: where it is not, it need not be.
  const has = (nic: Nic | undefined) => desired.plugged !== false || nic !== undefined || (!vm.live && !vm.config);
  const copies = [
    ...(vm.persistent && has(vm.config)
      ? [{ where: "the stored definition", nic: vm.config, changes: changesOf }]
      : []),
    ...(vm.active && has(vm.live) ? [{ where: "the running VM", nic: vm.live, changes: runningChanges }] : []),
  ];
  return copies.flatMap(({ where, nic, changes }) =>
    nic === undefined
      ? [`it is not in ${where}`]
      : changes(desired, nic, was).map(
          (c) =>
            `${c.path} in ${where} is ${JSON.stringify(c.from) ?? "not set"} instead of ${JSON.stringify(c.to) ?? "not set"}`,
        ),
  );
}
