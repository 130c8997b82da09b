/** Who would lose a connection with a link. Pure. */
import type { HostLinks } from "./facts.js";
import type { ObservedLink } from "./steps.js";

/** Devices that others have put on it: taps of VMs, containers, VLANs. */
export function devicesOn({ name, values }: ObservedLink, links: HostLinks["links"]): string[] {
  const own = Array.isArray(values.ports) ? values.ports : [];
  return [...links.values()]
    .filter((l) => (l.master === name && !own.includes(l.name)) || l.parent === name)
    .map((l) => l.name);
}

/** The bridge or bond that it is a port of: made anew under it, it would come back without its place there. */
export const portOf = ({ name }: ObservedLink, links: HostLinks["links"]): string | undefined =>
  links.get(name)?.master;
