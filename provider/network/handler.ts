/** The Network resource: check, diff, create, read, update, delete; one flow, observe → plan → apply → verify. */
import type { Context, Diff, Failure, Handler, Inputs } from "../handler.js";
import { ApplyError, isLookup, PartialFailure, textOf, VirtnetError } from "../handler.js";
import { channelOf } from "../host/channel.js";
import { deviceMade } from "../host/devices.js";
import { type Host, hostAt, proveHost, uriOf } from "../host/hosts.js";
import { goesOn, isKept, making, objectOn } from "../kept.js";
import type { Connection, HostIdentity, NetworkInfo } from "../libvirt/api.js";
import { type Owner, sameOwner } from "../ownership.js";
import { same } from "../schema/tree.js";
import { alone, Elsewhere, type Locked } from "./alone.js";
import { apply, Outdated } from "./apply.js";
import { STATE_FIELDS } from "./args.js";
import { checkNetwork } from "./check.js";
import { faultsOfTaking, lastRestart, tellPrice } from "./cost.js";
import { differences } from "./differences.js";
import { readNetwork, writeNetwork } from "./document.js";
import { daemonOf, factsOf, forgetFacts } from "./facts.js";
import { guardOf } from "./guard.js";
import { healOne } from "./heal.js";
import { brokenParts } from "./intact.js";
import { parkName } from "./journal.js";
import { nicsOn } from "./nics.js";
import { namesOf, observe, toObserved, whetherConnected } from "./observe.js";
import { label, refuseTakenName, stillOurs, takeOver } from "./owned.js";
import { plan, refusal, type Wish } from "./plan.js";
import type { Impact } from "./prices.js";
import { forgetRun, neighbours, sawInCheck, seen } from "./run.js";
import { announce } from "./say.js";
import { argsOf, argsOnHost, argsWithin, type Computed, type Condition, computed, type Via } from "./state.js";
import type { Observed } from "./steps.js";
import { verify } from "./verify.js";

/** For {@link goesOn}: as what it is kept. */
const KIND = "network";
const nameOn = (of: Inputs): string | undefined =>
  typeof of.name === "string" ? objectOn(uriOf(of), of.name) : undefined;

/** Work on one network is serial: by name until it has a UUID. */
const keyOf = (nameOrId: string): string => `network:${nameOrId}`;

/** With the defaults of what can drift; a state may be older than such a field. */
const withState = (args: Inputs): Inputs => ({
  ...Object.fromEntries(STATE_FIELDS.map((k) => [k, true])),
  ...Object.fromEntries(Object.entries(args).filter(([, v]) => v !== undefined)),
});

type Checked = { inputs: Inputs; failures: Failure[] };

async function check(ctx: Context, olds: Inputs, news: Inputs): Promise<Checked> {
  goesOn(KIND, olds, news, nameOn);
  const { inputs, failures, reached } = await judge(ctx, olds, news);
  const isNew = Object.keys(olds).length === 0;
  if (failures.length > 0 || !isNew || !reached) return { inputs, failures };
  return { inputs, failures: await faultsOfTaking(ctx, inputs) };
}

/** Check, but for what taking over an existing network costs, and whether it may: who asks for a plan is told by that. */
export async function judge(ctx: Context, olds: Inputs, news: Inputs): Promise<Checked & { reached: boolean }> {
  const inputs = withState(news);
  const twin = sawInCheck(inputs);
  if (twin !== undefined) return { inputs, failures: [twin], reached: false };
  // What was let through before and is the same needs no look at the host: a run without changes reads nothing.
  const unchanged = same(withState(argsOf(olds)), inputs);
  const around = unchanged ? {} : await neighbours(ctx, inputs, olds);
  let failures = checkNetwork(inputs, around);
  if (failures.length > 0 && around.hostDevices !== undefined) {
    // A device that another resource of the program has made since the host was read is no fault.
    forgetFacts(uriOf(inputs));
    failures = checkNetwork(inputs, await neighbours(ctx, inputs, olds));
  }
  // Without the daemon's version the host could not be reached, which was said.
  return { inputs, failures, reached: around.daemon !== undefined };
}

