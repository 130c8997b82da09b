/** Readings of hosts that all of a run share. */
import { Recent } from "./recent.js";

/** Over a slow line a reading is kept this many times as long as it took. */
const TIMES = 10;

/** One of each host. What writes forgets it first, so that nothing is decided by what was read before that was asked for. */
export class Readings<T> {
  readonly #of = new Map<string, Recent<T>>();

  /** That of a URI, not long ago. */
  recent(uri: string, read: () => Promise<T>): Promise<T> {
    let reading = this.#of.get(uri);
    if (!reading) {
      reading = new Recent(read, TIMES);
      this.#of.set(uri, reading);
    }
    return reading.now();
  }

  /** Of one host, or of all. */
  forget(uri?: string): void {
    if (uri === undefined) this.#of.clear();
    else this.#of.get(uri)?.forget();
  }
}
