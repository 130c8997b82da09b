/**
 * Links by NetworkManager, 1.42 and newer. Each link is a profile, each of its ports another.
 *
 * A change is safe from the first write to the last: profiles are added and changed in memory only, so a host that restarts comes
 * back as it was; and a checkpoint on exactly the devices concerned makes NetworkManager itself take them back when nobody commits in
 * time. NetworkManager's own way of removing what is new at a rollback (DELETE_NEW_CONNECTIONS) is not used: measured with 1.42, it
 * also removes profiles that others made meanwhile, and takes the taps of VMs started meanwhile off their bridges. Instead the device
 * is made first, with nothing on it and never by itself, and is one of the checkpoint's devices: a rollback leaves it bare, and the
 * next run sweeps it.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Inputs } from "../../../handler.js";
import { VirtnetError } from "../../../handler.js";
import type { Channel } from "../../../host/channel.js";
import type { Addressing } from "../../addressing.js";
import type { Kind, Mark } from "../../args.js";
import { type HostLinks, type LinkFact, present, readLinks } from "../../facts.js";
import type { PortVlans } from "../../vlans.js";
import type { Backend, Found, LinkRef } from "../backend.js";
import { membersOf, plugInto } from "../members.js";
import { Bus, BusError, NM, ROOT, type Settings } from "./bus.js";
import { type KernelVlan, ownVlans, setMtuBack, setOption, setVlans } from "./kernel.js";
import { enslaved, lendersOf } from "./ports.js";
import {
  AUTOCONNECT,
  copyAddressing,
  giveBack,
  LENT,
  lend,
  lentBy,
  MARK,
  PORT_OF,
  REPLACED,
  REPLACED_BY,
  RETURNED,
  readAddressing,
  readMark,
  readProfile,
  setUserData,
  stepBack,
  UNPROVEN,
  unsaid,
  userData,
  vlansOf,
  writeAddressing,
  writeProfile,
} from "./profile.js";
import { type Checkpoint, type Device, type Profile, readState, type State } from "./state.js";
import { v } from "./values.js";
import { readVlans, vlansDiffer, writeVlans } from "./vlans.js";

// NMSettingsAddConnection2Flags, NMSettingsUpdate2Flags (nm-dbus-interface.h): the same bits in both.
const TO_DISK = 0x1;
const IN_MEMORY = 0x2;
const BLOCK_AUTOCONNECT = 0x20;
/** Of Update2 alone: what is active stays as it is until it is told. */
const NO_REAPPLY = 0x40;

/** NMDeviceState. */
const ACTIVATED = 100;
const GETTING_ADDRESSES = 70;
const FAILED = 120;
const DISCONNECTED = 30;
const DEACTIVATING = 110;
/** Before profiles that somebody else left for the same device. */
const PRIORITY = 10;
const ACTIVATE_MS = 90_000;
/** How long an answer is waited for that may have gone with a port. */
const PLUG_MS = 10_000;
const POLL_MS = 100;
/** How long what was there may take to come back; DHCP may never answer. */
const CALM_MS = 20_000;
const WAIT_MS = 500;
const MADE = "made";
const ETHERNET = "802-3-ethernet";

export class NetworkManager implements Backend {
  readonly name = "networkmanager";
  readonly keepsMarks = true;
  readonly takesBack = true;
  readonly shows = "nmcli connection show";
  readonly #bus: Bus;
  readonly #channel: Channel;
  /** Ports of which the host has not said that they are plugged in. */
  readonly #unsure = new Map<string, PortVlans | undefined>();

  constructor(channel: Channel) {
    this.#channel = channel;
    this.#bus = new Bus(channel);
  }

  static present(channel: Channel): Promise<boolean> {
    return new Bus(channel).present();
  }

  links(): Promise<HostLinks> {
    return readLinks(this.#channel);
  }

  async find(kind: Kind, ref: { id?: string; name: string }, host: HostLinks): Promise<Found> {
    const state = await readState(this.#bus);
    const profile = findProfile(state, kind, ref);
    const fact = host.links.get(ref.name);
    if (!profile) {
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
    // Numbers of checkpoints begin anew with NetworkManager: one of this number may be somebody else's.
    const own = state.checkpoints.find((c) => c.path === unproven);
    if (own && (device === undefined || own.devices.includes(device.path)))
      return { leftover: { id, checkpoint: own.path } };
    const up = device?.profile === profile.path && device.state >= GETTING_ADDRESSES && device.state <= ACTIVATED;
    const profiles = portProfiles(state, profile);
    const members = profiles.flatMap(({ device: port }) => (port === undefined ? [] : [port]));
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
        },
        ...(mark ? { mark } : {}),
        up,
        saved: isKept(state, profile),
        lenders: lendersOf(state, profiles),
      },
    };
  }

