/** Which fields differ between what was set and what is set now, by price row. Pure: no look at the host. */
import { type Inputs, Unknown } from "../handler.js";
import { compare } from "../schema/compare.js";
import { same } from "../schema/tree.js";
import { CONTROL_FIELDS, STATE_FIELDS } from "./args.js";
import { fieldsOf } from "./document.js";
import type { Mode } from "./parts/forward.js";

export function differences(was: Inputs, news: Inputs): string[] {
  const rows: string[] = [];
  const known: Inputs = {};
  const before: Inputs = { ...was };
  for (const [k, v] of Object.entries(news)) {
    if (!hasUnknown(v)) known[k] = v;
    else {
      // A value not known yet counts as changed; whether it is shows when it is known.
      rows.push(k);
      delete before[k];
    }
  }
  // A state that was written before such a field was known has its default.
  for (const k of STATE_FIELDS) before[k] ??= true;
  for (const k of [...STATE_FIELDS, ...CONTROL_FIELDS])
    if (!rows.includes(k) && !same(before[k], known[k])) rows.push(k);
  if (known.mode !== undefined)
    rows.push(...compare(fieldsOf(known.mode as Mode), known, before, before).map((c) => c.row));
  // Fields that only the old mode has go with it.
  if (known.mode !== before.mode && !rows.includes("mode")) rows.push("mode");
  return rows;
}

export function hasUnknown(v: unknown): boolean {
  if (v === Unknown) return true;
  return typeof v === "object" && v !== null && Object.values(v).some(hasUnknown);
}
