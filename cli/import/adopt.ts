/** `adopt` of what is printed: with the stack that it is taken over from, where it has the mark of one. */
import type { Owner } from "../../provider/ownership.js";

export function adoptOf(mark: Owner | undefined, what: string, notes: string[]): true | { from: string } {
  if (!mark) return true;
  const from = `${mark.project}/${mark.stack}`;
  notes.push(
    `${what} belongs to stack ${from} (its resource ${JSON.stringify(mark.key)}): what is printed takes it over from there`,
  );
  return { from };
}
