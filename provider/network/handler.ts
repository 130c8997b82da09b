/** The Network resource: check, diff, create, read, update, delete; one flow, observe → plan → apply → verify. */
import type { Context, Diff, Failure, Handler, Inputs } from "../handler.js";
import { PartialFailure, Unknown, VirtnetError } from "../handler.js";
import { type Host, hostAt, proveHost } from "../host/hosts.js";
import type { Connection, HostIdentity, NetworkInfo } from "../libvirt/api.js";
import { same } from "../schema/tree.js";
import { ApplyError, apply } from "./apply.js";
import { modes, type Owner, STATE_FIELDS } from "./args.js";
import { checkNetwork } from "./check.js";
import { differences } from "./differences.js";
import { readNetwork, writeNetwork } from "./document.js";
import { deviceMade, factsOf, forgetFacts } from "./facts.js";
import { observe, usersOf } from "./observe.js";
import type { Mode } from "./parts/forward.js";
import { plan, refusal } from "./plan.js";
import { type Impact, priceOf, worst } from "./prices.js";
import { forgetRun, neighbours, sawInCheck, seen } from "./run.js";
import { announce, priceLine } from "./say.js";
import { argsOf, argsOnHost, type Computed, computed } from "./state.js";
import type { Observed, ObservedNetwork, Plan } from "./steps.js";
import { verify } from "./verify.js";

const uriOf = (inputs: Inputs): string => (typeof inputs.uri === "string" ? inputs.uri : "qemu:///system");
const label = (inputs: Inputs): string => `network ${JSON.stringify(inputs.name)}`;
const keyOf = (inputs: Inputs): string => `network:${String(inputs.name)}`;

async function check(ctx: Context, olds: Inputs, news: Inputs): Promise<{ inputs: Inputs; failures: Failure[] }> {
  const inputs: Inputs = { ...news };
  for (const k of STATE_FIELDS) if (inputs[k] === undefined) inputs[k] = true;
  sawInCheck(inputs);
  // What was let through before and is the same needs no look at the host: a run without changes reads nothing.
  const unchanged = same(argsOf(olds), inputs);
  const around = unchanged ? {} : await neighbours(ctx, inputs, olds);
  const failures = checkNetwork(inputs, around);
  if (failures.length === 0 || around.hostDevices === undefined) return { inputs, failures };
  // A device that another resource of the program has made since the host was read is no fault.
  forgetFacts(uriOf(inputs));
  return { inputs, failures: checkNetwork(inputs, await neighbours(ctx, inputs, olds)) };
}

async function diff(ctx: Context, _id: string, olds: Inputs, news: Inputs): Promise<Diff> {
  const was = argsOf(olds);
  const rows = differences(was, news);
  if (rows.length === 0) return { changes: false, replaces: [], deleteBeforeReplace: true };
  const replaces = rows.includes("name") && news.name !== Unknown ? ["name"] : [];
  // refresh asks too, without check; a refusal there would stop it (design, "Traps").
  if (seen(news) && replaces.length === 0) await tellPrice(ctx, was, news, rows);
  return { changes: true, replaces, deleteBeforeReplace: true };
}

