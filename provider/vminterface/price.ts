/** What the preview says that a change will cost, and what it refuses. */
import { type Context, type Failure, type Inputs, textOf, VirtnetError } from "../handler.js";
import { hostAt, uriOf } from "../host/hosts.js";
import { type Impact, priceOf, worst } from "../network/prices.js";
import { networkOfProgram } from "../network/run.js";
import { announce } from "../network/say.js";
import type { Owner } from "../ownership.js";
import { hasUnknown } from "../schema/differences.js";
import { sources } from "./args.js";
import { carrierOf, observe } from "./observe.js";
import { plan, refusal } from "./plan.js";
import { idOf, label, priceLine } from "./say.js";
import { sourceOf } from "./source.js";
import { isLetGo } from "./state.js";
import type { Carrier, Plan } from "./steps.js";
import { willMove } from "./together.js";

export async function priceOfTaking(ctx: Context, inputs: Inputs): Promise<Failure[]> {
  try {
    await tellPrice(ctx, inputs, inputs, []);
    return [];
  } catch (e) {
    if (!(e instanceof VirtnetError)) throw e;
    return [{ property: "maxImpact", reason: e.message }];
  }
}

/** @param olds the state. */
export function tellReplacement(ctx: Context, olds: Inputs, news: Inputs, replaces: string[]): void {
  const what = `${label(olds)}: ${replaces.join(" and ")}`;
  const how = (nic: string) =>
    isLetGo(olds)
      ? `lets go of ${nic}, which stays plugged (adopted without deleteAdopted), and plugs another one`
      : `unplugs ${nic}, and plugs another one`;
  if (news.maxImpact !== undefined)
    throw new VirtnetError(
      `${what}: maxImpact is ${JSON.stringify(news.maxImpact)}, but this ${how("the NIC")} (replace): remove maxImpact, or take the change back`,
    );
  announce(ctx, "info", `${what}: ${how("this NIC")}`);
}

/** Print what the change will cost, and refuse what may not cost that much. */
export async function tellPrice(ctx: Context, was: Inputs, news: Inputs, rows: string[]): Promise<void> {
  if (hasUnknown(news)) return;
  let p: Plan;
  try {
    const host = hostAt(uriOf(news));
    const { libVersion } = await host.identity();
    const masters = was.connected === false ? (await host.vitals())?.masters : undefined;
    const seen = await host.read((c) => observe(c, news, libVersion, was, masters));
    const observed = { ...seen, carriers: { ...seen.carriers, ...carriersOfProgram(news, was) } };
    p = plan({ desired: news, was, owner: news.owner as Owner | undefined }, observed);
    const { network } = news;
    const moves = p.steps.some((s) => s.kind === "replug" && s.changes.includes("network"));
    if (moves && typeof network === "string" && !observed.carriers[network]) {
      const unknown = `what carries network ${JSON.stringify(network)} is not known before it is there`;
      announce(ctx, "warning", `${label(news)}: the price of this change is not known: ${unknown}`);
      return;
    }
    for (const a of p.steps.flatMap((s) => s.actions))
      if (a.do === "update" && a.move !== undefined)
        willMove(`${host.uri} ${a.move}`, idOf({ uuid: p.domain }, news.mac));
  } catch (e) {
    announce(ctx, "warning", `${label(news)}: the price of this change is not known: ${textOf(e)}`);
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
      before: { uuid: "", name: String(news.domain), active: true, persistent: true },
      impact,
      steps: impact === "none" ? [] : [{ ...step, affects: [], actions: [] }],
    };
  }
  const refused = refusal(p, news.maxImpact as Impact | undefined);
  if (refused !== undefined) throw new VirtnetError(refused);
  const line = priceLine(p);
  if (line !== undefined) announce(ctx, "info", line);
}

/** Those of networks that this run makes, or changes before a NIC of theirs. */
function carriersOfProgram(...nics: readonly Inputs[]): Record<string, Carrier> {
  const made = nics.map(({ uri, network }) => networkOfProgram(uri, network)).filter((n) => n !== undefined);
  return Object.fromEntries(
    made.flatMap((n) => (typeof n.mode === "string" ? [[String(n.name), carrierOf({ mode: n.mode, values: n })]] : [])),
  );
}
