/** What profiles say of ports. Pure. */
import { LENT, lentBy, REPLACED, readAddressing, userData } from "./profile.js";
import type { Profile, State } from "./state.js";

/** Those whose addresses come back when they are let go: by the profile that was replaced, or by their own as it was. */
export function lendersOf({ profiles }: State, ports: readonly Profile[]): string[] {
  return ports.flatMap(({ device, settings }) => {
    const data = userData(settings);
    const before = LENT in data ? lentBy(settings) : profiles.find((p) => p.uuid === data[REPLACED])?.settings;
    return device !== undefined && before && Object.keys(readAddressing(before)).length > 0 ? [device] : [];
  });
}

/** Those that a profile plugs in; not those that NetworkManager only found plugged in, as VMs' taps. */
export function enslaved({ devices, profiles }: State): string[] {
  const byProfile = profiles.filter((p) => !p.generated && p.settings.connection?.master !== undefined);
  const named = byProfile.flatMap(({ device }) => (device === undefined ? [] : [device]));
  const active = [...devices.values()].filter((d) => byProfile.some((p) => p.path === d.profile)).map((d) => d.name);
  return [...new Set([...named, ...active])];
}
