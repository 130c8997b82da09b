/** The arguments of Bridge, Bond and Vlan: one kind a file, and what all have beside the fields of their kind. */
import * as v from "valibot";
import type { Inputs } from "../handler.js";
import { type ControlArgs, controlShape as networkControl } from "../network/args.js";
import type { PriceTable } from "../network/prices.js";
import type { Mark as OwnerMark } from "../ownership.js";
import { anyIp } from "../schema/net.js";
import { type AnyNode, type ObjectNode, type ObjectValue, whole } from "../schema/node.js";
import { bond } from "./kinds/bond.js";
import { bridge } from "./kinds/bridge.js";
import { vlan } from "./kinds/vlan.js";
import type { Rule } from "./rules/rule.js";

/** What a kind of link is made of; each is one file in `kinds/`, closed by `satisfies LinkKind`. */
export interface LinkKind {
  /** As the kernel and libvirt call it. */
  kind: string;
  /** All fields; they are the type, the check of shape and the comparison. */
  fields: ObjectNode<Record<string, AnyNode>>;
  /** Rules across fields; the rules of shape stand at the fields. */
  rules: readonly Rule[];
  /** What each field's change costs. */
  prices: PriceTable;
}

/** All kinds. */
export const kinds = { bridge, bond, vlan } as const satisfies Record<string, LinkKind>;
export type Kind = keyof typeof kinds;
export const fieldsOf = (kind: Kind): AnyNode => kinds[kind].fields as unknown as AnyNode;

/** What can manage a host's links, in the order in which it is looked for. */
export const BACKENDS = ["networkmanager", "libvirt"] as const;
export type BackendName = (typeof BACKENDS)[number];

/** How the resource is handled; nothing of it is on the host, except the owner mark. */
export interface LinkControlArgs extends Pick<ControlArgs, "uri" | "owner"> {
  /** Take over a link of this name that exists already, changing only what differs; `{ from: "project/stack" }`: also from another stack. Default: false. */
  adopt?: boolean | { from: string };
  /** Delete an adopted link with the resource; otherwise it is released. Default: false. */
  deleteAdopted?: boolean;
  /** The costliest change that is allowed; whatever is not `live` replaces a link. Default: no limit. */
  maxImpact?: "live" | "replug" | "restart";
  /**
   * What manages the host's links: `networkmanager`, or `libvirt`, where its daemon writes interfaces (netcf). Default: found out on
   * the host, in this order.
   */
  backend?: BackendName;
  /** After how many seconds a change that is not proven by then is taken back, 10–600: by the host, or with `libvirt` by the run. Default: 60, and longer where a spanning tree or LACP needs it. */
  rollbackAfter?: number;
  /**
   * An address that has to answer the host's ping after a change, beside the gateways that answered before, and a new ssh connection
   * where the host is reached by ssh. `false`: where nothing else can prove that the host is reachable, do without. Default: none.
   */
  probe?: string | false;
}

const { uri, adopt, deleteAdopted, maxImpact, owner } = networkControl;
export const controlShape = {
  ...{ uri, adopt, deleteAdopted, maxImpact, owner },
  backend: v.optional(v.picklist(BACKENDS)),
  rollbackAfter: v.optional(whole(10, 600)),
  probe: v.optional(v.union([v.literal(false), anyIp])),
};
export const CONTROL_FIELDS = Object.keys(controlShape) as (keyof LinkControlArgs)[];

/** State that can drift although it is no setting; check fills in the default, so drift shows by name. */
export interface LinkStateArgs {
  /** The link is up; where it is not, this shows in a refresh, and `up` brings it up again. Always true. */
  up?: true;
}
export const stateShape = { up: v.optional(v.literal(true)) };
export const STATE_FIELDS = Object.keys(stateShape) as (keyof LinkStateArgs)[];

type Fields<K extends Kind> = ObjectValue<(typeof kinds)[K]["fields"]["fields"]>;
// scripts/types.mjs writes the SDK's interfaces from these.
/** @public */
export type BridgeArgs = Fields<"bridge"> & LinkStateArgs & LinkControlArgs;
/** @public */
export type BondArgs = Fields<"bond"> & LinkStateArgs & LinkControlArgs;
/** @public */
export type VlanArgs = Fields<"vlan"> & LinkStateArgs & LinkControlArgs;

/** The mark on a link: whose it is, and what a later run must know. */
export interface Mark extends OwnerMark {
  /** What `addresses: "inherit"` took over, in full. */
  inherited?: Inputs;
}
