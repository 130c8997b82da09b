/** The plan of a host link as plain data. */
import type { Inputs } from "../handler.js";
import type { Impact } from "../network/prices.js";
import type { Addressing } from "./addressing.js";
import type { Kind, Mark } from "./args.js";
import type { HostLinks } from "./facts.js";
import type { PortVlans } from "./vlans.js";

export interface ObservedLink {
  /** The manager's own id of it. */
  id: string;
  name: string;
  /** In the terms of the fields of its kind. */
  values: Inputs;
  /** The MAC that it keeps, whichever ports it has. */
  keepsMac?: string;
  mark?: Mark;
  /** The device is there and active. */
  up: boolean;
  /** It is kept for the next start of the host. */
  saved: boolean;
  /** Ports that have addresses of their own again once they are let go. */
  lenders?: readonly string[];
  /** What these would have then. */
  lent?: ReadonlyMap<string, Lent>;
  /** Devices that were its ports, and have nothing until it goes: it has what was theirs. */
  resting?: readonly string[];
}

/** What a port has when it is let go. */
export interface Lent {
  addressing: Addressing;
  /** Of its own; of a bond's port it is not the one that it has now. */
  mac?: string;
  /** Why it cannot be without that for a while, and the way out. */
  cannotRest?: string;
}

export interface Observed {
  host: HostLinks;
  link?: ObservedLink;
  /** What a run left behind that died in the middle: the host has taken it back, or will. */
  leftover?: { id: string; checkpoint?: string };
  /** Why a device of this name cannot be taken: what it is. */
  foreign?: string;
  /** Something is under way on the link or a port of it. */
  busy?: true;
  /** Taps that libvirt has on this bridge, and the kernel on none. */
  orphans?: readonly string[];
  /** Addresses of the ports that are wanted, as their manager knows them. */
  ports: ReadonlyMap<string, Addressing>;
}

/** An address that the host must reach; `false`: nothing has to answer where nothing can. */
export type Probe = string | false;

/** Why the host itself has to be proven. */
export interface HostProof {
  /** It is managed through what changes: without an answer from anywhere nothing is changed. */
  managed: boolean;
  /** Devices that get addresses, and with them routes, which may take the host's own away. */
  brings: readonly string[];
  /** Devices that the host's own routes may move to. */
  to: readonly string[];
}

/** One thing that a backend does. */
export type Action =
  /** Remove what a dead run left. */
  | { do: "sweep"; id: string; checkpoint?: string }
  /** The device with nothing on it; it is gone with the next start of the host unless committed. */
  | { do: "make"; values: Inputs; mac?: string; ports: string[] }
  /** From here on the host takes everything back by itself, unless committed in time. */
  | { do: "checkpoint"; devices: string[]; seconds: number }
  | { do: "attach"; port: string; vlans?: PortVlans }
  /** `rests`: it gets nothing back until the link goes, which has what was the port's. */
  | { do: "detach"; port: string; rests?: true }
  /** Settings, for now in memory only. `inherit`: addresses of this port. */
  | { do: "configure"; values: Inputs; was: Inputs; inherit?: string; mark?: Mark }
  /** No addresses any more. */
  | { do: "strip" }
  | { do: "activate" }
  /** Taps of running VMs back onto the bridge, which was made anew. */
  | { do: "plug"; taps: string[] }
  /** `device`: it is up; `host`: that one can be reached, by a new connection and an answer of the next hops. */
  | { do: "prove"; device: boolean; host?: HostProof }
  /** The change holds, also for the next start of the host. */
  | { do: "commit" }
  | { do: "mark"; mark: Mark | null }
  | { do: "remove" };

export type StepKind = "sweep" | "create" | "change" | "mark" | "save" | "delete" | "release";

export interface Step {
  kind: StepKind;
  impact: Impact;
  why: string;
  /** Paths of the fields that it changes. */
  changes: string[];
  actions: Action[];
}

export interface Plan {
  kind: Kind;
  link: string;
  /** The manager's id; undefined: it is made, with an id of its own. */
  id?: string;
  steps: Step[];
  impact: Impact;
  /** Devices by which the host is managed that the change touches. */
  management: string[];
  /** What else must answer afterwards, as the user said. */
  probe?: Probe;
  /** After how many seconds the host takes the change back. */
  seconds: number;
}
