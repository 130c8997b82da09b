/** (desired, observed) → steps. Pure: plain data in, plain data out; what to do with them is apply's. */
import type { Inputs } from "../handler.js";
import { type Change, compare } from "../schema/compare.js";
import { same } from "../schema/tree.js";
import { keepsFirewallClean } from "./abilities.js";
import { modes, type Owner } from "./args.js";
import { fieldsOf, type Mark, readNetwork, sameMark, writeNetwork } from "./document.js";
import { updateSteps } from "./live.js";
import { canPark } from "./parking.js";
import type { Mode } from "./parts/forward.js";
import { IMPACTS, type Impact, type Price, priceOf, worst } from "./prices.js";
import type { Action, Observed, ObservedNetwork, Plan, Step } from "./steps.js";

export interface Wish {
  /** The inputs as check let them through, all known. */
  desired: Inputs;
  /** What was set before (outputs of the last run); undefined for a new resource. */
  was?: Inputs | undefined;
  /** The mark to leave; undefined leaves the network's as it is. */
  owner?: Owner | undefined;
  adopted?: boolean;
}

export function plan(wish: Wish, observed: Observed): Plan {
  const name = String(wish.desired.name);
  const mark = wish.owner ? { ...wish.owner, adopted: wish.adopted ?? false } : undefined;
  const steps = observed.network ? changeSteps(wish, observed, observed.network, mark) : createSteps(wish, mark);
  return {
    network: name,
    ref: observed.network ? { uuid: observed.network.uuid } : { name },
    ...(observed.network ? { before: observed.network.xml } : {}),
    steps,
    impact: worst(steps.map((s) => s.impact)),
  };
}

const wantsRunning = (desired: Inputs) => desired.running !== false;
const wantsAutostart = (desired: Inputs) => desired.autostart !== false;

function createSteps(wish: Wish, mark: Mark | undefined): Step[] {
  const actions: Action[] = [{ do: "define", xml: writeNetwork(wish.desired, undefined, undefined, mark) }];
  if (wantsRunning(wish.desired)) actions.push({ do: "start" });
  if (wantsAutostart(wish.desired)) actions.push({ do: "autostart", on: true });
  return [{ kind: "create", impact: "none", why: "it does not exist", changes: [], affects: [], actions }];
}

function changeSteps(wish: Wish, observed: Observed, net: ObservedNetwork, mark: Mark | undefined): Step[] {
  const { desired, was } = wish;
  const mode = desired.mode as Mode;
  const fields = fieldsOf(mode);
  const price = (c: Change): Price => safePrice(priceOf(modes[mode].prices, c.row), mode, observed);
  const stored = readNetwork(net.xml, mode);
  const config = compare(fields, desired, stored.values, was);
  const running = net.liveXml !== undefined;
  const live = running
    ? compare(fields, desired, readNetwork(net.liveXml as string, mode).values, was).filter((c) => !price(c).storedOnly)
    : [];
  const markDiffers = mark !== undefined && !sameMark(stored.mark, mark);
  const xml = () => writeNetwork(desired, was, net.xml, mark);
  const define: Action = { do: "define", xml: config.length > 0 || markDiffers || !net.persistent ? xml() : net.xml };

  const steps: Step[] = [];
  const costly = live.filter((c) => price(c).section === undefined);
  if (running && wantsRunning(desired) && costly.length > 0) {
    steps.push(restartStep(net, define, observed, merged(config, live), costly.map(price)));
  } else {
    const asOne = running && !markDiffers && net.persistent && sameChanges(config, live);
    if (!asOne && (config.length > 0 || markDiffers || !net.persistent)) {
      const why =
        config.length > 0
          ? reasons(config.map(price))
          : markDiffers
            ? "it carries the mark of its owner"
            : "it is transient";
      steps.push({
        kind: config.length > 0 ? "define" : "mark",
        impact: "none",
        why,
        changes: config.map((c) => c.path),
        affects: [],
        actions: [define],
      });
    }
    if (wantsRunning(desired))
      steps.push(
        ...updateSteps(fields, live, price, readNetwork(net.liveXml ?? net.xml, mode).values, asOne ? "both" : "live"),
      );
  }
  steps.push(...stateSteps(desired, net, observed));
  return steps;
}

/** On the nftables backend some live updates leave rules behind: there a restart is the price that leaves none. */
function safePrice(price: Price, mode: Mode, observed: Observed): Price {
  if (price.section === undefined || keepsFirewallClean(price.section, mode, observed)) return price;
  return {
    impact: "restart",
    why: "libvirt 10.4 and newer leave firewall rules behind after a live change of this kind",
  };
}

function restartStep(
  net: ObservedNetwork,
  define: Action & { do: "define" },
  observed: Observed,
  changes: string[],
  prices: Price[],
): Step {
  const park: Action[] =
    observed.nics.length > 0 && canPark(net.liveXml ?? net.xml)
      ? [
          {
            do: "park",
            nics: observed.nics.map((n) => ({ domain: n.domain, mac: n.mac })),
            xml: net.liveXml ?? net.xml,
          },
        ]
      : [];
  const back: Action[] = park.length > 0 ? [{ do: "unpark" }] : [];
  const actions: Action[] = [
    ...(define.xml !== net.xml ? [define] : []),
    ...park,
    { do: "destroy" },
    { do: "start" },
    ...back,
  ];
  return { kind: "restart", impact: "restart", why: reasons(prices), changes, affects: vms(observed), actions };
}

function stateSteps(desired: Inputs, net: ObservedNetwork, observed: Observed): Step[] {
  const steps: Step[] = [];
  const active = net.liveXml !== undefined;
  if (active !== wantsRunning(desired)) {
    steps.push(
      active
        ? {
            kind: "stop",
            impact: "restart",
            why: "running is false",
            changes: ["running"],
            affects: vms(observed),
            actions: [{ do: "destroy" }],
          }
        : {
            kind: "start",
            impact: "none",
            why: "it is stopped",
            changes: ["running"],
            affects: [],
            actions: [{ do: "start" }],
          },
    );
  }
  if (net.autostart !== wantsAutostart(desired)) {
    const on = wantsAutostart(desired);
    steps.push({
      kind: "autostart",
      impact: "none",
      why: `autostart is ${on ? "off" : "on"}`,
      changes: ["autostart"],
      affects: [],
      actions: [{ do: "autostart", on }],
    });
  }
  return steps;
}

const vms = (observed: Observed): string[] => [...new Set(observed.nics.map((n) => n.domainName))];
const reasons = (prices: Price[]): string => [...new Set(prices.map((p) => p.why))].join("; ");
const merged = (a: Change[], b: Change[]): string[] => [...new Set([...a, ...b].map((c) => c.path))];

function sameChanges(a: Change[], b: Change[]): boolean {
  return a.length === b.length && a.every((x, i) => same(x, b[i]));
}

/** Why the plan costs more than allowed; undefined where it does not. */
export function refusal(p: Plan, max: Impact | undefined): string | undefined {
  if (max === undefined || IMPACTS.indexOf(p.impact) <= IMPACTS.indexOf(max)) return undefined;
  const costly = p.steps.filter((s) => IMPACTS.indexOf(s.impact) > IMPACTS.indexOf(max));
  const what = costly.map((s) => `${s.changes.join(", ")} (${s.impact}: ${s.why})`).join("; ");
  return `network ${JSON.stringify(p.network)}: maxImpact is "${max}", but ${what}: allow "${p.impact}" or take the change back`;
}
