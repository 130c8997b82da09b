/** Run the steps of a plan. Decides nothing; when one fails, the backend takes everything back. */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { ApplyError, textOf, VirtnetError } from "../handler.js";
import type { Channel } from "../host/channel.js";
import type { Mark } from "./args.js";
import type { Backend, LinkRef } from "./backends/backend.js";
import { type Baseline, baseline, prove, reachedAnew } from "./proof.js";
import type { Action, HostProof, Plan, Probe } from "./steps.js";

export interface ApplyHooks {
  /** Called before every action; tests end the process here. */
  before?(action: Action): void | Promise<void>;
  /** When it is aborted, nothing more is begun, and what was done is taken back. */
  signal?: AbortSignal | undefined;
}

interface Run {
  backend: Backend;
  link: LinkRef;
  made: boolean;
  /** Settings may have been written. */
  begun: boolean;
  mark: Mark | undefined;
  checkpoint?: string;
  /** When the host takes the change back. */
  endsMs: number;
  before?: Baseline;
  probe: Probe | undefined;
  /** Where the host itself has to be proven, or the user asks for a proof: by this way. */
  prover?: Channel;
  host: HostProof | undefined;
  /** Proven, and no longer taken back: what follows only has to be kept. */
  holds: boolean;
}

/** Ended this long before the host acts by itself, so that the two do not meet. */
const MARGIN_MS = 3000;
/** How long a device may take where nothing is taken back. */
const SETTLE_MS = 45_000;
/** How long a host that takes a change back by itself may take to be reached again. */
const RETURN_MS = 45_000;
const PAUSE_MS = 1000;

/** @returns the manager's id of the link. */
export async function apply(
  backend: Backend,
  channel: Channel | undefined,
  plan: Plan,
  hooks: ApplyHooks = {},
): Promise<string> {
  try {
    return await applied(backend, channel, plan, hooks);
  } finally {
    backend.forget();
  }
}

async function applied(backend: Backend, channel: Channel | undefined, plan: Plan, hooks: ApplyHooks): Promise<string> {
  const actions = plan.steps.flatMap((s) => s.actions);
  const marks = actions.map((a) => (a.do === "configure" ? a.mark : undefined));
  const host = actions.flatMap((a) => (a.do === "prove" && a.host ? [a.host] : []))[0];
  const proven = typeof plan.probe === "string" || host !== undefined;
  const run: Run = {
    ...{ backend, made: false, begun: false, endsMs: 0, probe: plan.probe, host, holds: false },
    ...(channel && proven ? { prover: channel } : {}),
    mark: marks.find((m) => m !== undefined),
    link: { id: plan.id ?? randomUUID(), kind: plan.kind, name: plan.link },
  };
  for (const step of plan.steps) {
    for (const action of step.actions) {
      try {
        await hooks.before?.(action);
        if (!run.holds) refuseLate(run, hooks.signal);
        run.begun ||= action.do === "configure" || action.do === "strip";
        await ACTIONS[action.do](run, action as never);
      } catch (e) {
        throw await takenBack(run, action, e);
      }
    }
  }
  return run.link.id;
}

/** What is begun after the host has taken the change back would stay. */
function refuseLate(run: Run, signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new VirtnetError("the run was stopped");
  if (run.checkpoint !== undefined && Date.now() > run.endsMs - MARGIN_MS)
    throw new VirtnetError("the time after which the change is taken back is over");
}

async function takenBack(run: Run, action: Action, cause: unknown): Promise<ApplyError> {
  const what = `${run.link.kind} ${JSON.stringify(run.link.name)}: ${VERBS[action.do]} failed: ${textOf(cause)}`;
  if (run.holds)
    return new ApplyError(
      `${what}; the change is made and proven, but not kept for the next start of the host in all its parts: run up again`,
      false,
      cause,
    );
  if (!run.made && run.checkpoint === undefined && !run.begun)
    return new ApplyError(`${what}; nothing was changed`, true, cause);
  // A host that the change has cut off comes back by itself; what is left of the change can be removed then.
  const untilMs = run.checkpoint === undefined ? 0 : run.endsMs + RETURN_MS;
  for (;;) {
    try {
      await run.backend.rollback(run.link, run.checkpoint, run.made);
      return new ApplyError(`${what}; everything is as it was`, true, cause);
    } catch (e) {
      if (Date.now() < untilMs) {
        await sleep(PAUSE_MS);
        continue;
      }
      const late = run.checkpoint === undefined ? "" : byWhom(run.backend);
      return new ApplyError(`${what}; taking it back failed as well: ${textOf(e)}${late}`, false, cause);
    }
  }
}

