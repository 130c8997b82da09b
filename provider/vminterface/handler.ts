/** The VmInterface resource: check, diff, create, read, update, delete; one flow, observe → plan → apply → verify. */
import { randomUUID } from "node:crypto";
import type { Context, Diff, Failure, Handler, Inputs } from "../handler.js";
import { ApplyError, PartialFailure, VirtnetError } from "../handler.js";
import { type Host, hostAt, proveHost } from "../host/hosts.js";
import type { Connection, DomainInfo, HostIdentity } from "../libvirt/api.js";
import { type Impact, priceOf, worst } from "../network/prices.js";
import { announce } from "../network/say.js";
import { type Mark, mayTake, type Owner, sameOwner, sameStack } from "../ownership.js";
import { hasUnknown } from "../schema/differences.js";
import { same } from "../schema/tree.js";
import { addressesOf, waitForAddress } from "./addresses.js";
import { apply } from "./apply.js";
import { sources, type WaitForAddress } from "./args.js";
import { checkVmInterface } from "./check.js";
import { differences, replacing } from "./differences.js";
import { nicsOf, readNic, withLinkDown, withoutAlias } from "./document.js";
import { refuseBusy } from "./explain.js";
import { isVm, observe, refOf, toObserved } from "./observe.js";
import { plan, refusal } from "./plan.js";
import { around, forgetNics, macFor, ownerNow, sawInCheck, seen, tookOver } from "./run.js";
import { priceLine } from "./say.js";
import { sourceOf, sourcesIn } from "./source.js";
import { argsOf, argsOnHost, type Computed, computed } from "./state.js";
import type { Observed, ObservedVm, Plan } from "./steps.js";
import { NotReleased, type UnplugOptions, unplug } from "./unplug.js";
import { verify } from "./verify.js";

const DEFAULT_UNPLUG_S = 30;

const uriOf = (inputs: Inputs): string => (typeof inputs.uri === "string" ? inputs.uri : "qemu:///system");
const label = (inputs: Inputs): string => `NIC ${String(inputs.mac)} of VM ${JSON.stringify(inputs.domain)}`;
const idOf = (vm: { uuid: string }, mac: unknown): string => `${vm.uuid}/${String(mac).toLowerCase()}`;
const text = (e: unknown): string => (e instanceof Error ? e.message : String(e));
const unplugOptions = (ctx: Context, inputs: Inputs): UnplugOptions => ({
  timeoutMs: ((inputs.unplugTimeout as number | undefined) ?? DEFAULT_UNPLUG_S) * 1000,
  signal: ctx.signal,
});

/** Work on a VM; its networks stay as they are meanwhile, so that a restart does not move the NIC at the same time. */
async function onVm<T>(host: Host, all: Inputs[], fn: (c: Connection) => Promise<T>): Promise<T> {
  const names = new Set(all.map((i) => i.network).filter((n) => typeof n === "string"));
  const there = names.size > 0 ? [...(await host.networksOfOthers()).values()].filter((n) => names.has(n.name)) : [];
  // The Network's handler goes by UUID; by name for one that this run makes, which may not be in that list.
  const shared = [...names, ...there.map((n) => n.uuid)].map((n) => `network:${n}`);
  return host.use(`domain:${String(all[0]?.domain)}`, fn, shared);
}

// ---- check and diff ---------------------------------------------------------------------------------------------------

async function check(ctx: Context, olds: Inputs, news: Inputs): Promise<{ inputs: Inputs; failures: Failure[] }> {
  const inputs: Inputs = { ...news };
  const [kind] = sourcesIn(inputs);
  if (kind !== undefined && "linkState" in sources[kind].fields.fields) inputs.linkState ??= "up";
  if (inputs.mac === undefined && olds.mac !== undefined) inputs.mac = olds.mac;
  const adopts = inputs.adopt === true || typeof inputs.adopt === "object";
  const owner = inputs.owner as Owner | undefined;
  sawInCheck(inputs);
  // What was let through before and is the same needs no look at the host: a run without changes reads nothing.
  if (same(olds, inputs)) return { inputs, failures: checkVmInterface(inputs) };
  const known = await around(ctx, inputs, olds);
  if (inputs.mac === undefined && owner !== undefined && !adopts) {
    const taken = new Set(
      (known.nics ?? []).filter((n) => !vmHas(n, inputs, known.vm?.name)).map((n) => n.mac.toLowerCase()),
    );
    inputs.mac = macFor(owner, taken);
    sawInCheck(inputs);
    return { inputs, failures: checkVmInterface(inputs, await around(ctx, inputs, olds)) };
  }
  return { inputs, failures: checkVmInterface(inputs, known) };
}

