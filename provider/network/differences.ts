/** Which fields of a network differ between what was set and what is set now, by price row. Pure. */
import type { Inputs } from "../handler.js";
import { differing } from "../schema/differences.js";
import { CONTROL_FIELDS, STATE_FIELDS } from "./args.js";
import { fieldsOf } from "./document.js";
import type { Mode } from "./parts/forward.js";

// A state that was written before such a field was known has its default.
const DEFAULTS = Object.fromEntries(STATE_FIELDS.map((k) => [k, true]));

export function differences(was: Inputs, news: Inputs): string[] {
  const { rows, known, before } = differing(
    was,
    news,
    ({ mode }) => (mode === undefined ? undefined : fieldsOf(mode as Mode)),
    [...STATE_FIELDS, ...CONTROL_FIELDS],
    DEFAULTS,
  );
  // Fields that only the old mode has go with it.
  if (known.mode !== before.mode && !rows.includes("mode")) rows.push("mode");
  return rows;
}
