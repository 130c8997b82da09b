/** Run the steps of a plan. Decides nothing; when one fails, the backend takes everything back. */
import { randomUUID } from "node:crypto";
import { ApplyError } from "../handler.js";
import type { Channel } from "../host/channel.js";
import type { Mark } from "./args.js";
import type { Backend, LinkRef } from "./backends/backend.js";
import { type Baseline, baseline, prove } from "./proof.js";
import type { Action, Plan } from "./steps.js";

export interface ApplyHooks {
  /** Called before every action; tests end the process here. */
  before?(action: Action): void | Promise<void>;
}

interface Run {
  backend: Backend;
  channel: Channel;
  link: LinkRef;
  made: boolean;
  mark: Mark | undefined;
  checkpoint?: string;
  /** When the host takes the change back. */
  endsMs: number;
  before: Baseline;
}

/** Ended this long before the host acts by itself, so that the two do not meet. */
const MARGIN_MS = 3000;
/** How long a device may take where nothing is taken back. */
const SETTLE_MS = 45_000;

/** @returns the manager's id of the link. */
export async function apply(backend: Backend, channel: Channel, plan: Plan, hooks: ApplyHooks = {}): Promise<string> {
  const marks = plan.steps.flatMap((s) => s.actions).map((a) => (a.do === "configure" ? a.mark : undefined));
  const run: Run = {
    ...{ backend, channel, made: false, endsMs: 0, before: { gateways: [] } },
    mark: marks.find((m) => m !== undefined),
    link: { id: plan.id ?? randomUUID(), kind: plan.kind, name: plan.link },
  };
  for (const step of plan.steps) {
    for (const action of step.actions) {
      try {
        await hooks.before?.(action);
        await ACTIONS[action.do](run, action as never);
      } catch (e) {
        throw await takenBack(run, action, e);
      }
    }
  }
  return run.link.id;
}

async function takenBack(run: Run, action: Action, cause: unknown): Promise<ApplyError> {
  const text = cause instanceof Error ? cause.message : String(cause);
  const what = `${run.link.kind} ${JSON.stringify(run.link.name)}: ${VERBS[action.do]} failed: ${text}`;
  if (!run.made && run.checkpoint === undefined) return new ApplyError(`${what}; nothing was changed`, true, cause);
  try {
    await run.backend.rollback(run.link, run.checkpoint, run.made);
    return new ApplyError(`${what}; everything is as it was`, true, cause);
  } catch (e) {
    const seconds = Math.max(0, Math.ceil((run.endsMs - Date.now()) / 1000));
    const later = run.checkpoint === undefined ? "" : `; the host takes the change back by itself in ${seconds} s`;
    return new ApplyError(
      `${what}; taking it back failed as well: ${String((e as Error).message ?? e)}${later}`,
      false,
      cause,
    );
  }
}

const VERBS: Record<Action["do"], string> = {
  sweep: "removing what an earlier run left",
  make: "making the device",
  checkpoint: "setting the checkpoint",
  attach: "plugging in a port",
  detach: "unplugging a port",
  configure: "writing its settings",
  strip: "taking its addresses away",
  activate: "activating it",
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
    run.before = await baseline(run.channel);
    run.endsMs = Date.now() + seconds * 1000;
    run.checkpoint = await run.backend.checkpoint(run.link, devices, seconds);
  },
  attach: (run, { port }) => run.backend.attach(run.link, port),
  detach: (run, { port }) => run.backend.detach(run.link, port),
  configure: (run, { values, was, inherit, mark }) =>
    run.backend.configure(
      run.link,
      { values, was, ...(inherit !== undefined ? { inherit } : {}), ...(mark ? { mark } : {}) },
      run.checkpoint,
    ),
  strip: (run) => run.backend.strip(run.link, run.checkpoint),
  activate: (run) => run.backend.activate(run.link),
  async prove(run, { management }) {
    const limitMs = run.checkpoint === undefined ? SETTLE_MS : run.endsMs - MARGIN_MS - Date.now();
    // The device first: before it is up, no connection can be expected.
    if (management) await prove(run.channel, run.before, Date.now() + limitMs);
    else await run.backend.settled(run.link, limitMs);
  },
  async commit(run) {
    await run.backend.commit(run.link, run.checkpoint);
    delete run.checkpoint;
    run.made = false;
  },
  mark: (run, { mark }) => run.backend.mark(run.link, mark),
  async remove(run) {
    await run.backend.remove(run.link, run.checkpoint);
    delete run.checkpoint;
  },
};