/** A NIC of the VM itself is the one that a run before this one made. */
const vmHas = (nic: { domain: string; from: string }, inputs: Inputs, name: string | undefined): boolean =>
  nic.from === "the host" && (nic.domain === inputs.domain || nic.domain === name);

async function diff(ctx: Context, _id: string, olds: Inputs, news: Inputs): Promise<Diff> {
  const was = argsOf(olds);
  const rows = differences(was, news, olds);
  if (rows.length === 0) return { changes: false, replaces: [], deleteBeforeReplace: true };
  const replaces = replacing(rows, news);
  // refresh asks too, without check; a refusal there would stop it (design, "Traps").
  if (seen(news) && replaces.length > 0) tellReplacement(ctx, was, news, replaces);
  else if (seen(news)) await tellPrice(ctx, was, news, rows);
  return { changes: true, replaces, deleteBeforeReplace: true };
}

function tellReplacement(ctx: Context, was: Inputs, news: Inputs, replaces: string[]): void {
  const what = `${label(was)}: ${replaces.join(" and ")}`;
  if (news.maxImpact !== undefined)
    throw new VirtnetError(
      `${what}: maxImpact is ${JSON.stringify(news.maxImpact)}, but this unplugs the NIC and plugs another one (replace): remove maxImpact, or take the change back`,
    );
  announce(ctx, "info", `${what}: unplugs this NIC, and plugs another one`);
}

/** Print what the change will cost, and refuse what may not cost that much. */
async function tellPrice(ctx: Context, was: Inputs, news: Inputs, rows: string[]): Promise<void> {
  if (hasUnknown(news)) return;
  let p: Plan;
  try {
    const host = hostAt(uriOf(news));
    const { libVersion } = await host.identity();
    const observed = await host.read((c) => observe(c, news, libVersion));
    p = plan({ desired: news, was, owner: news.owner as Owner | undefined }, observed);
  } catch (e) {
    announce(ctx, "warning", `${label(news)}: the price of this change is not known: ${text(e)}`);
    const table = sources[sourceOf(news)].prices;
    const impact = worst(rows.map((r) => (r in news && !(r in table) ? "none" : priceOf(table, r).impact)));
    const step = {
      kind: "update",
      impact,
      why: "by the price table, without a look at the host",
      changes: rows,
    } as const;
    p = {
      domain: "",
      domainName: String(news.domain),
      mac: String(news.mac),
      impact,
      steps: [{ ...step, affects: [], actions: [] }],
    };
  }
  const refused = refusal(p, news.maxImpact as Impact | undefined);
  if (refused !== undefined) throw new VirtnetError(refused);
  const line = priceLine(p);
  if (line !== undefined) announce(ctx, "info", line);
}

// ---- create, update ---------------------------------------------------------------------------------------------------

async function create(ctx: Context, inputs: Inputs): Promise<{ id: string; outs: Inputs }> {
  const host = hostAt(uriOf(inputs));
  const identity = await host.identity();
  const desired = inputs.mac === undefined ? { ...inputs, mac: randomMac() } : inputs;
  return onVm(host, [desired], async (c) => {
    const observed = await observe(c, desired, identity.libVersion);
    const vm = vmThere(observed, desired, identity);
    const adopted = takeOver(vm, desired, identity);
    const { id, outs } = await reach(ctx, host, c, desired, undefined, observed, adopted);
    return { id, outs };
  });
}

const randomMac = (): string => macFor({ project: "", stack: "", key: randomUUID() }, new Set());

function vmThere(observed: Observed, desired: Inputs, host: HostIdentity): ObservedVm {
  if (observed.vm) return observed.vm;
  throw new VirtnetError(
    `VM ${JSON.stringify(desired.domain)} is not on ${host.hostname}: make it first (where this program makes it, pass an output of it as domain, or name it in dependsOn), or check the name ("virsh list --all")`,
  );
}

/** Whose NIC it is: the stored definition says, since a running device keeps its alias. */
const markOf = (vm: ObservedVm): Mark | undefined => (vm.config ?? vm.live)?.mark;

/** Whether the mark that this resource left is gone from the stored definition. */
const wasReleased = (vm: ObservedVm, olds: Inputs): boolean =>
  olds.owner !== undefined &&
  olds.adopted !== true &&
  argsOf(olds).alias === undefined &&
  vm.config !== undefined &&
  vm.config.alias === undefined;

