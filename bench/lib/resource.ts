import type { Inputs } from "../../provider/handler.js";
import { forgetKept } from "../../provider/kept.js";
import { networkHandler } from "../../provider/network/handler.js";

/** The handler as the engine drives it: preview, then update. */
export function resource(uri: string, name: string) {
  let state: { id: string; outs: Inputs } | undefined;
  const said: string[] = [];
  const ctx = { log: (_level: string, line: string) => void said.push(line) };
  return {
    said,
    async up(args: Inputs): Promise<number> {
      const news = { name, uri, owner: { project: "bench", stack: "bench", key: name }, ...args };
      const { inputs, failures } = await networkHandler.check(ctx, state?.outs ?? {}, news);
      if (failures.length > 0) throw new Error(JSON.stringify(failures));
      if (state) await networkHandler.diff(ctx, state.id, state.outs, inputs);
      const started = performance.now();
      state = state
        ? { id: state.id, outs: (await networkHandler.update(ctx, state.id, state.outs, inputs)).outs }
        : await networkHandler.create(ctx, inputs);
      return performance.now() - started;
    },
    async destroy(): Promise<void> {
      forgetKept(); // in another run
      if (state) await networkHandler.delete(ctx, state.id, state.outs);
    },
  };
}
