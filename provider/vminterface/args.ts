/** The arguments of a VmInterface: a union told apart by the kind of source, and what all have beside their libvirt fields. */
import * as v from "valibot";
import { controlShape as networkControl } from "../network/args.js";
import type { Owner } from "../ownership.js";
import { closed, line, type ObjectValue } from "../schema/node.js";
import type { Source, SourceKind } from "./source.js";
import { bridge } from "./sources/bridge.js";
import { direct } from "./sources/direct.js";
import { hostdev } from "./sources/hostdev.js";
import { network } from "./sources/network.js";
import { user } from "./sources/user.js";

/** All kinds of source, one file each. Adding one is adding a file and a row here. */
export const sources = { network, bridge, direct, hostdev, user } as const satisfies Record<SourceKind, Source>;

/** Whose NIC it is; no field of `<interface>`. */
export interface PlaceArgs {
  /** The VM, by name or UUID; it must be there when this runs. A name is looked up anew each time. Another VM replaces the NIC, another name of the same VM does not. */
  domain: string;
}

/** State that can drift although libvirt has no field for it; check fills in the defaults, so drift shows by name. */
export interface StateArgs {
  /** Whether the VM has it where it shall: in its stored definition, and in the running VM. `false`: what lacks it is left so. Default: true. */
  plugged?: boolean;
  /** Whether its device on the host is on the bridge that it belongs to; known where a command can be run on the host. `false`: it is left where it is. Default: true. */
  connected?: boolean;
}

/** How the resource is handled; nothing of it is in libvirt's definition. */
export interface ControlArgs {
  /** Which host. Default: stack config `virtnet:uri`, else `LIBVIRT_DEFAULT_URI`, else `qemu:///system`. */
  uri?: string;
  /** Take over a NIC with this `mac` that the VM has already, changing only what differs; `{ from: "project/stack" }`: also from another stack. Default: false. */
  adopt?: boolean | { from: string };
  /** Unplug an adopted NIC with the resource; otherwise it is released. Default: false. */
  deleteAdopted?: boolean;
  /** The costliest change that is allowed: `live` or `replug`. Default: no limit. */
  maxImpact?: "live" | "replug" | "restart";
  /** How long to wait for the guest to release the NIC, in s, 5–600. Default: 30. */
  unplugTimeout?: number;
  /** Give up a NIC that the guest does not release: its link goes down, and it is gone when the VM stops. Default: false. */
  forceDetach?: boolean;
  /** `{ seconds, family? }`: wait up to so many seconds (1–600) until the guest has an address, of `"ipv4"`, `"ipv6"` or either, and fail where it gets none. */
  waitForAddress?: WaitForAddress;
  /** Set by the SDK: whose object it is. */
  owner?: Owner;
}

export interface WaitForAddress {
  /** How long, in s, 1–600. */
  seconds: number;
  /** Of which family. Default: either. */
  family?: "ipv4" | "ipv6";
}

export const placeShape = { domain: line };
export const stateShape = { plugged: v.optional(v.boolean()), connected: v.optional(v.boolean()) };
const seconds = (min: number, max: number) => v.pipe(v.number(), v.minValue(min), v.maxValue(max));
const { uri, adopt, deleteAdopted, maxImpact, owner } = networkControl;
export const controlShape = {
  uri,
  adopt,
  deleteAdopted,
  maxImpact,
  unplugTimeout: v.optional(seconds(5, 600)),
  forceDetach: v.optional(v.boolean()),
  waitForAddress: v.optional(closed({ seconds: seconds(1, 600), family: v.optional(v.picklist(["ipv4", "ipv6"])) })),
  owner,
};
export const PLACE_FIELDS = Object.keys(placeShape) as (keyof PlaceArgs)[];
export const STATE_FIELDS = Object.keys(stateShape) as (keyof StateArgs)[];
export const CONTROL_FIELDS = Object.keys(controlShape) as (keyof ControlArgs)[];

type Fields<S extends SourceKind> = ObjectValue<(typeof sources)[S]["fields"]["fields"]>;
// scripts/types.mjs writes the SDK's interfaces from these.
/** @public */
export type NetworkNicArgs = PlaceArgs & Fields<"network"> & StateArgs & ControlArgs;
/** @public */
export type BridgeNicArgs = PlaceArgs & Fields<"bridge"> & StateArgs & ControlArgs;
/** @public */
export type DirectNicArgs = PlaceArgs & Fields<"direct"> & StateArgs & ControlArgs;
/** @public */
export type HostdevNicArgs = PlaceArgs & Fields<"hostdev"> & StateArgs & ControlArgs;
/** @public */
export type UserNicArgs = PlaceArgs & Fields<"user"> & StateArgs & ControlArgs;
