/** Devices become ports of a link, and get back what they had before. */
import { randomUUID } from "node:crypto";
import { VirtnetError } from "../../../handler.js";
import type { Channel } from "../../../host/channel.js";
import type { PortVlans } from "../../vlans.js";
import type { LinkRef } from "../backend.js";
import { readAddressing } from "./addresses.js";
import { type Bus, BusError, type Settings } from "./bus.js";
import { activateProfile, addProfile, IN_MEMORY, reach, updateProfile } from "./calls.js";
import {
  activeOn,
  deviceOf,
  ETHERNET,
  isActive,
  mtuOf,
  portProfiles,
  profileOf,
  replacedOf,
  restingFor,
  restingOn,
  waitsFor,
} from "./lookup.js";
import { ACTIVATED, type Device, DISCONNECTED, GETTING_ADDRESSES, type Profile, readState } from "./state.js";
import {
  giveBack,
  leaveBare,
  lend,
  lentBy,
  MADE,
  PORT_OF,
  REPLACED,
  REPLACED_BY,
  RESTS,
  setUserData,
  UNPROVEN,
  unprovenData,
  userData,
} from "./user-data.js";
import { v } from "./values.js";
import { writeVlans } from "./vlans.js";

/** Before profiles that somebody else left for the same device: the highest that there is. */
const PRIORITY = 999;
/** How long an answer is waited for that may have gone with a port. */
const PLUG_MS = 10_000;

export class Ports {
  readonly #bus: Bus;
  readonly #channel: Channel;
  /** Ports of which the host has not said that they are plugged in. */
  readonly #unsure = new Map<string, PortVlans | undefined>();

  constructor(bus: Bus, channel: Channel) {
    this.#bus = bus;
    this.#channel = channel;
  }