  async beyond(link: LinkRef): Promise<string[]> {
    return unsaid(link.kind, profileOf(await readState(this.#bus), link).settings);
  }

  async ownPorts(): Promise<string[]> {
    return enslaved(await readState(this.#bus));
  }

  async addressing(devices: readonly string[]): Promise<Map<string, Addressing>> {
    const state = await readState(this.#bus);
    return new Map(
      devices.flatMap((device) => {
        const profile = activeOn(state, device);
        return profile ? [[device, readAddressing(profile.settings)] as const] : [];
      }),
    );
  }

  async make(
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
    const path = await this.#add(settings);
    await this.#bus.call(ROOT, "ActivateConnection", "ooo", [path, "/", "/"]);
    await this.#reach(name, GETTING_ADDRESSES);
  }

  async checkpoint(
    _link: LinkRef,
    devices: readonly string[],
    seconds: number,
  ): Promise<{ id: string; sinceMs: number }> {
    const state = await this.#alone(devices);
    const paths = devices.map((name) => deviceOf(state, name).path);
    const sinceMs = Date.now();
    try {
      const id = (await this.#bus.call(ROOT, "CheckpointCreate", "aouu", [paths, seconds, 0])) as string;
      return { id, sinceMs };
    } catch (e) {
      // Its answer may be lost: there was none before, so the one on exactly these devices is it.
      const made = checkpointOn(await readState(this.#bus).catch(() => state), devices);
      if (!made) throw e;
      return { id: made.path, sinceMs };
    }
  }

  async letGo(checkpoint: string, endsMs: number): Promise<void> {
    for (;;) {
      try {
        await this.#bus.call(ROOT, "CheckpointDestroy", "o", [checkpoint]);
        return;
      } catch (e) {
        const there = await readState(this.#bus).then(
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
  async #alone(devices: readonly string[]): Promise<State> {
    for (const began = Date.now(); ; await sleep(WAIT_MS)) {
      const state = await readState(this.#bus);
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

  async sweep(link: LinkRef, checkpoint: string | undefined): Promise<void> {
    // Still under way: ended now, before its time is up, since it would come in between later.
    if (checkpoint === undefined) await this.#alone([link.name]);
    await this.rollback(link, checkpoint, false);
  }

  async calm(link: LinkRef): Promise<void> {
    const state = await readState(this.#bus);
    const ports = portProfiles(state, { uuid: link.id, device: link.name }).map((p) => p.device);
    await this.#calm([link.name, ...ports].flatMap((name) => state.devices.get(name ?? "")?.path ?? []));
  }

  async configure(
    link: LinkRef,
    { values, was, inherit, mark }: { values: Inputs; was: Inputs; inherit?: string; mark?: Mark },
    checkpoint: string | undefined,
  ): Promise<void> {
    const state = await readState(this.#bus);
    const { path, settings } = profileOf(state, link);
    // What it shall have once it is proven; until then it has none.
    const later = userData(settings)[AUTOCONNECT];
    if (later !== undefined) (settings.connection as Settings[string]).autoconnect = v("b", later === "yes");
    writeProfile(link.kind, settings, values, was);
    const from = inherit === undefined ? undefined : activeOn(state, inherit);
    // Whole, with what the fields do not know: a DHCP client id, a metric.
    if (from) copyAddressing(settings, from.settings, state.devices.get(inherit ?? "")?.uses);
    const autoconnect = settings.connection?.autoconnect?.data !== false;
    (settings.connection as Settings[string]).autoconnect = v("b", false);
    setUserData(settings, {
      [UNPROVEN]: checkpoint ?? MADE,
      [AUTOCONNECT]: autoconnect ? "yes" : "no",
      ...(mark ? { [MARK]: JSON.stringify(mark) } : {}),
    });
    await this.#update(path, settings, IN_MEMORY);
    const touches = (field: string) => values[field] !== undefined || was[field] !== undefined;
    for (const port of portProfiles(state, { uuid: link.id, device: link.name })) {
      const physical = touches("mtu") ? port.settings[ETHERNET] : undefined;
      if (physical) {
        const size = values.mtu ?? ownMtu(state, port);
        if (size === undefined) delete physical.mtu;
        else physical.mtu = v("u", size);
      }
      const filters = link.kind === "bridge" && touches("vlans");
      if (filters) writeVlans(port.settings, "bridge-port", vlansOf(values, port.device));
      if (!physical && !filters) continue;
      // One of somebody else is kept only where it was changed.
      if (userData(port.settings)[PORT_OF] !== link.id) setUserData(port.settings, { [UNPROVEN]: checkpoint ?? MADE });
      await this.#update(port.path, port.settings, IN_MEMORY);
    }
  }

  async strip(link: LinkRef, checkpoint: string | undefined): Promise<void> {
    const state = await readState(this.#bus);
    const profile = profileOf(state, link);
    const device = state.devices.get(link.name);
    // A port that has the same addresses again answers from then on: without that, nothing more could be asked by way of it.
    if (device?.profile === profile.path && device.state === ACTIVATED)
      await this.#bus
        .call(device.path, "Device.Reapply", "a{sa{sv}}tu", [stepBack(profile.settings), 0, 0])
        .catch((e: unknown) => {
          // Its profile was changed beside: it goes as it is.
          if (!(e instanceof BusError && /Can't reapply/.test(e.message))) throw e;
        });
    writeAddressing(profile.settings, {});
    setUserData(profile.settings, { [UNPROVEN]: checkpoint });
    (profile.settings.connection as Settings[string]).autoconnect = v("b", false);
    await this.#update(profile.path, profile.settings, IN_MEMORY);
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
      await this.#update(before.path, before.settings, IN_MEMORY);
      return this.#plugIn(port, before.path, device.path);
    }
    if (before) refuseAsPort(before, port);
    const mtu = mtuOf(profileOf(state, link).settings);
    const path = known?.path ?? (await this.#add(portSettings(link, port, before, mtu, vlans)));
    await this.#plugIn(port, path, device.path);
  }

  async #plugIn(port: string, profile: string, device: string): Promise<void> {
    await this.#bus.call(ROOT, "ActivateConnection", "ooo", [profile, device, "/"], { limitMs: PLUG_MS });
    await this.#reach(port, ACTIVATED, { insist: false });
  }

  async detach(link: LinkRef, port: string): Promise<void> {
    const state = await readState(this.#bus);
    const device = state.devices.get(port);
    if (!device) return;
    const member = portProfiles(state, { uuid: link.id, device: link.name }).find((p) => p.device === port);
    const before = state.profiles.find((p) => p.uuid === userData(member?.settings ?? {})[REPLACED]);
    if (member && lentBy(member.settings)) {
      giveBack(member.settings, link);
      await this.#update(member.path, member.settings, IN_MEMORY);
      await this.#bus.call(ROOT, "ActivateConnection", "ooo", [member.path, device.path, "/"]);
      await this.#reach(port, GETTING_ADDRESSES);
    } else if (before) {
      await this.#bus.call(ROOT, "ActivateConnection", "ooo", [before.path, device.path, "/"]);
      await this.#reach(port, GETTING_ADDRESSES);
    } else if (device.profile !== undefined) await this.#bus.call(device.path, "Device.Disconnect");
  }

  async activate(link: LinkRef): Promise<void> {
    const state = await readState(this.#bus);
    const { path, settings } = profileOf(state, link);
    const device = state.devices.get(link.name);
    if (device?.profile !== path || device.state <= DISCONNECTED) {
      await this.#bus.call(ROOT, "ActivateConnection", "ooo", [path, "/", "/"]);
      await this.#reach(link.name, GETTING_ADDRESSES);
      return;
    }
    const applied = (await this.#bus.call(device.path, "Device.GetAppliedConnection", "u", [0])) as Settings;
    if (vlansDiffer(applied, settings)) {
      await this.#activateAnew(link, path, device.path);
      return;
    }
    // Without taking the device down, so VMs on it stay connected.
    try {
      await this.#bus.call(device.path, "Device.Reapply", "a{sa{sv}}tu", [{}, 0, 0]);
    } catch (e) {
      const why = e instanceof BusError ? e.message : "";
      if (!/Can't reapply/.test(why)) throw e;
      await this.#activateAnew(link, path, device.path);
      return;
    }
    if (link.kind === "bond") await this.#forgetPrimary(link.name, settings);
    for (const port of portProfiles(state, { uuid: link.id, device: link.name })) {
      const active = state.devices.get(port.device ?? "");
      // One that is just leaving needs none.
      if (active?.profile === port.path && active.state === ACTIVATED) await this.#reapplyPort(port, active);
    }
    if (mtuOf(applied) !== undefined && mtuOf(settings) === undefined) await this.#forgetMtu(state, link);
  }

  /** NetworkManager leaves the MTU as it is where a profile no longer says one, and sets those of ports later than it says. */
  async #forgetMtu(state: State, link: LinkRef): Promise<void> {
    const ports = portProfiles(state, { uuid: link.id, device: link.name }).filter((p) => p.type === ETHERNET);
    for (const { device = "", settings } of ports) await setMtuBack(this.#channel, device, "nic", mtuOf(settings));
    await setMtuBack(this.#channel, link.name, link.kind);
  }

  async #reapplyPort({ path }: Profile, device: Device): Promise<void> {
    try {
      await this.#bus.call(device.path, "Device.Reapply", "a{sa{sv}}tu", [{}, 0, 0]);
    } catch (e) {
      const why = e instanceof BusError ? e.message : "";
      if (/is not activated/.test(why)) return;
      // Its VLANs: NetworkManager 1.42 sets them when the port is plugged in.
      if (!/Can't reapply/.test(why)) throw e;
      await this.#bus.call(ROOT, "ActivateConnection", "ooo", [path, device.path, "/"]);
      await this.#reach(device.name, ACTIVATED);
    }
  }

  /** What is no longer in the profile NetworkManager 1.42 sets back, but for these two. */
  async #forgetPrimary(bond: string, settings: Settings): Promise<void> {
    const options = (settings.bond?.options?.data ?? {}) as Record<string, string>;
    const defaults = { primary: "", primary_reselect: "always" };
    for (const [option, value] of Object.entries(defaults))
      if (options[option] === undefined) await setOption(this.#channel, bond, option, value);
  }

  /** The device stays, but is without ports for a moment; those that NetworkManager does not know are put back here. */
  async #activateAnew(link: LinkRef, profile: string, device: string): Promise<void> {
    const members = link.kind === "bridge" ? await membersOf(this.#channel, link.name) : [];
    const vlans = link.kind === "bridge" ? await ownVlans(this.#channel, link.name) : new Map<string, KernelVlan[]>();
    const before = await readState(this.#bus);
    const ports = portProfiles(before, { uuid: link.id, device: link.name }).flatMap((p) =>
      before.devices.get(p.device ?? "")?.profile === p.path ? [p.device ?? ""] : [],
    );
    const active = await this.#bus.call(ROOT, "ActivateConnection", "ooo", [profile, device, "/"]);
    for (const until = Date.now() + ACTIVATE_MS; ; await sleep(POLL_MS)) {
      const { devices } = await readState(this.#bus);
      const own = devices.get(link.name);
      const up = own && own.active === active && own.state >= GETTING_ADDRESSES && own.state <= ACTIVATED;
      const anew = (port: string) =>
        devices.get(port)?.active !== before.devices.get(port)?.active && devices.get(port)?.state === ACTIVATED;
      if (up && ports.every(anew)) break;
      if (Date.now() > until)
        throw new VirtnetError(`NetworkManager did not bring ${link.name} and its ports up again`);
    }
    const foreign = members.filter((m) => !ports.includes(m));
    await this.plug(link, foreign);
    for (const device of foreign) await setVlans(this.#channel, device, vlans.get(device) ?? []);
  }

  plug(link: LinkRef, devices: readonly string[]): Promise<void> {
    return plugInto(this.#channel, link.name, devices);
  }

  async mark(link: LinkRef, mark: Mark | null): Promise<void> {
    const { path, settings, unsaved } = profileOf(await readState(this.#bus), link);
    setUserData(settings, { [MARK]: mark === null ? undefined : JSON.stringify(mark) });
    await this.#update(path, settings, (unsaved ? IN_MEMORY : TO_DISK) | NO_REAPPLY);
  }

  async settled(link: LinkRef, limitMs: number): Promise<void> {
    const state = await readState(this.#bus);
    for (const [port, vlans] of this.#unsure)
      if (!(await this.#isPlugged(link, port))) await this.#attach(link, port, vlans);
    this.#unsure.clear();
    const alone = portProfiles(state, { uuid: link.id, device: link.name }).length === 0;
    // Without a port there is no carrier, and no DHCP server to wait for.
    await this.#reach(link.name, alone ? GETTING_ADDRESSES : ACTIVATED, { limitMs });
  }

  async #isPlugged(link: LinkRef, port: string): Promise<boolean> {
    const { stdout } = await this.#channel.run(["readlink", `/sys/class/net/${port}/master`]);
    return stdout.trim().endsWith(`/${link.name}`);
  }

  /**
   * What is in memory goes to disk, and what it replaced no longer starts by itself. In this order: a host that starts in
   * between has the link, or the port with what it had before, or both, and what has the link's port has its priority.
   */
  async keep(link: LinkRef): Promise<void> {
    const state = await readState(this.#bus);
    const profile = profileOf(state, link);
    const { settings } = profile;
    const later = userData(settings)[AUTOCONNECT];
    if (later !== undefined) (settings.connection as Settings[string]).autoconnect = v("b", later === "yes");
    setUserData(settings, { [UNPROVEN]: undefined, [AUTOCONNECT]: undefined });
    await this.#update(profile.path, settings, TO_DISK | NO_REAPPLY);
    for (const port of portProfiles(state, profile)) {
      const data = userData(port.settings);
      // One of somebody else, which was changed along.
      if (data[PORT_OF] !== link.id) {
        if (data[UNPROVEN] !== undefined) await this.#keepLent(port);
      } else if (data[LENT] !== undefined) await this.#keepLent(port);
      else if (state.devices.get(port.device ?? "")?.profile === port.path) await this.#keepPort(state, link, port);
      else await this.#dropPort(state, link, port);
    }
    await this.#keepReturned(state, link);
  }

  async #keepLent({ path, settings }: Profile): Promise<void> {
    setUserData(settings, { [UNPROVEN]: undefined });
    await this.#update(path, settings, TO_DISK | NO_REAPPLY);
  }

  /** Bonds and VLANs that are ports no more. */
  async #keepReturned(state: State, link: LinkRef): Promise<void> {
    for (const { path, settings } of state.profiles.filter((p) => userData(p.settings)[RETURNED] === link.id)) {
      setUserData(settings, { [RETURNED]: undefined });
      await this.#update(path, settings, TO_DISK | NO_REAPPLY);
    }
  }

  async #keepPort(state: State, link: LinkRef, port: Profile): Promise<void> {
    (port.settings.connection as Settings[string]).autoconnect = v("b", true);
    setUserData(port.settings, { [UNPROVEN]: undefined });
    await this.#update(port.path, port.settings, TO_DISK | NO_REAPPLY);
    const replaced = state.profiles.find((p) => p.uuid === userData(port.settings)[REPLACED]);
    // One that names no device may serve others too; the port's own has priority.
    if (!replaced || replaced.device === undefined || replaced.settings.connection?.autoconnect?.data === false) return;
    (replaced.settings.connection as Settings[string]).autoconnect = v("b", false);
    setUserData(replaced.settings, { [REPLACED_BY]: link.id });
    await this.#update(replaced.path, replaced.settings, TO_DISK | NO_REAPPLY);
  }

  /** The profile of a port that is one no more; what it had replaced starts by itself again. */
  async #dropPort(state: State, link: LinkRef, port: Profile): Promise<void> {
    const replaced = state.profiles.find((p) => p.uuid === userData(port.settings)[REPLACED]);
    if (replaced && userData(replaced.settings)[REPLACED_BY] === link.id) {
      (replaced.settings.connection as Settings[string]).autoconnect = v("b", true);
      setUserData(replaced.settings, { [REPLACED_BY]: undefined });
      await this.#update(replaced.path, replaced.settings, TO_DISK | NO_REAPPLY);
    }
    await this.#bus.call(port.path, "Settings.Connection.Delete");
  }

  async rollback(link: LinkRef, checkpoint: string | undefined, made: boolean): Promise<void> {
    if (checkpoint !== undefined) {
      const { checkpoints } = await readState(this.#bus);
      // It may have run out meanwhile: then the host has done it by itself.
      const own = checkpoints.find((c) => c.path === checkpoint);
      if (own) {
        await this.#bus.call(ROOT, "CheckpointRollback", "o", [checkpoint]);
        await this.#calm(own.devices);
      } else await this.calm(link);
    }
    const state = await readState(this.#bus);
    const profile = state.profiles.find((p) => p.uuid === link.id);
    if (!profile) return;
    for (const port of portProfiles(state, profile))
      if (isNewPort(port, link) && state.devices.get(port.device ?? "")?.profile !== port.path)
        await this.#bus.call(port.path, "Settings.Connection.Delete");
    if (made || userData(profile.settings)[UNPROVEN]?.startsWith(MADE)) await this.#delete(link, profile);
    // The same as before, which the disk has: no copies in memory are needed.
    for (const p of state.profiles.filter((p) => p.unsaved && readMark(p.settings) && !userData(p.settings)[UNPROVEN]))
      await this.#update(p.path, p.settings, TO_DISK | NO_REAPPLY);
  }

  /** Until nothing is under way on the devices: NetworkManager answers when it has begun to activate what was there. */
  async #calm(paths: readonly string[]): Promise<void> {
    const under = (state: number) => state > DISCONNECTED && state !== ACTIVATED && state !== FAILED;
    let quiet = 0;
    for (const until = Date.now() + CALM_MS; quiet < 3 && Date.now() < until; await sleep(POLL_MS)) {
      const { devices } = await readState(this.#bus);
      quiet = [...devices.values()].some((d) => paths.includes(d.path) && under(d.state)) ? 0 : quiet + 1;
    }
  }

  async remove(link: LinkRef): Promise<void> {
    const state = await readState(this.#bus);
    const profile = profileOf(state, link);
    for (const port of portProfiles(state, profile))
      if (isPortOnly(port, link)) await this.#dropPort(state, link, port);
    await this.#keepReturned(state, link);
    await this.#delete(link, profile);
  }

  /** NetworkManager removes the device with the profile, a moment later. */
  async #delete(link: LinkRef, profile: Profile): Promise<void> {
    await this.#bus.call(profile.path, "Settings.Connection.Delete");
    for (const until = Date.now() + ACTIVATE_MS; Date.now() < until; await sleep(POLL_MS)) {
      if (!(await readState(this.#bus)).devices.has(link.name)) return;
    }
    throw new VirtnetError(`NetworkManager has not removed device ${link.name} within ${ACTIVATE_MS / 1000} s`);
  }

  async #add(settings: Settings): Promise<string> {
    const flags = IN_MEMORY | BLOCK_AUTOCONNECT;
    const path = await this.#bus.call(
      "/org/freedesktop/NetworkManager/Settings",
      "Settings.AddConnection2",
      "a{sa{sv}}ua{sv}",
      [settings, flags, {}],
    );
    return path as string;
  }

  async #update(path: string, settings: Settings, flags: number): Promise<void> {
    await this.#bus.call(path, "Settings.Connection.Update2", "a{sa{sv}}ua{sv}", [settings, flags, {}]);
  }

  /** Wait until a device has come that far; throws when it fails. `insist`: also where the host does not answer at times. */
  async #reach(name: string, wanted: number, { limitMs = ACTIVATE_MS, insist = true } = {}): Promise<void> {
    let state: number | undefined;
    for (const until = Date.now() + limitMs; Date.now() < until; ) {
      state = await this.#bus
        .deviceState(name, wanted, ACTIVATED, FAILED, until - Date.now())
        .catch(async (e: unknown) => {
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
}

/** Of the id; else of our mark; else active on the device; else meant for it. */
function findProfile(state: State, kind: Kind, { id, name }: { id?: string; name: string }): Profile | undefined {
  const byId = state.profiles.find((p) => p.uuid === id);
  if (byId) return byId;
  const fitting = state.profiles.filter((p) => p.type === kind && p.device === name && !p.generated);
  return (
    fitting.find((p) => readMark(p.settings) !== undefined) ??
    fitting.find((p) => p.path === state.devices.get(name)?.profile) ??
    fitting[0]
  );
}

function profileOf(state: State, link: LinkRef): Profile {
  const found = state.profiles.find((p) => p.uuid === link.id);
  if (!found) throw new VirtnetError(`the profile of ${link.kind} ${link.name} is gone: another program removed it`);
  return found;
}

function deviceOf(state: State, name: string) {
  const found = state.devices.get(name);
  if (!found) throw new VirtnetError(`NetworkManager knows no device ${name}`);
  return found;
}

/** A profile of ours that makes a device this link's port, and nothing else. */
const isPortOnly = ({ settings }: Profile, link: { id: string }): boolean =>
  userData(settings)[PORT_OF] === link.id && userData(settings)[LENT] === undefined;

/** The same, of a change that was never proven. */
const isNewPort = (port: Profile, link: { id: string }): boolean =>
  isPortOnly(port, link) && userData(port.settings)[UNPROVEN] !== undefined;

/** Whether {@link NetworkManager.keep} has nothing to do. */
function isKept(state: State, profile: Profile): boolean {
  const link = { id: profile.uuid };
  const members = portProfiles(state, profile).filter(({ settings }) => {
    const { [PORT_OF]: of, [UNPROVEN]: unproven } = userData(settings);
    return of === link.id || unproven !== undefined;
  });
  const replaced = members.map((p) => state.profiles.find((r) => r.uuid === userData(p.settings)[REPLACED]));
  const returned = state.profiles.filter((p) => userData(p.settings)[RETURNED] === link.id);
  const starts = (p: Profile | undefined) =>
    p?.device !== undefined && p.settings.connection?.autoconnect?.data !== false;
  const gone = members.some((p) => isPortOnly(p, link) && state.devices.get(p.device ?? "")?.profile !== p.path);
  return !gone && ![profile, ...members, ...returned].some((p) => p.unsaved) && !replaced.some(starts);
}

/** The one on exactly these devices: of a run that had no time to note it. */
function checkpointOn(state: State, names: readonly string[]): Checkpoint | undefined {
  const paths = names.map((name) => state.devices.get(name)?.path);
  return state.checkpoints.find((c) => c.devices.length === paths.length && c.devices.every((p) => paths.includes(p)));
}

const mtuOf = (s: Settings | undefined): number | undefined => s?.[ETHERNET]?.mtu?.data as number | undefined;

/** What a port's NIC has by the profile that was replaced. */
const ownMtu = (state: State, port: Profile): number | undefined =>
  mtuOf(state.profiles.find((p) => p.uuid === userData(port.settings)[REPLACED])?.settings);

/** On its way up or down; one that only waits for addresses may do so for ever. */
const moving = (device: Device | undefined): boolean =>
  device !== undefined &&
  ((device.state > DISCONNECTED && device.state < GETTING_ADDRESSES) || device.state === DEACTIVATING);

const activeOn = (state: State, device: string): Profile | undefined =>
  state.profiles.find((p) => p.path === state.devices.get(device)?.profile);

/** Profiles of a link's ports: not those that NetworkManager generates for taps and other programs' devices. */
function portProfiles(state: State, link: { uuid: string; device?: string }): Profile[] {
  return state.profiles.filter((p) => {
    const master = p.settings.connection?.master?.data;
    return !p.generated && master !== undefined && (master === link.uuid || master === link.device);
  });
}

/** What a profile says of its NIC beside Ethernet. */
const PHYSICAL = ["ethtool", "dcb", "sriov"];

/** What a port's profile could not keep, or NetworkManager could not give back. */
function refuseAsPort({ settings, generated }: Profile, port: string): void {
  if (settings["802-1x"])
    throw new VirtnetError(
      `the profile of ${port} logs in by 802.1X, whose secrets NetworkManager does not tell: make the link by hand, and adopt it`,
    );
  if (generated && Object.keys(readAddressing(settings)).length > 0)
    throw new VirtnetError(
      `${port} has addresses that no profile of NetworkManager has (another program set them), so they could not be given back: make one there first, with "nmcli connection add type ethernet ifname ${port}"`,
    );
}

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
    [REPLACED]: before && !before.generated ? before.uuid : undefined,
  });
  return settings;
}

/** VLANs of the host and of the ports. */
function allVlans(profile: Profile, ports: readonly Profile[]): { vlans?: PortVlans[] } {
  const vlans = [
    readVlans(profile.settings, "bridge", String(profile.device)),
    ...ports.map(({ settings, device }) => readVlans(settings, "bridge-port", String(device))),
  ].filter((found) => found !== undefined);
  return vlans.length > 0 ? { vlans } : {};
}

/** Fixed addresses that the device has lost, so that this shows. */
function onDevice(settings: Settings, fact: LinkFact | undefined): Inputs {
  const wanted = lentBy(settings) ? {} : readAddressing(settings);
  const there = wanted.addresses && present(wanted.addresses, fact);
  const mac = fact?.mac === undefined ? {} : { mac: fact.mac };
  if (there === undefined || there.length === wanted.addresses?.length) return mac;
  return { ...mac, addresses: { ...wanted, addresses: there } };
}
