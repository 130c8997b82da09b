/** Which fields differ between what was set and what is set now, by price row. Pure: no look at the host. */
import { type Inputs, Unknown } from "../handler.js";
import { compare } from "./compare.js";
import type { AnyNode } from "./node.js";
import { same } from "./tree.js";

export interface Differing {
  /** Rows that differ. */
  rows: string[];
  /** What is known of the new arguments. */
  known: Inputs;
  /** The old arguments, without those whose new value is not known. */
  before: Inputs;
}

/**
 * @param fieldsOf the schema by the known arguments; undefined where they do not tell it.
 * @param others fields beside the schema, compared as they are.
 */
export function differing(
  was: Inputs,
  news: Inputs,
  fieldsOf: (known: Inputs) => AnyNode | undefined,
  others: readonly string[],
): Differing {
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
  for (const k of others) if (!rows.includes(k) && !same(before[k], known[k])) rows.push(k);
  const fields = fieldsOf(known);
  if (fields) rows.push(...compare(fields, known, before, before).map((c) => c.row));
  return { rows, known, before };
}

export function hasUnknown(v: unknown): boolean {
  if (v === Unknown) return true;
  return typeof v === "object" && v !== null && Object.values(v).some(hasUnknown);
}