  /** The connection that this is asked over may go with a port, and the answer: that is no failure before the host was to be reached anew. */
  async attach(link: LinkRef, port: string, vlans?: PortVlans): Promise<void> {
    if (this.#unsure.size > 0 && !(await this.#answers())) {
      this.#unsure.set(port, vlans);
      return;
    }
    await this.#attach(link, port, vlans).catch((e: unknown) => {
      if (!(e instanceof BusError && e.lost)) throw e;
      this.#unsure.set(port, vlans);
    });
  }

  /** Those that were unsure, and are not plugged in. */
  async attachAgain(link: LinkRef): Promise<void> {
    for (const [port, vlans] of this.#unsure)
      if (!(await this.#isPlugged(link, port))) await this.#attach(link, port, vlans);
    this.#unsure.clear();
  }

  async #answers(): Promise<boolean> {
    return (await this.#channel.run(["true"], { limitMs: PLUG_MS })).code === 0;
  }

  async #attach(link: LinkRef, port: string, vlans?: PortVlans): Promise<void> {
    const state = await readState(this.#bus);
    const device = deviceOf(state, port);
    const before = activeOn(state, port);
    const known = portProfiles(state, { uuid: link.id, device: link.name }).find((p) => p.device === port);
    if (before && !before.generated && before.type !== ETHERNET) {
      // A bond or VLAN is made by its own profile, so that is changed: the device would go with it.
      lend(before.settings, link);
      if (vlans) writeVlans(before.settings, "bridge-port", vlans);
      await updateProfile(this.#bus, before.path, before.settings, IN_MEMORY);
      return this.#plugIn(port, before.path, device.path);
    }
    const why = before && unfitAsPort(before, port);
    if (why !== undefined) throw new VirtnetError(why);
    if (known && userData(known.settings)[REPLACED_BY] !== undefined) await this.#starts(known, false);
    const mtu = mtuOf(profileOf(state, link).settings);
    const path =
      known?.path ??
      (await addProfile(this.#bus, portSettings(link, port, before ?? restingOn(state, port), mtu, vlans)));
    await this.#plugIn(port, path, device.path);
  }

  /**
   * Whether a profile that somebody else made starts by itself; in memory, until it is kept.
   * @param by the link that it no longer starts for: else it is a port again at the next start of the host.
   */
  async #starts(profile: Profile, isActive: boolean, by?: LinkRef): Promise<void> {
    const { path, settings } = profile;
    const unproven = unprovenData(profile, undefined, isActive);
    (settings.connection as Settings[string]).autoconnect = v("b", by === undefined);
    setUserData(settings, { ...unproven, [REPLACED_BY]: by?.id });
    await updateProfile(this.#bus, path, settings, IN_MEMORY);
  }

  async #plugIn(port: string, profile: string, device: string): Promise<void> {
    await activateProfile(this.#bus, profile, device, { limitMs: PLUG_MS });
    await reach(this.#bus, port, ACTIVATED, { insist: false });
  }

  async #isPlugged(link: LinkRef, port: string): Promise<boolean> {
    const { stdout } = await this.#channel.run(["readlink", `/sys/class/net/${port}/master`]);
    return stdout.trim().endsWith(`/${link.name}`);
  }

  async detach(link: LinkRef, port: string, rests: boolean): Promise<void> {
    const state = await readState(this.#bus);
    const device = state.devices.get(port);
    if (!device) return;
    const member = portProfiles(state, { uuid: link.id, device: link.name }).find((p) => p.device === port);
    const before = member ? replacedOf(state, member) : restingFor(state, link).find((p) => p.device === port);
    const there = activeOn(state, port);
    // Somebody else has it by now.
    if (there && !there.generated && there.path !== member?.path) return;
    if (member && (rests || (before && waitsFor(state, before, link))))
      return this.#rest(link, member, isActive(state, member), device);
    // It comes back when it has a carrier again.
    if (!member && before && device.state < DISCONNECTED) return;
    const byOthers = member !== undefined && userData(member.settings)[PORT_OF] === undefined;
    if (byOthers && member.settings.connection?.autoconnect?.data !== false) await this.#starts(member, true, link);
    if (member && lentBy(member.settings)) {
      giveBack(member.settings, link);
      await updateProfile(this.#bus, member.path, member.settings, IN_MEMORY);
      await activateProfile(this.#bus, member.path, device.path);
      await reach(this.#bus, port, GETTING_ADDRESSES);
    } else if (before) {
      await activateProfile(this.#bus, before.path, device.path);
      await reach(this.#bus, port, GETTING_ADDRESSES);
    } else if (device.profile !== undefined) await this.#bus.call(device.path, "Device.Disconnect");
  }

  /**
   * What it replaced starts by itself no more, and stays so. Its device is not disconnected before that is proven: NetworkManager does
   * not always plug one in again at a rollback that was (its autoconnect is blocked while the link itself is activated anew).
   */
  async #rest(link: LinkRef, member: Profile, active: boolean, device: Device): Promise<void> {
    const { path, settings } = member;
    setUserData(settings, { ...unprovenData(member, undefined, active), [RESTS]: link.id });
    (settings.connection as Settings[string]).autoconnect = v("b", false);
    if (active) leaveBare(settings);
    await updateProfile(this.#bus, path, settings, IN_MEMORY);
    if (!active) return;
    try {
      await activateProfile(this.#bus, path, device.path);
      await reach(this.#bus, device.name, GETTING_ADDRESSES);
    } catch (e) {
      if (e instanceof BusError && e.lost) throw e;
      // Without a carrier.
      await this.#bus.call(device.path, "Device.Disconnect");
    }
  }
}

/** What a profile says of its NIC beside Ethernet. */
const PHYSICAL = ["ethtool", "dcb", "sriov"];

/** Why a NIC is not taken: what its port's profile could not keep, or NetworkManager could not give back. */
export function unfitAsPort({ settings, generated }: Profile, port: string): string | undefined {
  if (settings["802-1x"])
    return `the profile of ${port} logs in by 802.1X, whose secrets NetworkManager does not tell: make the link by hand, and adopt it`;
  if (generated && Object.keys(readAddressing(settings)).length > 0)
    return `${port} has addresses that no profile of NetworkManager has (another program set them), so they could not be given back: make one there first, with "nmcli connection add type ethernet ifname ${port}"`;
  return undefined;
}

/** What a device has when it is nobody's port: of another link of ours, that goes on to this one. */
const underneath = ({ uuid, settings }: Profile): string | undefined =>
  userData(settings)[PORT_OF] === undefined ? uuid : userData(settings)[REPLACED];

function portSettings(
  link: LinkRef,
  port: string,
  before: Profile | undefined,
  mtu: number | undefined,
  vlans: PortVlans | undefined,
): Settings {
  const settings: Settings = {
    connection: {
      ...{ id: v("s", `${link.name}-${port}`), uuid: v("s", randomUUID()), type: v("s", ETHERNET) },
      ...{ "interface-name": v("s", port), master: v("s", link.id), "slave-type": v("s", link.kind) },
      ...{ autoconnect: v("b", false), "autoconnect-priority": v("i", PRIORITY) },
    },
  };
  // The NIC itself stays as it was set: speed, wake-on-LAN, offloads.
  for (const setting of [ETHERNET, ...PHYSICAL]) {
    const there = before?.generated ? undefined : before?.settings[setting];
    if (there) settings[setting] = { ...there };
  }
  settings[ETHERNET] = { ...settings[ETHERNET], ...(mtu === undefined ? {} : { mtu: v("u", mtu) }) };
  if (vlans) writeVlans(settings, "bridge-port", vlans);
  setUserData(settings, {
    ...{ [PORT_OF]: link.id, [UNPROVEN]: MADE },
    [REPLACED]: before && !before.generated ? underneath(before) : undefined,
  });
  return settings;
}
