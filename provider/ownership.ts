/** Whose an object of a host is, and whether a resource may take it: the same for all resources. Pure. */
import { VirtnetError } from "./handler.js";

/** Whose object: what its mark says. */
export interface Owner {
  project: string;
  stack: string;
  /** The resource in the program: its name, with the parent's where it has one. */
  key: string;
}

export interface Mark extends Owner {
  /** The object was there before the resource. */
  adopted: boolean;
}

export const sameStack = (mark: Mark, owner: Owner): boolean =>
  mark.project === owner.project && mark.stack === owner.stack;

export const sameOwner = (mark: Mark | undefined, owner: Owner | undefined): boolean =>
  mark !== undefined && owner !== undefined && sameStack(mark, owner) && mark.key === owner.key;

/** What is there, for the message of who may not take it. */
export interface There {
  /** `network "dev" exists already on host1`. */
  what: string;
  /** The argument that another value of would name another object: `name`. */
  or: string;
  /** The command that frees it, where there is one. */
  release?: string;
}

/**
 * Whether an object that is there may be taken: one of the own stack, or as `adopt` allows; throws where not.
 * @param inputs.former whose it is by the state: the stack or the project may have another name since.
 * @returns whether it counts as adopted.
 */
export function mayTake(
  mark: Mark | undefined,
  { owner, adopt, former }: { owner?: unknown; adopt?: unknown; former?: unknown },
  { what, or, release }: There,
): boolean {
  if (mark && owner && sameStack(mark, owner as Owner)) return mark.adopted;
  if (mark && sameOwner(mark, former as Owner | undefined)) return mark.adopted;
  if (!mark) {
    if (adopt) return true;
    throw new VirtnetError(`${what}: set adopt: true to take it over with what it has, or choose another ${or}`);
  }
  const from = `${mark.project}/${mark.stack}`;
  if (typeof adopt === "object" && (adopt as { from?: unknown } | null)?.from === from) return mark.adopted;
  const free = release === undefined ? "" : `, or release it with "${release}"`;
  throw new VirtnetError(
    `${what} and belongs to stack ${from}: set adopt: { from: ${JSON.stringify(from)} } to take it over${free}`,
  );
}
