/** A host link that is there → arguments that adopt it as it is, without a difference afterwards. Pure. */
import type { Inputs } from "../../provider/handler.js";
import { fieldsOf, type Kind } from "../../provider/hostlink/args.js";
import { checkLink } from "../../provider/hostlink/check.js";
import { plan } from "../../provider/hostlink/plan.js";
import type { Observed, ObservedLink } from "../../provider/hostlink/steps.js";
import { adoptOf } from "./adopt.js";
import { compact } from "./compact.js";

/** @param beyond what its manager keeps of it that no field says. */
export function importLink(
  kind: Kind,
  link: ObservedLink,
  observed: Observed,
  beyond: readonly string[],
): { args: Inputs; notes: string[] } {
  const notes = beyond.map((l) => `${l} has no field: it is kept as it is, and not in what is printed`);
  // Left out, the MAC is kept.
  const { mac: _, name, mode, parent, vlanId, ports, ...rest } = compact(fieldsOf(kind), link.values) as Inputs;
  const typed = Object.entries({ name, mode, parent, vlanId, ports, ...rest }).filter(([, v]) => v !== undefined);
  const args: Inputs = { ...Object.fromEntries(typed), adopt: adoptOf(link.mark, "it", notes) };
  for (const f of checkLink(kind, args)) {
    const [top = ""] = f.property.split(/[.[]/);
    const needed = ["name", "mode", "parent", "vlanId", "adopt"].includes(top);
    if (!needed && top in args) delete args[top];
    notes.push(
      needed
        ? `preview will refuse ${f.property}: ${f.reason}`
        : `${top} is left out, and kept as it is on the host: ${f.property} ${f.reason}`,
    );
  }
  for (const s of plan({ kind, desired: args, adopted: true }, observed).steps)
    notes.push(
      `up will make a change (${s.kind}: ${s.why})${s.changes.length > 0 ? ` to ${s.changes.join(", ")}` : ""}`,
    );
  return { args, notes };
}
