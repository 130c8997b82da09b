/** The Network resource: check, diff, create, read, update, delete; one flow, observe → plan → apply → verify. */
import type { Context, Diff, Failure, Handler, Inputs } from "../handler.js";
import { ApplyError, PartialFailure, VirtnetError } from "../handler.js";
import { channelOf } from "../host/channel.js";
import { deviceMade } from "../host/devices.js";
import { type Host, hostAt, proveHost, type Vitals } from "../host/hosts.js";
import { aloneOnHost } from "../host/lock.js";
import type { Connection, HostIdentity, NetworkInfo } from "../libvirt/api.js";
import { mayTake, type Owner, sameOwner } from "../ownership.js";
import { hasUnknown } from "../schema/differences.js";
import { same } from "../schema/tree.js";
import { apply } from "./apply.js";
import { modes, STATE_FIELDS } from "./args.js";
import { checkNetwork } from "./check.js";
import { differences } from "./differences.js";
import { readNetwork, writeNetwork } from "./document.js";
import { daemonOf, factsOf, forgetFacts } from "./facts.js";
import { guardOf } from "./guard.js";
import { healOne } from "./heal.js";
import { brokenParts } from "./intact.js";
import { parkName } from "./journal.js";
import { nicsOn } from "./nics.js";
import { namesOf, observe, usersOf, whetherConnected } from "./observe.js";
import type { Mode } from "./parts/forward.js";
import { plan, refusal, type Wish } from "./plan.js";
import { type Impact, priceOf, worst } from "./prices.js";
import { forgetRun, neighbours, sawInCheck, seen } from "./run.js";
import { announce, priceLine } from "./say.js";
import { argsOf, argsOnHost, type Computed, type Condition, computed } from "./state.js";
import type { Observed, ObservedNetwork, Plan } from "./steps.js";
import { verify } from "./verify.js";

const uriOf = (inputs: Inputs): string => (typeof inputs.uri === "string" ? inputs.uri : "qemu:///system");
const label = (inputs: Inputs): string => `network ${JSON.stringify(inputs.name)}`;
/** How long another run's change of the same network is waited for, in s. */
const PATIENCE_S = 60;

/** Work on one network is serial: by name until it has a UUID. */
const keyOf = (nameOrId: string): string => `network:${nameOrId}`;

/** With the defaults of what can drift; a state may be older than such a field. */
const withState = (args: Inputs): Inputs => ({
  ...Object.fromEntries(STATE_FIELDS.map((k) => [k, true])),
  ...Object.fromEntries(Object.entries(args).filter(([, v]) => v !== undefined)),
});

async function check(ctx: Context, olds: Inputs, news: Inputs): Promise<{ inputs: Inputs; failures: Failure[] }> {
  const inputs = withState(news);
  const twin = sawInCheck(inputs);
  if (twin !== undefined) return { inputs, failures: [twin] };
  // What was let through before and is the same needs no look at the host: a run without changes reads nothing.
  const unchanged = same(withState(argsOf(olds)), inputs);
  const around = unchanged ? {} : await neighbours(ctx, inputs, olds);
  const failures = checkNetwork(inputs, around);
  if (failures.length === 0 || around.hostDevices === undefined) return { inputs, failures };
  // A device that another resource of the program has made since the host was read is no fault.
  forgetFacts(uriOf(inputs));
  return { inputs, failures: checkNetwork(inputs, await neighbours(ctx, inputs, olds)) };
}

async function diff(ctx: Context, id: string, olds: Inputs, news: Inputs): Promise<Diff> {
  const was = argsOf(olds);
  const rows = differences(was, news);
  if (rows.length === 0) return { changes: false, replaces: [], deleteBeforeReplace: true };
  // refresh asks too, without check; a refusal there would stop it (design, "Traps").
  if (seen(news)) await tellPrice(ctx, id, olds, news, rows);
  return { changes: true, replaces: [], deleteBeforeReplace: true };
}

