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
import type { Inputs } from "../../../handler.js";
import type { Channel } from "../../../host/channel.js";
import type { Addressing } from "../../addressing.js";
import type { Kind, Mark } from "../../args.js";
import type { HostLinks } from "../../facts.js";
import { forgetReadings, readings, recentLinks } from "../../readings.js";
import type { PortVlans } from "../../vlans.js";
import type { Backend, Found, LinkRef } from "../backend.js";
import { plugInto } from "../members.js";
import { activate } from "./activate.js";
import { readAddressing } from "./addresses.js";
import { Bus, type Presence } from "./bus.js";
import { calmLink, reach } from "./calls.js";
import { letGo, rollback, setCheckpoint, sweep } from "./checkpoint.js";
import { configure, make, strip, writeMark } from "./configure.js";
import { find } from "./find.js";
import { keep, remove } from "./keep.js";
import { activeOn, enslaved, keptBack, portProfiles, profileOf, settingsFor } from "./lookup.js";
import { Ports, unfitAsPort } from "./ports.js";
import { unsaid } from "./profile.js";
import { ACTIVATED, GETTING_ADDRESSES, readState, type State, UNMANAGED } from "./state.js";
import { lentBy } from "./user-data.js";

const states = readings<State>();
const present = readings<Presence>();

export class NetworkManager implements Backend {
  readonly name = "networkmanager";
  readonly keepsMarks = true;
  readonly takesBack = true;
  readonly shows = "nmcli connection show";
  readonly #bus: Bus;
  readonly #channel: Channel;
  readonly #uri: string;
  readonly #ports: Ports;

  /** @param uri of the host, whose readings all that have it share. */
  constructor(channel: Channel, uri: string) {
    this.#channel = channel;
    this.#uri = uri;
    this.#bus = new Bus(channel);
    this.#ports = new Ports(this.#bus, channel);
  }

  static present(channel: Channel, uri: string): Promise<Presence> {
    return present.recent(uri, () => new Bus(channel).present());
  }

  #state(): Promise<State> {
    return states.recent(this.#uri, () => readState(this.#bus));
  }

  links(): Promise<HostLinks> {
    return recentLinks(this.#uri, this.#channel);
  }

  forget(): void {
    forgetReadings(this.#uri);
  }

  async find(kind: Kind, ref: { id?: string; name: string }, host: HostLinks): Promise<Found> {
    return find(await this.#state(), kind, ref, host);
  }

  async beyond(link: LinkRef): Promise<string[]> {
    return unsaid(link.kind, profileOf(await this.#state(), link).settings);
  }

  async ownPorts(): Promise<string[]> {
    return enslaved(await this.#state());
  }

  async addressing(devices: readonly string[], link?: { id: string; name: string }): Promise<Map<string, Addressing>> {
    const state = await this.#state();
    const own = link && state.profiles.find((p) => p.uuid === link.id)?.settings;
    return new Map([
      ...devices.flatMap((device) => {
        const hidden = state.hidden.find(({ path }) => path === state.devices.get(device)?.profile);
        if (hidden) throw keptBack(`what addresses ${device} has`, hidden);
        const settings = settingsFor(state, device, link);
        return settings ? [[device, readAddressing(settings)] as const] : [];
      }),
      ...(link && own ? [[link.name, readAddressing(lentBy(own) ?? own)] as const] : []),
    ]);
  }

  async unfitPorts(devices: readonly string[]): Promise<Map<string, string>> {
    const [state, { links }] = [await this.#state(), await this.links()];
    return new Map(
      devices.flatMap((name) => {
        const active = activeOn(state, name);
        const unmanaged = (state.devices.get(name)?.state ?? UNMANAGED) <= UNMANAGED;
        const [address] = links.get(name)?.addresses ?? [];
        const why = active
          ? unfitAsPort(active, name)
          : unmanaged && address !== undefined
            ? `${name} has ${address} by another program, for NetworkManager does not manage it, and nobody would give that back: hand it to NetworkManager first ("nmcli device set ${name} managed yes", and a profile for it), or make the link by the program that manages it`
            : undefined;
        return why === undefined ? [] : [[name, why] as const];
      }),
    );
  }

  make(link: LinkRef, what: { values: Inputs; mac?: string; mark?: Mark; ports: readonly string[] }): Promise<void> {
    return make(this.#bus, link, what);
  }

  checkpoint(_link: LinkRef, devices: readonly string[], seconds: number): Promise<{ id: string; sinceMs: number }> {
    return setCheckpoint(this.#bus, devices, seconds);
  }

  letGo(checkpoint: string, endsMs: number): Promise<void> {
    return letGo(this.#bus, checkpoint, endsMs);
  }

  sweep(link: LinkRef, checkpoint: string | undefined): Promise<void> {
    return sweep(this.#bus, link, checkpoint);
  }

  async calm(link: LinkRef): Promise<void> {
    await calmLink(this.#bus, link);
    this.forget();
  }

  configure(
    link: LinkRef,
    wish: { values: Inputs; was: Inputs; inherit?: string; mark?: Mark },
    checkpoint: string | undefined,
  ): Promise<void> {
    return configure(this.#bus, link, wish, checkpoint);
  }

  strip(link: LinkRef, checkpoint: string | undefined): Promise<void> {
    return strip(this.#bus, link, checkpoint);
  }

  attach(link: LinkRef, port: string, vlans?: PortVlans): Promise<void> {
    return this.#ports.attach(link, port, vlans);
  }

  detach(link: LinkRef, port: string, rests: boolean): Promise<void> {
    return this.#ports.detach(link, port, rests);
  }

  activate(link: LinkRef): Promise<void> {
    return activate(this.#bus, this.#channel, link);
  }

  plug(link: LinkRef, devices: readonly string[]): Promise<void> {
    return plugInto(this.#channel, link.name, devices);
  }

  async mark(link: LinkRef, mark: Mark | null): Promise<void> {
    try {
      await writeMark(this.#bus, link, mark);
    } finally {
      this.forget();
    }
  }

  async settled(link: LinkRef, limitMs: number): Promise<void> {
    await this.#ports.attachAgain(link);
    const state = await readState(this.#bus);
    const alone = portProfiles(state, { uuid: link.id, device: link.name }).length === 0;
    // Without a port there is no carrier, and no DHCP server to wait for.
    await reach(this.#bus, link.name, alone ? GETTING_ADDRESSES : ACTIVATED, { limitMs });
  }

  keep(link: LinkRef): Promise<void> {
    return keep(this.#bus, link);
  }

  rollback(link: LinkRef, checkpoint: string | undefined, made: boolean): Promise<void> {
    return rollback(this.#bus, link, checkpoint, made);
  }

  remove(link: LinkRef): Promise<void> {
    return remove(this.#bus, link);
  }
}
