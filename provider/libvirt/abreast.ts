/**
 * Reads definitions with several threads over one connection, where its line is slow.
 *
 * libvirt's client sends a call while others still wait for their answers, but only for other threads. At 20 ms a round
 * trip, 1000 definitions take 20 s one after the other, and with twelve more threads less than 2 s.
 */
import { join } from "node:path";
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import { LibvirtError } from "./errors.js";
import type { Net } from "./functions.js";
import type { HelperAnswer, HelperData } from "./helper.js";
import type { Native } from "./native.js";

/** What is known of a network before its definitions are read. */
export interface Listed {
  net: Net;
  active: boolean;
}

/** Places in `progress`: the next network that nobody has taken, and how many are done with. */
export const next = 0;
export const done = 1;

/** A read that takes longer waits for the line rather than for the daemon. */
const slowMs = 2;
/** A thread takes some 50 ms to start: one for each 100 ms that there is to wait. */
const worthMs = 100;
// None for now: a thread that is ended while it still loads koffi aborts the process (koffi 3.3.4, napi_throw at load),
// and helpers end with the connection's own thread, whenever that is.
const helpersAtMost: number = 0;
const probes = 4;

/** `readOne` for each; the helpers' is the same. */
export function readAbreast<T>(n: Native, listed: Listed[], readOne: (n: Native, network: Listed) => T): T[] {
  const started = performance.now();
  const result = listed.slice(0, probes).map((network) => readOne(n, network));
  const each = (performance.now() - started) / result.length;
  const wanted = each < slowMs ? 0 : Math.floor((each * (listed.length - result.length)) / worthMs);
  const progress = new Int32Array(new SharedArrayBuffer(8)).fill(result.length);
  const ports: MessagePort[] = [];
  try {
    try {
      while (ports.length < Math.min(wanted, helpersAtMost)) ports.push(startHelper(n, listed, progress));
      takeAll(progress, listed, (network, at) => {
        result[at] = readOne(n, network);
      });
    } finally {
      awaitHelpers(progress, listed.length); // also after a failure: the handles are freed next
    }
    for (const { at, value, error, counts } of ports.flatMap(received)) {
      for (const [name, count] of Object.entries(counts)) n.counts[name] = (n.counts[name] ?? 0) + count;
      if (error !== undefined) throw new LibvirtError(error);
      result[at] = value as T;
    }
    return result;
  } finally {
    for (const port of ports) port.close();
  }
}

/** Take one network after the other until none is left. */
export function takeAll(progress: Int32Array, listed: Listed[], work: (network: Listed, at: number) => void): void {
  for (let at = Atomics.add(progress, next, 1); at < listed.length; at = Atomics.add(progress, next, 1)) {
    try {
      work(listed[at]!, at);
    } finally {
      Atomics.add(progress, done, 1);
      Atomics.notify(progress, done);
    }
  }
}

/** Nobody takes another one; what was taken is done with. A helper that has not started yet has taken none. */
function awaitHelpers(progress: Int32Array, count: number): void {
  const taken = Math.min(Atomics.exchange(progress, next, count), count);
  for (let now = Atomics.load(progress, done); now < taken; now = Atomics.load(progress, done))
    Atomics.wait(progress, done, now);
}

function startHelper(n: Native, listed: Listed[], progress: Int32Array<SharedArrayBuffer>): MessagePort {
  const { port1, port2 } = new MessageChannel();
  const workerData: HelperData = { listed, noInactiveFlag: n.noInactiveFlag, progress, port: port2 };
  new Worker(join(__dirname, "helper.js"), { workerData, transferList: [port2], execArgv: [] }).unref();
  return port1;
}

/** This thread has waited, not its event loop: what has arrived is taken from the port itself. */
function received(port: MessagePort): HelperAnswer[] {
  const answers: HelperAnswer[] = [];
  for (let m = receiveMessageOnPort(port); m !== undefined; m = receiveMessageOnPort(port))
    answers.push(m.message as HelperAnswer);
  return answers;
}
