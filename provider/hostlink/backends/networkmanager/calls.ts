/** What NetworkManager is told to do with profiles, and the wait for it: it answers when it has begun. */
import { setTimeout as sleep } from "node:timers/promises";
import { VirtnetError } from "../../../handler.js";
import type { RunOptions } from "../../../host/channel.js";
import type { LinkRef } from "../backend.js";
import { type Bus, ROOT, type Settings } from "./bus.js";
import { portProfiles } from "./lookup.js";
import { ACTIVATED, DISCONNECTED, FAILED, type Profile, readMoving, readState } from "./state.js";

// NMSettingsAddConnection2Flags, NMSettingsUpdate2Flags (nm-dbus-interface.h): the same bits in both.
export const TO_DISK = 0x1;
export const IN_MEMORY = 0x2;
const BLOCK_AUTOCONNECT = 0x20;
/** Of Update2 alone: what is active stays as it is until it is told. */
export const NO_REAPPLY = 0x40;

export const ACTIVATE_MS = 90_000;
export const POLL_MS = 100;
/** How long what was there may take to come back; DHCP may never answer. */
const CALM_MS = 20_000;

/** In memory, and not by itself on its device. @returns its path. */
export async function addProfile(bus: Bus, settings: Settings): Promise<string> {
  const flags = IN_MEMORY | BLOCK_AUTOCONNECT;
  const path = await bus.call(
    "/org/freedesktop/NetworkManager/Settings",
    "Settings.AddConnection2",
    "a{sa{sv}}ua{sv}",
    [settings, flags, {}],
  );
  return path as string;
}

export async function updateProfile(bus: Bus, path: string, settings: Settings, flags: number): Promise<void> {
  await bus.call(path, "Settings.Connection.Update2", "a{sa{sv}}ua{sv}", [settings, flags, {}]);
}

export async function deleteProfile(bus: Bus, { path }: Profile): Promise<void> {
  await bus.call(path, "Settings.Connection.Delete");
}

/** NetworkManager removes the device with the profile, a moment later. */
export async function deleteLink(bus: Bus, link: LinkRef, profile: Profile): Promise<void> {
  await deleteProfile(bus, profile);
  for (const until = Date.now() + ACTIVATE_MS; Date.now() < until; await sleep(POLL_MS)) {
    if (!(await readMoving(bus)).devices.has(link.name)) return;
  }
  throw new VirtnetError(`NetworkManager has not removed device ${link.name} within ${ACTIVATE_MS / 1000} s`);
}

/** @param device path; absent: the one that the profile names, which is made where it is not there. @returns the path of the activation. */
export async function activateProfile(bus: Bus, profile: string, device = "/", options?: RunOptions): Promise<string> {
  return (await bus.call(ROOT, "ActivateConnection", "ooo", [profile, device, "/"], options)) as string;
}

/** Wait until a device has come that far; throws when it fails. `insist`: also where the host does not answer at times. */
export async function reach(
  bus: Bus,
  name: string,
  wanted: number,
  { limitMs = ACTIVATE_MS, insist = true } = {},
): Promise<void> {
  let state: number | undefined;
  for (const until = Date.now() + limitMs; Date.now() < until; ) {
    state = await bus.deviceState(name, wanted, ACTIVATED, FAILED, until - Date.now()).catch(async (e: unknown) => {
      if (!insist) throw e;
      await sleep(POLL_MS);
      return undefined;
    });
    if (state !== undefined && state >= wanted && state <= ACTIVATED) return;
    if (state === FAILED) break;
  }
  throw new VirtnetError(
    `NetworkManager did not bring ${name} up${state === FAILED ? "" : ` within ${limitMs / 1000} s`} (state ${String(state)})`,
  );
}

/** Until nothing is under way on the devices: NetworkManager answers when it has begun to activate what was there. */
export async function calm(bus: Bus, paths: readonly string[]): Promise<void> {
  const under = (state: number) => state > DISCONNECTED && state !== ACTIVATED && state !== FAILED;
  let quiet = 0;
  for (const until = Date.now() + CALM_MS; quiet < 3 && Date.now() < until; await sleep(POLL_MS)) {
    const { devices } = await readMoving(bus);
    quiet = [...devices.values()].some((d) => paths.includes(d.path) && under(d.state)) ? 0 : quiet + 1;
  }
}

/** The same for a link and its ports. */
export async function calmLink(bus: Bus, link: LinkRef): Promise<void> {
  const state = await readState(bus);
  const ports = portProfiles(state, { uuid: link.id, device: link.name }).map((p) => p.device);
  await calm(
    bus,
    [link.name, ...ports].flatMap((name) => state.devices.get(name ?? "")?.path ?? []),
  );
}
