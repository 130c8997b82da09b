/** One run at a time on one network, whichever machine the run is on. */
import { type Context, VirtnetError } from "../handler.js";
import { channelOf } from "../host/channel.js";
import type { Host } from "../host/hosts.js";
import { aloneOnHost } from "../host/lock.js";
import type { Connection } from "../libvirt/api.js";
import { announce } from "./say.js";

/** How long another run's change of the same network is waited for, in s. */
const PATIENCE_S = 60;

/** What is to be changed is another network than the one that is locked: it was made anew. */
export class Elsewhere {
  readonly uuid: string;

  constructor(uuid: string) {
    this.uuid = uuid;
  }
}

/** How often a network that is made anew meanwhile is followed. */
const FOLLOWED = 3;

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
  work: (c: Connection, locked: string) => Promise<T | Elsewhere>,
  last = false,
): Promise<T> {
  const channel = channelOf(host.uri);
  const without = (why: string) =>
    announce(
      ctx,
      "warning",
      `${host.uri}: another run that changes the same network from another machine is not waited for: no lock on the host (${why})`,
    );
  let locked = uuid;
  for (let n = 0; n < FOLLOWED; n++) {
    const lock = { name: `network-${locked}`, what, waitS: PATIENCE_S, without, last };
    const around = <R>(all: () => Promise<R>) => (channel ? aloneOnHost(channel, lock, all) : all());
    const done = await host.use(key, (c) => work(c, locked), { around });
    if (!(done instanceof Elsewhere)) return done;
    locked = done.uuid;
  }
  throw new VirtnetError(`${what} is made anew again and again by others: run again when that has ended`);
}
