/** (desired, observed) → steps. Pure: plain data in, plain data out; what to do with them is apply's. */
import { type Inputs, VirtnetError } from "../handler.js";
import type { Mark, Owner } from "../ownership.js";
import { type Change, compare } from "../schema/compare.js";
import { same } from "../schema/tree.js";
import { keepsFirewallClean, refreshedBy, refreshesFirewall } from "./abilities.js";
import { modes } from "./args.js";
import { fieldsOf, readNetwork, sameMark, writeNetwork } from "./document.js";
import { shortId } from "./journal.js";
import { byList, canUpdate, listKey, updateSteps } from "./live.js";
import { isInGroup, sourceDeviceOf, vmsOf } from "./nics.js";
import type { Mode } from "./parts/forward.js";
import { type Impact, type Price, priceOf, reasons, tooCostly, worst } from "./prices.js";
import {
  followers,
  type NetworkChange,
  refuseLostFollowers,
  rejoinStep,
  renameStep,
  restartStep,
  storedMove,
} from "./restart.js";
import type { Action, Observed, ObservedNetwork, Plan, Step } from "./steps.js";

export interface Wish {
  /** The inputs as check let them through, all known. */
  desired: Inputs;
  /** What was set before (outputs of the last run); undefined for a new resource. */
  was?: Inputs | undefined;
  /** The mark to leave; undefined leaves the network's as it is. */
  owner?: Owner | undefined;
  adopted?: boolean;
  /** UUID of a network that is made again after it was removed: it keeps its identity. */
  uuid?: string | undefined;
}

export function plan(wish: Wish, observed: Observed): Plan {
  const name = String(wish.desired.name);
  const mark = wish.owner ? { ...wish.owner, adopted: wish.adopted ?? false } : undefined;
  const steps = observed.network ? changeSteps(wish, observed, observed.network, mark) : createSteps(wish, mark);
  return {
    network: name,
    ref: observed.network ? { uuid: observed.network.uuid } : { name },
    ...(observed.network ? { before: observed.network } : {}),
    steps,
    impact: worst(steps.map((s) => s.impact)),
  };
}

const wantsRunning = (desired: Inputs) => desired.running !== false;
const wantsAutostart = (desired: Inputs) => desired.autostart !== false;

function createSteps(wish: Wish, mark: Mark | undefined): Step[] {
  const base = wish.uuid === undefined ? undefined : `<network><uuid>${wish.uuid}</uuid></network>`;
  const actions: Action[] = [{ do: "define", xml: writeNetwork(wish.desired, undefined, base, mark) }];
  if (wantsRunning(wish.desired)) actions.push({ do: "start" });
  if (wantsAutostart(wish.desired)) actions.push({ do: "autostart", on: true });
  return [{ kind: "create", impact: "none", why: "it does not exist", changes: [], affects: [], actions }];
}

/** What differs, and what it costs. */
interface Differences {
  config: Change[];
  live: Change[];
  price: (c: Change) => Price;
}

function differencesOf({ desired, was }: Wish, net: ObservedNetwork, observed: Observed): Differences {
  const mode = desired.mode as Mode;
  const fields = fieldsOf(mode);
  const general = (c: Change): Price =>
    takenOut(c, observed) ?? safePrice(priceOf(modes[mode].prices, c.row), mode, observed);
  const config = compare(fields, desired, readNetwork(net.xml, mode).values, was);
  if (net.liveXml === undefined || desired.apply === "next-restart") return { config, live: [], price: general };
  const { values } = readNetwork(net.liveXml, mode);
  const live = compare(fields, desired, values, was).filter((c) => !general(c).storedOnly);
  const alike = new Set<string>();
  for (const [key, list] of byList(live)) {
    const { section } = general(list[0] as Change);
    if (section !== undefined && !canUpdate(fields, list, section, values)) alike.add(key);
  }
  return { config, live, price: (c) => (alike.has(listKey(c)) ? NOT_TOLD_APART : general(c)) };
}

const NOT_TOLD_APART: Price = {
  impact: "restart",
  why: "libvirt changes entries of a running network one by one, and does not tell some of these apart (several have the same name or address)",
};

