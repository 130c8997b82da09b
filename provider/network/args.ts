/** The arguments of a Network: a union told apart by `mode`, and what all modes have beside their libvirt fields. */
import * as v from "valibot";
import type { Owner } from "../ownership.js";
import { closed, type ObjectValue } from "../schema/node.js";
import type { NetworkMode } from "./mode.js";
import { bridge } from "./modes/bridge.js";
import { isolated } from "./modes/isolated.js";
import { nat } from "./modes/nat.js";
import { open } from "./modes/open.js";
import { route } from "./modes/route.js";
import type { Mode } from "./parts/forward.js";

/** All modes, one file each. Adding a mode is adding a file and a row here. */
export const modes = { nat, route, open, isolated, bridge } as const satisfies Record<Mode, NetworkMode>;

/** State that can drift although libvirt has no field for it; check fills in the defaults, so drift shows by name. */
export interface StateArgs {
  /** Whether the network runs. Default: true. */
  running?: boolean;
  /** Whether it starts with the host. Default: true. */
  autostart?: boolean;
  /** Whether the NICs of running VMs are plugged into it: they are not after somebody stopped and started it. `false`: they are left as they are. Default: true. */
  nicsConnected?: boolean;
  /** Whether what libvirt made on the host for it is there: its stored definition, and where a command can be run on the host its bridge, the bridge's IPv4 addresses, its dnsmasq. `false`: what is gone from the host stays so; the definition is stored again with the next change. Default: true. */
  intact?: boolean;
}

/** How the resource is handled; nothing of it is in libvirt's definition, except the owner mark. */
export interface ControlArgs {
  /** Which host. Default: stack config `virtnet:uri`, else `LIBVIRT_DEFAULT_URI`, else `qemu:///system`. */
  uri?: string;
  /** Take over a network of this name that exists already, changing only what differs; `{ from: "project/stack" }`: also from another stack. Default: false. */
  adopt?: boolean | { from: string };
  /** Delete an adopted network with the resource; otherwise it is released. Default: false. */
  deleteAdopted?: boolean;
  /** Delete although NICs refer to the network. Default: false. */
  forceDelete?: boolean;
  /** Restart although that cuts off devices on the bridge that are no VM's (containers', the host's own) and cannot be put back. Default: false. */
  force?: boolean;
  /** The costliest change that is allowed: `live`, `replug` or `restart`. Default: no limit. */
  maxImpact?: "live" | "replug" | "restart";
  /** `next-restart`: a change is stored, and takes effect when somebody restarts the network; until then output `pending` names it. Default: `now`. */
  apply?: "now" | "next-restart";
  /** Guests whose subnet changes have their link taken down and up, so that they ask for a new address. Default: true. */
  renewLeases?: boolean;
  /** Set by the SDK: whose object it is. */
  owner?: Owner;
}

export const stateShape = {
  running: v.optional(v.boolean()),
  autostart: v.optional(v.boolean()),
  nicsConnected: v.optional(v.boolean()),
  intact: v.optional(v.boolean()),
};
export const controlShape = {
  uri: v.optional(v.pipe(v.string(), v.minLength(1, "must not be empty"))),
  adopt: v.optional(
    v.union([v.boolean(), closed({ from: v.pipe(v.string(), v.regex(/^[^/]+\/[^/]+$/, 'must be "project/stack"')) })]),
  ),
  deleteAdopted: v.optional(v.boolean()),
  forceDelete: v.optional(v.boolean()),
  force: v.optional(v.boolean()),
  maxImpact: v.optional(v.picklist(["live", "replug", "restart"])),
  apply: v.optional(v.picklist(["now", "next-restart"])),
  renewLeases: v.optional(v.boolean()),
  owner: v.optional(closed({ project: v.string(), stack: v.string(), key: v.string() })),
};
export const STATE_FIELDS = Object.keys(stateShape) as (keyof StateArgs)[];
export const CONTROL_FIELDS = Object.keys(controlShape) as (keyof ControlArgs)[];

type Fields<M extends Mode> = ObjectValue<(typeof modes)[M]["fields"]["fields"]>;
// scripts/types.mjs writes the SDK's interfaces from these.
/** @public */
export type NatArgs = Fields<"nat"> & StateArgs & ControlArgs;
/** @public */
export type RouteArgs = Fields<"route"> & StateArgs & ControlArgs;
/** @public */
export type OpenArgs = Fields<"open"> & StateArgs & ControlArgs;
/** @public */
export type IsolatedArgs = Fields<"isolated"> & StateArgs & ControlArgs;
/** @public */
export type BridgeArgs = Fields<"bridge"> & StateArgs & ControlArgs;
