/** Drives the Network handler as the engine does: check, diff, then create, update or delete; state is kept as it is there. */
import assert from "node:assert/strict";
import type { Context, Failure, Inputs } from "../../provider/handler.js";
import { networkHandler } from "../../provider/network/handler.js";

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
  destroy(): Promise<void>;
}

export function drive(uri: string, key: string, owner: Partial<{ project: string; stack: string }> = {}): Driver {
  const log: string[] = [];
  const ctx: Context = { log: (level, message) => void log.push(`${level}: ${message}`) };
  const whole = (args: Inputs): Inputs => ({
    name: key,
    uri,
    owner: { project: "p", stack: "s", key, ...owner },
    ...args,
  });
  let base: Inputs = {};
  const d: Driver = {
    state: undefined,
    log,
    async check(args) {
      return (await networkHandler.check(ctx, d.state?.outs ?? {}, whole(args))).failures;
    },
    async preview(args) {
      const { inputs, failures } = await networkHandler.check(ctx, d.state?.outs ?? {}, whole(args));
      assert.deepEqual(failures, []);
      base = inputs;
      return d.state ? (await networkHandler.diff(ctx, d.state.id, d.state.outs, inputs)).changes : true;
    },
    async up(args) {
      if (!(await d.preview(args))) return false;
      if (d.state)
        d.state = { id: d.state.id, outs: (await networkHandler.update(ctx, d.state.id, d.state.outs, base)).outs };
      else d.state = await networkHandler.create(ctx, base);
      return true;
    },
    async refresh() {
      assert.ok(d.state);
      const found = await networkHandler.read(ctx, d.state.id, d.state.outs);
      if (!found) {
        d.state = undefined;
        return undefined;
      }
      const { changes } = await networkHandler.diff(ctx, found.id, found.outs, base);
      d.state = { id: found.id, outs: found.outs };
      return { drift: changes, inputs: found.inputs };
    },
    async destroy() {
      assert.ok(d.state);
      await networkHandler.delete(ctx, d.state.id, d.state.outs);
      d.state = undefined;
    },
  };
  return d;
}
