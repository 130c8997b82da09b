/**
 * A process of its own that takes one change of a host link through observe → plan → apply, as the provider does, and dies or fails
 * where it is told to. Its orders are its first argument, JSON; its answer is one line of JSON.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Inputs } from "../../provider/handler.js";
import { type Channel, channelOf, type RunOptions } from "../../provider/host/channel.js";
import { hostAt } from "../../provider/host/hosts.js";
import { apply } from "../../provider/hostlink/apply.js";
import type { Kind } from "../../provider/hostlink/args.js";
import { backendOf } from "../../provider/hostlink/backends/index.js";
import { observe } from "../../provider/hostlink/observe.js";
import { plan, planDelete } from "../../provider/hostlink/plan.js";

export interface Orders {
  uri: string;
  kind?: Kind;
  /** What shall be; with `remove`, what is. */
  desired: Inputs;
  was?: Inputs;
  id?: string;
  remove?: boolean;
  /** SIGKILL before this action. */
  killBefore?: string;
  /** What becomes of the n-th changing command, counted from 1: the process is killed before or after it, or it fails, or hangs. */
  fault?: { at: number; does: "kill-before" | "kill-after" | "fail-before" | "fail-after" | "hang" };
}

export interface Answer {
  /** Changing commands, by the member of NetworkManager that they call. */
  calls: string[];
  error?: string;
}

/** How long a command may take that hangs. */
const HANG_MS = 2000;
/** The last words but reading ones of a call: NetworkManager's methods that change something. */
const CHANGING =
  /^(AddConnection2|Update2|Delete|ActivateConnection|DeactivateConnection|Disconnect|Reapply|Checkpoint\w+)$/;
const LOST = { stdout: "", stderr: "the answer was lost", code: 255 };

function faulty(channel: Channel, { fault }: Orders, calls: string[]): Channel {
  const run = async (argv: readonly string[], options?: RunOptions) => {
    const member = argv.includes("call") ? argv.find((word) => CHANGING.test(word)) : undefined;
    if (member === undefined) return channel.run(argv, options);
    calls.push(member);
    if (calls.length !== fault?.at) return channel.run(argv, options);
    if (fault.does === "kill-before") process.kill(process.pid, "SIGKILL");
    if (fault.does === "fail-before") return LOST;
    await channel.run(argv, options);
    if (fault.does === "kill-after") process.kill(process.pid, "SIGKILL");
    if (fault.does === "hang") await sleep(HANG_MS);
    return LOST;
  };
  return { ...channel, run };
}

async function main(orders: Orders): Promise<Answer> {
  const { uri, kind = "bridge", desired, was, id, remove, killBefore } = orders;
  const answer: Answer = { calls: [] };
  try {
    const real = channelOf(uri);
    if (!real) throw new Error(`no channel to ${uri}`);
    const channel = faulty(real, orders, answer.calls);
    const backend = await backendOf({ host: hostAt(uri), channel });
    const ref = { name: String(desired.name), ...(id === undefined ? {} : { id }) };
    const observed = await observe(backend, kind, ref, remove ? {} : desired);
    const owner = { project: "p", stack: "s", key: String(desired.name) };
    if (remove && !observed.link) throw new Error("it is not there");
    const p =
      remove && observed.link
        ? planDelete(kind, desired, observed, observed.link)
        : plan({ kind, desired, was, owner, adopted: desired.adopt === true }, observed);
    await apply(backend, channel, p, {
      before: ({ do: next }) => {
        if (next === killBefore) process.kill(process.pid, "SIGKILL");
      },
    });
  } catch (e) {
    answer.error = e instanceof Error ? e.message : String(e);
  }
  return answer;
}

void main(JSON.parse(process.argv[2] as string) as Orders).then((answer) => console.log(JSON.stringify(answer)));
