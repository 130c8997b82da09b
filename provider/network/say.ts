/** What a run tells its user: short lines, each once a process. */
import type { Context } from "../handler.js";
import type { Plan } from "./steps.js";

const said = new Set<string>();

export function announce(ctx: Context, level: "info" | "warning" | "error", message: string): void {
  if (said.has(message)) return;
  said.add(message);
  ctx.log(level, message);
}

/** One line a changed network; undefined where the change has no effect on the running network. */
export function priceLine(plan: Plan): string | undefined {
  const parts = plan.steps
    .filter((s) => s.impact !== "none" || s.kind !== "create")
    .map((s) => {
      const what = s.changes.length > 0 ? `${s.changes.join(", ")}: ` : "";
      if (s.kind === "restart" || s.kind === "stop") {
        const verb = s.kind === "stop" ? "stops it" : "restarts it in place";
        const vms =
          s.affects.length > 0
            ? `; ${list(s.affects)} ${s.affects.length === 1 ? "stays" : "stay"} connected and ${s.affects.length === 1 ? "misses" : "miss"} the gateway meanwhile`
            : "; no running VM is on it";
        return `${what}${verb} (${s.why})${vms}`;
      }
      return `${what}${s.impact === "live" ? "changed live" : "no effect on running VMs"} (${s.why})`;
    });
  return parts.length > 0 ? `network ${plan.network}: ${parts.join("; ")}` : undefined;
}

function list(names: string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