/** Print what the change will cost, and refuse what may not cost that much. */
async function tellPrice(ctx: Context, id: string, olds: Inputs, news: Inputs, rows: string[]): Promise<void> {
  const was = argsOf(olds);
  if (hasUnknown(news)) return;
  let p: Plan;
  try {
    const host = hostAt(uriOf(news));
    const how = { nics: true, ...(await daemonOf(host)), desired: news, vitals: () => host.vitals() };
    const byId = await host.read((c) => observe(c, { uuid: id }, how));
    const observed = byId.network ? byId : await host.read((c) => observe(c, { name: String(news.name) }, how));
    const wish = { desired: news, was, owner: news.owner as Owner | undefined, adopted: olds.adopted === true };
    p = plan(wish, { ...observed, ...lastRestart(olds) });
  } catch (e) {
    // What the plan itself refuses is a refusal.
    if (e instanceof VirtnetError) throw e;
    announce(ctx, "warning", `${label(news)}: the price of this change is not known: ${text(e)}`);
    const table = modes[news.mode as Mode].prices;
    const impact = worst(rows.map((r) => priceOf(table, r).impact));
    p = {
      network: String(news.name),
      ref: { name: String(news.name) },
      impact,
      steps: [
        {
          kind: "update",
          impact,
          why: "by the price table, without a look at the host",
          changes: rows,
          affects: [],
          actions: [],
        },
      ],
    };
  }
  const refused = refusal(p, news.maxImpact as Impact | undefined);
  if (refused !== undefined) throw new VirtnetError(refused);
  const line = priceLine(p);
  if (line !== undefined) announce(ctx, "info", line);
}

/** Before a write nothing that was read earlier counts. */
function freshVitals(host: Host): Promise<Vitals | undefined> {
  host.changed();
  return host.vitals();
}

const lastRestart = ({ restartMs }: Inputs): { restartMs?: number } =>
  typeof restartMs === "number" ? { restartMs } : {};

async function create(ctx: Context, inputs: Inputs): Promise<{ id: string; outs: Inputs }> {
  const host = hostAt(uriOf(inputs));
  const identity = await host.identity();
  const how = { nics: true, ...(await daemonOf(host)), desired: inputs, vitals: () => freshVitals(host) };
  return host.use(keyOf(String(inputs.name)), async (c) => {
    let observed = await observe(c, { name: String(inputs.name) }, how);
    const there = observed.network;
    const adopted = there ? takeOver(there, inputs, identity) : false;
    if (there && (await healOne(c, there.uuid))) observed = await observe(c, { name: String(inputs.name) }, how);
    const { info, restartMs } = await reach(ctx, host, c, { desired: inputs, adopted }, observed);
    return { id: info.uuid, outs: { ...inputs, ...(await outputs(host, info, adopted, inputs, restartMs)) } };
  });
}

