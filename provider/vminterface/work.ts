/** How work on a VM's NIC is set up, whatever the work. */
import { type Context, type Inputs, VirtnetError } from "../handler.js";
import type { Host } from "../host/hosts.js";
import type { HostIdentity } from "../libvirt/api.js";
import type { UnplugOptions } from "../unplug.js";
import type { Seen, Task } from "./alone.js";
import { label } from "./say.js";

const DEFAULT_UNPLUG_S = 30;

export const unplugOptions = (ctx: Context, inputs: Inputs): UnplugOptions => ({
  timeoutMs: ((inputs.unplugTimeout as number | undefined) ?? DEFAULT_UNPLUG_S) * 1000,
  signal: ctx.signal,
});

/** {@link aloneOnVm}; loaded by what changes something, since most runs change nothing. */
export async function onVm<S extends Seen, T>(ctx: Context, host: Host, task: Task<S, T>): Promise<T> {
  return (await import("./alone.js")).aloneOnVm(ctx, host, task);
}

/** The NIC is not there, and nobody knows whether it should be. */
export const notProven = (inputs: Inputs, olds: Inputs, host: HostIdentity): VirtnetError =>
  new VirtnetError(
    `${label(inputs)} is not on ${host.hostname}, but that this is the host of the state is not certain (its UUID changed from ${String(olds.hostUuid)} to ${host.uuid}): set host_uuid in libvirtd.conf, or remove the NIC with "pulumi state delete"`,
  );
