/** What a change will cost, told at preview, and refused where it may not cost that much. */
import type { Context, Failure, Inputs } from "../handler.js";
import { textOf, VirtnetError } from "../handler.js";
import { type Host, hostAt, uriOf } from "../host/hosts.js";
import { type Owner, sameOwner } from "../ownership.js";
import { hasUnknown } from "../schema/differences.js";
import { CONTROL_FIELDS, modes, STATE_FIELDS } from "./args.js";
import { daemonOf } from "./facts.js";
import { observe } from "./observe.js";
import { label, takeOver } from "./owned.js";
import type { Mode } from "./parts/forward.js";
import { plan, refusal } from "./plan.js";
import { type Impact, priceOf, worst } from "./prices.js";
import { announce, priceLine } from "./say.js";
import { argsOf } from "./state.js";
import type { Observed, Plan } from "./steps.js";

export const lastRestart = ({ restartMs }: Inputs): { restartMs?: number } =>
  typeof restartMs === "number" ? { restartMs } : {};

/** Print what the change will cost, and refuse what may not cost that much. */
export async function tellPrice(ctx: Context, id: string, olds: Inputs, news: Inputs, rows: string[]): Promise<void> {
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
    announce(ctx, "warning", `${label(news)}: the price of this change is not known: ${textOf(e)}`);
    const table = modes[news.mode as Mode].prices;
    const beside: ReadonlySet<string> = new Set([...STATE_FIELDS, ...CONTROL_FIELDS]);
    const impact = worst(rows.filter((r) => !beside.has(r)).map((r) => priceOf(table, r).impact));
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

/** Nothing is asked of the host for a network that it has not. */
async function lookBeforeTaking(host: Host, inputs: Inputs): Promise<Observed | undefined> {
  const known = [...(await host.networksOfOthers()).values()];
  if (!known.some((n) => n.name === inputs.name)) return undefined;
  const how = { nics: true, ...(await daemonOf(host)), desired: inputs, vitals: () => host.vitals() };
  return host.read((c) => observe(c, { name: String(inputs.name) }, how));
}
