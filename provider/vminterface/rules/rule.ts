/** A rule across the fields of a NIC: pure, judges what is known, and says what to do. */
import type { Failure } from "../../handler.js";
import type { Known } from "../../network/rules/rule.js";
import type { ObjectValue, ValueOf } from "../../schema/node.js";
import type { ControlArgs } from "../args.js";
import type { bridged } from "../sources/common.js";
import type { direct } from "../sources/direct.js";
import type { hostdev } from "../sources/hostdev.js";
import type { user } from "../sources/user.js";

/** Every field of every kind of source, each optional. */
export type RuleArgs = Known<
  ObjectValue<typeof bridged> &
    ControlArgs & {
      domain: string;
      network: string;
      portGroup: string;
      bridge: string;
      direct: ValueOf<typeof direct.fields.fields.direct>;
      hostdev: ValueOf<typeof hostdev.fields.fields.hostdev>;
      user: ValueOf<typeof user.fields.fields.user>;
    }
>;

/** What rules may know beside the resource itself. All of it optional: what is not known is judged later. */
export interface Surroundings {
  /** Daemon version, major*1000000 + minor*1000 + release. */
  daemon?: number;
  /** Other NICs: of the host and of this run. */
  nics?: readonly NeighbourNic[];
  /** Networks of the host and of this run. */
  networks?: readonly NeighbourNetwork[];
  /** Devices of the host, and those that this run makes; only with a host channel. */
  hostDevices?: readonly string[];
  /** Why VMs cannot be on the host's bridge that the NIC names; only with a host channel. */
  unfitBridge?: string;
  /** The VM, where it is there. */
  vm?: Vm;
}

export interface NeighbourNic {
  /** Name of its VM. */
  domain: string;
  mac: string;
  alias?: string;
  /** Where it comes from, for the message: `this program` or `the host`. */
  from: string;
}

export interface NeighbourNetwork {
  name: string;
  /** Absent: not known. */
  portGroups?: readonly string[];
}

export interface Vm {
  name: string;
  running: boolean;
  /** The NIC is plugged already. */
  plugged: boolean;
  /** Slots that a NIC can be plugged into while it runs; undefined: not counted in slots. */
  freeSlots?: number;
  /** Model of the controller that brings more of them. */
  slotsBy?: "pcie-root-port" | "pci-bridge";
  /** It can take devices while it runs. */
  hotplug: boolean;
  /** Its definition orders boot devices as a whole (`<os><boot>`). */
  bootsByKind: boolean;
}

export interface Subject {
  args: RuleArgs;
  isSet(path: string): boolean;
}

export interface Rule {
  /** A sentence: what must hold. */
  says: string;
  check(subject: Subject, around: Surroundings): Failure[];
}
