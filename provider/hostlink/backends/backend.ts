/**
 * What manages the links of a host: NetworkManager, or libvirt's own interfaces; others (systemd-networkd, netplan) are directories
 * beside them. A backend does what a plan says and decides nothing. It reaches its host by the channel or by libvirt's connection,
 * so it works alike on this machine, in a sandbox and over ssh.
 */
import type { Inputs } from "../../handler.js";
import type { Channel } from "../../host/channel.js";
import type { Host } from "../../host/hosts.js";
import type { Addressing } from "../addressing.js";
import type { BackendName, Kind, Mark } from "../args.js";
import type { HostLinks } from "../facts.js";
import type { ObservedLink } from "../steps.js";
import type { PortVlans } from "../vlans.js";

/** The ways to a host; without a channel no command can be run there. */
export interface Access {
  host: Host;
  channel?: Channel | undefined;
}

export interface LinkRef {
  /** The manager's id of the link. */
  id: string;
  kind: Kind;
  name: string;
}

export interface Found {
  link?: ObservedLink;
  leftover?: { id: string; checkpoint?: string };
  foreign?: string;
  /** Something is under way on it or on a port, as a change that the host takes back by itself. */
  busy?: true;
}

export interface Backend {
  readonly name: BackendName;
  /** It keeps owner marks on the host. Otherwise a link is known by its name alone. */
  readonly keepsMarks: boolean;
  /** The host takes back what is not kept in time, whatever has become of the run. Otherwise only a run does: this one, or the next. */
  readonly takesBack: boolean;
  /** Why a change that others make live takes the link down and up; absent: it does not. */
  readonly restarts?: string;
  /** The command that shows links on the host, for messages. */
  readonly shows: string;
  /** What is on the host. This, and all that only looks, may be as old as the last {@link forget}. */
  links(): Promise<HostLinks>;
  /** What was read before counts no more: for who is about to write, and has written. */
  forget(): void;
  /** By id where one is given, else by name. */
  find(kind: Kind, ref: { id?: string; name: string }, host: HostLinks): Promise<Found>;
  /** What the manager keeps of a link that no field says, as `ipv4.dhcp-timeout=30`. */
  beyond(link: LinkRef): Promise<string[]>;
  /** Devices that it makes ports of a link, whoever's. */
  ownPorts(): Promise<string[]>;
  /** Addresses of devices, as the manager has them; of ports of `link` what they had before, and by its name the link's own. */
  addressing(devices: readonly string[], link?: { id: string; name: string }): Promise<Map<string, Addressing>>;
  /** Why devices cannot be ports, of those that cannot: by name. Absent: rules say all of it. */
  unfitPorts?(devices: readonly string[]): Promise<Map<string, string>>;
  /** A device with nothing on it, until the next start of the host. */
  make(link: LinkRef, what: { values: Inputs; mac?: string; mark?: Mark; ports: readonly string[] }): Promise<void>;
  /** Remove what a run left that died in the middle. */
  sweep(link: LinkRef, checkpoint: string | undefined): Promise<void>;
  /** Waits until nothing is under way on the link and its ports. */
  calm(link: LinkRef): Promise<void>;
  /** Waits for those of others. @returns its id, and since when (of `Date.now`) it counts, at the earliest. */
  checkpoint(link: LinkRef, devices: readonly string[], seconds: number): Promise<{ id: string; sinceMs: number }>;
  configure(
    link: LinkRef,
    wish: { values: Inputs; was: Inputs; inherit?: string; mark?: Mark },
    checkpoint: string | undefined,
  ): Promise<void>;
  /** No addresses any more. */
  strip(link: LinkRef, checkpoint: string | undefined): Promise<void>;
  attach(link: LinkRef, port: string, vlans?: PortVlans): Promise<void>;
  /** @param rests it gets nothing back until the link goes. */
  detach(link: LinkRef, port: string, rests: boolean): Promise<void>;
  activate(link: LinkRef): Promise<void>;
  /** Devices of others, as VMs' taps, onto a bridge that they belong on. */
  plug(link: LinkRef, devices: readonly string[]): Promise<void>;
  mark(link: LinkRef, mark: Mark | null): Promise<void>;
  /** Waits until the device is up and has what it shall have. */
  settled(link: LinkRef, limitMs: number): Promise<void>;
  /** The checkpoint ends, and what was changed stays. `endsMs`: when it runs out. An error where the host takes the change back. */
  letGo(checkpoint: string, endsMs: number): Promise<void>;
  /** Kept for the next start of the host. May be repeated. */
  keep(link: LinkRef): Promise<void>;
  /** Everything as it was, at once; `made`: the link itself is of this run. */
  rollback(link: LinkRef, checkpoint: string | undefined, made: boolean): Promise<void>;
  /** The link goes. */
  remove(link: LinkRef): Promise<void>;
}