async function outputs(
  host: Host,
  info: NetworkInfo,
  adopted: boolean,
  args: Inputs,
  restartMs: unknown,
): Promise<Computed> {
  const routed = /<forward[^>]*mode=["']route["']/.test(info.liveXml ?? info.inactiveXml);
  const facts = routed ? await factsOf(host) : undefined;
  const out = computed(info, await host.identity(), adopted, args, facts?.via);
  if (typeof restartMs === "number") out.restartMs = restartMs;
  // One that libvirt made has its MAC here; one that was given has none.
  deviceMade(host.uri, info.active && out.macAddress !== undefined ? out.bridgeName : undefined, info.name);
  return out;
}

/** Whether an existing network may be taken; throws where not. @returns whether it counts as adopted. */
const takeOver = ({ mark, uuid, name }: ObservedNetwork, inputs: Inputs, host: HostIdentity): boolean =>
  mayTake(mark, inputs, {
    what: `${label(inputs)} exists already on ${host.hostname} (uuid ${uuid})`,
    or: "name",
    release: `virtnet disown network ${name}`,
  });

/** What `reach` is asked for; the mark comes from the inputs. */
type Target = Pick<Wish, "was" | "uuid"> & { desired: Inputs; adopted: boolean; restartMs?: unknown };

/** Plan, apply, verify. Where the network is left other than it was, the error carries its state. */
async function reach(
  ctx: Context,
  host: Host,
  c: Connection,
  { desired, was, uuid, adopted, restartMs }: Target,
  observed: Observed,
): Promise<{ info: NetworkInfo; restartMs: unknown }> {
  const p = plan({ desired, was, uuid, adopted, owner: desired.owner as Owner | undefined }, observed);
  const refused = observed.network ? refusal(p, desired.maxImpact as Impact | undefined) : undefined;
  if (refused !== undefined) throw new VirtnetError(refused);
  if (ctx.signal?.aborted) throw new VirtnetError(`${label(desired)}: stopped before anything was changed`);
  try {
    const { ref, downMs } = await apply(c, p, {
      define: (fn) => host.serial("define", fn),
      fresh: (fn) => host.insist(fn),
      guard: guardOf(host.uri),
      channel: channelOf(host.uri),
    });
    const info = await host.surely(c, (on) => verify(on, ref, desired, was));
    return { info, restartMs: downMs === undefined ? restartMs : Math.round(downMs) };
  } catch (e) {
    if (e instanceof ApplyError && e.restored) throw e;
    const left = await host
      .insist((again) => again.networks.get(observed.network ? p.ref : { name: String(desired.name) }))
      .catch(() => undefined);
    if (!left) throw e;
    // Fields that were set before and shall go are still there: they count as set until they are gone.
    const args = argsOnHost({ ...was, ...desired }, left);
    const state = { ...args, ...(await outputs(host, left, adopted, desired, restartMs)) };
    throw new PartialFailure(left.uuid, state, [text(e)]);
  } finally {
    host.changed();
  }
}

async function read(
  _ctx: Context,
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
    if (proof === "proven") return undefined;
    throw notProven(olds, identity);
  }
  // A lookup (Network.get) brings the UUID and the host only; what it found has a name and a mode too.
  const lookedUp = olds.mode === undefined ? { name: info.name, mode: readNetwork(info.inactiveXml).mode } : {};
  const before = argsOf(olds);
  const args = argsOnHost(before, info, await conditionOf(host, info));
  const out = await outputs(host, info, olds.adopted === true, before, olds.restartMs);
  return { id: info.uuid, outs: { ...lookedUp, ...args, ...out }, inputs: args };
}

