/** Run the steps of a plan. Decides nothing; what it did it can take back, and says what it took back. */
import { ApplyError } from "../handler.js";
import type { Connection } from "../libvirt/api.js";
import { asPlugged, withoutAlias } from "./document.js";
import { explain } from "./explain.js";
import type { Action, Plan, Step } from "./steps.js";
import { Undo } from "./undo.js";
import { type UnplugOptions, unplug } from "./unplug.js";

interface Run {
  c: Connection;
  vm: { uuid: string; name: string };
  undo: Undo;
  options: UnplugOptions;
}

export async function apply(c: Connection, plan: Plan, options: UnplugOptions): Promise<void> {
  const run: Run = { c, vm: { uuid: plan.domain, name: plan.domainName }, undo: new Undo(), options };
  for (const step of plan.steps) {
    for (const action of step.actions) {
      try {
        await ACTIONS[action.do](run, action as never);
      } catch (e) {
        throw await takenBack(run, plan, step, action, e);
      }
    }
  }
}

async function takenBack(run: Run, plan: Plan, step: Step, action: Action, cause: unknown): Promise<ApplyError> {
  const text = await explain(run.c, run.vm, action, cause);
  const { restored, failed } = await run.undo.run();
  const what = `NIC ${plan.mac} of VM ${JSON.stringify(plan.domainName)}: ${VERBS[action.do]} failed${step.changes.length > 0 ? ` (for ${step.changes.join(", ")})` : ""}: ${text}`;
  const back = restored.length > 0 ? `; restored: ${restored.join(", ")}` : "; nothing was changed";
  const left = failed.length > 0 ? `; NOT restored: ${failed.join(", ")}` : "";
  return new ApplyError(`${what}${back}${left}`, failed.length === 0, cause);
}

const VERBS: Record<Action["do"], string> = {
  attach: "plugging it",
  update: "changing it",
  detach: "unplugging it",
};

type Handlers = { [K in Action["do"]]: (run: Run, action: Extract<Action, { do: K }>) => Promise<void> };

const ACTIONS: Handlers = {
  async attach({ c, vm, undo, options }, { affect, xml }) {
    await c.domains.attachDevice(vm, xml, affect);
    if (affect !== "config") undo.add("unplugged", () => unplug(c, vm, xml, options));
    if (affect !== "live") undo.add("the stored definition", () => c.domains.detachDevice(vm, xml, "config"));
  },
  async update({ c, vm, undo }, { affect, xml, before }) {
    await c.domains.updateDevice(vm, xml, affect);
    const what = affect === "live" ? "the running NIC" : "the stored definition";
    // One without an alias finds the device whatever its alias is now.
    undo.add(what, async () => {
      if (affect === "config") await c.domains.updateDevice(vm, withoutAlias(xml), affect);
      await c.domains.updateDevice(vm, before, affect);
    });
  },
  async detach({ c, vm, undo, options }, { affect, xml }) {
    if (affect === "config") {
      await c.domains.detachDevice(vm, xml, affect);
      undo.add("the stored definition", () => c.domains.attachDevice(vm, xml, affect));
      return;
    }
    await unplug(c, vm, xml, options);
    undo.add("the old NIC", () =>
      c.domains.attachDevice(vm, asPlugged(xml, { keepTarget: false, freshAddress: false }), affect),
    );
  },
};
