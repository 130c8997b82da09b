/**
 * Programs that only look, run on a host by a shell that stays there: to start one anew for each, by way of this process, `nsenter` or
 * ssh, takes longer than most of them run.
 */
import type { Channel, RunResult } from "./channel.js";
import { ANSWER, type Talk } from "./kept.js";
import { shellText } from "./quote.js";

/** A shell ends after so long, in s, since its machine may have gone away; one that is older than the second, in ms, is not asked. */
const LIFE_S = 1500;
const RETIRE_MS = 300_000;
/** How long a program may take, in ms. */
const LIMIT_MS = 10_000;

/** Reads a command, and answers its output, and then its exit code on a line of its own. */
const PROGRAM = `echo "${ANSWER}"
while read -r command; do
  eval "$command" < /dev/null
  code=$?
  echo
  echo "${ANSWER}$code"
done`;

export class Errands {
  readonly #channel: Channel;
  #shell: { talk: Talk; until: number } | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** As {@link Channel.run}, one after the other. One that fails is run again the other way, which says why. */
  run(argv: readonly string[]): Promise<RunResult> {
    const result = this.#last.then(async () => (await this.#ask(argv)) ?? (await this.#channel.run(argv)));
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #ask(argv: readonly string[]): Promise<RunResult | undefined> {
    const line = shellText(argv);
    if (line.includes("\n")) return undefined;
    const heard = await this.#talk().hear(line, LIMIT_MS);
    return heard?.answer === "0" ? { stdout: heard.text, stderr: "", code: 0 } : undefined;
  }

  #talk(): Talk {
    if (this.#shell?.talk.alive && performance.now() < this.#shell.until) return this.#shell.talk;
    this.#shell?.talk.end();
    const talk = this.#channel.talk(["timeout", String(LIFE_S), "sh", "-c", PROGRAM]);
    this.#shell = { talk, until: performance.now() + RETIRE_MS };
    return talk;
  }

  end(): void {
    this.#shell?.talk.end();
    this.#shell = undefined;
  }
}
