/** How work on a VM's NIC is set up, whatever the work. */
import { type Context, type Inputs, VirtnetError } from "../handler.js";
import type { Host } from "../host/hosts.js";
import type { Connection, HostIdentity } from "../libvirt/api.js";
import type { UnplugOptions } from "../unplug.js";
import { label } from "./say.js";

const DEFAULT_UNPLUG_S = 30;

export const unplugOptions = (ctx: Context, inputs: Inputs): UnplugOptions => ({
  timeoutMs: ((inputs.unplugTimeout as number | undefined) ?? DEFAULT_UNPLUG_S) * 1000,
  signal: ctx.signal,
});

/** Work on a VM; its networks stay as they are meanwhile, so that a restart does not move the NIC at the same time. */
export async function onVm<T>(host: Host, all: Inputs[], fn: (c: Connection) => Promise<T>): Promise<T> {
  const names = new Set(all.map((i) => i.network).filter((n) => typeof n === "string"));
  const there = names.size > 0 ? [...(await host.networksOfOthers()).values()].filter((n) => names.has(n.name)) : [];
  // The Network's handler goes by UUID; by name for one that this run makes, which may not be in that list.
  const shared = [...names, ...there.map((n) => n.uuid)].map((n) => `network:${n}`);
  return host.use(`domain:${String(all[0]?.domain)}`, fn, { shared });
}

/** The NIC is not there, and nobody knows whether it should be. */
export const notProven = (inputs: Inputs, olds: Inputs, host: HostIdentity): VirtnetError =>
  new VirtnetError(
    `${label(inputs)} is not on ${host.hostname}, but that this is the host of the state is not certain (its UUID changed from ${String(olds.hostUuid)} to ${host.uuid}): set host_uuid in libvirtd.conf, or remove the NIC with "pulumi state delete"`,
  );
