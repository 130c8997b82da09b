/** Which fields of a NIC differ between what was set and what is set now, by price row. Pure. */
import { type Inputs, Unknown } from "../handler.js";
import { differing } from "../schema/differences.js";
import { same } from "../schema/tree.js";
import { CONTROL_FIELDS, PLACE_FIELDS, STATE_FIELDS } from "./args.js";
import { fieldsOf } from "./document.js";
import { sourcesIn } from "./source.js";

// A state that was written before such a field was known has its default.
const DEFAULTS = Object.fromEntries(STATE_FIELDS.map((k) => [k, true]));

/** @param was the arguments of the last run. @param vm what names the VM that they led to. */
export function differences(was: Inputs, news: Inputs, vm: { domainUuid?: unknown; domainName?: unknown }): string[] {
  const [kind] = sourcesIn(news);
  const fields = () => (kind === undefined ? undefined : fieldsOf(kind));
  const others = [...PLACE_FIELDS, ...STATE_FIELDS, ...CONTROL_FIELDS];
  const { rows, before } = differing(was, news, fields, others, DEFAULTS);
  const [old] = sourcesIn(before);
  if (
    kind !== old &&
    kind !== undefined &&
    !rows.some((r) => r === kind || r.startsWith(`${kind}.`)) &&
    news[kind] !== Unknown
  )
    rows.push(kind);
  // Fields that only the old source has go with it.
  if (rows.length === 0 && !same(sourcesIn(was), sourcesIn(news)) && kind !== undefined) rows.push(kind);
  // Name and UUID of the same VM.
  const sameVm = [was.domain, news.domain].every((d) => d === vm.domainUuid || d === vm.domainName);
  return sameVm ? rows.filter((r) => r !== "domain") : rows;
}

/** Those of the rows that need another NIC; what is not known yet needs none. */
export const replacing = (rows: readonly string[], news: Inputs): string[] =>
  ["domain", "mac"].filter((r) => rows.includes(r) && news[r] !== Unknown && news[r] !== undefined);
