/** All that can be said of a link's arguments before anything is touched: shape and rules, all faults at once. */
import type { Failure, Inputs } from "../handler.js";
import { closed, type Shape, shapesOf } from "../schema/node.js";
import { judge, tidy } from "../schema/shape.js";
import { controlShape, type Kind, kinds, stateShape } from "./args.js";
import type { Surroundings } from "./rules/rule.js";

const schemas = new Map<Kind, Shape>();
function schemaOf(kind: Kind): Shape {
  let s = schemas.get(kind);
  if (!s) {
    s = closed({ ...shapesOf(kinds[kind].fields.fields), ...stateShape, ...controlShape });
    schemas.set(kind, s);
  }
  return s;
}

/** Sorted by path, each fault once. Empty: nothing is wrong as far as is known. */
export function checkLink(kind: Kind, inputs: Inputs, around: Surroundings = {}): Failure[] {
  const title = `${kind[0]?.toUpperCase()}${kind.slice(1)}`;
  const stranger = () => `is no field of a ${title}: remove it, or look up its name in docs/host-links.md`;
  const { failures, known, isSet } = judge(schemaOf(kind), inputs, stranger);
  const subject = { args: known, isSet };
  return tidy([...failures, ...kinds[kind].rules.flatMap((rule) => rule.check(subject, around))]);
}