/** Whether a NIC that is there may be taken; throws where not. @returns whether it counts as adopted. */
function takeOver(vm: ObservedVm, inputs: Inputs, host: HostIdentity): boolean {
  const nic = vm.config ?? vm.live;
  if (!nic) return false;
  const owner = inputs.owner as Owner | undefined;
  const mark = markOf(vm);
  if (mark && owner && sameStack(mark, owner)) tookOver(idOf(vm, inputs.mac), owner.key);
  return mayTake(mark, inputs, {
    what: `${label(inputs)} exists already on ${host.hostname}`,
    or: "mac",
    release: `virtnet disown vm-interface ${vm.name} ${nic.mac}`,
  });
}

/** Plan, apply, verify, wait. Where the NIC is left other than it was, the error carries its state. */
async function reach(
  ctx: Context,
  host: Host,
  c: Connection,
  desired: Inputs,
  was: Inputs | undefined,
  observed: Observed,
  adopted: boolean,
): Promise<{ id: string; outs: Inputs }> {
  const p = plan({ desired, was, owner: desired.owner as Owner | undefined, adopted }, observed);
  const refused =
    observed.vm?.live || observed.vm?.config ? refusal(p, desired.maxImpact as Impact | undefined) : undefined;
  if (refused !== undefined) throw new VirtnetError(refused);
  if (ctx.signal?.aborted) throw new VirtnetError(`${label(desired)}: stopped before anything was changed`);
  const outsOf = async (info: DomainInfo, args: Inputs) => ({
    ...args,
    ...(await outputs(host, c, info, args, adopted)),
  });
  try {
    if (observed.vm?.active && p.steps.length > 0) await refuseBusy(c, observed.vm);
    await apply(c, p, unplugOptions(ctx, desired));
    const info = await verify(c, p.domain, desired, was);
    const wait = desired.waitForAddress as WaitForAddress | undefined;
    if (wait) await waitForAddress(ctx, c, info, String(desired.mac), wait);
    return { id: idOf(info, desired.mac), outs: await outsOf(info, desired) };
  } catch (e) {
    if (e instanceof ApplyError && e.restored) throw e;
    const left = await c.domains.get({ uuid: p.domain }).catch(() => undefined);
    if (!left) throw e;
    const vm = toObserved(left, String(desired.mac));
    if (!vm.live && !vm.config) throw e;
    throw new PartialFailure(idOf(vm, desired.mac), await outsOf(left, argsOnHost(desired, vm)), [text(e)]);
  } finally {
    host.changed();
  }
}

async function outputs(host: Host, c: Connection, info: DomainInfo, args: Inputs, adopted: boolean): Promise<Computed> {
  const mac = String(args.mac);
  const vm = toObserved(info, mac);
  const addresses = vm.live ? await addressesOf(c, info, mac) : [];
  return computed(args, vm, await host.identity(), adopted, addresses);
}

async function update(ctx: Context, id: string, olds: Inputs, news: Inputs): Promise<{ outs: Inputs }> {
  const host = hostAt(uriOf(news));
  const identity = await host.identity();
  proveHost(olds, identity, label(news));
  const was = argsOf(olds);
  return onVm(host, [news, was], async (c) => {
    const observed = await observe(c, news, identity.libVersion);
    const vm = vmThere(observed, news, identity);
    const nic = vm.config ?? vm.live;
    const known = nic !== undefined && idOf(vm, news.mac) === id && !markOf(vm);
    if (known && news.adopt === undefined && wasReleased(vm, olds))
      throw new VirtnetError(
        `${label(news)} on ${identity.hostname} no longer carries the mark of its owner ("virtnet disown", or another tool wrote it): set adopt: true to take it back, or let go of it with "pulumi state delete"`,
      );
    const adopted = known ? olds.adopted === true : takeOver(vm, news, identity);
    const { outs } = await reach(ctx, host, c, news, was, observed, adopted);
    return { outs };
  });
}

// ---- read, delete -----------------------------------------------------------------------------------------------------

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
  const info = (await host.allDomains()).find((d) => isVm(d, String(known.domain)));
  const vm = info ? toObserved(info, String(known.mac)) : undefined;
  const whole = vm && (!vm.active || vm.live) && (!vm.persistent || vm.config);
  if (!info || !vm || !whole) {
    if (proof === "proven") {
      if (vm && !lookedUp && vm.uuid !== uuidOfId) announce(ctx, "warning", madeAnew(known, vm, identity));
      return undefined;
    }
    throw new VirtnetError(uncertain(known, olds, identity));
  }
  const args = lookedUp ? asFound(known, vm) : argsOnHost(argsOf(olds), vm);
  const mac = String(args.mac ?? known.mac);
  const addresses = vm.live ? await host.read((c) => addressesOf(c, info, mac)) : [];
  const outs = computed(args, vm, identity, olds.adopted === true, addresses);
  return { id: idOf(vm, mac), outs: { ...args, ...outs }, inputs: args };
}

