/** The plan as plain data. */
import type { Affect, Ref, UpdateCommand, UpdateSection } from "../libvirt/api.js";
import type { Mark } from "../ownership.js";
import type { Firewall } from "./abilities.js";
import type { Subject } from "./firewall/subject.js";
import type { Journal, JournalNic } from "./journal.js";
import type { Nic, StoredUser } from "./nics.js";
import type { Impact } from "./prices.js";

export interface ObservedNetwork {
  uuid: string;
  name: string;
  persistent: boolean;
  autostart: boolean;
  /** Stored definition; of a transient network, the running one. */
  xml: string;
  /** Running definition; absent where it is stopped. */
  liveXml?: string;
  mark?: Mark;
}

export interface Observed {
  /** Version of the daemon, major*1000000 + minor*1000 + release. */
  daemon: number;
  /** Firewall backend of the host, where it is known. */
  firewall?: Firewall;
  network?: ObservedNetwork;
  /** NICs of running domains on it. */
  nics: readonly Nic[];
  /** NICs of stored definitions that refer to it, where its name or its own bridge changes. */
  stored?: readonly StoredUser[];
  /** VMs on it, running or stored, of which libvirt keeps an older state, where its name changes. */
  kept?: { managedSaves: readonly string[]; snapshots: readonly string[] };
  /** Whether commands can be run on the host. Default: false. */
  channel?: boolean;
  /** Devices on its bridge that are no VM's; absent: nobody could tell. */
  ports?: readonly string[];
  /** What libvirt made on the host for it and is gone, in words; absent: there is no channel that could tell. */
  broken?: readonly string[];
  /** How long its last restart took, in ms, where this is known. */
  restartMs?: number;
}

/** One call to libvirt, or a few that belong together. */
export type Action =
  | { do: "define"; xml: string }
  | { do: "start" }
  | { do: "destroy" }
  | { do: "undefine" }
  | { do: "autostart"; on: boolean }
  | { do: "update"; command: UpdateCommand; section: UpdateSection; parentIndex: number; xml: string; affect: Affect }
  /** Keep the firewall's rules of the network until all is done, although libvirt sets them anew. Without a channel nothing. */
  | { do: "hold"; firewall: Firewall; subject: Subject; seconds: number }
  /**
   * Write down on the host what follows, so that anybody can finish or undo it. All actions up to `home` belong to it.
   * `fresh`: `before` is what runs when the action begins.
   */
  | { do: "journal"; journal: Journal; fresh?: true }
  /** Move the taps to the park network, so that their VMs keep talking to each other. */
  | { do: "park"; nics: JournalNic[] }
  /** One NIC after the other to the park network and straight back: its port is made anew. */
  | { do: "rehop"; nics: JournalNic[] }
  /** Unplug and plug one NIC after the other. */
  | { do: "replug"; nics: JournalNic[] }
  /** All NICs and stored definitions follow the network; the journal ends. */
  | { do: "home" };

export type StepKind =
  | "create"
  | "define"
  | "mark"
  | "update"
  | "restart"
  | "rename"
  | "rejoin"
  | "start"
  | "stop"
  | "autostart"
  /** By the price table, without a look at the host. */
  | "unseen";

export interface Step {
  kind: StepKind;
  impact: Impact;
  /** Why it costs what it costs, or why it is needed. */
  why: string;
  /** Paths of the fields that it changes. */
  changes: string[];
  /** Running VMs that notice. */
  affects: string[];
  /** What they notice, in words that follow their names: "lose the gateway for about 0.7 s". */
  notice?: string;
  actions: Action[];
}

export interface Plan {
  network: string;
  ref: Ref;
  /** What is there, to go back to; absent: nothing. */
  before?: ObservedNetwork;
  steps: Step[];
  impact: Impact;
}
