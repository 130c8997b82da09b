/** The settings of a link's own profile, and what follows from them for those of its ports: in memory, until they are kept. */
import type { Inputs } from "../../../handler.js";
import type { Mark } from "../../args.js";
import type { LinkRef } from "../backend.js";
import { reapply } from "./activate.js";
import { clearAddressing, copyAddressing, stepBack } from "./addresses.js";
import type { Bus, Settings } from "./bus.js";
import { activateProfile, addProfile, IN_MEMORY, NO_REAPPLY, reach, TO_DISK, updateProfile } from "./calls.js";
import { ETHERNET, isActive, ownMtu, portProfiles, profileOf, settingsFor } from "./lookup.js";
import { vlansOf, writeProfile } from "./profile.js";
import { ACTIVATED, GETTING_ADDRESSES, readState } from "./state.js";
import { AUTOCONNECT, MADE, MARK, setUserData, UNPROVEN, unprovenData, userData } from "./user-data.js";
import { v } from "./values.js";
import { writeVlans } from "./vlans.js";

export async function make(
  bus: Bus,
  { id, kind, name }: LinkRef,
  { values, mac, mark, ports }: { values: Inputs; mac?: string; mark?: Mark; ports: readonly string[] },
): Promise<void> {
  const settings: Settings = {
    connection: { id: v("s", name), uuid: v("s", id), type: v("s", kind), "interface-name": v("s", name) },
  };
  const all = { ...values, addresses: "none", ...(mac !== undefined ? { mac } : {}) };
  writeProfile(kind, settings, all, {}, { fresh: true });
  const autoconnect = settings.connection?.autoconnect?.data !== false;
  (settings.connection as Settings[string]).autoconnect = v("b", false);
  setUserData(settings, {
    ...{ [UNPROVEN]: [MADE, name, ...ports].join(" "), [AUTOCONNECT]: autoconnect ? "yes" : "no" },
    ...(mark ? { [MARK]: JSON.stringify(mark) } : {}),
  });
  const path = await addProfile(bus, settings);
  await activateProfile(bus, path);
  await reach(bus, name, GETTING_ADDRESSES);
}

export async function configure(
  bus: Bus,
  link: LinkRef,
  { values, was, inherit, mark }: { values: Inputs; was: Inputs; inherit?: string; mark?: Mark },
  checkpoint: string | undefined,
): Promise<void> {
  const state = await readState(bus);
  const profile = profileOf(state, link);
  const { path, settings } = profile;
  const unproven = unprovenData(profile, checkpoint, isActive(state, profile));
  // What it shall have once it is proven; until then it has none.
  const later = userData(settings)[AUTOCONNECT];
  if (later !== undefined) (settings.connection as Settings[string]).autoconnect = v("b", later === "yes");
  writeProfile(link.kind, settings, values, was);
  const from = inherit === undefined ? undefined : settingsFor(state, inherit, link);
  // Whole, with what the fields do not know: a DHCP client id, a metric.
  if (from) copyAddressing(settings, from, state.devices.get(inherit ?? "")?.uses);
  const autoconnect = settings.connection?.autoconnect?.data !== false;
  (settings.connection as Settings[string]).autoconnect = v("b", false);
  setUserData(settings, {
    ...unproven,
    [AUTOCONNECT]: autoconnect ? "yes" : "no",
    ...(mark ? { [MARK]: JSON.stringify(mark) } : {}),
  });
  await updateProfile(bus, path, settings, IN_MEMORY);
  const touches = (field: string) => values[field] !== undefined || was[field] !== undefined;
  for (const port of portProfiles(state, { uuid: link.id, device: link.name })) {
    const unprovenPort = unprovenData(port, checkpoint, isActive(state, port));
    const physical = touches("mtu") ? port.settings[ETHERNET] : undefined;
    if (physical) {
      const size = values.mtu ?? ownMtu(state, port);
      if (size === undefined) delete physical.mtu;
      else physical.mtu = v("u", size);
    }
    const filters = link.kind === "bridge" && touches("vlans");
    if (filters) writeVlans(port.settings, "bridge-port", vlansOf(values, port.device));
    if (!physical && !filters) continue;
    setUserData(port.settings, unprovenPort);
    await updateProfile(bus, port.path, port.settings, IN_MEMORY);
  }
}

export async function strip(bus: Bus, link: LinkRef, checkpoint: string | undefined): Promise<void> {
  const state = await readState(bus);
  const profile = profileOf(state, link);
  const unproven = unprovenData(profile, checkpoint, isActive(state, profile));
  const device = state.devices.get(link.name);
  // A port that has the same addresses again answers from then on: without that, nothing more could be asked by way of it. Where its
  // profile was changed beside, it goes as it is.
  if (device?.profile === profile.path && device.state === ACTIVATED)
    await reapply(bus, device, stepBack(profile.settings));
  clearAddressing(profile.settings);
  setUserData(profile.settings, unproven);
  (profile.settings.connection as Settings[string]).autoconnect = v("b", false);
  await updateProfile(bus, profile.path, profile.settings, IN_MEMORY);
}

/** Kept at once, where nothing else waits to be. */
export async function writeMark(bus: Bus, link: LinkRef, mark: Mark | null): Promise<void> {
  const { path, settings, unsaved } = profileOf(await readState(bus), link);
  setUserData(settings, { [MARK]: mark === null ? undefined : JSON.stringify(mark) });
  await updateProfile(bus, path, settings, (unsaved ? IN_MEMORY : TO_DISK) | NO_REAPPLY);
}