/** As far as can be known. A stopped network has its own name for that. */
async function conditionOf(host: Host, info: NetworkInfo): Promise<Condition> {
  if (!info.active) return {};
  const nics = nicsOn(await host.domains(), namesOf(info));
  const vitals = await host.vitals();
  const seen = nics.length === 0 ? [] : await host.read((c) => whetherConnected(c, info, nics, vitals?.masters));
  return {
    nicsConnected: seen.every((n) => n.connected !== false),
    intact: !vitals || brokenParts(info, vitals).length === 0,
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
  const how = {
    nics: true,
    ...(await daemonOf(host)),
    desired: news,
    vitals: () => freshVitals(host),
  };
  const change = async (c: Connection): Promise<{ outs: Inputs }> => {
    await healOne(c, id);
    const byId = await observe(c, { uuid: id }, how);
    const observed = byId.network ? byId : await observe(c, { name: String(news.name) }, how);
    const there = observed.network;
    if (!there && proof !== "proven") throw notProven(olds, identity);
    await refuseTakenName(c, there, news);
    const adopted = there ? stillOurs(there, id, olds, news, identity) : false;
    const target = {
      desired: news,
      was: argsOf(olds),
      adopted,
      restartMs: olds.restartMs,
      ...(there ? {} : { uuid: id }),
    };
    const { info, restartMs } = await reach(ctx, host, c, target, { ...observed, ...lastRestart(olds) });
    if (there && there.name !== info.name) host.changed(true);
    return { outs: { ...news, ...(await outputs(host, info, adopted, news, restartMs)) } };
  };
  // Runs on other machines wait as well: what each then looks at is what the one before it left.
  const lock = { name: `network-${id}`, what: label(olds), waitS: PATIENCE_S, needed: false };
  const channel = channelOf(host.uri);
  return await host.use(keyOf(id), (c) => (channel ? aloneOnHost(channel, lock, () => change(c)) : change(c)));
}

/** Whether the network that is there may be changed; throws where not. @returns whether it counts as adopted. */
function stillOurs(there: ObservedNetwork, id: string, olds: Inputs, news: Inputs, host: HostIdentity): boolean {
  if (there.uuid !== id || there.mark) return takeOver(there, news, host);
  if (olds.owner === undefined || !there.persistent || news.adopt) return olds.adopted === true;
  throw new VirtnetError(
    `${label(news)} on ${host.hostname} no longer carries the mark of its owner ("virtnet disown", or another tool wrote it): set adopt: true to take it back, or let go of it with "pulumi state delete"`,
  );
}

async function refuseTakenName(c: Connection, there: ObservedNetwork | undefined, news: Inputs): Promise<void> {
  if (!there || there.name === news.name) return;
  const other = await c.networks.get({ name: String(news.name) });
  if (other)
    throw new VirtnetError(
      `network ${JSON.stringify(there.name)} cannot be renamed to ${JSON.stringify(news.name)}: a network of that name exists already (uuid ${other.uuid})`,
    );
}

const notProven = (olds: Inputs, now: HostIdentity): VirtnetError =>
  new VirtnetError(
    `${label(olds)} is not on ${now.hostname}, but that this is the host of the state is not certain (its UUID changed from ${String(olds.hostUuid)} to ${now.uuid}): set host_uuid in libvirtd.conf, or remove the network from state with "pulumi state delete"`,
  );

async function remove(ctx: Context, id: string, olds: Inputs): Promise<void> {
  const host = hostAt(uriOf(olds));
  const identity = await host.identity();
  const proof = proveHost(olds, identity, label(olds));
  await host.use(keyOf(id), async (c) => {
    await healOne(c, id);
    const info = (await c.networks.get({ uuid: id })) ?? (await ourOwn(c, olds));
    if (!info) {
      if (proof === "proven") return;
      throw notProven(olds, identity);
    }
    const mark = readNetwork(info.inactiveXml).mark;
    const owner = olds.owner as Owner | undefined;
    // Moved to another resource of the program, or to another stack: not ours to delete any more.
    if (mark && owner && !sameOwner(mark, owner)) return;
    if (!mark && owner && info.persistent) {
      announce(
        ctx,
        "warning",
        `${label(olds)} no longer carries the mark of its owner (disowned): it is left as it is`,
      );
      return;
    }
    if (olds.adopted === true && olds.deleteAdopted !== true) return release(c, info);
    await refuseInUse(c, info, olds);
    const ref = { uuid: info.uuid };
    try {
      if (info.active) await c.networks.destroy(ref);
      if (info.persistent) await c.networks.undefine(ref);
      deviceMade(host.uri, undefined, info.name);
    } finally {
      host.changed();
    }
  });
}

/** Made again under another UUID. */
async function ourOwn(c: Connection, olds: Inputs): Promise<NetworkInfo | undefined> {
  const named = typeof olds.name === "string" ? await c.networks.get({ name: olds.name }) : undefined;
  return named && isOurs(named, olds) ? named : undefined;
}

async function release(c: Connection, info: NetworkInfo): Promise<void> {
  const doc = readNetwork(info.inactiveXml);
  if (doc.mark && info.persistent)
    await c.networks.define(writeNetwork({ mode: doc.mode }, undefined, info.inactiveXml, null));
}

async function refuseInUse(c: Connection, info: NetworkInfo, olds: Inputs): Promise<void> {
  if (olds.forceDelete === true || process.env.VIRTNET_FORCE_DELETE === "1") return;
  const users = await usersOf(c, info);
  if (users.length === 0) return;
  throw new VirtnetError(
    `${label(olds)} is in use by ${users.join(", ")}: move or remove their NICs first; or set forceDelete: true and run up, or VIRTNET_FORCE_DELETE=1 for one run`,
  );
}

const text = (e: unknown): string => (e instanceof Error ? e.message : String(e));

export { forgetRun };
export const networkHandler: Handler = { check, diff, create, read, update, delete: remove };
