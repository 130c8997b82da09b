/** (desired, observed) → steps. Pure: plain data in, plain data out; what to do with them is apply's. */
import { type Inputs, VirtnetError } from "../handler.js";
import { sameMark } from "../network/document.js";
import { type Impact, type Price, priceOf, reasons, tooCostly, worst } from "../network/prices.js";
import type { Mark, Owner } from "../ownership.js";
import { type Change, compare } from "../schema/compare.js";
import { priceHere, priceOfMove } from "./abilities.js";
import { sources } from "./args.js";
import { asPlugged, fieldsOf, type Nic, readNic, takesMark, withoutAlias, writeNic } from "./document.js";
import { type SourceKind, sourceOf } from "./source.js";
import type { Action, Carrier, Frames, Observed, ObservedVm, Plan, Step } from "./steps.js";

export interface Wish {
  /** The inputs as check let them through, all known. */
  desired: Inputs;
  /** What was set before (outputs of the last run); undefined for a new resource. */
  was?: Inputs | undefined;
  /** The mark to leave; undefined leaves the NIC's as it is. */
  owner?: Owner | undefined;
  adopted?: boolean;
}

export function plan(wish: Wish, observed: Observed): Plan {
  const { vm } = observed;
  if (!vm) throw new VirtnetError(`VM ${JSON.stringify(wish.desired.domain)} is not there`);
  const mark = wish.owner ? { ...wish.owner, adopted: wish.adopted ?? false } : undefined;
  const steps = stepsOf(wish, observed, vm, mark);
  return {
    domain: vm.uuid,
    domainName: vm.name,
    mac: String(wish.desired.mac ?? ""),
    before: vm,
    steps,
    impact: worst(steps.map((s) => s.impact)),
  };
}

function stepsOf(wish: Wish, observed: Observed, vm: ObservedVm, mark: Mark | undefined): Step[] {
  const { desired } = wish;
  // `false` asks for nothing where the VM has it at all.
  const wanted = desired.plugged !== false || (!vm.live && !vm.config);
  const missing = { live: wanted && vm.active && !vm.live, config: wanted && vm.persistent && !vm.config };
  const steps: Step[] = [];
  if (vm.persistent && vm.config) steps.push(...storedSteps(wish, vm.config, mark));
  if (missing.live || missing.config) steps.push(plugStep(wish, observed, vm, missing, mark));
  if (vm.active && vm.live) steps.push(...runningSteps(wish, observed, vm, vm.live, mark));
  // A NIC that is plugged again, or moved, is on a bridge by that.
  const moves = steps.some(
    (s) => s.kind === "replug" || (s.kind === "update" && s.changes.includes(sourceOf(desired))),
  );
  if (!moves) steps.push(...joinSteps(desired, observed, vm));
  return steps;
}

/** libvirt answers from memory where a tap is, and plugs it nowhere where its source is as it was. */
function joinSteps(desired: Inputs, observed: Observed, { name, connected, live }: ObservedVm): Step[] {
  if (desired.connected === false || connected !== false) return [];
  const { targetDevice: device, bridge, kind, xml, ofPort: lost } = live as Nic;
  if (device === undefined || bridge === undefined || kind === undefined) return [];
  if (lost.length > 0) {
    const why = `${device} is not on ${bridge}, and its port there would have lost ${lost.join(" and ")}`;
    return [replugStep(name, ["connected"], why, xml, asPlugged(xml), treeOf(desired, observed))];
  }
  return [
    {
      kind: "join",
      impact: "none",
      why: `${device} is not on ${bridge}`,
      changes: ["connected"],
      affects: [],
      actions: [{ do: "join", device, bridge, ...treeOf(desired, observed) }],
    },
  ];
}

