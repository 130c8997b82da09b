/** Run the steps of a plan. Decides nothing; what it did it can take back, and says what it took back. */
import { VirtnetError } from "../handler.js";
import type { Connection, Ref } from "../libvirt/api.js";
import { type Parked, park, unpark } from "./park.js";
import type { Action, Plan, Step } from "./steps.js";
import { Undo } from "./undo.js";

/** A step failed. `restored`: all is as it was; otherwise `left` names what is not. */
export class ApplyError extends VirtnetError {
  override name = "ApplyError";
  readonly restored: boolean;
  constructor(message: string, restored: boolean, cause: unknown) {
    super(message, { cause });
    this.restored = restored;
  }
}

interface Run {
  c: Connection;
  network: string;
  ref: Ref;
  before?: string;
  undo: Undo;
  serial: <T>(fn: () => Promise<T>) => Promise<T>;
  parked?: Parked;
}

export interface ApplyHooks {
  /** Called around every action; the fault harness ends the process here. */
  before?(step: Step, action: Action): void | Promise<void>;
  after?(step: Step, action: Action): void | Promise<void>;
  /** Runs a define; two at once can be given the same free bridge name (libvirt issue 78). */
  define?<T>(fn: () => Promise<T>): Promise<T>;
}

/** @returns the UUID of the network. */
export async function apply(c: Connection, plan: Plan, hooks: ApplyHooks = {}): Promise<Ref> {
  const run: Run = {
    c,
    network: plan.network,
    ref: plan.ref,
    undo: new Undo(),
    serial: hooks.define ?? ((fn) => fn()),
    ...(plan.before !== undefined ? { before: plan.before } : {}),
  };
  for (const step of plan.steps) {
    for (const action of step.actions) {
      try {
        await hooks.before?.(step, action);
        await ACTIONS[action.do](run, action as never);
        await hooks.after?.(step, action);
      } catch (e) {
        throw await takenBack(run, step, action, e);
      }
    }
  }
  return run.ref;
}

async function takenBack(run: Run, step: Step, action: Action, cause: unknown): Promise<ApplyError> {
  const { restored, failed } = await run.undo.run();
  const text = cause instanceof Error ? cause.message : String(cause);
  const what = `network ${JSON.stringify(run.network)}: ${VERBS[action.do]} failed${step.changes.length > 0 ? ` (for ${step.changes.join(", ")})` : ""}: ${text}`;
  const back = restored.length > 0 ? `; restored: ${restored.join(", ")}` : "; nothing was changed";
  const left = failed.length > 0 ? `; NOT restored: ${failed.join(", ")}` : "";
  return new ApplyError(`${what}${back}${left}`, failed.length === 0, cause);
}

const VERBS: Record<Action["do"], string> = {
  define: "defining it",
  start: "starting it",
  destroy: "stopping it",
  undefine: "removing its definition",
  autostart: "setting autostart",
  update: "changing it live",
  park: "moving its NICs aside",
  unpark: "moving its NICs back",
};

type Handlers = { [K in Action["do"]]: (run: Run, action: Extract<Action, { do: K }>) => Promise<void> };

const ACTIONS: Handlers = {
  async define(run, { xml }) {
    const { uuid } = await run.serial(() => run.c.networks.define(xml));
    run.ref = { uuid };
    const { before, c } = run;
    if (before !== undefined)
      run.undo.add("the old definition", async () => void (await c.networks.define(before, { validate: false })), true);
    else run.undo.add("no definition", () => c.networks.undefine({ uuid }));
  },
  async start(run) {
    await run.c.networks.start(run.ref);
    run.undo.add("stopped", () => run.c.networks.destroy(run.ref));
  },
  async destroy(run) {
    await run.c.networks.destroy(run.ref);
    run.undo.add("running", () => run.c.networks.start(run.ref));
  },
  async undefine(run) {
    await run.c.networks.undefine(run.ref);
    const { before, c } = run;
    if (before !== undefined)
      run.undo.add("the definition", async () => void (await c.networks.define(before, { validate: false })));
  },
  async autostart(run, { on }) {
    await run.c.networks.setAutostart(run.ref, on);
    run.undo.add(`autostart ${on ? "off" : "on"}`, () => run.c.networks.setAutostart(run.ref, !on));
  },
  async update(run, { command, section, parentIndex, xml, affect }) {
    await run.c.networks.update(run.ref, command, section, parentIndex, xml, affect);
    const inverse = command === "delete" ? "add-last" : "delete";
    run.undo.add(`the ${section} entry`, () =>
      run.c.networks.update(run.ref, inverse, section, parentIndex, xml, affect),
    );
  },
  async park(run, { nics, xml }) {
    run.parked = await park(run.c, run.network, xml, nics);
    const parked = run.parked;
    run.undo.add("its NICs", () => unpark(run.c, run.network, parked));
  },
  async unpark(run) {
    if (run.parked) await unpark(run.c, run.network, run.parked);
    delete run.parked;
  },
};
