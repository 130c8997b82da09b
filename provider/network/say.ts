/** What a run tells its user: short lines, each once a process. */
import { type Context, textOf } from "../handler.js";
import type { Impact } from "./prices.js";
import type { Plan, Step, StepKind } from "./steps.js";

const said = new Set<string>();

/** @param once what is said once, where its words may differ from time to time. */
export function announce(ctx: Context, level: "info" | "warning" | "error", message: string, once = message): void {
  if (said.has(once)) return;
  said.add(once);
  ctx.log(level, message);
}

/** One warning a host, however many resources it has. */
export function notReached(ctx: Context, uri: string, e: unknown): void {
  const message = `host ${uri} cannot be reached, so nothing is checked against it, and prices are those of the table: ${textOf(e)}`;
  announce(ctx, "warning", message, `not reached ${uri}`);
}

/** One warning a host, where it gives no locks. */
export const unlocked = (ctx: Context, uri: string) => (why: string) =>
  announce(
    ctx,
    "warning",
    `${uri}: another run that changes the same networks or VMs from another machine is not waited for: no lock on the host (${why})`,
    `unlocked ${uri}`,
  );

/** Devices of a network's bridge that are not as they were, each with the reason; undefined where there are none. */
export const notPutBack = (off: readonly string[]): string | undefined =>
  off.length > 0 ? `devices of its bridge are not as they were: ${off.join("; ")}` : undefined;

const VERBS: Partial<Record<StepKind, string>> = {
  restart: "restarts it in place",
  rename: "renames it",
  rejoin: "plugs NICs into it again",
  stop: "stops it",
  start: "starts it",
};

const IMPACT_WORDS: Readonly<Record<Impact, string>> = {
  none: "no effect on running VMs",
  live: "changed live",
  replug: "its NICs get new ports",
  restart: "restarts it in place",
  replace: "replaces it",
};

/**
 * One line a changed network; undefined where there is nothing to tell.
 * @param later fields that are not known yet.
 */
export function priceLine(plan: Plan, later: readonly string[] = []): string | undefined {
  const parts = plan.steps.filter((s) => s.kind !== "create").map(partOf);
  if (later.length > 0) parts.push(`${later.join(", ")}: not known before up, which tells what it costs`);
  return parts.length > 0 ? `network ${plan.network}: ${parts.join("; ")}` : undefined;
}

function partOf(step: Step): string {
  const what = step.changes.length > 0 ? `${step.changes.join(", ")}: ` : "";
  if (step.kind === "unseen") return `${what}${IMPACT_WORDS[step.impact]} (${step.why}); ${step.notice}`;
  const verb = VERBS[step.kind] ?? (step.impact === "live" ? "changed live" : "no effect on running VMs");
  return `${what}${verb} (${step.why})${noticeOf(step)}`;
}

function noticeOf(step: Step): string {
  if (step.impact === "none" && step.kind !== "rejoin") return "";
  if (step.affects.length === 0) return step.impact === "live" ? "" : "; no running VM is on it";
  return `; ${list(step.affects)}: ${step.notice ?? "stay connected"}`;
}

function list(names: string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