/** Print what the change will cost, and refuse what may not cost that much. */
async function tellPrice(ctx: Context, was: Inputs, news: Inputs, rows: string[]): Promise<void> {
  if (JSON.stringify(news, (_k, v) => (v === Unknown ? "\u0000" : v)).includes("\\u0000")) return;
  let p: Plan;
  try {
    const host = hostAt(uriOf(news));
    const { libVersion: daemon } = await host.identity();
    const observed = await host.read((c) => observe(c, { name: String(news.name) }, { nics: true, daemon }));
    p = plan({ desired: news, was, owner: news.owner as Owner | undefined }, observed);
  } catch (e) {
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

async function create(ctx: Context, inputs: Inputs): Promise<{ id: string; outs: Inputs }> {
  const host = hostAt(uriOf(inputs));
  const identity = await host.identity();
  return host.use(keyOf(inputs), async (c) => {
    const observed = await observe(c, { name: String(inputs.name) }, { nics: true, daemon: identity.libVersion });
    const there = observed.network;
    const adopted = there ? takeOver(there, inputs, identity) : false;
    const info = await reach(ctx, host, c, inputs, undefined, observed, adopted);
    return { id: info.uuid, outs: { ...inputs, ...(await outputs(host, info, adopted)) } };
  });
}

async function outputs(host: Host, info: NetworkInfo, adopted: boolean): Promise<Computed> {
  const routed = /<forward[^>]*mode=["']route["']/.test(info.liveXml ?? info.inactiveXml);
  const facts = routed ? await factsOf(host) : undefined;
  const out = computed(info, await host.identity(), adopted, facts?.via);
  // One that libvirt made has its MAC here; one that was given has none.
  deviceMade(host.uri, info.active && out.macAddress !== undefined ? out.bridgeName : undefined, info.name);
  return out;
}

/** Whether an existing network may be taken; throws where not. @returns whether it counts as adopted. */
function takeOver(there: ObservedNetwork, inputs: Inputs, host: HostIdentity): boolean {
  const owner = inputs.owner as Owner | undefined;
  const { mark } = there;
  const what = `${label(inputs)} exists already on ${host.hostname} (uuid ${there.uuid})`;
  if (mark && owner && mark.project === owner.project && mark.stack === owner.stack) return mark.adopted;
  const adopt = inputs.adopt as boolean | { from: string } | undefined;
  if (!mark) {
    if (adopt) return true;
    throw new VirtnetError(`${what}: set adopt: true to take it over with what it has, or choose another name`);
  }
  const from = `${mark.project}/${mark.stack}`;
  if (typeof adopt === "object" && adopt.from === from) return mark.adopted;
  throw new VirtnetError(
    `${what} and belongs to stack ${from}: set adopt: { from: ${JSON.stringify(from)} } to take it over, or release it with "virtnet disown network ${there.name}"`,
  );
}

/** Plan, apply, verify. Where the network is left other than it was, the error carries its state. */
async function reach(
  ctx: Context,
  host: Host,
  c: Connection,
  desired: Inputs,
  was: Inputs | undefined,
  observed: Observed,
  adopted: boolean,
): Promise<NetworkInfo> {
  const p = plan({ desired, was, owner: desired.owner as Owner | undefined, adopted }, observed);
  const refused = observed.network ? refusal(p, desired.maxImpact as Impact | undefined) : undefined;
  if (refused !== undefined) throw new VirtnetError(refused);
  if (ctx.signal?.aborted) throw new VirtnetError(`${label(desired)}: stopped before anything was changed`);
  try {
    const ref = await apply(c, p, { define: (fn) => host.serial("define", fn) });
    return await verify(c, ref, desired, was);
  } catch (e) {
    if (e instanceof ApplyError && e.restored) throw e;
    const left = await c.networks.get({ name: String(desired.name) }).catch(() => undefined);
    if (!left) throw e;
    throw new PartialFailure(left.uuid, { ...argsOnHost(desired, left), ...(await outputs(host, left, adopted)) }, [
      text(e),
    ]);
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
    if (proof === "proven") return undefined;
    throw new VirtnetError(
      `${label(olds)} is not on ${identity.hostname}, but that this is the host of the state is not certain (its UUID changed from ${String(olds.hostUuid)} to ${identity.uuid}): set host_uuid in libvirtd.conf, or remove the network with "pulumi state delete"`,
    );
  }
  // A lookup (Network.get) brings the UUID and the host only; what it found has a name and a mode too.
  const lookedUp = olds.mode === undefined ? { name: info.name, mode: readNetwork(info.inactiveXml).mode } : {};
  const args = argsOnHost(argsOf(olds), info);
  return {
    id: info.uuid,
    outs: { ...lookedUp, ...args, ...(await outputs(host, info, olds.adopted === true)) },
    inputs: args,
  };
}

/** By UUID; else, made again under another UUID, by name and our own mark. */
function find(networks: ReadonlyMap<string, NetworkInfo>, id: string, olds: Inputs): NetworkInfo | undefined {
  const byId = networks.get(id);
  if (byId) return byId;
  const owner = olds.owner as Owner | undefined;
  for (const n of networks.values()) {
    if (n.name !== olds.name || !owner) continue;
    const mark = readNetwork(n.inactiveXml).mark;
    if (mark && mark.project === owner.project && mark.stack === owner.stack && mark.key === owner.key) return n;
  }
  return undefined;
}

async function update(ctx: Context, id: string, olds: Inputs, news: Inputs): Promise<{ outs: Inputs }> {
  const host = hostAt(uriOf(news));
  const identity = await host.identity();
  proveHost(olds, identity, label(news));
  return host.use(keyOf(news), async (c) => {
    const how = { nics: true, daemon: identity.libVersion };
    const byId = await observe(c, { uuid: id }, how);
    const observed = byId.network ? byId : await observe(c, { name: String(news.name) }, how);
    const adopted = observed.network
      ? observed.network.uuid === id && !observed.network.mark
        ? olds.adopted === true
        : takeOver(observed.network, news, identity)
      : false;
    const info = await reach(ctx, host, c, news, argsOf(olds), observed, adopted);
    return { outs: { ...news, ...(await outputs(host, info, adopted)) } };
  });
}

async function remove(_ctx: Context, id: string, olds: Inputs): Promise<void> {
  const host = hostAt(uriOf(olds));
  const identity = await host.identity();
  const proof = proveHost(olds, identity, label(olds));
  await host.use(keyOf(olds), async (c) => {
    const info = await c.networks.get({ uuid: id });
    if (!info) {
      if (proof === "proven") return;
      throw new VirtnetError(
        `${label(olds)} is not on ${identity.hostname}, but that this is the host of the state is not certain: set host_uuid in libvirtd.conf, or use "pulumi state delete"`,
      );
    }
    const mark = readNetwork(info.inactiveXml).mark;
    const owner = olds.owner as Owner | undefined;
    // Moved to another resource of the program, or to another stack: not ours to delete any more.
    if (mark && owner && (mark.project !== owner.project || mark.stack !== owner.stack || mark.key !== owner.key))
      return;
    if (olds.adopted === true && olds.deleteAdopted !== true) return release(c, info);
    await refuseInUse(c, info, olds);
    try {
      if (info.active) await c.networks.destroy({ uuid: id });
      if (info.persistent) await c.networks.undefine({ uuid: id });
      deviceMade(host.uri, undefined, info.name);
    } finally {
      host.changed();
    }
  });
}

async function release(c: Connection, info: NetworkInfo): Promise<void> {
  const doc = readNetwork(info.inactiveXml);
  if (doc.mark && info.persistent)
    await c.networks.define(writeNetwork({ mode: doc.mode }, undefined, info.inactiveXml, null));
}

async function refuseInUse(c: Connection, info: NetworkInfo, olds: Inputs): Promise<void> {
  if (olds.forceDelete === true || process.env.VIRTNET_FORCE_DELETE === "1") return;
  const users = await usersOf(c, info.name);
  if (users.length === 0) return;
  throw new VirtnetError(
    `${label(olds)} is in use by ${users.join(", ")}: move or remove their NICs first; or set forceDelete: true and run up, or VIRTNET_FORCE_DELETE=1 for one run`,
  );
}

const text = (e: unknown): string => (e instanceof Error ? e.message : String(e));

export { forgetRun };
export const networkHandler: Handler = { check, diff, create, read, update, delete: remove };
