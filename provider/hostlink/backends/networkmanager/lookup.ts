/** Which profile, device or checkpoint of those that are there is meant. Pure. */
import { VirtnetError } from "../../../handler.js";
import type { Kind } from "../../args.js";
import type { LinkRef } from "../backend.js";
import { readAddressing } from "./addresses.js";
import type { Settings } from "./bus.js";
import {
  type Checkpoint,
  type Device,
  DISCONNECTED,
  type Hidden,
  type Moving,
  type Profile,
  type State,
} from "./state.js";
import { LENT, lentBy, MADE, PORT_OF, REPLACED, RESTS, readMark, UNPROVEN, userData } from "./user-data.js";

export const ETHERNET = "802-3-ethernet";

/** Of the id; else of our mark; else active on the device; else meant for it. */
export function findProfile(
  state: State,
  kind: Kind,
  { id, name }: { id?: string; name: string },
): Profile | undefined {
  const byId = state.profiles.find((p) => p.uuid === id);
  if (byId) return byId;
  const fitting = state.profiles.filter((p) => p.type === kind && p.device === name && !p.generated);
  return (
    fitting.find((p) => readMark(p.settings) !== undefined) ??
    fitting.find((p) => p.path === state.devices.get(name)?.profile) ??
    fitting[0]
  );
}

export function profileOf(state: State, link: LinkRef): Profile {
  const found = state.profiles.find((p) => p.uuid === link.id);
  if (!found) throw new VirtnetError(`the profile of ${link.kind} ${link.name} is gone: another program removed it`);
  return found;
}

export function deviceOf(state: Moving, name: string): Device {
  const found = state.devices.get(name);
  if (!found)
    throw new VirtnetError(`NetworkManager knows no device ${name}: plug it in, or take it out of the program`);
  return found;
}

export const activeOn = (state: State, device: string): Profile | undefined =>
  state.profiles.find((p) => p.path === state.devices.get(device)?.profile);

/** @param what cannot be told. */
export function keptBack(what: string, { uuid, path }: Hidden): VirtnetError {
  const which = uuid ?? path;
  return new VirtnetError(
    `${what} cannot be told: NetworkManager keeps the profile ${which} from this user, since others have it to themselves (connection.permissions): run as root, or let all see it, as root with: nmcli connection modify ${which} connection.permissions ""`,
  );
}

/** Whether a device has what the profile says: then a checkpoint on it takes back the profile, too. */
export const isActive = (state: State, profile: Profile): boolean =>
  [...state.devices.values()].some((d) => d.profile === profile.path && d.state > DISCONNECTED);

/** Profiles of a link's ports: not those that NetworkManager generates for taps and other programs' devices. */
export function portProfiles(state: State, link: { uuid: string; device?: string }): Profile[] {
  return state.profiles.filter((p) => {
    const master = p.settings.connection?.master?.data;
    return !p.generated && master !== undefined && (master === link.uuid || master === link.device);
  });
}

/** A profile of ours that makes a device this link's port, and nothing else. */
export const isPortOnly = ({ settings }: Profile, link: { id: string }): boolean =>
  userData(settings)[PORT_OF] === link.id && userData(settings)[LENT] === undefined;

/** The same, of a change that was never proven. */
export const isNewPort = (port: Profile, link: { id: string }): boolean =>
  isPortOnly(port, link) && userData(port.settings)[UNPROVEN] === MADE;

/** What was on a port's device before. */
export const replacedOf = (state: State, port: Profile): Profile | undefined =>
  state.profiles.find((p) => p.uuid === userData(port.settings)[REPLACED]);

/** What a device has addresses by; of a port of the link, by which it had them before. */
export function settingsFor(state: State, device: string, link?: { id: string; name: string }): Settings | undefined {
  const active = activeOn(state, device);
  if (!active || !link || !portProfiles(state, { uuid: link.id, device: link.name }).includes(active))
    return active?.settings;
  const lent = lentBy(active.settings);
  return lent ? { ...active.settings, ...lent } : replacedOf(state, active)?.settings;
}

export const mtuOf = (s: Settings | undefined): number | undefined => s?.[ETHERNET]?.mtu?.data as number | undefined;

/** What a port's NIC has by the profile that was replaced. */
export const ownMtu = (state: State, port: Profile): number | undefined => mtuOf(replacedOf(state, port)?.settings);

/** The one on exactly these devices: of a run that had no time to note it. */
export function checkpointOn(state: Moving, names: readonly string[]): Checkpoint | undefined {
  const paths = names.map((name) => state.devices.get(name)?.path);
  return state.checkpoints.find((c) => c.devices.length === paths.length && c.devices.every((p) => paths.includes(p)));
}

/** Those whose addresses come back when they are let go: by the profile that was replaced, or by their own as it was. */
export function lendersOf(state: State, ports: readonly Profile[]): string[] {
  return ports.flatMap((port) => {
    const before = LENT in userData(port.settings) ? lentBy(port.settings) : replacedOf(state, port)?.settings;
    return port.device !== undefined && before && Object.keys(readAddressing(before)).length > 0 ? [port.device] : [];
  });
}

/** Profiles of ports that are none any more, and have nothing: until that is kept. */
export const letGoBare = ({ profiles }: State, { id }: { id: string }): Profile[] =>
  profiles.filter((p) => isPortOnly(p, { id }) && RESTS in userData(p.settings) && !p.settings.connection?.master);

/** Profiles whose devices have nothing until the link goes; one that is a port again is none. */
export function restingFor({ profiles }: State, link: { id: string }): Profile[] {
  return profiles.filter(
    ({ settings }) => userData(settings)[RESTS] === link.id && userData(settings)[PORT_OF] === undefined,
  );
}

/** The same of one device, whichever link it waits for. */
export const restingOn = ({ profiles }: State, device: string): Profile | undefined =>
  profiles.find((p) => p.device === device && RESTS in userData(p.settings) && !(PORT_OF in userData(p.settings)));

/** The link that a replaced profile waits for, where that is there and another one than its port is let go by. */
export const waitsFor = ({ profiles }: State, replaced: Profile, link: { id: string }): string | undefined =>
  profiles.find((p) => p.uuid !== link.id && p.uuid === userData(replaced.settings)[RESTS])?.uuid;

/** Devices that a profile plugs in; not those that NetworkManager only found plugged in, as VMs' taps. */
export function enslaved({ devices, profiles }: State): string[] {
  const byProfile = profiles.filter((p) => !p.generated && p.settings.connection?.master !== undefined);
  const named = byProfile.flatMap(({ device }) => (device === undefined ? [] : [device]));
  const active = [...devices.values()].filter((d) => byProfile.some((p) => p.path === d.profile)).map((d) => d.name);
  return [...new Set([...named, ...active])];
}
