/** Run the steps of a plan. Decides nothing; where one fails, what was there is restored, and the error says what was not. */
import { ApplyError, classOf, textOf, VirtnetError } from "../handler.js";
import type { Channel } from "../host/channel.js";
import type { Hold } from "../host/kept.js";
import { Trees } from "../host/trees.js";
import type { Borrowed, Connection, NetworkInfo, Ref } from "../libvirt/api.js";
import { parseXml } from "../schema/xml.js";
import { thisProcess } from "./author.js";
import { readNetwork, treeIn } from "./document.js";
import { holdFirewall } from "./firewall/hold.js";
import { type Journal, parkName, parkXml } from "./journal.js";
import { bringLeases, keepLeases } from "./leases.js";
import { awaitIdle, replug } from "./moves.js";
import { onNetwork } from "./nics.js";
import { cutOff, observe } from "./observe.js";
import { bringHome, homeOf, park } from "./park.js";
import { rejoinStep } from "./restart.js";
import { restore } from "./restore.js";
import { notPutBack } from "./say.js";
import { home, placesOf, removePark, undo } from "./settle.js";
import { startNetwork } from "./starting.js";
import type { Action, Plan, Step } from "./steps.js";

/** Heals from outside when this process dies in the middle. */
export interface Guard {
  /** From now on, the journal of this network is healed when this process ends. */
  arm(uuid: string): Promise<void>;
  disarm(uuid: string): void;
}

/** Somebody else has changed what was looked at; nothing was changed here. */
export class Outdated extends VirtnetError {
  override name = "Outdated";
}

export interface ApplyHooks {
  /** Called around every action; the fault harness ends the process here. */
  before?(step: Step, action: Action): void | Promise<void>;
  after?(step: Step, action: Action): void | Promise<void>;
  /** Runs a define; two at once can be given the same free bridge name (libvirt issue 78). */
  define?<T>(fn: () => Promise<T>): Promise<T>;
  /** Runs on a connection that works, when the one at hand may be lost. */
  fresh?<T>(fn: (c: Connection) => Promise<T>): Promise<T>;
  /** One more connection, where there is one to be had without waiting for others. */
  spare?(): Promise<Borrowed | undefined>;
  guard?: Guard;
  /** The host's lock of the network is held meanwhile. */
  held?: boolean;
  /** Commands on the host. */
  channel?: Channel | undefined;
  /** Commands that only look there. */
  look?: Channel["run"] | undefined;
  /** What was done otherwise than planned. */
  warn?(what: string): void;
}

interface Run {
  c: Connection;
  plan: Plan;
  ref: Ref;
  hooks: ApplyHooks;
  /** Begun, in order; the last one may have failed. */
  done: Action[];
  /** Takes its share of the NICs. */
  other?: Borrowed | undefined;
  journal?: Journal;
  /** For the way home. */
  trees?: Trees | undefined;
  /** Rules of the firewall that are kept. */
  held?: Hold | undefined;
  /** When the network went down, and for how long, in ms. */
  down?: number;
  downMs?: number;
}

/** @returns where the network is, and for how long it was down, in ms. */
export async function apply(
  c: Connection,
  plan: Plan,
  hooks: ApplyHooks = {},
): Promise<{ ref: Ref; downMs?: number | undefined }> {
  const run: Run = { c, plan, ref: plan.ref, hooks, done: [] };
  try {
    await steps(run);
  } finally {
    await run.held?.release();
    run.trees?.end();
    await run.other?.giveBack();
  }
  return { ref: run.ref, downMs: run.downMs };
}

async function steps(run: Run): Promise<void> {
  const { plan, hooks } = run;
  for (const step of plan.steps) {
    for (const action of step.actions) {
      try {
        await hooks.before?.(step, action);
        run.done.push(action);
        await ACTIONS[action.do](run, action as never);
        await hooks.after?.(step, action);
      } catch (e) {
        if (e instanceof Outdated) throw e;
        if (!(await finishedAnyway(run, action))) throw await takenBack(run, step, action, e);
      }
    }
  }
}

/** The network is as it shall be, and only the way home failed: tried once more, since forwards is nearer than back. */
async function finishedAnyway(run: Run, action: Action): Promise<boolean> {
  const { journal, hooks, c } = run;
  if (action.do !== "home" || !journal) return false;
  const again = async (on: Connection) =>
    sayOff(run, await home(on, journal, journal.before.autostart, hooks.channel, { way: "on" }));
  const done = await (hooks.fresh ? hooks.fresh(again) : again(c)).then(
    () => true,
    () => false,
  );
  if (done) {
    hooks.guard?.disarm(journal.uuid);
    delete run.journal;
  }
  return done;
}

