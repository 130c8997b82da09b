/** Read back what was written. */
import { type Inputs, VirtnetError } from "../handler.js";
import { compare } from "../schema/compare.js";
import { fieldsOf, type Kind } from "./args.js";
import type { ObservedLink } from "./steps.js";

export function verify(
  kind: Kind,
  link: ObservedLink | undefined,
  desired: Inputs,
  was: Inputs | undefined,
): ObservedLink {
  const what = `${kind} ${JSON.stringify(desired.name)}`;
  if (!link) throw new VirtnetError(`${what}: it is gone right after it was changed: another program removed it`);
  const wrong = compare(fieldsOf(kind), desired, link.values, was).map(
    (c) => `${c.path} is ${JSON.stringify(c.from) ?? "not set"} instead of ${JSON.stringify(c.to) ?? "not set"}`,
  );
  if (!link.up) wrong.push("it is not up");
  if (wrong.length > 0) throw new VirtnetError(`${what}: the change was accepted, but ${wrong.join("; ")}`);
  return link;
}
