/** How a change ends: it is kept for the next start of the host, or the link goes. What ports had replaced goes along. */
import type { LinkRef } from "../backend.js";
import type { Bus, Settings } from "./bus.js";
import { deleteLink, deleteProfile, NO_REAPPLY, TO_DISK, updateProfile } from "./calls.js";
import {
  isActive,
  isPortOnly,
  letGoBare,
  portProfiles,
  profileOf,
  replacedOf,
  restingFor,
  waitsFor,
} from "./lookup.js";
import { type Profile, readState, type State } from "./state.js";
import {
  AUTOCONNECT,
  BEFORE,
  giveBack,
  LENT,
  PORT_OF,
  REPLACED_BY,
  RESTS,
  RETURNED,
  setUserData,
  UNPROVEN,
  userData,
} from "./user-data.js";
import { v } from "./values.js";

/**
 * What is in memory goes to disk, and what it replaced no longer starts by itself. In this order: a host that starts in
 * between has the link, or the port with what it had before, or both, and what has the link's port has its priority.
 */
export async function keep(bus: Bus, link: LinkRef): Promise<void> {
  const state = await readState(bus);
  const profile = profileOf(state, link);
  const { settings } = profile;
  const later = userData(settings)[AUTOCONNECT];
  if (later !== undefined) (settings.connection as Settings[string]).autoconnect = v("b", later === "yes");
  setUserData(settings, { [UNPROVEN]: undefined, [BEFORE]: undefined, [AUTOCONNECT]: undefined });
  await updateProfile(bus, profile.path, settings, TO_DISK | NO_REAPPLY);
  for (const port of portProfiles(state, profile)) {
    const data = userData(port.settings);
    // One of somebody else, which was changed along.
    if (data[PORT_OF] !== link.id) {
      if (data[UNPROVEN] !== undefined) await keepLent(bus, port);
    } else if (data[LENT] !== undefined) {
      // One that is wanted has been plugged in by now; another one's device was not there when it was to be unplugged.
      if (isActive(state, port)) await keepLent(bus, port);
      else await giveBackLent(bus, link, port);
    } else if (state.devices.get(port.device ?? "")?.profile === port.path) await keepPort(bus, state, link, port);
    else await dropPort(bus, state, link, port);
  }
  await dropBare(bus, state, link);
  await keepReturned(bus, state, link);
}

/** Whether {@link keep} has nothing to do. */
export function isKept(state: State, profile: Profile): boolean {
  const link = { id: profile.uuid };
  const members = portProfiles(state, profile).filter(({ settings }) => {
    const { [PORT_OF]: of, [UNPROVEN]: unproven } = userData(settings);
    return of === link.id || unproven !== undefined;
  });
  const replaced = members.map((p) => replacedOf(state, p));
  const returned = state.profiles.filter((p) => userData(p.settings)[RETURNED] === link.id);
  const starts = (p: Profile | undefined) =>
    p?.device !== undefined && p.settings.connection?.autoconnect?.data !== false;
  const gone = members.some((p) => isPortOnly(p, link) && state.devices.get(p.device ?? "")?.profile !== p.path);
  if (letGoBare(state, link).length > 0) return false;
  return !gone && ![profile, ...members, ...returned].some((p) => p.unsaved) && !replaced.some(starts);
}

async function keepLent(bus: Bus, { path, settings }: Profile): Promise<void> {
  setUserData(settings, { [UNPROVEN]: undefined, [BEFORE]: undefined });
  await updateProfile(bus, path, settings, TO_DISK | NO_REAPPLY);
}

/** To a bond or VLAN whose device is not there: it has its addresses again when that is. */
async function giveBackLent(bus: Bus, link: LinkRef, { path, settings }: Profile): Promise<void> {
  giveBack(settings, link);
  setUserData(settings, { [RETURNED]: undefined, [UNPROVEN]: undefined, [BEFORE]: undefined });
  await updateProfile(bus, path, settings, TO_DISK | NO_REAPPLY);
}

