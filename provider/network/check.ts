/** All that can be said of a network's arguments before anything is touched: shape and rules, all faults at once. */
import type { Failure, Inputs } from "../handler.js";
import { modes } from "./args.js";
import type { Mode } from "./parts/forward.js";
import { noDuplicates } from "./rules/duplicates.js";
import type { Rule, RuleArgs, Surroundings } from "./rules/rule.js";
import { checkShape } from "./shape.js";

const rules = new Map<Mode, readonly Rule[]>();

/** The rules of a mode: its own, and the one that its fields give. */
export function rulesOf(mode: Mode): readonly Rule[] {
  let all = rules.get(mode);
  if (!all) {
    all = [noDuplicates(modes[mode].fields), ...modes[mode].rules];
    rules.set(mode, all);
  }
  return all;
}

/** Sorted by path, each fault once. Empty: nothing is wrong as far as is known. */
export function checkNetwork(inputs: Inputs, around: Surroundings = {}): Failure[] {
  const { failures, known, isSet } = checkShape(inputs);
  const mode = known.mode as Mode | undefined;
  if (mode === undefined) return failures;
  const subject = { args: known as RuleArgs, isSet };
  return tidy([...failures, ...rulesOf(mode).flatMap((rule) => rule.check(subject, around))]);
}

/** Made when there is something to sort: it takes longer (16 ms) than to check a network. */
let byPath: Intl.Collator | undefined;
function inOrder(a: string, b: string): number {
  byPath ??= new Intl.Collator("en", { numeric: true });
  return byPath.compare(a, b);
}

function tidy(failures: Failure[]): Failure[] {
  const seen = new Map(failures.map((f) => [`${f.property}\n${f.reason}`, f]));
  return [...seen.values()].sort((a, b) => inOrder(a.property, b.property));
}
