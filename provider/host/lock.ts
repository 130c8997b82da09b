/**
 * One change at a time of something on a host, whichever machine the run is on: a file lock there (flock(1)), held by a program
 * that ends with the run, however that ends.
 */
import { VirtnetError } from "../handler.js";
import { type Channel, whyFailed } from "./channel.js";

/** How flock ends where another one has the lock too long. */
export const BUSY = 75;

export interface HostLock {
  /** Of its file in /run; letters, digits, `.`, `_` and `-`. */
  name: string;
  /** What is locked, for messages: `network "dev"`. */
  what: string;
  /** How long another run is waited for, in s. */
  waitS: number;
  /** Who cannot have it (no flock, not root) is told here why, and works without. Default: nothing is done then. */
  without?: (why: string) => void;
  /** Nobody needs the lock once the work is done: its file goes then. Default: false. */
  last?: boolean;
  /** Shell text that holds it: it writes a line, and waits for the end of its input. What it leaves running does not have the lock. */
  program?: string;
}

/** How long it may be held, in s: what is left of a run whose machine went away ends by then. */
export const LONGEST_S = 900;

export const fileOf = (name: string): string => `/run/virtnet-${name}.lock`;

/** Another run has the lock too long. */
export const busyWith = (what: string | undefined, waitS: number, file: string | undefined): VirtnetError =>
  new VirtnetError(
    `${what} is being changed by another run, which has gone on for ${waitS} s (it has ${file} on the host): run this again when that has ended`,
  );

/** What it is told whose work is done. */
const DONE = "done";

/** Runs `work` while nobody else who asks for the same lock does; `held`: false where it could not be had, and works without. */
export async function aloneOnHost<T>(
  channel: Channel,
  lock: HostLock,
  work: (held: boolean) => Promise<T>,
): Promise<T> {
  const { what, waitS } = lock;
  const file = fileOf(lock.name);
  const wait = `timeout ${LONGEST_S} cat > /dev/null`;
  const last = `echo held; [ "$(timeout ${LONGEST_S} cat)" != ${DONE} ] || rm -f ${file}`;
  const program = lock.program ?? (lock.last ? last : `echo held; exec ${wait}`);
  const argv = ["flock", "-o", "-E", String(BUSY), "-w", String(waitS), file, "sh", "-c", program];
  const hold = await channel.hold(argv, (waitS + 30) * 1000);
  if (!hold.held && hold.code === BUSY) throw busyWith(what, waitS, file);
  if (!hold.held) {
    const why = whyFailed(hold.why, hold.code).replaceAll(file, "/run");
    if (!lock.without)
      throw new VirtnetError(`${what} cannot be changed: the lock ${file} on the host cannot be had: ${why}`);
    lock.without(why);
  }
  let word = "";
  try {
    const result = await work(hold.held);
    word = DONE;
    return result;
  } finally {
    if (hold.held) await hold.release(word);
  }
}
