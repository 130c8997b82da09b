/** What the profiles say comes onto the devices: live where NetworkManager can, otherwise by activating them anew. */
import { setTimeout as sleep } from "node:timers/promises";
import { VirtnetError } from "../../../handler.js";
import type { Channel } from "../../../host/channel.js";
import type { LinkRef } from "../backend.js";
import { membersOf, plugInto } from "../members.js";
import { type Bus, BusError, type Settings } from "./bus.js";
import { ACTIVATE_MS, activateProfile, POLL_MS, reach } from "./calls.js";
import { type KernelVlan, ownVlans, setMtuBack, setOption, setVlans } from "./kernel.js";
import { ETHERNET, mtuOf, portProfiles, profileOf } from "./lookup.js";
import {
  ACTIVATED,
  type Device,
  DISCONNECTED,
  GETTING_ADDRESSES,
  type Profile,
  readMoving,
  readState,
  type State,
} from "./state.js";
import { vlansDiffer } from "./vlans.js";

export async function activate(bus: Bus, channel: Channel, link: LinkRef): Promise<void> {
  const state = await readState(bus);
  const { path, settings } = profileOf(state, link);
  const device = state.devices.get(link.name);
  if (device?.profile !== path || device.state <= DISCONNECTED) {
    await activateProfile(bus, path);
    await reach(bus, link.name, GETTING_ADDRESSES);
    return;
  }
  const applied = (await bus.call(device.path, "Device.GetAppliedConnection", "u", [0])) as Settings;
  const anew = vlansDiffer(applied, settings) || !(await reapply(bus, device));
  if (anew) await activateAnew(bus, channel, link, path, device.path);
  if (link.kind === "bond") await forgetPrimary(channel, link.name, settings);
  for (const port of portProfiles(state, { uuid: link.id, device: link.name })) {
    const active = state.devices.get(port.device ?? "");
    // One that is just leaving needs none, nor one that was activated along.
    if (!anew && active?.profile === port.path && active.state === ACTIVATED) await reapplyPort(bus, port, active);
  }
  if (mtuOf(applied) !== undefined && mtuOf(settings) === undefined) await forgetMtu(channel, state, link);
}

/**
 * Without taking the device down, so VMs on it stay connected.
 * @param settings instead of what its profile says. @returns false: NetworkManager cannot.
 */
export async function reapply(bus: Bus, { path }: Device, settings: Settings = {}): Promise<boolean> {
  try {
    await bus.call(path, "Device.Reapply", "a{sa{sv}}tu", [settings, 0, 0]);
    return true;
  } catch (e) {
    if (!(e instanceof BusError && /Can't reapply/.test(e.message))) throw e;
    return false;
  }
}

/** NetworkManager leaves the MTU as it is where a profile no longer says one, and sets those of ports later than it says. */
async function forgetMtu(channel: Channel, state: State, link: LinkRef): Promise<void> {
  const ports = portProfiles(state, { uuid: link.id, device: link.name }).filter((p) => p.type === ETHERNET);
  for (const { device = "", settings } of ports) await setMtuBack(channel, device, "nic", mtuOf(settings));
  await setMtuBack(channel, link.name, link.kind);
}

async function reapplyPort(bus: Bus, { path }: Profile, device: Device): Promise<void> {
  try {
    await bus.call(device.path, "Device.Reapply", "a{sa{sv}}tu", [{}, 0, 0]);
  } catch (e) {
    const why = e instanceof BusError ? e.message : "";
    if (/is not activated/.test(why)) return;
    // Its VLANs: NetworkManager 1.42 sets them when the port is plugged in.
    if (!/Can't reapply/.test(why)) throw e;
    await activateProfile(bus, path, device.path);
    await reach(bus, device.name, ACTIVATED);
  }
}

/** What is no longer in the profile NetworkManager 1.42 sets back, but for these two. */
async function forgetPrimary(channel: Channel, bond: string, settings: Settings): Promise<void> {
  const options = (settings.bond?.options?.data ?? {}) as Record<string, string>;
  const defaults = { primary: "", primary_reselect: "always" };
  for (const [option, value] of Object.entries(defaults))
    if (options[option] === undefined) await setOption(channel, bond, option, value);
}

/** The device stays, but is without ports for a moment; those that NetworkManager does not know are put back here. */
async function activateAnew(bus: Bus, channel: Channel, link: LinkRef, profile: string, device: string): Promise<void> {
  const members = link.kind === "bridge" ? await membersOf(channel, link.name) : [];
  const vlans = link.kind === "bridge" ? await ownVlans(channel, link.name) : new Map<string, KernelVlan[]>();
  const before = await readState(bus);
  const ports = portProfiles(before, { uuid: link.id, device: link.name }).flatMap((p) =>
    before.devices.get(p.device ?? "")?.profile === p.path ? [p.device ?? ""] : [],
  );
  const active = await activateProfile(bus, profile, device);
  for (const until = Date.now() + ACTIVATE_MS; ; await sleep(POLL_MS)) {
    const { devices } = await readMoving(bus);
    const own = devices.get(link.name);
    const up = own && own.active === active && own.state >= GETTING_ADDRESSES && own.state <= ACTIVATED;
    const anew = (port: string) =>
      devices.get(port)?.active !== before.devices.get(port)?.active && devices.get(port)?.state === ACTIVATED;
    if (up && ports.every(anew)) break;
    if (Date.now() > until) throw new VirtnetError(`NetworkManager did not bring ${link.name} and its ports up again`);
  }
  const foreign = members.filter((m) => !ports.includes(m));
  await plugInto(channel, link.name, foreign);
  for (const device of foreign) await setVlans(channel, device, vlans.get(device) ?? []);
}