async function diff(ctx: Context, id: string, olds: Inputs, news: Inputs): Promise<Diff> {
  const was = argsOf(olds);
  const rows = differences(was, news);
  if (rows.length === 0) return { changes: false, replaces: [], deleteBeforeReplace: true };
  // refresh asks too, without check; a refusal there would stop it (design, "Traps").
  if (seen(news)) await tellPrice(ctx, id, olds, news, rows);
  return { changes: true, replaces: [], deleteBeforeReplace: true };
}

/** Heals what a run that died has left of it. @returns since when nobody has changed it (performance.now()). */
async function healed(host: Host, c: Connection, { uuid, held, since }: Locked): Promise<number> {
  if (!(await healOne(c, uuid, held))) return since;
  host.changed(); // whatever the rest comes to
  return performance.now();
}

const create = (ctx: Context, inputs: Inputs): Promise<{ id: string; outs: Inputs }> =>
  making(KIND, inputs, () => makeOrTake(ctx, inputs));

async function makeOrTake(ctx: Context, inputs: Inputs): Promise<{ id: string; outs: Inputs }> {
  const host = hostAt(uriOf(inputs));
  const identity = await host.identity();
  const how = { nics: true, ...(await daemonOf(host)), desired: inputs };
  const via = await viaOf(host, inputs);
  const key = keyOf(String(inputs.name));
  const look = (c: Connection, since: number) =>
    observe(c, { name: String(inputs.name) }, { ...how, vitals: () => host.vitalsSince(since) });
  const make = async (c: Connection, observed: Observed, adopted: boolean, held = false) => {
    const { info, restartMs } = await reach(ctx, host, c, { desired: inputs, adopted, via, held }, observed);
    return { id: info.uuid, outs: { ...inputs, ...(await outputs(host, info, adopted, inputs, restartMs, via)) } };
  };
  const made = await host.use(key, async (c) => {
    const observed = await look(c, performance.now());
    // Of two who make one that is not there libvirt refuses the second: it has one network of a name.
    if (!observed.network) return make(c, observed, false);
    takeOver(observed.network, inputs, identity); // refused before anything of another's is healed
    return new Elsewhere(observed.network.uuid);
  });
  if (!(made instanceof Elsewhere)) return made;
  return alone(ctx, host, label(inputs), key, made.uuid, async (c, locked) => {
    const observed = await look(c, await healed(host, c, locked));
    const there = observed.network;
    if (there && there.uuid !== locked.uuid) return new Elsewhere(there.uuid);
    return make(c, observed, there ? takeOver(there, inputs, identity) : false, locked.held);
  });
}

/** How routers outside know the host, where that is an output. Asked without a connection at hand: it takes one. */
const viaOf = async (host: Host, { mode }: Inputs): Promise<Via | undefined> =>
  mode === "route" ? await (await factsOf(host))?.via().catch(() => undefined) : undefined;

async function outputs(
  host: Host,
  info: NetworkInfo,
  adopted: boolean,
  args: Inputs,
  restartMs: unknown,
  via: Via | undefined,
): Promise<Computed> {
  const out = computed(info, await host.identity(), adopted, args, via);
  if (typeof restartMs === "number") out.restartMs = restartMs;
  // One that libvirt made has its MAC here; one that was given has none.
  deviceMade(host.uri, info.active && out.macAddress !== undefined ? out.bridgeName : undefined, info.name);
  return out;
}

/** What `reach` is asked for; the mark comes from the inputs. */
type Target = Pick<Wish, "was" | "uuid"> & {
  desired: Inputs;
  adopted: boolean;
  restartMs?: unknown;
  via: Via | undefined;
  /** The host's lock of the network is held. */
  held: boolean;
};

