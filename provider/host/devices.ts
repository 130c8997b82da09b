/** Devices that this run makes or has promised to make on a host, with their owner: whoever looked before does not see them. */

const made = new Map<string, Map<string, string>>();

/**
 * The device that `owner` has now, in this run; undefined: it has none any more. Known from then on, whenever the host
 * was read.
 */
export function deviceMade(uri: string, device: string | undefined, owner: string): void {
  const devices = made.get(uri) ?? new Map<string, string>();
  made.set(uri, devices);
  for (const [d, o] of devices) if (o === owner) devices.delete(d);
  if (device !== undefined) devices.set(device, owner);
}

/** Device → owner: the name of a network, or that of {@link linkOwner}. */
export const devicesMade = (uri: string): ReadonlyMap<string, string> => made.get(uri) ?? new Map();

/** A host's own link (Bridge, Bond, Vlan) as an owner; no network has such a name ('/' is not allowed in one). */
export const linkOwner = (name: string): string => `link/${name}`;
export const isLink = (owner: string): boolean => owner.startsWith("link/");

export const forgetDevices = (): void => made.clear();
