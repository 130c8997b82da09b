/** Host links through the provider's own parts, without the handler: the channel is the test's to choose. */
import assert from "node:assert/strict";
import type { Inputs } from "../../provider/handler.js";
import type { Channel } from "../../provider/host/channel.js";
import { apply } from "../../provider/hostlink/apply.js";
import { fieldsOf, type Kind } from "../../provider/hostlink/args.js";
import { NetworkManager } from "../../provider/hostlink/backends/networkmanager/index.js";
import { checkLink } from "../../provider/hostlink/check.js";
import { observe } from "../../provider/hostlink/observe.js";
import { plan, planDelete } from "../../provider/hostlink/plan.js";
import type { Plan } from "../../provider/hostlink/steps.js";
import { verify } from "../../provider/hostlink/verify.js";
import { compare } from "../../provider/schema/compare.js";

export interface LinkDriver {
  /** Check, plan, apply, verify. @returns the plan that was run. */
  up(args: Inputs): Promise<Plan>;
  /** Paths that differ from what was set last. */
  drift(): Promise<string[]>;
  destroy(): Promise<void>;
}

export function driveLink(channel: Channel, kind: Kind, name: string): LinkDriver {
  const backend = new NetworkManager(channel, "the host of the tests");
  const owner = { project: "p", stack: "s", key: name };
  let set: Inputs | undefined;
  const look = (wanted?: Inputs) => {
    // As in a process of its own.
    backend.forget();
    return observe(backend, kind, { name }, wanted);
  };
  return {
    async up(args) {
      // The lab VM may be slow, beside others: nothing here is about what a host takes back.
      const desired = { name, up: true, rollbackAfter: 600, ...args };
      assert.deepEqual(checkLink(kind, desired), []);
      const p = plan({ kind, desired, was: set, owner }, await look(desired));
      await apply(backend, channel, p);
      verify(kind, (await look(desired)).link, desired, set);
      set = desired;
      return p;
    },
    async drift() {
      const { link } = await look();
      return compare(fieldsOf(kind), set ?? {}, link?.values ?? {}, set).map((c) => c.path);
    },
    async destroy() {
      const observed = await look();
      if (observed.link) await apply(backend, channel, planDelete(kind, set ?? {}, observed, observed.link));
      set = undefined;
    },
  };
}
