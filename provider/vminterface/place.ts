/** Where a VM is: by name or UUID on its host, or on another host of this run that it has moved to. */
import { type Inputs, VirtnetError } from "../handler.js";
import { type Host, hostAt, otherHosts, proveWhereReached, uriOf } from "../host/hosts.js";
import type { DomainInfo, HostIdentity } from "../libvirt/api.js";
import { hasUnknown } from "../schema/differences.js";
import { isVm, toObserved } from "./observe.js";
import { label, renamedTo } from "./say.js";
import type { Observed, ObservedVm } from "./steps.js";

/**
 * The VM of the state, where another host of this run has it now, NIC and all: it was migrated.
 * @param here the VM on its host: what a migration may leave there is its definition.
 */
export async function movedTo(
  host: Host,
  olds: Inputs,
  here?: { active: boolean },
): Promise<{ host: Host; info: DomainInfo } | undefined> {
  if (here?.active === true) return undefined;
  const { uuid } = await host.identity();
  for (const other of otherHosts(host)) {
    // One that does not answer has told so where it is used itself.
    const there = await other.identity().catch(() => undefined);
    if (!there || there.uuid === uuid) continue;
    const info = await nicOn(other, olds);
    if (info && (info.active || !here)) return { host: other, info };
  }
  return undefined;
}

/** The VM of the state on a host, where it has the NIC. */
export async function nicOn(host: Host, olds: Inputs): Promise<DomainInfo | undefined> {
  const info = (await host.allDomains().catch(() => [])).find((d) => d.uuid === olds.domainUuid);
  if (!info) return undefined;
  const vm = toObserved(info, String(olds.mac));
  return vm.live || vm.config ? info : undefined;
}

/** The VM of the state, where it has the NIC and is not the one that `domain` names now: it was renamed. */
export async function renamedOn(host: Host, olds: Inputs, domain: unknown): Promise<DomainInfo | undefined> {
  const info = await nicOn(host, olds);
  return info && !isVm(info, String(domain)) ? info : undefined;
}

/** Refuses the host that the program names, where the VM of the state, NIC and all, is on that of the state: a refresh has followed it there. */
export async function refuseHostLeft(host: Host, olds: Inputs, news: Inputs): Promise<void> {
  if (uriOf(olds) === host.uri || (await nicOn(host, olds))) return;
  // One that cannot be reached has told so, and may be where it is.
  if (!(await host.identity().catch(() => undefined))) return;
  hostAt(uriOf(olds)); // it counts as one of this run
  const moved = await movedTo(host, olds);
  if (moved) throw new VirtnetError(`${label(news)}: ${await hasMoved(news, moved.host)}`);
}

/** Whether the VM of the state has moved to this host, NIC and all. */
export const hasArrived = async (host: Host, olds: Inputs): Promise<boolean> =>
  olds.hostUuid !== (await host.identity()).uuid && (await nicOn(host, olds)) !== undefined;

/** As {@link proveWhereReached}. */
export async function proveAtPreview(olds: Inputs, at: Inputs, object: string): Promise<void> {
  if (hasUnknown(at.uri) || (await hasArrived(hostAt(uriOf(at)), olds).catch(() => false))) return;
  await proveWhereReached(olds, at, object);
}

const hasMoved = async ({ domain }: Inputs, to: Host): Promise<string> =>
  `VM ${JSON.stringify(domain)} has moved to ${(await to.identity()).hostname} (${to.uri}): set uri of the NIC to that`;

/** By what the user wrote. */
export const vmOn = async (host: Host, domain: unknown): Promise<DomainInfo | undefined> =>
  (await host.allDomains()).find((d) => isVm(d, String(domain)));

/** @param olds the state, where there is one. */
export async function vmThere(
  host: Host,
  { vm }: Observed,
  desired: Inputs,
  { hostname }: HostIdentity,
  olds?: Inputs,
): Promise<ObservedVm> {
  if (olds && vm?.uuid !== olds.domainUuid) {
    const renamed = await renamedOn(host, olds, desired.domain);
    if (renamed) throw new VirtnetError(`${label(desired)}: ${renamedTo(olds, desired.domain, renamed, vm)}`);
  }
  const moved = olds ? await movedTo(host, olds, vm) : undefined;
  if (vm && !moved) return vm;
  const name = JSON.stringify(desired.domain);
  throw new VirtnetError(
    moved
      ? await hasMoved(desired, moved.host)
      : `VM ${name} is not on ${hostname}: make it first (where this program makes it, pass an output of it as domain, or name it in dependsOn), or check the name ("virsh list --all"); where it was migrated to another host, set uri to that`,
  );
}
