/**
 * Programs that only look, run on a host by a shell that stays there: to start one anew for each, by way of this process, `nsenter` or
 * ssh, takes longer than most of them run.
 */
import type { Channel, RunOptions, RunResult } from "./channel.js";
import { ANSWER, type Talk } from "./kept.js";
import { shellText } from "./quote.js";

/**
 * A shell ends after so long, in s, since its machine may have gone away; one that is older than the second, in ms, is not asked. None is
 * started for that long where one did not come up.
 */
const LIFE_S = 1500;
const RETIRE_MS = 300_000;
/** How long a program may take, in ms, and until the shell is there besides, which may open the connection first. */
const LIMIT_MS = 10_000;
const START_MS = 20_000;

/** Reads a token and a command, and answers the command's output, and then token and exit code on a line of their own. */
const PROGRAM = `echo "${ANSWER}"
while read -r token command; do
  eval "$command" < /dev/null
  code=$?
  echo
  echo "${ANSWER}$token $code"
done`;

interface Shell {
  talk: Talk;
  /** Until when it is asked. */
  until: number;
  /** It has answered nothing yet. */
  fresh: boolean;
}

export class Errands {
  readonly #channel: Channel;
  #shell: Shell | undefined;
  #unableUntil = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** As {@link Channel.run}, one after the other. One that fails is run again the other way, which says why. */
  run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const heard = this.#last.then(() => this.#ask(argv, options)).catch(() => undefined);
    this.#last = heard;
    return heard.then((result) => result ?? this.#channel.run(argv, options));
  }

  async #ask(argv: readonly string[], { limitMs = LIMIT_MS, enough = [] }: RunOptions): Promise<RunResult | undefined> {
    const line = shellText(argv);
    if (line.includes("\n") || performance.now() < this.#unableUntil) return undefined;
    const shell = this.#there();
    const heard = await shell.talk.hear(line, limitMs + (shell.fresh ? START_MS : 0));
    // One that has answered before may have lost its connection since.
    if (!heard && shell.fresh) this.#unableUntil = performance.now() + RETIRE_MS;
    shell.fresh = false;
    const code = [0, ...enough].find((c) => heard?.answer === String(c));
    return heard && code !== undefined ? { stdout: heard.text, stderr: "", code } : undefined;
  }

  #there(): Shell {
    if (this.#shell?.talk.alive && performance.now() < this.#shell.until) return this.#shell;
    this.#shell?.talk.end();
    const talk = this.#channel.talk(["timeout", String(LIFE_S), "sh", "-c", PROGRAM]);
    this.#shell = { talk, until: performance.now() + RETIRE_MS, fresh: true };
    return this.#shell;
  }

  end(): void {
    this.#shell?.talk.end();
    this.#shell = undefined;
  }
}