function changeSteps(wish: Wish, observed: Observed, net: ObservedNetwork, mark: Mark | undefined): Step[] {
  const { desired, was } = wish;
  const { config, live, price } = differencesOf(wish, net, observed);
  const running = net.liveXml !== undefined;
  const markDiffers = mark !== undefined && !sameMark(readNetwork(net.xml).mark, mark);
  const rewrite = config.length > 0 || markDiffers || !net.persistent;
  const after = rewrite ? writeNetwork(desired, was, net.xml, mark) : net.xml;
  const change = {
    net,
    observed,
    after,
    wantsRunning: wantsRunning(desired),
    renews: desired.renewLeases !== false,
    force: desired.force === true,
  };
  const costly = live.filter((c) => price(c).section === undefined);
  const autostart = autostartSteps(desired, net);

  if (config.some((c) => c.path === "name")) {
    if (running && desired.apply === "next-restart")
      throw new VirtnetError(
        `network ${JSON.stringify(net.name)}: name cannot wait for the next restart (libvirt has one name for both definitions): take apply: "next-restart" or the new name back`,
      );
    const all = [...config, ...live];
    return [renameStep({ ...change, changes: merged(config, live), prices: all.map(price) }), ...autostart];
  }
  if (running && wantsRunning(desired) && costly.length > 0)
    return [restartStep({ ...change, changes: merged(config, live), prices: costly.map(price) }), ...autostart];

  // A restart would bring what waits for one as well.
  const broken = desired.intact === false || desired.apply === "next-restart" ? [] : (observed.broken ?? []);
  if (running && wantsRunning(desired) && broken.length > 0) {
    const prices = [...config, ...live].map(price);
    const gone: Price = { impact: "restart", why: broken.join("; ") };
    return [
      restartStep({ ...change, changes: ["intact", ...merged(config, live)], prices: [gone, ...prices] }),
      ...autostart,
    ];
  }

  refuseLostFollowers(change, running && desired.apply === "next-restart");
  // First: stored definitions that name its bridge follow a network that does not run.
  const steps: Step[] = running && !wantsRunning(desired) ? [stopStep(observed)] : [];
  const bothAtOnce = running && wantsRunning(desired) && !markDiffers && net.persistent;
  const asOne = bothAtOnce && live.length > 0 && sameChanges(config, live);
  if (!asOne && rewrite)
    steps.push(defineStep(change, config, price, markDiffers, running && desired.apply !== undefined));
  if (wantsRunning(desired))
    steps.push(
      ...holding(
        keepWhatTheyHave(
          updateSteps(
            fieldsOf(desired.mode as Mode),
            live,
            price,
            readNetwork(net.liveXml ?? net.xml, desired.mode as Mode).values,
            asOne ? "both" : "live",
          ),
          observed,
        ),
        net,
        observed,
      ),
    );
  if (!running && wantsRunning(desired)) steps.push(startStep());
  const rejoins = desired.nicsConnected !== false && wantsRunning(desired) ? rejoinStep(change, running) : undefined;
  return [...steps, ...(rejoins ? [rejoins] : []), ...autostart];
}

/** How long the copy of the rules may stand, in s: so long for each call, and as much again as a call may take (its time limit). */
const UPDATE_S = 5;
const HOLD_S = 120;

/** Nobody whom the network's rules let through: no VM is on it, and nothing else on its bridge, which was seen. */
const isEmpty = ({ nics, ports, broken }: Observed): boolean =>
  nics.length === 0 && ports?.length === 0 && broken?.length === 0;

/**
 * Before the first change for which libvirt sets the firewall's rules anew, these are held; where they cannot be, it has its price. Not
 * where nobody would miss them.
 */
function holding(steps: Step[], net: ObservedNetwork, observed: Observed): Step[] {
  const { mode, bridgeName, values } = readNetwork(net.liveXml ?? net.xml);
  if (observed.channel !== true) return steps.map((s) => (refreshes(s, mode) ? { ...s, ...unheld(observed) } : s));
  if (isEmpty(observed)) return steps;
  for (const step of steps)
    for (const action of step.actions) {
      const firewall = action.do === "update" ? refreshedBy(action.section, mode, observed) : undefined;
      if (firewall === undefined || bridgeName === undefined) continue;
      const subnets = ((values.ips ?? []) as { address: string }[]).map((ip) => ip.address);
      const calls = steps.flatMap((s) => s.actions).length;
      const ipv6 = values.ipv6 === true;
      const subject = { id: shortId(net.uuid), bridge: bridgeName, subnets, ipv6 };
      const hold: Action = { do: "hold", firewall, subject, seconds: HOLD_S + calls * UPDATE_S };
      return steps.map((s) => (s === step ? { ...s, actions: [hold, ...s.actions] } : s));
    }
  return steps;
}

