/** One run at a time on one network, whichever machine the run is on. */
import { type Context, VirtnetError } from "../handler.js";
import { channelOf } from "../host/channel.js";
import type { Host } from "../host/hosts.js";
import { holding } from "../host/lock.js";
import type { Connection } from "../libvirt/api.js";
import { Outdated } from "./apply.js";
import { networkLock } from "./journal.js";
import { unlocked } from "./say.js";

/** How long another run's change of the same network is waited for, in s. */
const PATIENCE_S = 60;

/** What is to be changed is another network than the one that is locked: it was made anew. */
export class Elsewhere {
  readonly uuid: string;

  constructor(uuid: string) {
    this.uuid = uuid;
  }
}

/** How often a network that is made anew, or changed by others, meanwhile is followed. */
const FOLLOWED = 3;

/** Looks and plans again where somebody else was faster. */
export async function lookingAgain<T>(work: (again: boolean) => Promise<T>): Promise<T> {
  for (let n = 1; ; n++) {
    try {
      return await work(n > 1);
    } catch (e) {
      if (!(e instanceof Outdated) || n === FOLLOWED) throw e;
    }
  }
}

/** How the network is had alone. */
export interface Locked {
  uuid: string;
  /** The host's lock is held. */
  held: boolean;
  /** Since when (performance.now()) nobody else changes it: what was read from then on still counts. */
  since: number;
}

/**
 * Work on one network while no run of any machine changes it: what each then looks at is what the one before it left. The lock on
 * the host is waited for without a connection, which others need meanwhile.
 */
export async function alone<T>(
  ctx: Context,
  host: Host,
  what: string,
  key: string,
  uuid: string,
  work: (c: Connection, locked: Locked) => Promise<T | Elsewhere>,
  last = false,
): Promise<T> {
  const channel = channelOf(host.uri);
  let locked = uuid;
  for (let n = 0; n < FOLLOWED; n++) {
    const lock = { name: networkLock(locked), what, last };
    let [held, since] = [false, 0];
    const around = <R>(all: () => Promise<R>): Promise<R> => {
      since = performance.now();
      if (!channel) return all();
      return holding(
        host.uri,
        channel,
        { held: [lock], waitS: PATIENCE_S, without: unlocked(ctx, host.uri) },
        (has) => {
          [held, since] = [has, performance.now()];
          return all();
        },
      );
    };
    const now = (again: boolean): Locked => ({ uuid: locked, held, since: again ? performance.now() : since });
    const done = await host.use(key, (c) => lookingAgain((again) => work(c, now(again))), { around });
    if (!(done instanceof Elsewhere)) return done;
    locked = done.uuid;
  }
  throw new VirtnetError(`${what} is made anew again and again by others: run again when that has ended`);
}
