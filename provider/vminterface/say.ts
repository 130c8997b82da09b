/** What a run tells its user. */
import type { Inputs } from "../handler.js";
import { REPLUG_TAKES } from "../network/prices.js";
import type { Plan } from "./steps.js";

export const label = (inputs: Inputs): string => `NIC ${String(inputs.mac)} of VM ${JSON.stringify(inputs.domain)}`;

/** The resource's id. */
export const idOf = (vm: { uuid: string }, mac: unknown): string => `${vm.uuid}/${String(mac).toLowerCase()}`;

/** One line a changed NIC; undefined where nothing of a running VM is touched, and nothing is changed. */
export function priceLine(p: Plan): string | undefined {
  const parts = p.steps
    .filter((s) => s.kind !== "plug" && s.kind !== "mark")
    .map((s) => {
      const what = s.changes.length > 0 ? `${s.changes.join(", ")}: ` : "";
      if (s.kind === "replug")
        return `${what}unplugs this NIC of ${s.affects.join(", ")} and plugs it again, with its MAC: gone for ${REPLUG_TAKES} (${s.why})`;
      return `${what}${s.impact === "live" || s.kind === "join" ? "changed live" : "no effect on the running VM"} (${s.why})`;
    });
  // What runs is changed and stored alike: said once.
  const running = parts.filter((t) => !t.includes("no effect on the running VM"));
  const told = running.length > 0 ? running : parts;
  return told.length > 0 ? `NIC ${p.mac} of VM ${p.domainName}: ${told.join("; ")}` : undefined;
}
