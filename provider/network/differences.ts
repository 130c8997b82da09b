/** Which fields of a network differ between what was set and what is set now, by price row. Pure. */
import type { Inputs } from "../handler.js";
import { differing } from "../schema/differences.js";
import { CONTROL_FIELDS, STATE_FIELDS } from "./args.js";
import { fieldsOf } from "./document.js";
import type { Mode } from "./parts/forward.js";

export function differences(was: Inputs, news: Inputs): string[] {
  const others = [...STATE_FIELDS, ...CONTROL_FIELDS];
  const { rows, known, before } = differing(
    was,
    news,
    ({ mode }) => (mode === undefined ? undefined : fieldsOf(mode as Mode)),
    others,
  );
  // Fields that only the old mode has go with it.
  if (known.mode !== before.mode && !rows.includes("mode")) rows.push("mode");
  return rows;
}
