/** What a profile keeps for us: NetworkManager stores its user data, and does not read it. Pure. */
import { VirtnetError } from "../../../handler.js";
import type { Mark } from "../../args.js";
import type { Settings } from "./bus.js";
import type { Profile } from "./state.js";
import { v } from "./values.js";

/** Keys of the profile's user data, which NetworkManager keeps and does not read. */
export const MARK = "pulumi-virtnet.mark";
/** The checkpoint under which the settings wait for their proof; "made": the link has nothing on it yet; "changed": there is no checkpoint. */
export const UNPROVEN = "pulumi-virtnet.unproven";
export const MADE = "made";
export const CHANGED = "changed";
/** The settings from before such a change, where no checkpoint takes them back: its device is not active. */
export const BEFORE = "pulumi-virtnet.before";
/** Whether the link shall be made again when the host starts; until the settings are proven it is not. */
export const AUTOCONNECT = "pulumi-virtnet.autoconnect";
/** Of a port's profile: the link's profile, and the profile that was on the device before. */
export const PORT_OF = "pulumi-virtnet.port-of";
export const REPLACED = "pulumi-virtnet.replaced";
/** Of a bond's or VLAN's own profile while its device is a port: the addresses that it has otherwise. */
export const LENT = "pulumi-virtnet.lent";
/** The same, given back by this link; until that is proven. */
export const RETURNED = "pulumi-virtnet.returned";
/** Of a profile that was replaced: by which link; it had autoconnect. */
export const REPLACED_BY = "pulumi-virtnet.replaced-by";
/** Of a port's profile: what it replaced is not to come back with this change; then of that one: it waits for this link to go. */
export const RESTS = "pulumi-virtnet.rests";

export const userData = (s: Settings): Record<string, string> =>
  (s.user?.data?.data as Record<string, string> | undefined) ?? {};

/** Set or, with undefined, remove keys of the user data. */
export function setUserData(s: Settings, data: Record<string, string | undefined>): void {
  const all = Object.entries({ ...userData(s), ...data }).filter(([, value]) => value !== undefined);
  if (all.length === 0) delete s.user;
  else s.user = { ...s.user, data: v("a{ss}", Object.fromEntries(all)) };
}

export function readMark(s: Settings): Mark | undefined {
  try {
    const text = userData(s)[MARK];
    return text === undefined ? undefined : (JSON.parse(text) as Mark);
  } catch {
    return undefined;
  }
}

/** What a profile says of addresses while its device is a port. */
export function lentBy(s: Settings): Settings | undefined {
  const text = userData(s)[LENT];
  return text === undefined ? undefined : (JSON.parse(text) as Settings);
}

/** NetworkManager keeps no longer text (nm_setting_user_check_val, 8 KiB). */
const LONGEST = 8000;

/** What user data says of a change that is not proven yet. */
export function unprovenData(
  { id, settings, unsaved }: Profile,
  checkpoint: string | undefined,
  isActive: boolean,
): Record<string, string | undefined> {
  const before = isActive ? undefined : JSON.stringify({ settings, saved: !unsaved });
  if (before !== undefined && Buffer.byteLength(before) > LONGEST)
    throw new VirtnetError(
      `the profile ${JSON.stringify(id)} is too long to be put back should the change fail (${Buffer.byteLength(before)} bytes, ${LONGEST} at most) while its device is down: bring it up first, with "nmcli connection up ${id}"`,
    );
  return { [UNPROVEN]: checkpoint ?? CHANGED, [BEFORE]: before };
}

/** What a change that is not proven has changed. */
export function settingsBefore(s: Settings): { settings: Settings; saved: boolean } | undefined {
  const text = userData(s)[BEFORE];
  return text === undefined ? undefined : (JSON.parse(text) as { settings: Settings; saved: boolean });
}

/** Of a port of a bridge or bond; NetworkManager adds them by itself. */
const PORT_SETTINGS = ["bridge-port", "bond-port"];

/** The profile's device becomes a port: it has no addresses meanwhile. */
export function lend(s: Settings, link: { id: string; kind: string }): void {
  const { ipv4, ipv6 } = s;
  setUserData(s, {
    [PORT_OF]: link.id,
    // One that goes from one link to another has lent its own to the first.
    [LENT]: userData(s)[LENT] ?? JSON.stringify({ ...(ipv4 ? { ipv4 } : {}), ...(ipv6 ? { ipv6 } : {}) }),
  });
  s.connection = { ...s.connection, master: v("s", link.id), "slave-type": v("s", link.kind) };
  for (const setting of ["ipv4", "ipv6", "proxy", ...PORT_SETTINGS]) delete s[setting];
}

/** The profile's device is no port any more, and has no addresses. */
export function leaveBare(s: Settings): void {
  const { master: _master, "slave-type": _type, ...connection } = s.connection ?? {};
  s.connection = connection;
  for (const setting of PORT_SETTINGS) delete s[setting];
  s.ipv4 = { method: v("s", "disabled") };
  s.ipv6 = { method: v("s", "disabled") };
}

export function giveBack(s: Settings, link: { id: string }): void {
  Object.assign(s, lentBy(s));
  setUserData(s, { [PORT_OF]: undefined, [LENT]: undefined, [RETURNED]: link.id });
  const { master: _master, "slave-type": _type, ...connection } = s.connection ?? {};
  s.connection = connection;
  for (const setting of PORT_SETTINGS) delete s[setting];
}