async function takenBack(run: Run, step: Step, action: Action, cause: unknown): Promise<ApplyError> {
  const { journal, plan, hooks } = run;
  const left: string[] = [];
  const began = `network ${JSON.stringify(plan.network)}: ${VERBS[action.do]} failed`;
  // Somebody else's journal or network is there: what is there now is theirs to change.
  const refused = classOf(cause) ?? classOf((cause as Error | undefined)?.cause);
  const isTheirs = run.done.length === 1 && refused === "exists";
  if (isTheirs) return new ApplyError(`${began}: ${textOf(cause)}; nothing was changed`, true, cause);
  const back = async (c: Connection): Promise<void> => {
    if (journal) {
      // Links were taken down, and guests told to ask anew, on the way home only.
      const renew = journal.renew && run.done.some((a) => a.do === "home");
      const { off } = await undo(c, { ...journal, renew }, hooks.channel);
      left.push(...off);
      hooks.guard?.disarm(journal.uuid);
    }
    left.push(...(await restore(c, plan.network, plan.before, run.done)));
    await joinAgain({ ...run, c });
  };
  await (hooks.fresh ? hooks.fresh(back) : back(run.c)).catch((e: unknown) => {
    left.push(textOf(e));
  });
  const what = `${began}${step.changes.length > 0 ? ` (for ${step.changes.join(", ")})` : ""}: ${textOf(cause)}`;
  const restored = plan.before ? "; all is restored as it was" : "; nothing is left of it";
  const heal = journal ? `: run up again, or "virtnet heal"` : "";
  return new ApplyError(
    `${what}${left.length > 0 ? `; NOT restored: ${left.join("; ")}${heal}` : restored}`,
    left.length === 0,
    cause,
  );
}

/** NICs that a stop has cut off, where it was taken back. */
async function joinAgain(run: Run): Promise<void> {
  const { before } = run.plan;
  if (before?.liveXml === undefined || !run.done.some((a) => a.do === "destroy")) return;
  const { network: net, ...observed } = await observe(run.c, { uuid: before.uuid }, { nics: true, daemon: 0 });
  if (net?.liveXml === undefined) return;
  const lost = new Set(cutOff(observed.nics));
  const nics = observed.nics.map((n) => (lost.has(n) ? { ...n, connected: false } : n));
  const change = { net, observed: { ...observed, nics }, after: net.xml, wantsRunning: true, renews: false };
  for (const action of rejoinStep(change, true)?.actions ?? []) await ACTIONS[action.do](run, action as never);
}

const VERBS: Record<Action["do"], string> = {
  define: "defining it",
  start: "starting it",
  destroy: "stopping it",
  undefine: "removing its definition",
  autostart: "setting autostart",
  update: "changing it live",
  hold: "keeping the firewall's rules",
  journal: "writing down on the host what is to be done",
  park: "moving its NICs aside",
  rehop: "making the ports of its NICs anew",
  replug: "unplugging and plugging its NICs",
  home: "moving its NICs back",
};

type Handlers = { [K in Action["do"]]: (run: Run, action: Extract<Action, { do: K }>) => Promise<void> };

const serial = (run: Run, fn: () => Promise<{ uuid: string }>) => (run.hooks.define ? run.hooks.define(fn) : fn());
const journalOf = (run: Run): Journal => run.journal as Journal;
const running = async (run: Run): Promise<NetworkInfo> => {
  const info = await run.c.networks.get(run.ref);
  if (!info?.active) throw new VirtnetError("it does not run any more: another program stopped it");
  return info;
};

