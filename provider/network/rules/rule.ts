/** A rule across fields: pure, judges what is known, and says what to do. */
import type { Failure } from "../../handler.js";
import type { ObjectValue, ValueOf } from "../../schema/node.js";
import type { everyMode, ownBridge } from "../modes/common.js";
import type { hostdev, Mode, macvtap, nat } from "../parts/forward.js";
import type { virtualport } from "../parts/switchport.js";

/** A value of which parts may be missing: unknown, or left out for a fault of shape. An item that is missing keeps its index. */
export type Known<T> = T extends readonly (infer I)[]
  ? (Known<I> | undefined)[]
  : T extends object
    ? { [K in keyof T]?: Known<T[K]> | undefined }
    : T;

/** Every field of every mode, each optional: `bridge` is a name in mode `bridge`, an object elsewhere. */
export type RuleArgs = Known<
  Omit<ObjectValue<typeof ownBridge & typeof everyMode>, "bridge"> & {
    mode: Mode;
    bridge: string | ValueOf<typeof ownBridge.bridge>;
    macTableManager: "kernel" | "libvirt";
    device: string;
    nat: ValueOf<typeof nat>;
    macvtap: ValueOf<typeof macvtap>;
    hostdev: ValueOf<typeof hostdev>;
    virtualport: ValueOf<typeof virtualport>;
  }
>;

/** What rules may know beside the resource itself. All of it optional: what is not known is judged later. */
export interface Surroundings {
  /** Daemon version, major*1000000 + minor*1000 + release. */
  daemon?: number;
  /** Other networks: of the host and of this run. The network's own entry of the host belongs here too: it tells its bridge. */
  others?: readonly Neighbour[];
  /** The host's own addresses, `ADDRESS/PREFIX`, with their device; only with a host channel. */
  hostAddresses?: readonly { device: string; address: string }[];
  /** Devices of the host, and those that this run makes; only with a host channel. */
  hostDevices?: readonly string[];
  /** Why VMs cannot be on the host's bridge that the network names; only with a host channel. */
  unfitBridge?: string;
}

export interface Neighbour {
  name: string;
  /** Where it comes from, for the message: `this program` or `the host`. */
  from: string;
  /** It is on the host, and a resource of this stack has it or had it: it may move or go in this run. */
  ofStack?: boolean;
  /** Its own bridge, which libvirt makes. */
  bridge?: string;
  /** The bridge of the host that it is on. */
  on?: string;
  /** MAC of its bridge. */
  mac?: string;
  /** `ADDRESS/PREFIX` of its addresses. */
  subnets: readonly string[];
}

/**
 * The fields as the user wrote them; what is unknown or has a fault of shape is left out, so a rule must take an absent
 * field for "not known". `isSet(path)` tells an unknown field from an absent one.
 */
export interface Subject {
  args: RuleArgs;
  isSet(path: string): boolean;
}

export interface Rule {
  /** A sentence: what must hold. */
  says: string;
  check(subject: Subject, around: Surroundings): Failure[];
}
