/** Drives a handler as the engine does: check, diff, then create, update or delete; state is kept as it is there. */
import assert from "node:assert/strict";
import type { Context, Failure, Handler, Inputs } from "../../provider/handler.js";
import { forgetKept } from "../../provider/kept.js";

export interface Driver {
  state: { id: string; outs: Inputs } | undefined;
  /** Lines that the user would see. */
  log: string[];
  check(args: Inputs): Promise<Failure[]>;
  /** Check and diff. @returns whether something changes. */
  preview(args: Inputs): Promise<boolean>;
  /** Check, diff, and what diff asks for. @returns whether something was changed. */
  up(args: Inputs): Promise<boolean>;
  /** Read, and the diff that the engine then makes. @returns undefined where it is gone, else whether there is drift, and the inputs read. */
  refresh(): Promise<{ drift: boolean; inputs: Inputs } | undefined>;
  /** Delete, in a run that does nothing else. */
  destroy(): Promise<void>;
  /** Delete in the run of what was driven last, where this is what the state had before; it may be asked again. */
  deleteFormer(): Promise<void>;
}

/**
 * @param whole the arguments as the SDK would pass them.
 * @param anew called before each preview and refresh: what a process of its own would not know is forgotten.
 */
export function driveHandler(handler: Handler, whole: (args: Inputs) => Inputs, anew: () => void = () => {}): Driver {
  const log: string[] = [];
  const ctx: Context = { log: (level, message) => void log.push(`${level}: ${message}`) };
  let base: Inputs = {};
  /** The inputs in the state: of the last up, or as the last refresh read them. */
  let kept: Inputs = {};
  let replaces: string[] = [];
  const d: Driver = {
    state: undefined,
    log,
    async check(args) {
      return (await handler.check(ctx, d.state ? kept : {}, whole(args))).failures;
    },
    async preview(args) {
      anew();
      const { inputs, failures } = await handler.check(ctx, d.state ? kept : {}, whole(args));
      assert.deepEqual(failures, []);
      base = inputs;
      replaces = [];
      if (!d.state) return true;
      const diff = await handler.diff(ctx, d.state.id, d.state.outs, inputs);
      replaces = diff.replaces;
      return diff.changes;
    },
    async up(args) {
      if (!(await d.preview(args))) return false;
      if (d.state && replaces.length > 0) {
        // The engine checks once more, and deletes first.
        base = (await handler.check(ctx, {}, base)).inputs;
        await handler.delete(ctx, d.state.id, d.state.outs);
        d.state = await handler.create(ctx, base);
      } else if (d.state)
        d.state = { id: d.state.id, outs: (await handler.update(ctx, d.state.id, d.state.outs, base)).outs };
      else d.state = await handler.create(ctx, base);
      kept = base;
      return true;
    },
    async refresh() {
      assert.ok(d.state);
      anew();
      const found = await handler.read(ctx, d.state.id, d.state.outs);
      if (!found) {
        d.state = undefined;
        return undefined;
      }
      const { changes } = await handler.diff(ctx, found.id, found.outs, kept);
      d.state = { id: found.id, outs: found.outs };
      kept = found.inputs;
      return { drift: changes, inputs: found.inputs };
    },
    async destroy() {
      forgetKept();
      await d.deleteFormer();
      d.state = undefined;
    },
    async deleteFormer() {
      assert.ok(d.state);
      await handler.delete(ctx, d.state.id, d.state.outs);
    },
  };
  return d;
}
