/**
 * NICs of one run that move between the same two networks do so at the same time, as far as they are at it: while the one has
 * moved and the other has not, their guests do not reach each other.
 */

/** How long one that is ready waits for the others, in ms. */
const PATIENCE_MS = 300;

/** By move, the NICs that preview said would make it. */
const expected = new Map<string, Set<string>>();

interface Gathering {
  nics: Set<string>;
  go: () => void;
  gone: Promise<void>;
}
const gatherings = new Map<string, Gathering>();

/** @param move what they have in common: the host, from where, and to where. */
export function willMove(move: string, nic: string): void {
  const all = expected.get(move) ?? new Set();
  expected.set(move, all.add(nic));
}

/** Resolves when the others are ready too. @param most how many can be at work at a time. */
export async function together(move: string, nic: string, most: number): Promise<void> {
  const all = expected.get(move);
  if (!all?.has(nic)) return;
  const others = Math.min(all.size, most);
  if (others > 1) {
    const gathering = gatherings.get(move) ?? begin(move);
    gathering.nics.add(nic);
    if (gathering.nics.size >= others) gathering.go();
    await gathering.gone;
  }
  all.delete(nic);
}

function begin(move: string): Gathering {
  let go: () => void = () => undefined;
  const gone = new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, PATIENCE_MS);
    go = () => {
      clearTimeout(timer);
      resolve();
    };
  });
  const gathering: Gathering = { nics: new Set(), go, gone };
  gatherings.set(move, gathering);
  void gone.then(() => gatherings.delete(move));
  return gathering;
}

/** For tests: a new run. */
export const forgetMoves = (): void => expected.clear();
