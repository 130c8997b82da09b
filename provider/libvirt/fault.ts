/**
 * A hook for tests, off unless `VIRTNET_FAULT` is set: makes one call fail as a lost connection would.
 *
 * `VIRTNET_FAULT="3:before"`: the third changing call of this process (over all connections, counted from 1) fails before it is sent;
 * `3:after`: it is done, and then reported as failed; `3:hang`: it never returns; `3:kill`: the process dies in its place;
 * `3:stop`: it stops itself there until it is told to go on.
 */
import { LibvirtError } from "./errors.js";
import { changing, type FunctionName } from "./functions.js";

type Moment = "before" | "after" | "hang" | "kill" | "stop";

/** Returns a function to call before and after each C call, or undefined when the hook is off. `counter` is shared by all workers. */
export function faultHook(
  spec: string | undefined,
  counter: Int32Array<SharedArrayBuffer>,
): ((name: FunctionName) => (() => void) | undefined) | undefined {
  const match = /^(\d+):(before|after|hang|kill|stop)$/.exec(spec ?? "");
  if (match === null) return undefined;
  const at = Number(match[1]);
  const moment = match[2] as Moment;
  return (name) => {
    if (!changing.has(name) || Atomics.add(counter, 0, 1) + 1 !== at) return undefined;
    if (moment === "before") throw lost(name, false);
    if (moment === "kill") process.kill(process.pid, "SIGKILL");
    if (moment === "stop") process.kill(process.pid, "SIGSTOP");
    if (moment === "stop") return undefined;
    if (moment === "hang") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    return () => {
      throw lost(name, true);
    };
  };
}

function lost(name: FunctionName, sent: boolean): LibvirtError {
  return new LibvirtError({
    code: 1,
    domain: 7,
    level: 2,
    class: "transport",
    text: "injected fault: connection lost",
    function: name,
    sent,
  });
}
