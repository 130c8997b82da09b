/** What is kept in state: exactly the set paths, beside the computed outputs. Pure. */
import type { Inputs } from "../handler.js";
import type { HostIdentity } from "../libvirt/api.js";
import { project } from "../schema/project.js";
import { CONTROL_FIELDS, fieldsOf, type Kind } from "./args.js";
import type { ObservedLink } from "./steps.js";

/** Outputs beside the arguments. */
export interface Computed {
  /** MAC of the device. */
  macAddress?: string;
  /** Whether it was there before the resource. */
  adopted: boolean;
  /** UUID and name of the host. */
  hostUuid: string;
  hostName: string;
}
const COMPUTED: (keyof Computed)[] = ["macAddress", "adopted", "hostUuid", "hostName"];

/** The arguments within the outputs. */
export function argsOf(outs: Inputs): Inputs {
  return Object.fromEntries(Object.entries(outs).filter(([k]) => !(COMPUTED as string[]).includes(k)));
}

export function computed(link: ObservedLink, host: HostIdentity, adopted: boolean): Computed {
  const mac = link.values.mac as string | undefined;
  return { ...(mac !== undefined ? { macAddress: mac } : {}), adopted, hostUuid: host.uuid, hostName: host.hostname };
}

/** The arguments as the host has them: set paths only, in the user's spelling where it means the same. */
export function argsOnHost(kind: Kind, args: Inputs, link: ObservedLink): Inputs {
  const control = Object.entries(args).filter(([k]) => (CONTROL_FIELDS as string[]).includes(k));
  const fields = project(fieldsOf(kind), args, link.values) as Inputs;
  return { ...Object.fromEntries(control), ...fields, ...(args.up !== undefined ? { up: link.up } : {}) };
}
