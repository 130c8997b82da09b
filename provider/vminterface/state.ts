/** What is kept in state: exactly the set paths, beside the computed outputs. Pure. */
import type { Inputs } from "../handler.js";
import type { HostIdentity } from "../libvirt/api.js";
import { type Owner, sameOwner } from "../ownership.js";
import { project, withLeaving } from "../schema/project.js";
import { same } from "../schema/tree.js";
import type { NicAddress } from "./addresses.js";
import { STATE_FIELDS, sources } from "./args.js";
import { type fieldsOf, type Nic, readNic } from "./document.js";
import { changesOf, runningChanges } from "./plan.js";
import { SOURCES, sourceOf, sourcesIn } from "./source.js";
import type { ObservedVm } from "./steps.js";

/** Fields that have a value also where the user gave none; `generated` says which. */
const GENERATED = ["alias", "targetDevice"] as const;

/** Outputs beside the arguments. */
export interface Computed {
  /** UUID of the VM. */
  domainUuid: string;
  /** Name of the VM. */
  domainName: string;
  /** Name of the device in libvirt. */
  alias?: string;
  /** Name of the device on the host; only while the VM runs. */
  targetDevice?: string;
  /** Which of `alias` and `targetDevice` the program did not give. */
  generated: string[];
  /** Whether it is plugged into a running VM. */
  active: boolean;
  /** The guest's addresses, with who says so. */
  addresses: NicAddress[];
  /** Whether it was there before the resource. */
  adopted: boolean;
  /** How often another program has made the VM anew without it; absent: never. */
  remade?: number;
  /** What the other of the two definitions has than the arguments tell, where a refresh found them to differ. */
  otherwise?: Inputs;
  /** UUID and name of the host. */
  hostUuid: string;
  hostName: string;
}

const COMPUTED: readonly string[] = [
  "domainUuid",
  "domainName",
  "generated",
  "active",
  "addresses",
  "adopted",
  "remade",
  "otherwise",
  "hostUuid",
  "hostName",
];

/** The arguments within the outputs. */
export function argsOf(outs: Inputs): Inputs {
  const made = Array.isArray(outs.generated) ? (outs.generated as string[]) : [];
  return Object.fromEntries(Object.entries(outs).filter(([k]) => !COMPUTED.includes(k) && !made.includes(k)));
}

const withoutSources = (args: Inputs): Inputs =>
  Object.fromEntries(Object.entries(args).filter(([k]) => !(SOURCES as readonly string[]).includes(k)));

const otherwiseOf = (outs: Inputs): Inputs => (outs.otherwise as Inputs | undefined) ?? {};

/** What was set and may be there still: the arguments, and what one of the two definitions has beside. */
export const everSet = (outs: Inputs): Inputs => withLeaving(otherwiseOf(outs), argsOf(outs)) as Inputs;

/** The arguments as each of the two definitions has them. */
export function argsOfBoth(outs: Inputs): Inputs[] {
  const [args, other] = [argsOf(outs), otherwiseOf(outs)];
  if (Object.keys(other).length === 0) return [args];
  return [args, { ...(sourcesIn(other).length > 0 ? withoutSources(args) : args), ...other }];
}

/** What the NIC has been through. */
export interface History {
  adopted: boolean;
  remade: number;
}

export function computed(
  args: Inputs,
  vm: ObservedVm,
  host: HostIdentity,
  { adopted, remade }: History,
  addresses: NicAddress[],
): Computed {
  const nic = vm.live ?? vm.config;
  const alias = vm.config?.alias ?? nic?.alias;
  const targetDevice = vm.live?.targetDevice;
  return {
    domainUuid: vm.uuid,
    domainName: vm.name,
    ...(alias !== undefined ? { alias } : {}),
    ...(targetDevice !== undefined ? { targetDevice } : {}),
    generated: GENERATED.filter((k) => args[k] === undefined),
    active: vm.active && vm.live !== undefined,
    addresses,
    adopted,
    ...(remade > 0 ? { remade } : {}),
    hostUuid: host.uuid,
    hostName: host.hostname,
  };
}

/** Whether the VM has the NIC wherever it shall have it. */
export const isPlugged = (vm: ObservedVm): boolean =>
  (!vm.active || vm.live !== undefined) && (!vm.persistent || vm.config !== undefined);

/** A change. */
interface Wish {
  was?: Inputs | undefined;
  desired: Inputs;
}

