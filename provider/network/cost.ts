/** What a change will cost, told at preview, and refused where it may not cost that much. */
import type { Context, Failure, Inputs } from "../handler.js";
import { textOf, VirtnetError } from "../handler.js";
import { type Host, hostAt, proveHost, uriOf } from "../host/hosts.js";
import { type Owner, sameOwner } from "../ownership.js";
import { hasUnknown } from "../schema/differences.js";
import { CONTROL_FIELDS, modes, STATE_FIELDS } from "./args.js";
import { readNetwork } from "./document.js";
import { daemonOf } from "./facts.js";
import { observe, toObserved } from "./observe.js";
import { label, refuseTakenName, stillOurs, takeOver } from "./owned.js";
import type { Mode } from "./parts/forward.js";
import { plan, refusal } from "./plan.js";
import { type Impact, priceOf, reasons, worst } from "./prices.js";
import { sharesBridge } from "./rules/names.js";
import { fromHost } from "./run.js";
import { announce, notReached, priceLine } from "./say.js";
import { argsOf } from "./state.js";
import type { Observed, ObservedNetwork, Plan, Step } from "./steps.js";

export const lastRestart = ({ restartMs }: Inputs): { restartMs?: number } =>
  typeof restartMs === "number" ? { restartMs } : {};

/** Print what the change will cost, and refuse what may not cost that much. */
export async function tellPrice(ctx: Context, id: string, olds: Inputs, wanted: Inputs, rows: string[]): Promise<void> {
  const was = argsOf(olds);
  if (hasUnknown(wanted.uri)) return;
  const { news, later, least } = asFarAsKnown(was, wanted);
  let p: Plan;
  try {
    const host = hostAt(uriOf(news));
    // A stranger's network of the same name has another price.
    proveHost(olds, await host.identity(), label(news));
    const how = { nics: true, ...(await daemonOf(host)), desired: news, vitals: () => host.vitals() };
    const byId = await host.read((c) => observe(c, { uuid: id }, how));
    const observed = byId.network ? byId : await host.read((c) => observe(c, { name: String(news.name) }, how));
    const there = observed.network;
    // What up would refuse is refused here.
    if (there) stillOurs(there, id, olds, news, await host.identity());
    if (there && there.name !== news.name) {
      const other = await host.read((c) => c.networks.get({ name: String(news.name) }));
      refuseTakenName(there, other && toObserved(other), news, "preview");
    }
    const wish = { desired: news, was, owner: news.owner as Owner | undefined, adopted: olds.adopted === true };
    p = plan(wish, { ...observed, ...lastRestart(olds) });
    if (there) await refuseShared(host, there, p);
  } catch (e) {
    // What the plan itself refuses is a refusal.
    if (e instanceof VirtnetError) throw e;
    notReached(ctx, uriOf(news), e);
    p = byTable(
      news,
      rows.filter((r) => !later.includes(topOf(r))),
    );
  }
  const refused = least ? refusal(p, news.maxImpact as Impact | undefined) : undefined;
  if (refused !== undefined) throw new VirtnetError(refused);
  const line = priceLine(p, later);
  if (line !== undefined) announce(ctx, "info", line);
}

const topOf = (row: string): string => row.split(/[.[]/)[0] as string;

const isBeside = (field: string): boolean =>
  STATE_FIELDS.some((k) => k === field) || CONTROL_FIELDS.some((k) => k === field);

/**
 * What is not known yet is taken to stay as it is, and up tells the rest. `least`: the change costs that much at least, which it does
 * not where `apply` or the limit itself may turn out otherwise, nor where the fields are those of another mode.
 */
function asFarAsKnown(was: Inputs, wanted: Inputs): { news: Inputs; later: string[]; least: boolean } {
  const news = { ...wanted };
  const later = Object.keys(wanted).filter((k) => hasUnknown(wanted[k]));
  for (const k of later) {
    delete news[k];
    // The same name is another field in another mode.
    if (was[k] !== undefined && (was.mode === wanted.mode || k === "name")) news[k] = was[k];
  }
  const least = later.length === 0 || (was.mode === wanted.mode && !later.some(isBeside));
  return { news, later, least };
}

/** Without a look at the host: what the table says of the fields, and who notices is not known. */
function byTable(news: Inputs, rows: string[]): Plan {
  const table = modes[news.mode as Mode].prices;
  const prices = rows.filter((r) => !isBeside(r)).map((r) => priceOf(table, r));
  if (rows.includes("running") && news.running === false)
    prices.push({ impact: "restart", why: "running is false: it stays down" });
  const impact = worst(prices.map((price) => price.impact));
  const network = String(news.name);
  const step: Step = {
    kind: "unseen",
    impact,
    why: reasons(prices) || "nothing but how it is managed",
    changes: [...new Set(rows)],
    affects: [],
    notice: "which running VMs are on it is not known, for the host could not be looked at",
    actions: [],
  };
  return { network, ref: { name: network }, impact, steps: [step] };
}

/** The network that a new resource takes over: why it may not, or may not cost that much; else what it costs is told. */
export async function faultsOfTaking(ctx: Context, inputs: Inputs): Promise<Failure[]> {
  if (hasUnknown(inputs)) return [];
  const fault = (property: string, reason: string): Failure[] => [{ property, reason }];
  try {
    const host = hostAt(uriOf(inputs));
    const observed = await lookBeforeTaking(host, inputs);
    const there = observed?.network;
    if (!observed || !there) return [];
    const owner = inputs.owner as Owner | undefined;
    // Its own from before: the engine replaces it, or has lost its state.
    if (sameOwner(there.mark, owner)) return [];
    const adopted = takeOver(there, inputs, await host.identity());
    const p = plan({ desired: inputs, was: undefined, owner, adopted }, observed);
    await refuseShared(host, there, p);
    const refused = refusal(p, inputs.maxImpact as Impact | undefined);
    if (refused !== undefined) return fault("maxImpact", refused);
    const line = priceLine(p);
    if (line !== undefined) announce(ctx, "info", line);
    return [];
  } catch (e) {
    if (e instanceof VirtnetError) return fault("name", e.message);
    announce(ctx, "warning", `${label(inputs)}: what taking it over costs is not known: ${textOf(e)}`);
    return [];
  }
}

/** Refuses to define a network anew whose own bridge another one names: libvirt would. */
async function refuseShared(host: Host, { name, uuid, xml }: ObservedNetwork, p: Plan): Promise<void> {
  const { mode, bridgeName } = readNetwork(xml);
  const defines = p.steps.some((s) => s.actions.some((a) => a.do === "define"));
  if (!defines || bridgeName === undefined || mode === "bridge") return;
  const others = [...(await host.networksOfOthers()).values()].filter((n) => n.uuid !== uuid).map(fromHost);
  const on = others.find((o) => o.on === bridgeName);
  if (on === undefined) return;
  const shared = sharesBridge(bridgeName, on);
  throw new VirtnetError(
    `network ${JSON.stringify(name)}: ${shared}: put VMs of ${JSON.stringify(on.name)} on this one and remove ${JSON.stringify(on.name)} first`,
  );
}

/** Nothing is asked of the host for a network that it has not. */
async function lookBeforeTaking(host: Host, inputs: Inputs): Promise<Observed | undefined> {
  const known = [...(await host.networksOfOthers()).values()];
  if (!known.some((n) => n.name === inputs.name)) return undefined;
  const how = { nics: true, ...(await daemonOf(host)), desired: inputs, vitals: () => host.vitals() };
  return host.read((c) => observe(c, { name: String(inputs.name) }, how));
}
