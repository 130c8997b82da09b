/** The VmInterface resource: check, diff, create, read, update, delete; one flow, observe → plan → apply → verify. */
import { randomUUID } from "node:crypto";
import type { Context, Diff, Failure, Handler, Inputs } from "../handler.js";
import { ApplyError, isLookup, PartialFailure, textOf, Unknown, VirtnetError } from "../handler.js";
import { channelOf } from "../host/channel.js";
import { type Host, hostAt, proveHost, uriOf } from "../host/hosts.js";
import { goesOn, making } from "../kept.js";
import type { Connection, DomainInfo } from "../libvirt/api.js";
import type { Impact } from "../network/prices.js";
import { announce } from "../network/say.js";
import type { Owner } from "../ownership.js";
import { same } from "../schema/tree.js";
import { addressesOf, type Hearsay, hearsay, type NicAddress, waitForAddress } from "./addresses.js";
import { apply } from "./apply.js";
import { STATE_FIELDS, sources, type WaitForAddress } from "./args.js";
import { checkVmInterface } from "./check.js";
import { differences, replacing } from "./differences.js";
import { readNic } from "./document.js";
import { refuseBusy } from "./explain.js";
import { observe, toObserved, withConnected } from "./observe.js";
import { hasArrived, movedTo, proveAtPreview, refuseHostLeft, renamedOn, vmOn, vmThere } from "./place.js";
import { plan, refusal } from "./plan.js";
import { priceOfTaking, tellPrice, tellReplacement } from "./price.js";
import { around, forgetNics, macFor, ofProgram, sawInCheck, seen } from "./run.js";
import { idOf, label, madeAnew, renamedTo } from "./say.js";
import { sourcesIn } from "./source.js";
import { argsFound, argsOfBoth, argsWithin, type Computed, computed, everSet, type History } from "./state.js";
import type { Observed, ObservedVm } from "./steps.js";
import { together } from "./together.js";
import { verify } from "./verify.js";
import { KIND, stillOurs, takeOver } from "./whose.js";
import { notProven, onVm, unplugOptions } from "./work.js";

// ---- check and diff ---------------------------------------------------------------------------------------------------

/** With the defaults of what can drift; a state may be older than such a field. */
function withState(args: Inputs): Inputs {
  const out = { ...args };
  for (const k of STATE_FIELDS) out[k] ??= true;
  return out;
}

type Checked = { inputs: Inputs; failures: Failure[] };

async function check(ctx: Context, olds: Inputs, news: Inputs): Promise<Checked> {
  const { inputs, failures, takes } = await judge(ctx, olds, news);
  goesOn(KIND, olds, inputs, ({ domain, mac }) =>
    typeof domain === "string" && typeof mac === "string" ? idOf({ uuid: domain }, mac) : undefined,
  );
  // A NIC that is taken over may change by that, and the engine asks diff about resources of its state only.
  return { inputs, failures: takes ? await priceOfTaking(ctx, inputs) : failures };
}

/** Check, but for what taking over an existing NIC costs: who asks for a plan is told by that. */
export async function judge(ctx: Context, olds: Inputs, news: Inputs): Promise<Checked & { takes: boolean }> {
  const inputs = withState(news);
  const [kind] = sourcesIn(inputs);
  if (kind !== undefined && "linkState" in sources[kind].fields.fields) inputs.linkState ??= "up";
  const adopts = inputs.adopt === true || typeof inputs.adopt === "object";
  const owner = inputs.owner as Owner | undefined;
  const former = sawInCheck(inputs, olds);
  inputs.mac ??= former.mac;
  // What was let through before and is the same needs no look at the host: a run without changes reads nothing.
  if (same(withState(olds), inputs)) {
    const failures = checkVmInterface(inputs, { nics: ofProgram(inputs) });
    return { inputs, failures, takes: false };
  }
  const known = await around(ctx, inputs, former);
  if (inputs.mac === undefined && owner !== undefined && !adopts) {
    const taken = new Set(
      (known.nics ?? []).filter((n) => !vmHas(n, inputs, known.vm?.name)).map((n) => n.mac.toLowerCase()),
    );
    // Made once, and kept also where the state does not tell it (up --replace, or a run that was cut off).
    inputs.mac = known.marked ?? macFor(owner, taken);
    sawInCheck(inputs, former);
    return { inputs, failures: checkVmInterface(inputs, await around(ctx, inputs, former)), takes: false };
  }
  if (inputs.mac === undefined) delete inputs.mac;
  const failures = checkVmInterface(inputs, known);
  const takes = adopts && former.mac === undefined && known.vm?.plugged === true && failures.length === 0;
  return { inputs, failures, takes };
}