/** Plan, apply, verify. Where the network is left other than it was, the error carries its state. */
async function reach(
  ctx: Context,
  host: Host,
  c: Connection,
  { desired, was, uuid, adopted, restartMs, via, held }: Target,
  observed: Observed,
): Promise<{ info: NetworkInfo; restartMs: unknown }> {
  const p = plan({ desired, was, uuid, adopted, owner: desired.owner as Owner | undefined }, observed);
  const refused = observed.network ? refusal(p, desired.maxImpact as Impact | undefined) : undefined;
  if (refused !== undefined) throw new VirtnetError(refused);
  if (ctx.signal?.aborted) throw new VirtnetError(`${label(desired)}: stopped before anything was changed`);
  const channel = channelOf(host.uri);
  try {
    const { ref, downMs } = await apply(c, p, {
      define: (fn) => host.serial("define", fn),
      fresh: (fn) => host.again(c, fn),
      spare: () => host.pool.borrow(),
      guard: guardOf(host.uri),
      held,
      ...(channel ? { channel, look: host.look(channel) } : {}),
      warn: (what) => announce(ctx, "warning", `${label(desired)}: ${what}`),
    });
    const info = await host.surely(c, (on) => verify(on, ref, desired, was));
    return { info, restartMs: downMs === undefined ? restartMs : Math.round(downMs) };
  } catch (e) {
    if (e instanceof Outdated || (e instanceof ApplyError && e.restored)) throw e;
    const left = await host
      .surely(c, (on) => on.networks.get(observed.network ? p.ref : { name: String(desired.name) }))
      .catch(() => undefined);
    if (!left) throw e;
    const args = argsWithin({ was, desired }, left);
    const state = { ...args, ...(await outputs(host, left, adopted, desired, restartMs, via)) };
    throw new PartialFailure(left.uuid, state, [textOf(e)]);
  } finally {
    host.changed();
  }
}

async function read(
  ctx: Context,
  id: string,
  olds: Inputs,
): Promise<{ id: string; outs: Inputs; inputs: Inputs } | undefined> {
  const host = hostAt(uriOf(olds));
  const identity = await host.identity();
  const proof = proveHost(olds, identity, label(olds));
  const info = find(await host.networks(), id, olds);
  if (!info) {
    const networks = [...(await host.networks()).values()];
    if (networks.some((n) => n.name === parkName(id)))
      throw new VirtnetError(
        `${label(olds)} is being changed, or a run that changed it died in the middle: run up, or "virtnet heal --uri ${host.uri}"`,
      );
    if (isLookup(olds))
      throw new VirtnetError(
        `no network with the UUID ${id} is on ${identity.hostname}: "virsh net-uuid NAME" tells that of a network`,
      );
    if (proof === "proven") return undefined;
    throw notProven(olds, identity);
  }
  // A lookup (Network.get) brings the UUID and the host only; what it found has a name and a mode too.
  const lookedUp = olds.mode === undefined ? { name: info.name, mode: readNetwork(info.inactiveXml).mode } : {};
  const before = argsOf(olds);
  const args = argsOnHost(before, info, await conditionOf(ctx, host, info));
  const { mode } = readNetwork(info.liveXml ?? info.inactiveXml);
  const via = await viaOf(host, { mode });
  const out = await outputs(host, info, olds.adopted === true, before, olds.restartMs, via);
  return { id: info.uuid, outs: { ...lookedUp, ...args, ...out }, inputs: args };
}

const unknownOf = ({ uri }: Host): string =>
  `host ${uri}: no command can be run there (virtnet:command), so whether its networks' bridges, addresses and dnsmasqs are as libvirt made them is not known`;

/** As far as can be known. A stopped network has its own name for that. */
async function conditionOf(ctx: Context, host: Host, info: NetworkInfo): Promise<Condition> {
  if (!info.active) return {};
  const nics = nicsOn(await host.domains(), namesOf(info));
  const vitals = await host.vitals();
  if (!vitals) announce(ctx, "info", unknownOf(host));
  const seen = nics.length === 0 ? [] : await host.read((c) => whetherConnected(c, info, nics, vitals?.masters));
  return {
    nicsConnected: seen.every((n) => n.connected !== false),
    intact: info.persistent && (!vitals || brokenParts(info, vitals).length === 0),
  };
}

/** By UUID; else, made again under another UUID, by name and our own mark. */
function find(networks: ReadonlyMap<string, NetworkInfo>, id: string, olds: Inputs): NetworkInfo | undefined {
  const byId = networks.get(id);
  if (byId) return byId;
  return [...networks.values()].find((n) => n.name === olds.name && isOurs(n, olds));
}

const isOurs = (network: NetworkInfo, olds: Inputs): boolean =>
  sameOwner(readNetwork(network.inactiveXml).mark, olds.owner as Owner | undefined);

