/**
 * What this run goes on with. The engine deletes what a resource was before, under a former URN (a component was wrapped) or before a
 * replacement, when what it is now has been made, or in a later run where this one ends in between. Both have one owner key, and may be
 * one object: that is left alone then. Nothing on the host tells them apart.
 */
import { type Inputs, PartialFailure } from "./handler.js";
import type { Owner } from "./ownership.js";

/** By kind and owner: its objects. */
const kept = new Map<string, Set<string>>();

const ownerOf = (kind: string, { owner }: Inputs): string | undefined => {
  const { project, stack, key } = (owner ?? {}) as Partial<Owner>;
  return key === undefined ? undefined : JSON.stringify([kind, project, stack, key]);
};

/** An object of a host, by its name or id there. */
export const objectOn = (host: unknown, nameOrId: unknown): string => `${String(host)} ${String(nameOrId)}`;

function keep(kind: string, inputs: Inputs, object: string | undefined): void {
  const owner = ownerOf(kind, inputs);
  if (owner !== undefined && object !== undefined) kept.set(owner, (kept.get(owner) ?? new Set()).add(object));
}

/**
 * To be called by check.
 * @param olds inputs of the state. Without any it is yet to be made, and what is deleted before that goes: it is replaced.
 */
export function goesOn(kind: string, olds: Inputs, news: Inputs, objectOf: (of: Inputs) => string | undefined): void {
  const owner = ownerOf(kind, news);
  if (Object.keys(olds).length > 0) for (const of of [olds, news]) keep(kind, of, objectOf(of));
  else if (owner !== undefined) kept.delete(owner);
}

type Made = { id: string; outs: Inputs };

/** Work that makes it, anew or of what is there. What failed wholly is not kept: the state does not have it. */
export async function making(
  kind: string,
  inputs: Inputs,
  work: () => Promise<Made>,
  objectOf: (made: Made) => string = ({ id, outs }) => objectOn(outs.hostUuid, id),
): Promise<Made> {
  try {
    const made = await work();
    keep(kind, inputs, objectOf(made));
    return made;
  } catch (e) {
    if (e instanceof PartialFailure) keep(kind, inputs, objectOf({ id: e.id, outs: e.state }));
    throw e;
  }
}

/** Whether the program still has the object that `olds` was, which is to be deleted. */
export function isKept(kind: string, olds: Inputs, ...objects: readonly string[]): boolean {
  const owner = ownerOf(kind, olds);
  const of = owner === undefined ? undefined : kept.get(owner);
  return of !== undefined && objects.some((object) => of.has(object));
}

/** For tests: a new run. */
export const forgetKept = (): void => kept.clear();
