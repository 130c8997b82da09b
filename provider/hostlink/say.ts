/** What a run tells its user: short lines. */

import type { Inputs } from "../handler.js";
import type { Channel } from "../host/channel.js";
import { IMPACTS, type Impact } from "../network/prices.js";
import type { Plan } from "./steps.js";

const WHAT: Partial<Record<Impact, string>> = {
  none: "nothing that runs is touched",
  live: "changed live",
  restart: "taken down and up again",
};

/** One line a changed link; undefined where nothing that runs is touched. */
export function priceLine(plan: Plan, by: Channel["by"], takesBack = true): string | undefined {
  const parts = plan.steps
    .filter((s) => s.changes.length > 0)
    .map((s) => `${s.changes.join(", ")}: ${WHAT[s.impact] ?? s.impact} (${s.why})`);
  const actions = plan.steps.flatMap((s) => s.actions);
  const brings = actions.flatMap((a) => (a.do === "prove" ? (a.host?.brings ?? []) : []));
  if (takesBack && actions.some((a) => a.do === "checkpoint"))
    parts.push(...caution({ carriers: plan.management, brings }, plan.seconds, by));
  return parts.length > 0 ? `${plan.kind} ${plan.link}: ${parts.join("; ")}` : undefined;
}

const PROOFS: Record<Channel["by"], string> = {
  local: "its gateway answers",
  ssh: "it can be reached by a new ssh connection",
  command: "it can be reached by a new connection",
};

/** That the host's own connection may go with the change, and what keeps it reachable; nothing where it cannot. */
export function caution(
  { carriers, brings }: { carriers: readonly string[]; brings: readonly string[] },
  seconds: number,
  by: Channel["by"],
): string[] {
  if (carriers.length === 0 && brings.length === 0) return [];
  const [why, unless] =
    carriers.length > 0
      ? [carries(carriers), PROOFS[by]]
      : [
          `${brings.join(" and ")} ${brings.length === 1 ? "gets" : "get"} addresses, whose routes could take the host's own connection away`,
          `its routes stay where they are and ${PROOFS[by]}`,
        ];
  return [`${why}: the host takes the change back by itself after ${seconds} s unless ${unless}`];
}

export const carries = (devices: readonly string[]): string =>
  `${devices.join(" and ")} ${devices.length === 1 ? "carries" : "carry"} the host's own connection`;

/** Why a plan is dearer than the user allows; undefined: it is not. */
export function tooCostly(plan: Plan, { maxImpact }: Inputs): string | undefined {
  if (maxImpact === undefined || IMPACTS.indexOf(plan.impact) <= IMPACTS.indexOf(maxImpact as Impact)) return undefined;
  const step = plan.steps.find((s) => s.impact === plan.impact);
  return `${step?.changes.join(", ")}: maxImpact is ${JSON.stringify(maxImpact)}, but this is ${JSON.stringify(plan.impact)} (${step?.why}): raise maxImpact, or take the change back`;
}