/** A NIC of the VM itself is the one that a run before this one made. */
const vmHas = (nic: { domain: string; from: string }, inputs: Inputs, name: string | undefined): boolean =>
  nic.from === "the host" && (nic.domain === inputs.domain || nic.domain === name);

async function diff(ctx: Context, _id: string, olds: Inputs, news: Inputs): Promise<Diff> {
  // Where a refresh found the two definitions to differ, both have to become as wanted.
  const rows = [...new Set(argsOfBoth(olds).flatMap((was) => differences(was, news, olds)))];
  if (rows.length === 0) return { changes: false, replaces: [], deleteBeforeReplace: true };
  const replaces = await withoutRenamed(replacing(rows, news), olds, news);
  // Another VM may be on another host, also one that this run makes.
  const isSameVm = news.domain !== Unknown && !replaces.includes("domain");
  if (seen(news) && isSameVm && typeof olds.uri === "string") await refuseHostLeft(hostAt(uriOf(news)), olds, news);
  if (seen(news)) await proveAtPreview(olds, replaces.length > 0 ? olds : news, label(news));
  // refresh asks too, without check; a refusal there would stop it (design, "Traps").
  if (seen(news) && replaces.length > 0) tellReplacement(ctx, olds, news, replaces);
  else if (seen(news)) await tellPrice(ctx, everSet(olds), news, rows);
  return { changes: true, replaces, deleteBeforeReplace: true };
}

/** The VM of the state under another name is no other VM. */
async function withoutRenamed(replaces: string[], olds: Inputs, news: Inputs): Promise<string[]> {
  if (!replaces.includes("domain")) return replaces;
  const named = await vmOn(hostAt(uriOf(news)), news.domain).catch(() => undefined);
  return named?.uuid === olds.domainUuid ? replaces.filter((r) => r !== "domain") : replaces;
}

// ---- create, update ---------------------------------------------------------------------------------------------------

const create = (ctx: Context, inputs: Inputs): Promise<{ id: string; outs: Inputs }> =>
  making(
    KIND,
    inputs,
    () => plugOrTake(ctx, inputs),
    ({ id }) => id,
  );

async function plugOrTake(ctx: Context, inputs: Inputs): Promise<{ id: string; outs: Inputs }> {
  const host = hostAt(uriOf(inputs));
  const identity = await host.identity();
  const desired = inputs.mac === undefined ? { ...inputs, mac: randomMac() } : inputs;
  const done = await onVm(ctx, host, {
    inputs: [desired],
    look: (c) => observe(c, desired, identity.libVersion),
    async work(c, observed, free) {
      const vm = await vmThere(host, observed, desired, identity);
      const adopted = takeOver(vm, desired, identity.hostname);
      return reach(ctx, host, c, { desired, history: { adopted, remade: 0 }, free }, observed);
    },
  });
  return addressed(ctx, host, done);
}

const randomMac = (): string => macFor({ project: "", stack: "", key: randomUUID() }, new Set());

/** What `reach` is asked for; the mark comes from the inputs. */
interface Target {
  desired: Inputs;
  was?: Inputs;
  history: History;
  /** The change is done: others may go on. */
  free(): void;
}

/** With the address that is to be waited for, while others may go on. Where there is none, the error carries the state. */
async function addressed(ctx: Context, host: Host, { id, outs }: { id: string; outs: Inputs }) {
  const wait = outs.waitForAddress as WaitForAddress | undefined;
  if (!wait) return { id, outs };
  const vm = { uuid: String(outs.domainUuid), name: String(outs.domainName) };
  const { addresses, failed } = await waitForAddress(ctx, host, vm, String(outs.mac), wait);
  const state = { ...outs, addresses };
  if (failed !== undefined) throw new PartialFailure(id, state, [failed]);
  return { id, outs: state };
}

