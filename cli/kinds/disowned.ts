/** What `disown` says when it is done. */
import type { Owner } from "../../provider/ownership.js";

export const disowned = (what: string, { project, stack, key }: Owner): string =>
  `${what} no longer belongs to stack ${project}/${stack} (its resource ${JSON.stringify(key)}): nothing else was changed`;