/** `false` asks for nothing: it is left as it is. */
function withStates(there: Inputs, args: Inputs, vm: ObservedVm): Inputs {
  const state = {
    plugged: args.plugged !== false && isPlugged(vm),
    connected: args.connected !== false && vm.connected !== false,
  };
  const out = { ...there };
  for (const k of STATE_FIELDS) if (args[k] !== undefined || !state[k]) out[k] = state[k];
  return out;
}

/**
 * The arguments as the host has them, with what can drift beside them. Of two definitions that differ the one that is not as it was
 * known is told by the arguments, the other one by `otherwise`: a run may have been cut off between them.
 */
export function argsFound(outs: Inputs, vm: ObservedVm): { args: Inputs; otherwise?: Inputs } {
  const known = argsOf(outs);
  const set = withLeaving(withoutSources(otherwiseOf(outs)), known) as Inputs;
  const views = copiesOf(vm).map(({ nic, changes }) => asThere(set, nic, changes));
  const first = views.find((v) => same(v, known)) && outs.otherwise !== undefined ? known : firstOther(views, set);
  const second = views.find((v) => !same(v, first)) ?? first;
  // What the other one only lacks `otherwise` cannot tell: then the arguments do.
  const [shown, other] = Object.keys(beside(second, first)).length > 0 ? [first, second] : [second, first];
  const otherwise = beside(other, shown);
  const args = withStates(views.length > 0 ? shown : known, known, vm);
  return { args, ...(Object.keys(otherwise).length > 0 ? { otherwise } : {}) };
}

/** What one has that the other has not, or not so. */
const beside = (one: Inputs, other: Inputs): Inputs =>
  Object.fromEntries(Object.entries(one).filter(([k, v]) => !same(v, other[k])));

const firstOther = (views: Inputs[], set: Inputs): Inputs => views.find((v) => !same(v, set)) ?? set;

/** The arguments of a NIC whose change did not come to its end. */
export function argsWithin({ was, desired }: Wish, vm: ObservedVm): Inputs {
  if (was === undefined) return withStates(fieldsOnHost(desired, vm, { desired }), desired, vm);
  // It has one source.
  const set = withLeaving(withoutSources(was), desired) as Inputs;
  const args = withStates(fieldsOnHost(set, vm, { was, desired }), set, vm);
  const isMarked = sameOwner((vm.config ?? vm.live)?.mark, desired.owner as Owner | undefined);
  return isMarked || was.owner === undefined ? args : { ...args, owner: was.owner };
}

interface Copy {
  nic: Nic;
  changes: typeof changesOf;
}

const copiesOf = (vm: ObservedVm): Copy[] => [
  ...(vm.config ? [{ nic: vm.config, changes: changesOf }] : []),
  ...(vm.live ? [{ nic: vm.live, changes: runningChanges }] : []),
];

/** Where the stored definition is as wanted and the running NIC is not, that is the drift. */
function fieldsOnHost(args: Inputs, vm: ObservedVm, { was, desired }: Wish): Inputs {
  const drifted = copiesOf(vm).find(({ nic, changes }) => changes(desired, nic, was).length > 0);
  return drifted ? asThere(args, drifted.nic, drifted.changes) : { ...desired };
}

function asThere(args: Inputs, nic: Nic, changes: typeof changesOf): Inputs {
  const kind = sourceOf(args);
  const tops = new Set(changes(args, nic, undefined).map((c) => c.path.split(/[.[]/)[0] as string));
  const there = readNic(nic.xml, kind);
  const out: Inputs = { ...args };
  for (const top of tops) {
    const node = (sources[kind].fields.fields as Record<string, ReturnType<typeof fieldsOf>>)[top];
    const value = node ? project(node, args[top], there[top]) : undefined;
    if (value === undefined) delete out[top];
    else out[top] = value;
  }
  if (nic.kind === kind) return out;
  // It is on something else: shown as that, and not as what it is no more.
  for (const s of sourcesIn(out)) delete out[s];
  if (nic.kind !== undefined && SOURCES.includes(nic.kind)) out[nic.kind] = readNic(nic.xml, nic.kind)[nic.kind] ?? {};
  return out;
}

/** Whether the NIC stays where it is when its resource goes. */
export const isLetGo = (olds: Inputs): boolean => olds.adopted === true && olds.deleteAdopted !== true;
