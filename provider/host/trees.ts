/** Spanning trees of the host's bridges. */
import type { Channel } from "./channel.js";

interface Off {
  users: number;
  /** The last command. */
  set: Promise<unknown>;
}

const off = new Map<string, Off>();

/**
 * Work that plugs taps into a bridge, while its spanning tree is off. With it on, a new port waits 4 s before it forwards
 * (br_stp_if.c, two forward delays of at least 2 s). Taps of guests close no loop; ports that forward go on when it is turned on
 * again (br_make_forwarding).
 *
 * @param key what the bridge is known by in this process; work under the same key shares one time without the tree.
 */
export async function withoutTree<T>(
  channel: Channel,
  bridge: string,
  key: string,
  work: () => Promise<T>,
): Promise<T> {
  const turn = (state: string) =>
    channel.run(["ip", "link", "set", "dev", bridge, "type", "bridge", "stp_state", state]);
  const now = off.get(key) ?? { users: 0, set: Promise.resolve() };
  off.set(key, now);
  if (now.users++ === 0) now.set = now.set.then(() => turn("0"));
  try {
    await now.set;
    return await work();
  } finally {
    if (--now.users === 0) {
      now.set = now.set.then(() => turn("1"));
      await now.set;
      if (now.users === 0) off.delete(key);
    }
  }
}