/** Where it is in one of the definitions only, the other gets it as that one has it. */
function plugStep(
  wish: Wish,
  observed: Observed,
  vm: ObservedVm,
  missing: { live: boolean; config: boolean },
  mark: Mark | undefined,
): Step {
  const there = vm.config ?? vm.live;
  const base = there ? asPlugged(there.xml) : undefined;
  const xml = writeNic(wish.desired, wish.was, base, takesMark(there) ? mark : undefined);
  const affect = missing.live && missing.config ? "both" : missing.live ? "live" : "config";
  const where = missing.config ? "" : " while it runs";
  return {
    kind: "plug",
    impact: "none",
    why: there && !missing.config ? "it is not plugged" : `the VM does not have it${where}`,
    changes: [],
    affects: [],
    actions: [{ do: "attach", affect, xml, ...(affect === "config" ? {} : treeOf(wish.desired, observed)) }],
  };
}

/** The bridge that makes it wait when it is plugged. */
function treeOf(desired: Inputs, { trees }: Observed): { tree?: string } {
  const tree = sourceOf(desired) === "network" ? trees[String(desired.network)] : undefined;
  return tree === undefined ? {} : { tree };
}

/** What differs, as changes of fields; another kind of source is one change of its own. */
export function changesOf(desired: Inputs, nic: Nic, was: Inputs | undefined): Change[] {
  const kind = sourceOf(desired);
  const changes = compare(fieldsOf(kind), desired, readNic(nic.xml, kind), was);
  if (nic.kind === kind || changes.some((c) => c.row === kind)) return changes;
  return [
    { path: kind, row: kind, op: "add", keys: [], to: desired[kind] },
    ...changes.filter((c) => !c.row.startsWith(`${kind}.`)),
  ];
}

/** Of a NIC on a network that hands over a device, the running VM does not tell the network any more (virDomainActualNetDefFormat). */
const hiddenInRunning = (desired: Inputs, nic: Nic, c: Change): boolean =>
  sourceOf(desired) === "network" && nic.kind === "hostdev" && ["network", "portGroup"].includes(c.row);

/** What differs in the running VM, without what counts in the stored definition only. */
export function runningChanges(desired: Inputs, nic: Nic, was: Inputs | undefined): Change[] {
  const { prices } = sources[sourceOf(desired)];
  return changesOf(desired, nic, was).filter(
    (c) => !priceOf(prices, c.row).storedOnly && !hiddenInRunning(desired, nic, c),
  );
}

function storedSteps({ desired, was }: Wish, nic: Nic, mark: Mark | undefined): Step[] {
  const changes = changesOf(desired, nic, was);
  const marks = mark !== undefined && desired.alias === undefined && takesMark(nic) && !sameMark(nic.mark, mark);
  if (changes.length === 0 && !marks) return [];
  const xml = writeNic(desired, was, nic.xml, marks ? mark : undefined);
  // An update finds the device by its alias too, where it says one (virDomainNetFindIdx): another one takes two steps.
  const renamed = nic.alias !== undefined && (marks || changes.some((c) => c.row === "alias"));
  const actions: Action[] = renamed
    ? [
        { do: "update", affect: "config", xml: withoutAlias(nic.xml) },
        { do: "update", affect: "config", xml },
      ]
    : [{ do: "update", affect: "config", xml }];
  return [
    {
      kind: changes.length > 0 ? "define" : "mark",
      impact: "none",
      why:
        changes.length > 0 ? "the stored definition counts at the VM's next start" : "it carries the mark of its owner",
      changes: changes.map((c) => c.path),
      affects: [],
      actions,
    },
  ];
}