async function update(ctx: Context, id: string, olds: Inputs, news: Inputs): Promise<{ outs: Inputs }> {
  const host = hostAt(uriOf(news));
  const identity = await host.identity();
  const proof = proveHost(olds, identity, label(news));
  const daemon = await daemonOf(host);
  const via = await viaOf(host, news);
  const change = async (c: Connection, locked: Locked): Promise<{ outs: Inputs } | Elsewhere> => {
    const since = await healed(host, c, locked);
    const how = { nics: true, ...daemon, desired: news, vitals: () => host.vitalsSince(since) };
    const byId = await observe(c, { uuid: id }, how);
    const observed = byId.network ? byId : await observe(c, { name: String(news.name) }, how);
    const there = observed.network;
    if (there && there.uuid !== locked.uuid) return new Elsewhere(there.uuid);
    if (!there && proof !== "proven") throw notProven(olds, identity);
    if (there && there.name !== news.name) {
      const other = await c.networks.get({ name: String(news.name) });
      refuseTakenName(there, other && toObserved(other), news, "up");
    }
    const adopted = there ? stillOurs(there, id, olds, news, identity) : false;
    const target = {
      desired: news,
      was: argsOf(olds),
      adopted,
      via,
      held: locked.held,
      restartMs: olds.restartMs,
      ...(there ? {} : { uuid: id }),
    };
    const { info, restartMs } = await reach(ctx, host, c, target, { ...observed, ...lastRestart(olds) });
    if (there && there.name !== info.name) host.changed(true);
    return { outs: { ...news, ...(await outputs(host, info, adopted, news, restartMs, via)) } };
  };
  return await alone(ctx, host, label(olds), keyOf(id), id, change);
}

const notProven = (olds: Inputs, now: HostIdentity): VirtnetError =>
  new VirtnetError(
    `${label(olds)} is not on ${now.hostname}, but that this is the host of the state is not certain (its UUID changed from ${String(olds.hostUuid)} to ${now.uuid}): set host_uuid in libvirtd.conf, or remove the network from state with "pulumi state delete"`,
  );

async function remove(ctx: Context, id: string, olds: Inputs): Promise<void> {
  const { afterItsNics, refuseInUse } = await import("./users.js"); // most runs delete nothing
  const host = hostAt(uriOf(olds));
  const identity = await host.identity();
  const proof = proveHost(olds, identity, label(olds));
  const stays = olds.adopted === true && olds.deleteAdopted !== true;
  const away = async (c: Connection, locked: Locked): Promise<undefined | Elsewhere> => {
    await healed(host, c, locked);
    const info = (await c.networks.get({ uuid: id })) ?? (await ourOwn(c, olds));
    if (info && info.uuid !== locked.uuid) return new Elsewhere(info.uuid);
    if (!info) {
      if (proof === "proven") return;
      throw notProven(olds, identity);
    }
    const mark = readNetwork(info.inactiveXml).mark;
    const owner = olds.owner as Owner | undefined;
    // Moved to another resource of the program, or to another stack: not ours to delete any more.
    if (mark && owner && !sameOwner(mark, owner)) return;
    if (isKept(KIND, olds, objectOn(identity.uuid, info.uuid), objectOn(host.uri, info.name))) return;
    if (!mark && owner && info.persistent) {
      announce(
        ctx,
        "warning",
        `${label(olds)} no longer carries the mark of its owner (disowned): it is left as it is`,
      );
      return;
    }
    if (stays) {
      await release(c, info);
      return undefined;
    }
    await refuseInUse(c, info, olds);
    const ref = { uuid: info.uuid };
    try {
      if (info.active) await c.networks.destroy(ref);
      if (info.persistent) await c.networks.undefine(ref);
      deviceMade(host.uri, undefined, info.name);
    } finally {
      host.changed();
    }
  };
  await afterItsNics(ctx.signal, () => alone(ctx, host, label(olds), keyOf(id), id, away, !stays));
}

/** Made again under another UUID. */
async function ourOwn(c: Connection, olds: Inputs): Promise<NetworkInfo | undefined> {
  const named = typeof olds.name === "string" ? await c.networks.get({ name: olds.name }) : undefined;
  return named && isOurs(named, olds) ? named : undefined;
}

async function release(c: Connection, info: NetworkInfo): Promise<void> {
  const doc = readNetwork(info.inactiveXml);
  if (!doc.mark || !info.persistent) return;
  const { redefine } = await import("./redefine.js");
  await redefine(c, writeNetwork({ mode: doc.mode }, undefined, info.inactiveXml, null), info.inactiveXml);
}

export { forgetRun };
export const networkHandler: Handler = { check, diff, create, read, update, delete: remove };
