/** The plan as plain data. */
import type { Affect, Ref, UpdateCommand, UpdateSection } from "../libvirt/api.js";
import type { Mark } from "./document.js";
import type { Impact } from "./prices.js";

/** A NIC of a running domain on the network. */
export interface Nic {
  /** UUID of the domain. */
  domain: string;
  domainName: string;
  mac: string;
}

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
  firewall?: "iptables" | "nftables";
  network?: ObservedNetwork;
  /** NICs of running domains on it. */
  nics: readonly Nic[];
}

/** One call to libvirt, or a few that belong together. */
export type Action =
  | { do: "define"; xml: string }
  | { do: "start" }
  | { do: "destroy" }
  | { do: "undefine" }
  | { do: "autostart"; on: boolean }
  | { do: "update"; command: UpdateCommand; section: UpdateSection; parentIndex: number; xml: string; affect: Affect }
  /** Move the NICs to a park network, so that their VMs keep talking to each other; `xml`: the running definition. */
  | { do: "park"; nics: { domain: string; mac: string }[]; xml: string }
  | { do: "unpark" };

export type StepKind = "create" | "define" | "mark" | "update" | "restart" | "start" | "stop" | "autostart";

export interface Step {
  kind: StepKind;
  impact: Impact;
  /** Why it costs what it costs, or why it is needed. */
  why: string;
  /** Paths of the fields that it changes. */
  changes: string[];
  /** Running VMs that notice. */
  affects: string[];
  actions: Action[];
}

export interface Plan {
  network: string;
  ref: Ref;
  /** The stored definition that is there: what undo goes back to. */
  before?: string;
  steps: Step[];
  impact: Impact;
}
