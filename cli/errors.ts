/** What a failed command says, and its exit code: 1 it failed, 2 it was called wrongly. */
import { CommanderError } from "commander";
import { VirtnetError } from "../provider/handler.js";

/** Several faults of what was given, one line each. */
export class Faults extends Error {
  override name = "Faults";
  readonly lines: readonly string[];
  constructor(lines: readonly string[]) {
    super(lines.join("\n"));
    this.lines = lines;
  }
}

export function exitCodeOf(e: unknown): number {
  if (!(e instanceof CommanderError)) return 1;
  return e.exitCode === 0 ? 0 : 2;
}

/** One line a fault, on stderr; a stack only with VIRTNET_DEBUG=1. Commander has said its own already. */
export function tell(e: unknown): void {
  if (e instanceof CommanderError) return;
  if (e instanceof Faults) for (const line of e.lines) say(line);
  else if (e instanceof VirtnetError) say(e.message);
  else
    say(`${e instanceof Error ? e.message : String(e)}: that is unexpected, VIRTNET_DEBUG=1 shows where it comes from`);
  if (process.env.VIRTNET_DEBUG === "1" && e instanceof Error) console.error(e.stack);
}

/** What the user should know, without it being a failure. */
export function note(text: string): void {
  console.error(`note: ${oneLine(text)}`);
}

function say(text: string): void {
  console.error(`virtnet: ${oneLine(text)}`);
}

export const oneLine = (text: string): string => text.trim().replace(/\s*\n\s*/g, " ");
