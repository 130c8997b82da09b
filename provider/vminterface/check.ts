/** All that can be said of a NIC's arguments before anything is touched: shape and rules, all faults at once. */
import type { Failure, Inputs } from "../handler.js";
import { noDuplicates } from "../network/rules/duplicates.js";
import { closed, type Shape, shapesOf } from "../schema/node.js";
import { judge, type Shaped, setIn, tidy } from "../schema/shape.js";
import { controlShape, placeShape, sources, stateShape } from "./args.js";
import type { Rule, RuleArgs, Surroundings } from "./rules/rule.js";
import { SOURCES, type SourceKind, sourcesIn } from "./source.js";

const schemas = new Map<SourceKind, Shape>();
function schemaOf(kind: SourceKind): Shape {
  let s = schemas.get(kind);
  if (!s) {
    s = closed({ ...shapesOf(sources[kind].fields.fields), ...placeShape, ...stateShape, ...controlShape });
    schemas.set(kind, s);
  }
  return s;
}

const rules = new Map<SourceKind, readonly Rule[]>();
/** The rules of a kind of source: its own, and the one that its fields give. */
export function rulesOf(kind: SourceKind): readonly Rule[] {
  let all = rules.get(kind);
  if (!all) {
    all = [noDuplicates(sources[kind].fields) as unknown as Rule, ...sources[kind].rules];
    rules.set(kind, all);
  }
  return all;
}

/** Empty: nothing is wrong as far as is known. */
export function checkVmInterface(inputs: Inputs, around: Surroundings = {}): Failure[] {
  const { failures, known, isSet } = checkShape(inputs);
  const [kind] = sourcesIn(inputs);
  if (kind === undefined || Object.keys(known).length === 0) return failures;
  const subject = { args: known as RuleArgs, isSet };
  return tidy([...failures, ...rulesOf(kind).flatMap((rule) => rule.check(subject, around))]);
}

function checkShape(inputs: Inputs): Shaped {
  const kinds = sourcesIn(inputs);
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1) {
    const reason =
      kind === undefined
        ? `is missing: say what the NIC is plugged into, by one of ${SOURCES.join(", ")}`
        : `stands beside ${kinds.slice(1).join(" and ")}: a NIC is plugged into one of them`;
    return { failures: [{ property: kind ?? "network", reason }], known: {}, isSet: setIn(inputs) };
  }
  return judge(schemaOf(kind), inputs, (key) => stranger(key, kind));
}

function stranger(key: string, kind: SourceKind): string {
  const others = SOURCES.filter((s) => key in sources[s].fields.fields);
  return others.length > 0
    ? `is no field of a NIC with source ${kind}; it belongs to ${others.join(", ")}: remove it or change the source`
    : "is no field of a VmInterface: remove it, or look up its name in docs/reference-vm-interface.md";
}
