/** A reading of a host that is used again for a while. */

/**
 * How long, in ms and in times of what it took: over a slow line a run would else spend its time reading. A write reads its
 * own object anew.
 */
const RECENT_MS = 10_000;

interface Reading<T> {
  /** When it began, and how long it is used. */
  begun: number;
  until: number;
  /** Something was written since. */
  written: boolean;
  value: Promise<T>;
}

export class Recent<T> {
  readonly #read: () => Promise<T>;
  readonly #times: number;
  #known: Reading<T> | undefined;

  /** @param times a reading may be this many times as old as it took, where that is longer. */
  constructor(read: () => Promise<T>, times = 0) {
    this.#read = read;
    this.#times = times;
  }

  /** With all that this process has written. */
  now(): Promise<T> {
    if (this.#known?.written) this.#known = undefined;
    return this.ofOthers();
  }

  /** What this process has written since may be missing. */
  ofOthers(): Promise<T> {
    if (!this.#known || performance.now() > this.#known.until) this.#known = this.#begin();
    return this.#known.value;
  }

  /** Begun no earlier than `moment` (of performance.now()) and no longer than `ms` ago, whatever was written. */
  since(moment: number, ms: number): Promise<T> {
    const earliest = Math.max(moment, performance.now() - ms);
    if (!this.#known || this.#known.begun < earliest) this.#known = this.#begin();
    return this.#known.value;
  }

  #begin(): Reading<T> {
    const begun = performance.now();
    const known = { begun, until: Number.POSITIVE_INFINITY, written: false, value: this.#read() };
    known.value.then(
      () => {
        const now = performance.now();
        known.until = now + Math.max(RECENT_MS, this.#times * (now - begun));
      },
      () => {
        if (this.#known === known) this.#known = undefined;
      },
    );
    return known;
  }

  /** Something was written. */
  changed(): void {
    if (this.#known) this.#known.written = true;
  }

  /** Nobody is told what was read. */
  forget(): void {
    this.#known = undefined;
  }
}