const ACTIONS: Handlers = {
  async define(run, { xml }) {
    const { redefine } = await import("./redefine.js"); // most runs define nothing
    const { uuid } = await serial(run, () => redefine(run.c, xml, run.plan.before?.xml));
    run.ref = { uuid };
    if (run.journal && run.journal.from !== run.journal.to)
      await bringLeases(run.hooks.channel, run.journal.before.xml);
  },
  async start(run) {
    await startNetwork(run.c, run.ref);
    if (run.down !== undefined) run.downMs = performance.now() - run.down;
  },
  async destroy(run) {
    run.down = performance.now();
    await run.c.networks.destroy(run.ref);
  },
  async undefine(run) {
    await keepLeases(run.hooks.channel, journalOf(run).before.xml);
    await run.c.networks.undefine(run.ref);
  },
  autostart: (run, { on }) => run.c.networks.setAutostart(run.ref, on),
  update: (run, { command, section, parentIndex, xml, affect }) =>
    run.c.networks.update(run.ref, command, section, parentIndex, xml, affect),
  async hold(run, { firewall, subject, seconds }) {
    const { channel, look = channel?.run } = run.hooks;
    if (!channel || !look) return;
    try {
      run.held = await holdFirewall(channel, look, firewall, subject, seconds);
    } catch (e) {
      // Without it the change costs some packets more, and is as good.
      run.hooks.warn?.(`the firewall's rules could not be kept meanwhile: ${textOf(e)}`);
    }
  },
  async journal(run, { journal, fresh }) {
    const waited = await awaitIdle(run.c, journal.nics);
    // Before anybody is cut off: it takes longer to open than a NIC to hop.
    if (new Set(journal.nics.map((n) => n.domain)).size > 1)
      run.other = await run.hooks.spare?.().catch(() => undefined);
    const { channel } = run.hooks;
    if (channel && journal.nics.length > 0 && treeIn(readNetwork(journal.after))) run.trees = new Trees(channel);
    const now = fresh ? before(await running(run)) : journal.before;
    const whole = { ...journal, before: now };
    await run.hooks.guard?.arm(whole.uuid);
    run.journal = whole; // it may be there although libvirt's answer is lost
    try {
      const author = { ...thisProcess(), locked: run.hooks.held === true };
      await serial(run, () => run.c.networks.define(parkXml(whole, author)));
    } catch (e) {
      if (classOf(e) !== "exists") throw e;
      run.hooks.guard?.disarm(whole.uuid);
      delete run.journal;
      throw new VirtnetError("another run is changing it at this moment: run again when that has ended", { cause: e });
    }
    // From here on nobody else who writes journals changes it. What was planned for is what is there?
    if (fresh || run.done.length > 1 || !(waited || changedSince(await run.c.networks.get(run.ref), journal))) return;
    await removePark(run.c, whole.uuid);
    run.hooks.guard?.disarm(whole.uuid);
    delete run.journal;
    throw new Outdated(
      `network ${JSON.stringify(run.plan.network)}: another program keeps changing it, or its VMs are busy again and again: nothing was changed; run again when that has ended`,
    );
  },
  async park(run, { nics }) {
    const now = await run.c.networks.get(run.ref);
    const from = now && (await placesOf(run.c, journalOf(run), now));
    await park(run.c, parkName(journalOf(run).uuid), nics, { from, other: run.other?.connection });
  },
  async rehop(run, { nics }) {
    const name = parkName(journalOf(run).uuid);
    const now = await running(run);
    const from = await placesOf(run.c, journalOf(run), now);
    const where = homeOf(now);
    for (const nic of nics) {
      await park(run.c, name, [nic], { from });
      await bringHome(run.c, where, from, [nic]);
    }
  },
  async replug(run, { nics }) {
    const { name } = await running(run);
    for (const nic of nics) await replug(run.c, nic, parseXml(nic.xml), (iface) => onNetwork(iface, name));
  },
  async home(run) {
    const journal = journalOf(run);
    const { channel } = run.hooks;
    const how = { way: "on", other: run.other?.connection, trees: run.trees } as const;
    sayOff(run, await home(run.c, journal, journal.before.autostart, channel, how));
    run.hooks.guard?.disarm(journal.uuid);
    delete run.journal;
  },
};

function sayOff({ hooks }: Run, off: readonly string[]): void {
  const said = notPutBack(off);
  if (said !== undefined) hooks.warn?.(said);
}

/** By somebody else, since it was looked at; how many NICs are plugged in is no change (`connections`). */
function changedSince(now: NetworkInfo | undefined, { before }: Journal): boolean {
  const text = (xml: string | undefined) => xml?.replace(/^<network [^>]*>|<network>/, "");
  return !now || text(now.inactiveXml) !== text(before.xml) || text(now.liveXml) !== text(before.liveXml);
}

function before(info: NetworkInfo): Journal["before"] {
  const { inactiveXml: xml, liveXml, autostart, persistent } = info;
  return { xml, ...(liveXml !== undefined ? { liveXml } : {}), autostart, persistent };
}
