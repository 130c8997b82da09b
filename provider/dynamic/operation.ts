/** One call of the engine: its time limit, and its end when the user interrupts the run. */
import { ShownError } from "./errors.js";

/** How long work may take to clean up after its signal, before it is given up. */
const GRACE_MS = 15_000;
/** The answer to the engine is on its way when the last operation ends. */
const FLUSH_MS = 200;

/** How often {@link idle} looks, in ms. */
const IDLE_MS = 50;

const INTERRUPTED = new ShownError("interrupted");

const running = new Set<AbortController>();

/** Resolves when nothing runs. */
export async function idle(): Promise<void> {
  while (running.size > 0) await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
}

// While something runs, SIGINT (the engine sends it to its plugins when a run is interrupted twice, and kills after 5 s)
// aborts it. Otherwise the signal keeps its usual effect: a listener that stays would make each run end 5 s later.
function onInterrupt(): void {
  for (const controller of running) controller.abort(INTERRUPTED);
}

// When the engine was killed, whatever is printed fails with EPIPE; the host would print that error, which fails again, and
// spin for ever on a core. So the end of the pipe is the end of this process, once what runs has ended.
let engineIsGone = false;
function onPipeError(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") return;
  engineIsGone = true;
  if (running.size === 0) process.exit(1);
}
for (const stream of [process.stdout, process.stderr]) stream.on("error", onPipeError);

/** Runs `work` with a signal that fires at the deadline or on interrupt; rejects some time later even if work does not end. */
export async function operate<T>(
  what: string,
  deadlineMs: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  // Of two aborts the first counts: what was interrupted, and cleans up, stays so.
  const timer = setTimeout(() => {
    const text = `${what} did not end within ${deadlineMs / 1000} s (stack config virtnet:timeout, in seconds)`;
    controller.abort(new ShownError(text));
  }, deadlineMs);
  let giveUp: NodeJS.Timeout | undefined;
  if (running.size === 0) process.on("SIGINT", onInterrupt);
  running.add(controller);
  try {
    return await Promise.race([
      Promise.resolve().then(() => work(controller.signal)),
      new Promise<never>((_, reject) => {
        controller.signal.addEventListener("abort", () => {
          giveUp = setTimeout(() => reject(controller.signal.reason), GRACE_MS);
        });
      }),
    ]);
  } finally {
    clearTimeout(timer);
    clearTimeout(giveUp);
    running.delete(controller);
    if (running.size === 0) {
      process.off("SIGINT", onInterrupt);
      if (engineIsGone) process.exit(1);
      if (controller.signal.reason === INTERRUPTED) setTimeout(() => process.exit(130), FLUSH_MS).unref();
    }
  }
}
