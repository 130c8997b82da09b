/**
 * Locks on a host, of several things at once and each for a short while, as `lock.ts` has one for a long while: the same files. A
 * shell that stays there takes them for us, one set after another: to start a program for each would take longer than to move a NIC.
 */
import { type Channel, whyFailed } from "./channel.js";
import { ANSWER, type Talk } from "./kept.js";
import { BUSY, busyWith, fileOf } from "./lock.js";

export interface Held {
  /** As {@link HostLock.name}. */
  name: string;
  /** For messages. */
  what: string;
  /** Others may share it; default: nobody else has it. */
  shared?: boolean;
}

export interface Locks {
  /** Seven at most. */
  held: readonly Held[];
  /** How long another run is waited for, in s. */
  waitS: number;
  /** Who cannot have them (no flock, not root) is told so here, once a host, and works without. */
  without(why: string): void;
}

/** Shells of a host at most: each is a session of its ssh connection, which has ten. */
const MOST = 8;
/** A shell ends after so long, in s, since its machine may have gone away; one that is older than the second, in ms, takes no more locks. */
const LIFE_S = 1200;
const RETIRE_MS = 300_000;

/**
 * Reads `SECONDS KIND:NAME …`, answers with flock's exit code and the file, and lets go at the next line, or at the end. All are asked
 * for at the same time, since a flock takes longer to start than to have its lock.
 */
const PROGRAM = `echo "${ANSWER}"
while read -r wait locks; do
  n=3 code=0 failed= asked=
  for lock in $locks; do
    name=\${lock#?:} file=${fileOf("$name")}
    eval "exec $n>> $file"
    flock "-\${lock%%:*}" -w "$wait" -E ${BUSY} "$n" &
    asked="$asked $!:$file" n=$((n + 1))
  done
  for one in $asked; do
    wait "\${one%%:*}" || code=$? failed=\${one#*:}
  done
  echo "${ANSWER}$code $failed"
  [ "$code" = 0 ] && read -r over
  exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
done`;

interface Hand {
  talk: Talk;
  /** From when on it is asked no more. */
  until: number;
}

/** The shells of one host. */
class Hands {
  readonly #channel: Channel;
  readonly #idle: Hand[] = [];
  readonly #waiting: (() => void)[] = [];
  #out = 0;
  /** Why locks cannot be had here: not tried again. */
  unable: string | undefined;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  async take(): Promise<Hand> {
    while (this.#out >= MOST) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#out++;
    for (let hand = this.#idle.pop(); hand; hand = this.#idle.pop()) {
      if (hand.talk.alive && performance.now() < hand.until) return hand;
      hand.talk.end();
    }
    const talk = this.#channel.talk(["timeout", String(LIFE_S), "sh", "-c", PROGRAM]);
    return { talk, until: performance.now() + RETIRE_MS };
  }

  giveBack(hand: Hand): void {
    this.#out--;
    if (hand.talk.alive) this.#idle.push(hand);
    this.#waiting.shift()?.();
  }

  end(): void {
    for (const { talk } of this.#idle.splice(0)) talk.end();
  }
}

const handsOf = new Map<string, Hands>();

/** Runs `work` while nobody else has these. `free` lets go of them before its end. */
export async function holding<T>(
  uri: string,
  channel: Channel,
  { held, waitS, without }: Locks,
  work: (free: () => void) => Promise<T>,
): Promise<T> {
  let hands = handsOf.get(uri);
  if (!hands) {
    hands = new Hands(channel);
    handsOf.set(uri, hands);
  }
  if (hands.unable !== undefined) return work(() => undefined);
  const hand = await hands.take();
  const words = held.map(({ name, shared }) => `${shared ? "s" : "x"}:${name}`);
  const answer = await hand.talk.ask([waitS, ...words].join(" "), (waitS + 30) * 1000);
  const [code, file] = answer?.split(" ") ?? [];
  if (code === "0") {
    let free = () => {
      free = () => undefined;
      hand.talk.tell("");
      hands.giveBack(hand);
    };
    return work(() => free()).finally(() => free());
  }
  hands.giveBack(hand);
  if (code === String(BUSY)) {
    const what = held.find(({ name }) => fileOf(name) === file)?.what;
    throw busyWith(what, waitS, file);
  }
  const known = hands.unable !== undefined;
  hands.unable = whyFailed(hand.talk.why, Number(code ?? 128));
  if (!known) without(hands.unable);
  return work(() => undefined);
}

/** Ends what waits on hosts for the next lock. */
export function endHands(): void {
  for (const hands of handsOf.values()) hands.end();
  handsOf.clear();
}
