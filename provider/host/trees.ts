/** Spanning trees of the host's bridges. */
import type { Channel } from "./channel.js";
import { ANSWER, type Talk } from "./kept.js";

interface Off {
  users: number;
  trees: Trees;
  /** The last command. */
  set: Promise<unknown>;
}

const off = new Map<string, Off>();

/** How long a command may take, in ms. */
const LIMIT_MS = 10_000;

/**
 * Reads `BRIDGE STATE`. By sysfs, since that starts no program; some hosts have it read-only. A tree that it has turned off is on
 * again where its input ends before it is told to: the process that it belongs to was killed.
 */
const PROGRAM = `trap "" PIPE
exec 2> /dev/null
echo "${ANSWER}"
turn() {
  echo "$2" > "/sys/class/net/$1/bridge/stp_state" || ip link set dev "$1" type bridge stp_state "$2"
}
off=
while read -r bridge state; do
  was=0
  read -r was < "/sys/class/net/$bridge/bridge/stp_state"
  if [ "$state" = 1 ]; then off=; elif [ "$was" != 0 ]; then off=$bridge; fi
  turn "$bridge" "$state"
  echo "${ANSWER}$?"
done
[ -z "$off" ] || turn "$off" 1`;

/** Turns the tree of a bridge off and on. To start a program takes some hundredths of a second, which guests would wait for the gateway. */
export class Trees {
  readonly #talk: Talk;

  constructor(channel: Channel) {
    this.#talk = channel.talk(["sh", "-c", PROGRAM]);
  }

  /** One after the other. */
  async turn(bridge: string, state: "0" | "1"): Promise<void> {
    await this.#talk.ask(`${bridge} ${state}`, LIMIT_MS);
  }

  end(): void {
    this.#talk.end();
  }
}

/**
 * Work that plugs taps into a bridge, while its spanning tree is off. With it on, a new port waits 4 s before it forwards
 * (br_stp_if.c, two forward delays of at least 2 s). Taps of guests close no loop; ports that forward go on when it is turned on
 * again (br_make_forwarding).
 *
 * @param key what the bridge is known by in this process; work under the same key shares one time without the tree.
 * @param ready what turns it off and on, where that is there; else it is started.
 */
export async function withoutTree<T>(
  channel: Channel,
  bridge: string,
  key: string,
  work: () => Promise<T>,
  ready?: Trees,
): Promise<T> {
  // Who turns it off turns it on: where its input ends first, it does so at once.
  const now = off.get(key) ?? { users: 0, trees: ready ?? new Trees(channel), set: Promise.resolve() };
  off.set(key, now);
  if (now.users++ === 0) now.set = now.set.then(() => now.trees.turn(bridge, "0"));
  try {
    await now.set;
    return await work();
  } finally {
    if (--now.users === 0) {
      now.set = now.set.then(() => now.trees.turn(bridge, "1"));
      await now.set;
      if (now.users === 0) {
        off.delete(key);
        if (now.trees !== ready) now.trees.end();
      }
    }
  }
}