/** A lookup (VmInterface.get) brings the id only; what it found has a source too. */
function asFound(known: Inputs, vm: ObservedVm): Inputs {
  const nic = vm.config ?? vm.live;
  const source = nic?.kind ? { [nic.kind]: readNic(nic.xml, nic.kind)[nic.kind] ?? {} } : {};
  return { ...known, domain: vm.name, ...source };
}

const madeAnew = (olds: Inputs, vm: ObservedVm, host: HostIdentity): string =>
  `${label(olds)}: another program has made the VM anew on ${host.hostname} (it is ${vm.uuid} now, it was ${String(olds.domainUuid)}), without this NIC: up plugs it in again; docs/vm-interfaces.md says how to live beside such programs`;

const uncertain = (inputs: Inputs, olds: Inputs, host: HostIdentity): string =>
  `${label(inputs)} is not on ${host.hostname}, but that this is the host of the state is not certain (its UUID changed from ${String(olds.hostUuid)} to ${host.uuid}): set host_uuid in libvirtd.conf, or remove the NIC with "pulumi state delete"`;

async function remove(ctx: Context, id: string, olds: Inputs): Promise<void> {
  const host = hostAt(uriOf(olds));
  const identity = await host.identity();
  const proof = proveHost(olds, identity, label(olds));
  const args = argsOf(olds);
  const [uuid = ""] = id.split("/");
  await onVm(host, [args], async (c) => {
    const info = (await c.domains.get({ uuid })) ?? (await c.domains.get(refOf(String(olds.domain))));
    const vm = info ? toObserved(info, String(olds.mac)) : undefined;
    if (!vm || (!vm.live && !vm.config)) {
      if (proof === "proven") return;
      throw new VirtnetError(uncertain(olds, olds, identity));
    }
    const owner = olds.owner as Owner | undefined;
    if (isAnothers(vm, olds, owner)) return;
    // Of a VM that was made anew with a NIC of this MAC by somebody else, nothing is ours.
    if (vm.uuid !== uuid && !sameOwner(markOf(vm), owner)) return;
    if (wasReleased(vm, olds) && !markOf(vm)) {
      announce(
        ctx,
        "warning",
        `${label(olds)} no longer carries the mark of its owner (disowned): it is left as it is`,
      );
      return;
    }
    if (olds.adopted === true && olds.deleteAdopted !== true) return release(c, vm);
    try {
      if (vm.active) await refuseBusy(c, vm);
      await takeOut(ctx, c, vm, olds);
    } finally {
      host.changed();
    }
  });
}

/** Moved to another resource of the program, or to another stack: not ours to unplug any more. */
function isAnothers(vm: ObservedVm, olds: Inputs, owner: Owner | undefined): boolean {
  const mark = markOf(vm);
  if (owner === undefined) return false;
  const now = ownerNow(idOf(vm, olds.mac));
  if (now !== undefined) return now !== owner.key;
  return mark !== undefined && !sameOwner(mark, owner);
}

/** The running VM first: where its guest does not release the NIC, nothing is changed. */
async function takeOut(ctx: Context, c: Connection, vm: ObservedVm, olds: Inputs): Promise<void> {
  if (vm.live) {
    try {
      await unplug(c, vm, vm.live.xml, unplugOptions(ctx, olds));
    } catch (e) {
      if (!(e instanceof NotReleased) || olds.forceDetach !== true) throw e;
      if (nicsOf(`<domain><devices>${vm.live.xml}</devices></domain>`)[0]?.kind !== "hostdev")
        await c.domains.updateDevice({ uuid: vm.uuid }, withLinkDown(vm.live.xml), "live");
      announce(
        ctx,
        "warning",
        `${label(olds)}: the guest did not release it; its link is down, and it is gone when the VM stops`,
      );
    }
  }
  if (vm.config) await c.domains.detachDevice({ uuid: vm.uuid }, vm.config.xml, "config");
}

async function release(c: Connection, vm: ObservedVm): Promise<void> {
  if (vm.config?.mark) await c.domains.updateDevice({ uuid: vm.uuid }, withoutAlias(vm.config.xml), "config");
}

export { forgetNics };
export const vmInterfaceHandler: Handler = { check, diff, create, read, update, delete: remove };
