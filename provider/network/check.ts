/** All that can be said of a network's arguments before anything is touched: shape and rules, all faults at once. */
import type { Failure, Inputs } from "../handler.js";
import { modes } from "./args.js";
import type { Mode } from "./parts/forward.js";
import type { RuleArgs, Surroundings } from "./rules/rule.js";
import { checkShape } from "./shape.js";

/** Sorted by path, each fault once. Empty: nothing is wrong as far as is known. */
export function checkNetwork(inputs: Inputs, around: Surroundings = {}): Failure[] {
  const { failures, known, isSet } = checkShape(inputs);
  const mode = known.mode as Mode | undefined;
  if (mode === undefined) return failures;
  const subject = { args: known as RuleArgs, isSet };
  return tidy([...failures, ...modes[mode].rules.flatMap((rule) => rule.check(subject, around))]);
}

function tidy(failures: Failure[]): Failure[] {
  const seen = new Map(failures.map((f) => [`${f.property}\n${f.reason}`, f]));
  const byPath = new Intl.Collator("en", { numeric: true });
  return [...seen.values()].sort((a, b) => byPath.compare(a.property, b.property));
}
