/**
 * A process of its own that takes one change through observe → plan → apply, as the provider does, and dies or fails where it
 * is told to. Its orders are its first argument, JSON; its answer is one line of JSON.
 */

import type { Inputs } from "../../provider/handler.js";
import { channelOf } from "../../provider/host/channel.js";
import { Host } from "../../provider/host/hosts.js";
import { changing, type FunctionName } from "../../provider/libvirt/functions.js";
import { openPool } from "../../provider/libvirt/index.js";
import { apply } from "../../provider/network/apply.js";
import { daemonOf } from "../../provider/network/facts.js";
import { guardOf } from "../../provider/network/guard.js";
import { observe } from "../../provider/network/observe.js";
import { plan } from "../../provider/network/plan.js";
import { verify } from "../../provider/network/verify.js";

export interface Orders {
  uri: string;
  desired: Inputs;
  was: Inputs;
  uuid?: string;
  /** SIGKILL before this action, counted from 1. */
  killBefore?: number;
  /** SIGSTOP before this action, counted from 1: whoever waits for that lets it go on. */
  stopBefore?: number;
  /** With the watchdog. */
  guard?: boolean;
}

export interface Answer {
  actions: string[];
  /** Changing calls to libvirt. */
  calls: number;
  error?: string;
}

async function main(orders: Orders): Promise<Answer> {
  const { uri, desired, was, uuid, killBefore, stopBefore } = orders;
  const host = new Host(uri, openPool(uri, { deadlineMs: 3000 }));
  const actions: string[] = [];
  const answer: Answer = { actions, calls: 0 };
  try {
    await host.use("it", async (c) => {
      const ref = uuid === undefined ? { name: String(desired.name) } : { uuid };
      const observed = await observe(c, ref, {
        nics: true,
        desired,
        ...(await daemonOf(host)),
        vitals: () => host.vitals(),
      });
      const p = plan({ desired, was }, observed);
      const { ref: now } = await apply(c, p, {
        before(_step, action) {
          actions.push(action.do);
          if (actions.length === stopBefore) process.kill(process.pid, "SIGSTOP");
          if (actions.length === killBefore) process.kill(process.pid, "SIGKILL");
        },
        channel: channelOf(uri),
        fresh: (fn) => host.again(c, fn),
        spare: () => host.pool.borrow(),
        ...(orders.guard ? { guard: guardOf(uri) } : {}),
      });
      await host.surely(c, (on) => verify(on, now, desired, was));
    });
    // After the last action as well.
    if (killBefore === actions.length + 1) process.kill(process.pid, "SIGKILL");
  } catch (e) {
    answer.error = e instanceof Error ? e.message : String(e);
  }
  for (const [name, count] of Object.entries(await host.pool.callCounts()))
    if (changing.has(name as FunctionName)) answer.calls += count;
  return answer;
}

void main(JSON.parse(process.argv[2] as string) as Orders).then((answer) => {
  console.log(JSON.stringify(answer));
  process.exit(0); // a call that hangs keeps its thread
});