function runningSteps(
  { desired, was }: Wish,
  observed: Observed,
  vm: ObservedVm,
  nic: Nic,
  mark: Mark | undefined,
): Step[] {
  const changes = runningChanges(desired, nic, was);
  if (changes.length === 0) return [];
  const prices = changes.map((c) => priceIn(desired, nic, c, observed));
  const replugs = prices.some((p) => p.impact !== "live");
  const xml = writeNic(desired, was, nic.xml, replugs && takesMark(nic) ? mark : undefined);
  const why = reasons(prices.filter((p) => !replugs || p.impact !== "live"));
  const paths = changes.map((c) => c.path);
  if (!replugs)
    return [
      {
        kind: "update",
        impact: "live",
        why,
        changes: paths,
        affects: [],
        actions: [{ do: "update", affect: "live", xml, ...moveOf(desired, nic, changes, observed) }],
      },
    ];
  const freshAddress = changes.some((c) => ["model", "hostdev"].includes(c.row));
  const next = asPlugged(xml, { freshAddress });
  return [replugStep(vm.name, paths, why, nic.xml, next, treeOf(desired, observed))];
}

type Fits = Extract<Action, { do: "update" }>;

/** What it moves from and to, where it does. */
function moveOf(desired: Inputs, nic: Nic, changes: Change[], observed: Observed): Pick<Fits, "move" | "fit" | "tree"> {
  const kind = sourceOf(desired);
  if (nic.kind === undefined || !changes.some((c) => c.row === kind)) return {};
  const from = `${nic.kind} ${String(readNic(nic.xml, nic.kind)[nic.kind])}`;
  return {
    move: `${from} to ${kind} ${String(desired[kind])}`,
    ...fitOf(desired, nic, observed),
    ...treeOf(desired, observed),
  };
}

/**
 * libvirt 9.0 leaves the device its MTU (qemuDomainChangeNetBridge), which is that of where it was plugged in unless the NIC has its
 * own: larger frames are dropped by the bridge (br_dev_queue_push_xmit), and a bridge whose MTU nobody has set takes the
 * least of its ports' (br_mtu_auto_adjust).
 */
function fitOf(
  desired: Inputs,
  { kind, xml, targetDevice: device }: Nic,
  { frames = {} }: Observed,
): Pick<Fits, "fit"> {
  if (kind === undefined || device === undefined) return {};
  const now = readNic(xml, kind);
  if (desired.mtu !== undefined || now.mtu !== undefined) return {};
  const [from, to] = [now, desired].map(({ network, bridge }): Frames | undefined =>
    typeof network === "string" ? frames[network] : typeof bridge === "string" ? { bridge } : undefined,
  );
  return !to || (to.mtu !== undefined && to.mtu === from?.mtu) ? {} : { fit: { ...to, device } };
}

const replugStep = (
  vm: string,
  changes: string[],
  why: string,
  old: string,
  next: string,
  tree: { tree?: string },
): Step => ({
  kind: "replug",
  impact: "replug",
  why,
  changes,
  affects: [vm],
  actions: [
    { do: "detach", affect: "live", xml: old },
    { do: "attach", affect: "live", xml: next, ...tree },
  ],
});

function priceIn(desired: Inputs, nic: Nic, c: Change, observed: Observed): Price {
  const kind = sourceOf(desired);
  const price = priceOf(sources[kind].prices, c.row);
  if (c.row === kind) return priceOfMove(price, carrierOf(nic, observed), carrierOfWish(desired, kind, observed));
  return priceHere(price, c.row, desired, observed.daemon);
}

const OWN: Record<Exclude<SourceKind, "network">, Carrier> = {
  bridge: "tap",
  direct: "direct",
  hostdev: "hostdev",
  user: "user",
};

function carrierOf(nic: Nic, observed: Observed): Carrier | undefined {
  if (nic.kind === undefined) return undefined;
  return nic.kind === "network" ? observed.carriers[String(readNic(nic.xml, "network").network)] : OWN[nic.kind];
}

const carrierOfWish = (desired: Inputs, kind: SourceKind, observed: Observed): Carrier | undefined =>
  kind === "network" ? observed.carriers[String(desired.network)] : OWN[kind];

/** Why the plan costs more than allowed; undefined where it does not. */
export const refusal = (p: Plan, max: Impact | undefined): string | undefined =>
  tooCostly(`NIC ${p.mac} of VM ${JSON.stringify(p.domainName)}`, p, max);
