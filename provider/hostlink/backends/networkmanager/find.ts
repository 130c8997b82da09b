/** What is there of a link, in the plan's terms. Pure. */
import type { Inputs } from "../../../handler.js";
import type { Kind } from "../../args.js";
import { type HostLinks, type LinkFact, present } from "../../facts.js";
import type { PortVlans } from "../../vlans.js";
import type { Found } from "../backend.js";
import { readAddressing } from "./addresses.js";
import type { Settings } from "./bus.js";
import { isKept } from "./keep.js";
import { leaving } from "./leaving.js";
import { checkpointOn, findProfile, keptBack, lendersOf, portProfiles } from "./lookup.js";
import { readProfile } from "./profile.js";
import {
  ACTIVATED,
  DEACTIVATING,
  type Device,
  DISCONNECTED,
  GETTING_ADDRESSES,
  type Profile,
  type State,
} from "./state.js";
import { lentBy, MADE, readMark, settingsBefore, UNPROVEN, userData } from "./user-data.js";
import { readVlans } from "./vlans.js";

export function find(state: State, kind: Kind, ref: { id?: string; name: string }, host: HostLinks): Found {
  const profile = findProfile(state, kind, ref);
  const fact = host.links.get(ref.name);
  if (!profile) {
    refuseHidden(state, kind, ref);
    if (!fact) return {};
    return {
      foreign: `${fact.kind === undefined ? "a NIC" : `a ${fact.kind}`} that NetworkManager has no profile of`,
    };
  }
  const { uuid: id, settings } = profile;
  const unproven = userData(settings)[UNPROVEN];
  if (unproven?.startsWith(MADE)) {
    const checkpoint = checkpointOn(state, unproven.split(" ").slice(1));
    return { leftover: { id, ...(checkpoint ? { checkpoint: checkpoint.path } : {}) } };
  }
  const device = state.devices.get(ref.name);
  const profiles = portProfiles(state, profile);
  const members = profiles.flatMap(({ device: port }) => (port === undefined ? [] : [port]));
  // Numbers of checkpoints begin anew with NetworkManager: one of this number may be somebody else's.
  const own = state.checkpoints.find((c) => c.path === unproven);
  const paths = [ref.name, ...members].map((name) => state.devices.get(name)?.path);
  if (own?.devices.some((path) => paths.includes(path))) return { leftover: { id, checkpoint: own.path } };
  // Of a link or port that was down: no checkpoint takes that back.
  if ([profile, ...profiles].some((p) => settingsBefore(p.settings))) return { leftover: { id } };
  const up = device?.profile === profile.path && device.state >= GETTING_ADDRESSES && device.state <= ACTIVATED;
  const ports = up ? members.filter((port) => host.links.get(port)?.master === ref.name) : members;
  const mark = readMark(settings);
  const busy = [ref.name, ...members].some((name) => moving(state.devices.get(name)));
  return {
    ...(busy ? { busy } : {}),
    link: {
      id,
      name: ref.name,
      values: {
        ...{ ...readProfile(kind, settings), ...(up ? onDevice(settings, fact) : {}), name: ref.name, ports },
        ...(kind === "bridge" ? allVlans(profile, profiles) : {}),
        ...(kind === "vlan" ? parentOf(state, settings, up ? fact : undefined) : {}),
      },
      ...(mark ? { mark } : {}),
      up,
      saved: isKept(state, profile),
      lenders: lendersOf(state, profiles),
      ...leaving(state, profile, profiles, host),
    },
  };
}

/** One that is not told must not count as gone. */
function refuseHidden({ hidden, devices }: State, kind: Kind, { id, name }: { id?: string; name: string }): void {
  const on = devices.get(name)?.profile;
  const could = hidden.find(({ path, uuid }) => path === on || uuid === undefined || uuid === id);
  if (could) throw keptBack(`${kind} ${JSON.stringify(name)}: whether it is there`, could);
}

/** On its way up or down; one that only waits for addresses may do so for ever. */
const moving = (device: Device | undefined): boolean =>
  device !== undefined &&
  ((device.state > DISCONNECTED && device.state < GETTING_ADDRESSES) || device.state === DEACTIVATING);

/** VLANs of the host and of the ports. */
function allVlans(profile: Profile, ports: readonly Profile[]): { vlans?: PortVlans[] } {
  const vlans = [
    readVlans(profile.settings, "bridge", String(profile.device)),
    ...ports.map(({ settings, device }) => readVlans(settings, "bridge-port", String(device))),
  ].filter((found) => found !== undefined);
  return vlans.length > 0 ? { vlans } : {};
}

/** A VLAN's parent by its device: the profile may name it by another profile, or by its MAC (nm-setting-vlan.c). */
function parentOf({ profiles }: State, { vlan }: Settings, fact: LinkFact | undefined): { parent?: string } {
  const parent = fact?.parent ?? profiles.find((p) => p.uuid === vlan?.parent?.data)?.device;
  return parent === undefined ? {} : { parent };
}

/** Fixed addresses that the device has lost, so that this shows. */
function onDevice(settings: Settings, fact: LinkFact | undefined): Inputs {
  const wanted = lentBy(settings) ? {} : readAddressing(settings);
  const there = wanted.addresses && present(wanted.addresses, fact);
  const mac = fact?.mac === undefined ? {} : { mac: fact.mac };
  if (there === undefined || there.length === wanted.addresses?.length) return mac;
  return { ...mac, addresses: { ...wanted, addresses: there } };
}
