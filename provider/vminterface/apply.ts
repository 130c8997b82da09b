/** Run the steps of a plan. Decides nothing; where one fails, what was there is restored, and the error says what was and what was not. */
import { ApplyError, textOf, VirtnetError } from "../handler.js";
import type { Channel } from "../host/channel.js";
import { withoutTree } from "../host/trees.js";
import type { Connection } from "../libvirt/api.js";
import { type UnplugOptions, unplug } from "../unplug.js";
import { explain } from "./explain.js";
import { restore } from "./restore.js";
import type { Action, Frames, Plan, Step } from "./steps.js";

export interface ApplyHooks extends UnplugOptions {
  /** Called around every action; the fault harness ends the process here. */
  before?(step: Step, action: Action): void | Promise<void>;
  after?(step: Step, action: Action): void | Promise<void>;
  /** Runs on a connection that works, when the one at hand may be lost. */
  fresh?<T>(fn: (c: Connection) => Promise<T>): Promise<T>;
  /** Commands on the host. */
  channel?: Channel | undefined;
  /** Runs what only looks. */
  look?: Channel["run"] | undefined;
  /** What the user should know that is no failure. */
  warn?(what: string): void;
  /** What the host is known by in this process. */
  host?: string;
  /** Called before it moves. */
  moves?(move: string): Promise<void>;
  /** Called when the last change has been sent, where that is one of libvirt: what its connection is asked now is answered after it. */
  sent?(): void;
}

interface Run {
  c: Connection;
  plan: Plan;
  vm: { uuid: string; name: string };
  hooks: ApplyHooks;
  /** Begun, in order; the last one may have failed. */
  done: Action[];
  /** Of the plan. */
  last: Action | undefined;
}

export async function apply(c: Connection, plan: Plan, hooks: ApplyHooks): Promise<void> {
  const run: Run = {
    c,
    plan,
    vm: { uuid: plan.domain, name: plan.domainName },
    hooks,
    done: [],
    last: plan.steps.at(-1)?.actions.at(-1),
  };
  for (const step of plan.steps) {
    for (const action of step.actions) {
      try {
        await hooks.before?.(step, action);
        run.done.push(action);
        if (action.do === "update" && action.move !== undefined) await hooks.moves?.(action.move);
        await withoutDelay(run, action, () => ACTIONS[action.do](run, action as never));
        await hooks.after?.(step, action);
      } catch (e) {
        throw await takenBack(run, step, action, e);
      }
    }
  }
}

function withoutDelay({ hooks: { channel, host } }: Run, action: Action, work: () => Promise<void>): Promise<void> {
  const tree = "tree" in action ? action.tree : undefined;
  return channel && tree !== undefined ? withoutTree(channel, tree, `${host} ${tree}`, work) : work();
}

async function takenBack({ c, plan, vm, hooks, done }: Run, step: Step, action: Action, cause: unknown) {
  const why = await explain(c, vm, action, cause);
  const back = (on: Connection) => restore(on, plan.before, plan.mac, done, hooks);
  const {
    vm: became,
    restored,
    left,
  } = await (hooks.fresh ? hooks.fresh(back) : back(c)).catch((e: unknown) => ({
    vm: undefined,
    restored: [],
    left: [textOf(e)],
  }));
  const what = `NIC ${plan.mac} of VM ${JSON.stringify(plan.domainName)}: ${VERBS[action.do]} failed${step.changes.length > 0 ? ` (for ${step.changes.join(", ")})` : ""}: ${why}`;
  const parts = [
    ...(became === undefined ? [] : [became]),
    ...(restored.length > 0
      ? [`restored: ${restored.join(", ")}`]
      : left.length === 0 && became === undefined
        ? ["nothing was changed"]
        : []),
    ...(left.length > 0 ? [`NOT restored: ${left.join(", ")}`] : []),
  ];
  return new ApplyError([what, ...parts].join("; "), left.length === 0, cause);
}

const VERBS: Record<Action["do"], string> = {
  attach: "plugging it",
  update: "changing it",
  detach: "unplugging it",
  join: "putting its device onto its bridge",
};

function sent({ last, hooks }: Run, action: Action, answer: Promise<void>): Promise<void> {
  if (action === last) hooks.sent?.();
  return answer;
}

/** By host and bridge: the MTU that it had before the first of the NICs that are on their way there arrived, and how many those are. */
const arriving = new Map<string, { nics: number; mtu: Promise<number | undefined> }>();

/**
 * The device has the bridge's MTU afterwards. A bridge that is not libvirt's is asked for its own first, before any device arrives: until
 * it fits, it may lower that of the bridge (br_mtu_auto_adjust).
 */
async function fitting(
  { hooks: { channel, look, warn, host = "" } }: Run,
  { device, bridge, mtu }: Frames & { device: string },
  change: () => Promise<void>,
): Promise<void> {
  if (!channel?.mayChange) {
    await change();
    if (mtu !== undefined)
      warn?.(`${device} may not have the MTU of ${bridge}, ${mtu}: no command can change it there`);
    return;
  }
  const { mtuOf, setMtu } = await import("../host/frames.js"); // few moves need it
  const key = `${host} ${bridge}`;
  const there = arriving.get(key) ?? {
    nics: 0,
    mtu: mtu === undefined ? mtuOf(look ?? channel.run, bridge) : Promise.resolve(mtu),
  };
  arriving.set(key, there);
  there.nics++;
  try {
    const wanted = await there.mtu.catch(() => undefined);
    await change();
    if (wanted === undefined) {
      warn?.(`${device} may not have the MTU of ${bridge}, which could not be read`);
      return;
    }
    const why = await setMtu(channel, wanted, [device]).catch(textOf);
    if (why !== undefined) warn?.(`${device} does not have the MTU of ${bridge}, ${wanted}: ${why}`);
  } finally {
    there.nics--;
    if (there.nics === 0) arriving.delete(key);
  }
}

type Handlers = { [K in Action["do"]]: (run: Run, action: Extract<Action, { do: K }>) => Promise<void> };

const ACTIONS: Handlers = {
  attach: (run, action) => sent(run, action, run.c.domains.attachDevice(run.vm, action.xml, action.affect)),
  async update(run, action) {
    const change = () => sent(run, action, run.c.domains.updateDevice(run.vm, action.xml, action.affect));
    await (action.fit ? fitting(run, action.fit, change) : change());
  },
  detach: ({ c, vm, plan, hooks }, { affect, xml }) =>
    affect === "config" ? c.domains.detachDevice(vm, xml, affect) : unplug(c, vm, plan.mac, xml, hooks),
  async join({ hooks: { channel } }, { device, bridge }) {
    if (!channel) throw new VirtnetError("no command can be run on the host");
    const { code, stderr } = await channel.run(["ip", "link", "set", "dev", device, "master", bridge]);
    if (code !== 0) throw new VirtnetError(stderr.trim());
  },
};
