/** Programs on a host that run beside this process, and end with it: they read from it, and their input ends when it does. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";

/** A program that runs until it is let go: a lock that it has is free then, also when this process is killed. */
export interface Hold {
  /** It has said `held`; otherwise it has ended, or took too long. */
  held: boolean;
  /** Its exit code where it is not held; 127 where it could not be started, 128 where it was ended. */
  code: number;
  /** What it said then. */
  why: string;
  /** Ends its input, after a last word to it where there is one, and waits for its end. */
  release(word?: string): Promise<void>;
}

/**
 * A program that answers a line with a line, for as long as it is wanted; it ends with this process. It says one when it is there: until
 * then a shell that starts it may read what is meant for it (dash takes all that its input has).
 */
export interface Talk {
  /** What it answers, after {@link ANSWER}; undefined: it has ended, or was ended since it took too long. */
  ask(line: string, limitMs: number): Promise<string | undefined>;
  /**
   * The same, with the lines that it says before its answer. They are others', who may write what looks like an answer: so it is sent
   * `TOKEN LINE`, and answers `TOKEN ANSWER`.
   */
  hear(line: string, limitMs: number): Promise<{ answer: string; text: string } | undefined>;
  /** It answers nothing. */
  tell(line: string): void;
  /** Whether it can be asked. */
  readonly alive: boolean;
  /** What it complained of: on stderr, or between its answers. */
  readonly why: string;
  /** Ends its input. */
  end(): void;
}

/** What an answer begins with: a login shell may say something as well. */
export const ANSWER = "virtnet: ";

export const environment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  LC_ALL: "C",
  PATH: `${process.env.PATH ?? ""}:/usr/sbin:/usr/bin:/sbin:/bin`,
});

function begin(argv: readonly string[], input: string | undefined): ChildProcessWithoutNullStreams {
  const [command = "", ...args] = argv;
  // In a session of its own: what ends this process from the terminal ends its input, and no more.
  const child = spawn(command, args, { env: environment(), stdio: ["pipe", "pipe", "pipe"], detached: true });
  child.stdin.on("error", () => {});
  if (input !== undefined) child.stdin.write(input);
  // It must not keep this process.
  child.unref();
  return child;
}

/** How long a program may take to end once its input has; it may have to clean up, and for that wait for others. */
const END_MS = 60_000;

export function keepRunning(argv: readonly string[], limitMs: number, input?: string): Promise<Hold> {
  const child = begin(argv, input);
  const ended = new Promise<number>((resolve) => {
    child.on("close", (code) => resolve(code ?? 128));
    child.on("error", () => resolve(127));
  });
  let why = "";
  child.stderr.on("data", (text: Buffer) => {
    why += text.toString();
  });
  const release = async (word = "") => {
    child.stdin.end(word);
    const late = setTimeout(() => child.kill("SIGKILL"), END_MS);
    await ended;
    clearTimeout(late);
  };
  return new Promise((resolve) => {
    const late = setTimeout(() => child.kill("SIGKILL"), limitMs);
    child.on("error", (e) => {
      why ||= e.message;
    });
    let said = "";
    child.stdout.on("data", (text: Buffer) => {
      // A login shell may have said something before.
      said += text.toString();
      if (!/^held$/m.test(said)) return;
      clearTimeout(late);
      resolve({ held: true, code: 0, why: "", release });
    });
    void ended.then((code) => {
      clearTimeout(late);
      resolve({ held: false, code, why: why.trim(), release });
    });
  });
}

export function talkWith(argv: readonly string[], input?: string): Talk {
  const child = begin(argv, input);
  const pipes = [child.stdin, child.stdout, child.stderr] as unknown as { ref(): void; unref(): void }[];
  for (const pipe of pipes) pipe.unref();
  let [alive, why, rest] = [true, "", ""];
  let answered: ((answer: string | undefined) => void) | undefined;
  /** What it says before its answer, where that is asked for. */
  let heard: string[] | undefined;
  let ready = false;
  /** What an answer begins with. */
  let mark = ANSWER;
  const over = () => {
    alive = false;
    answered?.(undefined);
  };
  child.on("error", (e) => {
    why ||= e.message;
    over();
  });
  child.on("close", over);
  child.stderr.on("data", (text: Buffer) => {
    why += text.toString();
  });
  // A character may come in two pieces.
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (!line.startsWith(mark)) {
        if (heard) heard.push(line);
        else if (ready) why += `${line}\n`;
        continue;
      }
      ready = true;
      answered?.(line.slice(mark.length));
    }
  });
  const answer = () =>
    new Promise<string | undefined>((resolve) => {
      answered = resolve;
      if (!alive) resolve(undefined);
    });
  const ask = async (line: string, limitMs: number, token = "", into?: string[]): Promise<string | undefined> => {
    for (const pipe of pipes) pipe.ref();
    const late = setTimeout(() => {
      // What it has started may go on; it reads the end of its input.
      child.stdin.destroy();
      child.kill("SIGKILL");
      over();
    }, limitMs);
    const there = ready || (await answer()) !== undefined;
    [heard, mark] = [into, ANSWER + token];
    if (there) child.stdin.write(`${token}${line}\n`);
    const said = await answer();
    answered = heard = undefined;
    mark = ANSWER;
    clearTimeout(late);
    for (const pipe of pipes) pipe.unref();
    return said;
  };
  return {
    ask: (line, limitMs) => ask(line, limitMs),
    async hear(line, limitMs) {
      const text: string[] = [];
      const said = await ask(line, limitMs, `${randomBytes(12).toString("hex")} `, text);
      return said === undefined ? undefined : { answer: said, text: text.join("\n") };
    },
    tell: (line) => void child.stdin.write(`${line}\n`),
    get alive() {
      return alive;
    },
    get why() {
      return why.trim();
    },
    end: () => void child.stdin.end(),
  };
}
