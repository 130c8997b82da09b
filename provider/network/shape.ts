/** The check of shape of a network's arguments, by the zod schema of its mode. */
import type { z } from "zod";
import { type Inputs, Unknown } from "../handler.js";
import { judge, type Shaped, setIn } from "../schema/shape.js";
import { controlShape, modes, stateShape } from "./args.js";
import { MODES, type Mode } from "./parts/forward.js";

const schemas = new Map<Mode, z.ZodType>();
function schemaOf(mode: Mode): z.ZodType {
  let s = schemas.get(mode);
  if (!s) {
    s = (modes[mode].fields.zod as z.ZodObject).extend({ ...stateShape, ...controlShape });
    schemas.set(mode, s);
  }
  return s;
}

export function checkShape(inputs: Inputs): Shaped {
  const mode = inputs.mode;
  if (mode === undefined || !MODES.includes(mode as Mode)) {
    const reason =
      mode === Unknown
        ? "must be known at preview: a network's fields depend on it"
        : `${mode === undefined ? "is missing" : `${JSON.stringify(mode)} is no mode`}: use one of ${MODES.join(", ")}`;
    return { failures: [{ property: "mode", reason }], known: {}, isSet: setIn(inputs) };
  }
  return judge(schemaOf(mode as Mode), inputs, (key) => stranger(key, mode as Mode));
}

function stranger(key: string, mode: Mode): string {
  const others = MODES.filter((m) => key in modes[m].fields.fields);
  return others.length > 0
    ? `is no field of mode "${mode}"; it belongs to ${others.map((m) => `"${m}"`).join(", ")}: remove it or change the mode`
    : "is no field of a Network: remove it, or look up its name in docs/reference.md";
}