const byWhom = ({ takesBack }: Backend): string =>
  takesBack
    ? "; the host takes the change back by itself, and should have by now"
    : "; the change is still open on the host: the next run takes it back";

const VERBS: Record<Action["do"], string> = {
  sweep: "removing what an earlier run left",
  make: "making the device",
  checkpoint: "setting the checkpoint",
  attach: "plugging in a port",
  detach: "unplugging a port",
  configure: "writing its settings",
  strip: "taking its addresses away",
  activate: "activating it",
  plug: "plugging VMs in again",
  prove: "proving that it works",
  commit: "keeping the change",
  mark: "writing its mark",
  remove: "removing it",
};

type Handlers = { [K in Action["do"]]: (run: Run, action: Extract<Action, { do: K }>) => Promise<void> };

const ACTIONS: Handlers = {
  async sweep({ backend, link }, { id, checkpoint }) {
    await backend.sweep({ ...link, id }, checkpoint);
  },
  async make(run, { values, mac, ports }) {
    run.made = true;
    const what = { values, ...(mac !== undefined ? { mac } : {}), ...(run.mark ? { mark: run.mark } : {}), ports };
    await run.backend.make(run.link, what);
  },
  async checkpoint(run, { devices, seconds }) {
    if (run.prover) run.before = await lookBefore(run, run.prover);
    const { id, sinceMs } = await run.backend.checkpoint(run.link, devices, seconds);
    run.checkpoint = id;
    run.endsMs = sinceMs + seconds * 1000;
  },
  attach: (run, { port, vlans }) => run.backend.attach(run.link, port, vlans),
  detach: (run, { port, rests = false }) => run.backend.detach(run.link, port, rests),
  configure: (run, { values, was, inherit, mark }) =>
    run.backend.configure(
      run.link,
      { values, was, ...(inherit !== undefined ? { inherit } : {}), ...(mark ? { mark } : {}) },
      run.checkpoint,
    ),
  strip: (run) => run.backend.strip(run.link, run.checkpoint),
  activate: (run) => run.backend.activate(run.link),
  plug: (run, { taps }) => run.backend.plug(run.link, taps),
  async prove(run, { device }) {
    const limitMs = run.checkpoint === undefined ? SETTLE_MS : run.endsMs - MARGIN_MS - Date.now();
    const untilMs = Date.now() + limitMs;
    // What is asked over a connection that the change has cut may never be answered.
    if (run.prover) await reachedAnew(run.prover, untilMs);
    // The device before the rest: before it is up, no answer counts.
    if (device) await run.backend.settled(run.link, limitMs);
    if (run.prover) await prove(run.prover, run.before ?? (await lookBefore(run, run.prover)), untilMs, run.host);
  },
  async commit(run) {
    await letGo(run);
    await run.backend.keep(run.link);
  },
  mark: (run, { mark }) => run.backend.mark(run.link, mark),
  async remove(run) {
    await letGo(run);
    await run.backend.remove(run.link);
  },
};

const lookBefore = ({ probe, host }: Run, prover: Channel): Promise<Baseline> =>
  baseline(prover, probe, host === undefined || host.managed);

/** The host takes nothing back any more. Where that fails, it does. */
async function letGo(run: Run): Promise<void> {
  if (run.checkpoint !== undefined) await run.backend.letGo(run.checkpoint, run.endsMs);
  delete run.checkpoint;
  run.made = false;
  run.begun = false;
  run.holds = true;
}
