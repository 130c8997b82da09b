/** What is not done to a host where only a run that lives can take a change back. Pure. */
import { VirtnetError } from "../handler.js";
import { carries } from "./say.js";
import type { Plan } from "./steps.js";

/**
 * Throws where the host could be lost: the change cuts off the connection by which it would be taken back.
 * @param around whether a command can be run on the host, and whether it can be told by which devices it is managed.
 */
export function refuseUnsafe(
  plan: Plan,
  { takesBack }: { takesBack: boolean },
  { asks, known }: { asks: boolean; known: boolean },
): void {
  const what = `${plan.kind} ${JSON.stringify(plan.link)}`;
  if (!asks && typeof plan.probe === "string")
    throw new VirtnetError(
      `${what}: probe: ${plan.probe} cannot be asked for an answer, for no command can be run on the host: remove it, or configure a command (virtnet:command)`,
    );
  const changes = plan.steps.some((s) => s.actions.some((a) => a.do === "checkpoint"));
  if (takesBack || plan.probe === false || !changes || (known && plan.management.length === 0)) return;
  const why = known ? carries(plan.management) : "whether it carries the host's own connection is not known here";
  throw new VirtnetError(
    `${what}: ${why}, and this host takes no change back by itself: use a host with NetworkManager, or set probe: false to do without that`,
  );
}