/** Bonds and VLANs that are ports no more. */
async function keepReturned(bus: Bus, state: State, link: LinkRef): Promise<void> {
  for (const { path, settings } of state.profiles.filter((p) => userData(p.settings)[RETURNED] === link.id)) {
    setUserData(settings, { [RETURNED]: undefined });
    await updateProfile(bus, path, settings, TO_DISK | NO_REAPPLY);
  }
}

async function keepPort(bus: Bus, state: State, link: LinkRef, port: Profile): Promise<void> {
  const replaced = replacedOf(state, port);
  // Kept first: no such one is made at a start that finds the port's, and there would be nothing to give back.
  if (replaced?.byDefault) await updateProfile(bus, replaced.path, replaced.settings, TO_DISK | NO_REAPPLY);
  (port.settings.connection as Settings[string]).autoconnect = v("b", true);
  setUserData(port.settings, { [UNPROVEN]: undefined, [BEFORE]: undefined, [RESTS]: undefined });
  await updateProfile(bus, port.path, port.settings, TO_DISK | NO_REAPPLY);
  // One that names no device may serve others too; the port's own has priority.
  if (!replaced || replaced.device === undefined) return;
  // Also one that was replaced by another link, which the port has left.
  const by = userData(replaced.settings)[REPLACED_BY];
  const starts = by !== link.id && (by !== undefined || replaced.settings.connection?.autoconnect?.data !== false);
  const rests = userData(replaced.settings)[RESTS];
  if (!starts && rests !== link.id) return;
  (replaced.settings.connection as Settings[string]).autoconnect = v("b", false);
  setUserData(replaced.settings, {
    [RESTS]: rests === link.id ? undefined : rests,
    ...(starts ? { [REPLACED_BY]: link.id } : {}),
  });
  await updateProfile(bus, replaced.path, replaced.settings, TO_DISK | NO_REAPPLY);
}

/** The profile of a port that is one no more; what it had replaced starts by itself again, now or when the link goes. */
async function dropPort(bus: Bus, state: State, link: LinkRef, port: Profile): Promise<void> {
  const replaced = replacedOf(state, port);
  const other = replaced && waitsFor(state, replaced, link);
  if (replaced && (other !== undefined || userData(port.settings)[RESTS] !== undefined)) {
    const by = userData(replaced.settings)[REPLACED_BY];
    setUserData(replaced.settings, {
      [RESTS]: other ?? link.id,
      [REPLACED_BY]: by === undefined ? undefined : (other ?? by),
    });
    await updateProfile(bus, replaced.path, replaced.settings, TO_DISK | NO_REAPPLY);
  } else if (replaced && userData(replaced.settings)[REPLACED_BY] === link.id) await startAgain(bus, link, replaced);
  await deleteProfile(bus, port);
}

async function dropBare(bus: Bus, state: State, link: LinkRef): Promise<void> {
  for (const port of letGoBare(state, link)) {
    const device = state.devices.get(port.device ?? "");
    // No other profile is to start there instead.
    if (device?.profile === port.path) await bus.call(device.path, "Device.Disconnect");
    await dropPort(bus, state, link, port);
  }
}

async function startAgain(bus: Bus, link: LinkRef, { path, settings }: Profile): Promise<void> {
  const own = userData(settings)[REPLACED_BY] === link.id;
  if (own) (settings.connection as Settings[string]).autoconnect = v("b", true);
  setUserData(settings, { [RESTS]: undefined, ...(own ? { [REPLACED_BY]: undefined } : {}) });
  await updateProfile(bus, path, settings, TO_DISK | NO_REAPPLY);
}

export async function remove(bus: Bus, link: LinkRef): Promise<void> {
  const state = await readState(bus);
  const profile = profileOf(state, link);
  for (const port of portProfiles(state, profile)) {
    if (isPortOnly(port, link)) await dropPort(bus, state, link, port);
    else if (userData(port.settings)[PORT_OF] === link.id) await giveBackLent(bus, link, port);
    else if (userData(port.settings)[UNPROVEN] !== undefined) await keepLent(bus, port);
  }
  await dropBare(bus, state, link);
  for (const profile of restingFor(state, link)) await startAgain(bus, link, profile);
  await keepReturned(bus, state, link);
  await deleteLink(bus, link, profile);
}
