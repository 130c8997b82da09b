/** The host takes a change back: by itself, unless the checkpoint is let go in time, or when it is told. */
import { setTimeout as sleep } from "node:timers/promises";
import { VirtnetError } from "../../../handler.js";
import type { LinkRef } from "../backend.js";
import { type Bus, NM, ROOT } from "./bus.js";
import { calm, calmLink, deleteLink, deleteProfile, IN_MEMORY, NO_REAPPLY, TO_DISK, updateProfile } from "./calls.js";
import { checkpointOn, deviceOf, isNewPort, portProfiles } from "./lookup.js";
import { type Moving, type Profile, readMoving, readState, type State } from "./state.js";
import { MADE, PORT_OF, readMark, settingsBefore, UNPROVEN, userData } from "./user-data.js";

const WAIT_MS = 500;

export async function setCheckpoint(
  bus: Bus,
  devices: readonly string[],
  seconds: number,
): Promise<{ id: string; sinceMs: number }> {
  const state = await alone(bus, devices);
  const paths = devices.map((name) => deviceOf(state, name).path);
  const sinceMs = Date.now();
  try {
    const id = (await bus.call(ROOT, "CheckpointCreate", "aouu", [paths, seconds, 0])) as string;
    return { id, sinceMs };
  } catch (e) {
    // Its answer may be lost: there was none before, so the one on exactly these devices is it.
    const made = checkpointOn(await readMoving(bus).catch(() => state), devices);
    if (!made) throw e;
    return { id: made.path, sinceMs };
  }
}

export async function letGo(bus: Bus, checkpoint: string, endsMs: number): Promise<void> {
  for (;;) {
    try {
      await bus.call(ROOT, "CheckpointDestroy", "o", [checkpoint]);
      return;
    } catch (e) {
      const there = await readMoving(bus).then(
        ({ checkpoints }) => checkpoints.some((c) => c.path === checkpoint),
        () => true,
      );
      if (Date.now() > endsMs) throw e;
      // It has not run out, so it was ended by the call whose answer was lost.
      if (!there) return;
      await sleep(WAIT_MS);
    }
  }
}

/**
 * Wait until no checkpoint is on the devices: one of a run that died, or of another program, would undo what is done meanwhile.
 */
async function alone(bus: Bus, devices: readonly string[]): Promise<Moving> {
  for (const began = Date.now(); ; await sleep(WAIT_MS)) {
    const state = await readMoving(bus);
    const paths = devices.map((name) => state.devices.get(name)?.path);
    const other = state.checkpoints.find((c) => c.devices.some((path) => paths.includes(path)));
    if (!other) return state;
    if (other.seconds > 0 && Date.now() - began < (other.seconds + 5) * 1000) continue;
    const held = [...state.devices.values()].filter((d) => other.devices.includes(d.path)).map((d) => d.name);
    throw new VirtnetError(
      `another change of ${held.join(", ")} waits to be kept or taken back (${other.path}): end it, with "busctl call ${NM} ${ROOT} ${NM} CheckpointRollback o ${other.path}"`,
    );
  }
}

export async function sweep(bus: Bus, link: LinkRef, checkpoint: string | undefined): Promise<void> {
  // Still under way: ended now, before its time is up, since it would come in between later.
  if (checkpoint === undefined) await alone(bus, [link.name]);
  await rollback(bus, link, checkpoint, false);
}

export async function rollback(bus: Bus, link: LinkRef, checkpoint: string | undefined, made: boolean): Promise<void> {
  if (checkpoint !== undefined) {
    const { checkpoints } = await readMoving(bus);
    // It may have run out meanwhile: then the host has done it by itself.
    const own = checkpoints.find((c) => c.path === checkpoint);
    if (own) {
      await bus.call(ROOT, "CheckpointRollback", "o", [checkpoint]);
      await calm(bus, own.devices);
    } else await calmLink(bus, link);
  }
  const state = await readState(bus);
  const profile = state.profiles.find((p) => p.uuid === link.id);
  if (!profile) return;
  for (const port of portProfiles(state, profile))
    if (isNewPort(port, link) && state.devices.get(port.device ?? "")?.profile !== port.path)
      await deleteProfile(bus, port);
  if (made || userData(profile.settings)[UNPROVEN]?.startsWith(MADE)) await deleteLink(bus, link, profile);
  else await takeBack(bus, state, link, profile);
  // The same as before, which the disk has: no copies in memory are needed.
  for (const p of state.profiles.filter((p) => p.unsaved && isOurs(p) && !userData(p.settings)[UNPROVEN]))
    await updateProfile(bus, p.path, p.settings, TO_DISK | NO_REAPPLY);
}

const isOurs = ({ settings }: Profile): boolean =>
  readMark(settings) !== undefined || userData(settings)[PORT_OF] !== undefined;

/** What no checkpoint was on: the profiles of a link that was down, and of its ports. */
async function takeBack(bus: Bus, state: State, link: LinkRef, profile: Profile): Promise<void> {
  const members = portProfiles(state, profile);
  if (settingsBefore(profile.settings) === undefined && !members.some((p) => settingsBefore(p.settings))) return;
  const device = state.devices.get(link.name);
  const { active } = device ?? {};
  // What somebody else has on the device stays.
  if (settingsBefore(profile.settings) && active !== undefined && device?.profile === profile.path) {
    await bus.call(ROOT, "DeactivateConnection", "o", [active]);
    await calmLink(bus, link);
  }
  for (const { path, settings } of [profile, ...members]) {
    const before = settingsBefore(settings);
    if (before) await updateProfile(bus, path, before.settings, (before.saved ? TO_DISK : IN_MEMORY) | NO_REAPPLY);
  }
}