/** Plan, apply, verify. Where the NIC is left other than it was, the error carries its state. */
async function reach(
  ctx: Context,
  host: Host,
  c: Connection,
  { desired, was, history, free }: Target,
  observed: Observed,
): Promise<{ id: string; outs: Inputs }> {
  const { adopted } = history;
  const p = plan({ desired, was, owner: desired.owner as Owner | undefined, adopted }, observed);
  const refused =
    observed.vm?.live || observed.vm?.config ? refusal(p, desired.maxImpact as Impact | undefined) : undefined;
  if (refused !== undefined) throw new VirtnetError(refused);
  if (ctx.signal?.aborted) throw new VirtnetError(`${label(desired)}: stopped before anything was changed`);
  const vm = { uuid: p.domain };
  const mac = String(desired.mac);
  // What has just been plugged has no address there yet; what is waited for is asked about then.
  const asks = observed.vm?.live !== undefined && desired.waitForAddress === undefined;
  const outsOf = async (on: Connection, info: DomainInfo, args: Inputs, heard?: Hearsay) => {
    const addresses = asks ? await addressesOf(info, mac, heard ?? hearsay(on, vm, mac), (fn) => fn(on)) : [];
    return { ...args, ...(await outputs(host, info, args, history, addresses)) };
  };
  const look = (on: Connection) => ({
    info: on.domains.get(vm),
    ...(asks ? { heard: hearsay(on, vm, mac) } : {}),
  });
  let after: ReturnType<typeof look> | undefined;
  if (observed.vm?.active && p.steps.length > 0) refuseBusy(observed.vm, observed.busy);
  const channel = channelOf(host.uri);
  try {
    await apply(c, p, {
      ...unplugOptions(ctx, desired),
      fresh: (fn) => host.again(c, fn),
      ...(channel ? { channel, look: (argv) => host.look(channel)(argv) } : {}),
      warn: (what) => announce(ctx, "warning", `${label(desired)}: ${what}`),
      host: host.uri,
      moves: (move) => together(`${host.uri} ${move}`, idOf(vm, desired.mac), host.pool.size),
      // Behind the change on the same connection: it is answered after that, and nobody waits for the way there twice.
      sent: () => {
        after = look(c);
        after.info.catch(() => undefined); // not asked for where the change fails
      },
    });
    return await host.surely(c, async (on) => {
      const { info: reading, heard } = after !== undefined && on === c ? after : look(on);
      const info = verify(await reading, desired, was, p.before.givers);
      free();
      return { id: idOf(info, desired.mac), outs: await outsOf(on, info, desired, heard) };
    });
  } catch (e) {
    if (e instanceof ApplyError && e.restored) throw e;
    const left = await host.surely(c, (on) => on.domains.get({ uuid: p.domain })).catch(() => undefined);
    if (!left) throw e;
    const there = toObserved(left, String(desired.mac), p.before.givers);
    if (!there.live && !there.config) throw e;
    const args = argsWithin({ was, desired }, there);
    const state = await host.surely(c, (on) => outsOf(on, left, args));
    throw new PartialFailure(idOf(vm, desired.mac), state, [textOf(e)]);
  } finally {
    host.changed();
  }
}

async function outputs(
  host: Host,
  info: DomainInfo,
  args: Inputs,
  history: History,
  addresses: NicAddress[],
): Promise<Computed> {
  return computed(args, toObserved(info, String(args.mac)), await host.identity(), history, addresses);
}

async function update(ctx: Context, _id: string, olds: Inputs, news: Inputs): Promise<{ outs: Inputs }> {
  const host = hostAt(uriOf(news));
  const identity = await host.identity();
  await refuseHostLeft(host, olds, news);
  if (!(await hasArrived(host, olds))) proveHost(olds, identity, label(news));
  const was = everSet(olds);
  const done = await onVm(ctx, host, {
    inputs: [news, was],
    uuid: olds.domainUuid,
    async look(c) {
      const masters = was.connected === false ? (await channelOf(host.uri)?.devices())?.masters : undefined;
      return observe(c, news, identity.libVersion, was, masters);
    },
    async work(c, observed, free) {
      const vm = await vmThere(host, observed, news, identity, olds);
      const history = { adopted: stillOurs(vm, olds, news, identity.hostname), remade: remadeBy(vm, olds) };
      return reach(ctx, host, c, { desired: news, was, history, free }, observed);
    },
  });
  const { outs } = await addressed(ctx, host, done);
  return { outs };
}

/** How often the VM was made anew, counting this time. */
function remadeBy(vm: ObservedVm, olds: Inputs): number {
  const before = typeof olds.remade === "number" ? olds.remade : 0;
  return vm.uuid === olds.domainUuid || vm.live || vm.config ? before : before + 1;
}

