/** The plan as plain data. */
import type { Affect } from "../libvirt/api.js";
import type { Impact } from "../network/prices.js";
import type { Givers, Nic } from "./document.js";

/** What a NIC hangs on: a tap on a bridge, macvtap, a device that is handed over, or a process. */
export type Carrier = "tap" | "direct" | "hostdev" | "user";

export interface ObservedVm {
  uuid: string;
  name: string;
  active: boolean;
  persistent: boolean;
  /** The NIC in the running VM. */
  live?: Nic;
  /** The NIC in the stored definition. */
  config?: Nic;
  /** Whether the device of the running one is on its bridge; absent: not known, or not asked. */
  connected?: boolean;
  /** What `live` was told by from what its network gives it. */
  givers?: Givers;
}

export interface Frames {
  bridge: string;
  /** Absent: the host's affair. */
  mtu?: number;
}

export interface SeenNetwork {
  name: string;
  uuid: string;
}

export interface Observed {
  /** Version of the daemon, major*1000000 + minor*1000 + release. */
  daemon: number;
  vm?: ObservedVm;
  /** Whether a job holds the VM; absent: not asked. */
  busy?: boolean;
  /** What NICs of the networks hang on that the NIC is on or shall be on. */
  carriers: Readonly<Record<string, Carrier>>;
  /** By network, the bridge that would let a NIC wait for its spanning tree. */
  trees: Readonly<Record<string, string>>;
  /** By network, the bridge of the host that NICs are on there, with its MTU where libvirt sets that. */
  frames?: Readonly<Record<string, Frames>>;
  /** The networks themselves. */
  networks?: readonly SeenNetwork[];
}

/** A call that plugs the NIC into something. */
interface Plugs {
  /** The bridge that would let it wait for its spanning tree. */
  tree?: string;
}

/** One call. */
export type Action =
  | ({ do: "attach"; affect: Affect; xml: string } & Plugs)
  /** `move`: from where to where. `fit`: the device that may need another MTU there. */
  | ({
      do: "update";
      affect: "live" | "config";
      xml: string;
      move?: string;
      fit?: Frames & { device: string };
    } & Plugs)
  /** Of a running VM it lasts until the guest has released the NIC. */
  | { do: "detach"; affect: "live" | "config"; xml: string }
  /** No call to libvirt, which does not know that the device is off its bridge: a command on the host. */
  | ({ do: "join"; device: string; bridge: string } & Plugs);

export type StepKind = "plug" | "define" | "mark" | "update" | "replug" | "join";

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
  /** UUID of the VM. */
  domain: string;
  domainName: string;
  mac: string;
  /** What is there, to go back to. */
  before: ObservedVm;
  steps: Step[];
  impact: Impact;
}