const refreshes = (step: Step, mode: Mode): boolean =>
  step.actions.some((a) => a.do === "update" && refreshesFirewall(a.section, mode));

const unheld = ({ nics }: Observed): Pick<Step, "affects" | "notice"> => ({
  affects: vmsOf(nics),
  notice:
    "lose what they send to outside for some tenths of a second (no command can be run on the host to keep the firewall's rules)",
});

function defineStep(
  change: NetworkChange,
  config: Change[],
  price: (c: Change) => Price,
  markDiffers: boolean,
  later: boolean,
): Step {
  const running = change.net.liveXml !== undefined && change.wantsRunning;
  const follow = running ? [] : followers(change);
  const why =
    config.length > 0
      ? later
        ? 'apply is "next-restart": it takes effect when somebody restarts the network'
        : reasons(config.map(price))
      : markDiffers
        ? "it carries the mark of its owner"
        : "it is transient";
  return {
    kind: config.length > 0 ? "define" : "mark",
    impact: "none",
    why: [why, ...follow].join("; "),
    changes: config.map((c) => c.path),
    affects: [],
    actions: (running ? undefined : storedMove(change)) ?? [{ do: "define", xml: change.after }],
  };
}

/** libvirt takes no device out of a running network while a NIC is on it (networkUpdate: connections). */
function takenOut({ row, op, from }: Change, { nics }: Observed): Price | undefined {
  if (!row.startsWith("macvtap.interfaces") || op === "add") return undefined;
  const on = nics.filter((n) => n.on === "macvtap" && sourceDeviceOf(n.xml) === from);
  if (on.length === 0) return undefined;
  return {
    impact: "replug",
    why: `NICs of ${vmsOf(on).join(", ")} are on ${String(from)}, which libvirt keeps till then`,
  };
}

/** NICs of a port group that is changed live go on with what it gave them. */
function keepWhatTheyHave(steps: Step[], { nics }: Observed): Step[] {
  return steps.map((step) => {
    const groups = step.actions.flatMap((a) => (a.do === "update" && a.section === "portgroup" ? [a.xml] : []));
    const on = nics.filter((n) => groups.some((g) => isInGroup(n.xml, g)));
    if (on.length === 0) return step;
    return { ...step, affects: vmsOf(on), notice: "keep what it gave their NICs until these are plugged anew" };
  });
}

/** On the nftables backend some live updates leave rules behind: there a restart is the price that leaves none. */
function safePrice(price: Price, mode: Mode, observed: Observed): Price {
  if (price.section === undefined || keepsFirewallClean(price.section, mode, observed)) return price;
  return {
    impact: "restart",
    why: "libvirt 10.4 and newer leave firewall rules behind after a live change of this kind",
  };
}

function stopStep(observed: Observed): Step {
  return {
    kind: "stop",
    impact: "restart",
    why: ["running is false", ...cutOffPorts(observed)].join("; "),
    changes: ["running"],
    affects: vmsOf(observed.nics),
    notice: "off the network until it runs again",
    actions: [{ do: "destroy" }],
  };
}

const cutOffPorts = ({ ports = [] }: Observed): string[] =>
  ports.length > 0 ? [`${ports.join(", ")} on its bridge, no VM's, cut off`] : [];

const startStep = (): Step => ({
  kind: "start",
  impact: "none",
  why: "it is stopped",
  changes: ["running"],
  affects: [],
  actions: [{ do: "start" }],
});

function autostartSteps(desired: Inputs, net: ObservedNetwork): Step[] {
  const on = wantsAutostart(desired);
  if (net.autostart === on) return [];
  return [
    {
      kind: "autostart",
      impact: "none",
      why: `autostart is ${on ? "off" : "on"}`,
      changes: ["autostart"],
      affects: [],
      actions: [{ do: "autostart", on }],
    },
  ];
}

const merged = (a: Change[], b: Change[]): string[] => [...new Set([...a, ...b].map((c) => c.path))];

function sameChanges(a: Change[], b: Change[]): boolean {
  return a.length === b.length && a.every((x, i) => same(x, b[i]));
}

/** Why the plan costs more than allowed; undefined where it does not. */
export const refusal = (p: Plan, max: Impact | undefined): string | undefined =>
  tooCostly(`network ${JSON.stringify(p.network)}`, p, max);