// ---- read --------------------------------------------------------------------------------------------------------------

async function read(
  ctx: Context,
  id: string,
  olds: Inputs,
): Promise<{ id: string; outs: Inputs; inputs: Inputs } | undefined> {
  const host = hostAt(uriOf(olds));
  const identity = await host.identity();
  const [uuidOfId = "", macOfId = ""] = id.split("/");
  const lookedUp = olds.domain === undefined;
  const known: Inputs = lookedUp ? { ...olds, domain: uuidOfId, mac: macOfId } : olds;
  const proof = proveHost(olds, identity, label(known));
  const named = await vmOn(host, known.domain);
  const renamed = lookedUp || named?.uuid === olds.domainUuid ? undefined : await renamedOn(host, olds, known.domain);
  const info = renamed ?? named;
  const moved = lookedUp ? undefined : await movedTo(host, olds, info);
  if (moved) {
    const now = await moved.host.identity();
    announce(
      ctx,
      "info",
      `${label(known)}: the VM has moved to ${now.hostname} (${moved.host.uri}), and the NIC with it`,
    );
    return found(moved.host, { ...olds, uri: moved.host.uri }, moved.info);
  }
  if (info) {
    if (renamed) announce(ctx, "warning", `${label(olds)}: ${renamedTo(olds, olds.domain, renamed, named)}`);
    const vm = toObserved(info, String(known.mac));
    if (vm.live || vm.config) return lookedUp ? foundById(host, known, info) : found(host, olds, info);
    const remade = remadeBy(vm, olds);
    // Said before, and nothing was done about it yet.
    const isAwaited = olds.plugged === false && typeof olds.remade === "number";
    if (!lookedUp && (vm.uuid !== olds.domainUuid || isAwaited) && proof === "proven") {
      announce(ctx, remade > 1 ? "warning" : "info", madeAnew(known, vm, identity, remade));
      return found(host, { ...olds, remade }, info);
    }
  }
  if (isLookup(olds))
    throw new VirtnetError(
      `no NIC ${macOfId} of a VM with the UUID ${uuidOfId} is on ${identity.hostname}: the id is UUID/MAC, as "virsh domuuid VM" and "virsh domiflist VM" tell them`,
    );
  if (proof === "proven") return undefined;
  throw notProven(known, olds, identity);
}

/** The resource as its VM has it. */
async function found(host: Host, olds: Inputs, info: DomainInfo) {
  // What was set is the NIC's own where its stored definition has it no more: a change may have been cut off.
  const givers = { networks: {}, was: everSet(olds) };
  const vm = withConnected(toObserved(info, String(olds.mac), givers), (await host.vitals())?.masters);
  const { args, ...otherwise } = argsFound(olds, vm);
  const history = { adopted: olds.adopted === true, remade: Number(olds.remade ?? 0) };
  const outs = await outputs(host, info, args, history, await addressesNow(host, vm, info));
  return { id: idOf(vm, olds.mac), outs: { ...args, ...outs, ...otherwise }, inputs: args };
}

async function addressesNow(host: Host, { live }: ObservedVm, info: DomainInfo): Promise<NicAddress[]> {
  if (!live) return [];
  const heard = host.read((c) => hearsay(c, info, live.mac));
  return addressesOf(info, live.mac, heard, (fn) => host.readWriting(fn));
}

/** A lookup (VmInterface.get) brings the id only; what it found has a source too. */
async function foundById(host: Host, known: Inputs, info: DomainInfo) {
  const vm = toObserved(info, String(known.mac));
  const nic = vm.config ?? vm.live;
  const source = nic?.kind ? { [nic.kind]: readNic(nic.xml, nic.kind)[nic.kind] ?? {} } : {};
  const args = { ...known, domain: vm.name, ...source };
  const addresses = await addressesNow(host, vm, info);
  const outs = await outputs(host, info, args, { adopted: false, remade: 0 }, addresses);
  return { id: idOf(vm, known.mac), outs: { ...args, ...outs }, inputs: args };
}

export { forgetNics };
export const vmInterfaceHandler: Handler = {
  ...{ check, diff, create, read, update },
  // Most runs delete nothing.
  delete: async (ctx, id, olds) => (await import("./remove.js")).remove(ctx, id, olds),
};
