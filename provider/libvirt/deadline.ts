import { LibvirtError } from "./errors.js";

/** Node takes a timer above this, and one of 0 or NaN, for one of 1 ms. */
const LONGEST_MS = 2 ** 31 - 1;

/** As an option gave it: `Infinity` is as good as none (24 days). */
export function deadlineOf(ms: number): number {
  if (!(ms > 0)) throw LibvirtError.own("invalid-input", `deadlineMs is ${ms}: give ms above 0, or Infinity for none`);
  return Math.max(1, Math.min(ms, LONGEST_MS));
}

/** The deadline of whatever call runs: one timer for all calls of a connection, since making one costs more than a short call. */
export class Deadline {
  readonly #missed: () => void;
  #timer: NodeJS.Timeout | undefined;
  #ms = 0;
  #running = false;

  constructor(missed: () => void) {
    this.#missed = missed;
  }

  /** A call begins. While it runs the process stays alive. */
  start(ms: number): void {
    this.#running = true;
    if (this.#timer !== undefined && ms === this.#ms) {
      this.#timer.refresh().ref(); // in this order: one that has run out takes no ref
      return;
    }
    clearTimeout(this.#timer);
    this.#ms = ms;
    this.#timer = setTimeout(() => {
      if (this.#running) this.#missed();
    }, ms);
  }

  /** It has ended. The timer goes on for the next one, seen by nobody. */
  stop(): void {
    this.#running = false;
    this.#timer?.unref();
  }

  /** There will be no next one. */
  end(): void {
    this.stop();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
