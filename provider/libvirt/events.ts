/**
 * The main thread's side of libvirt's event loop, and the clean end of the process.
 *
 * The loop starts before the first connection opens, as libvirt wants it, and lives until the process ends.
 */
import { writeSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { Worker } from "node:worker_threads";
import type { LibvirtEvent } from "./api.js";
import { load } from "./load.js";
import type { LoopData, LoopReady } from "./loop.js";
import type { Callbacks, LoopMessage } from "./protocol.js";

type Receiver = (event: LibvirtEvent) => void;

/** Who gets a connection's events, by the connection's number. */
const receivers = new Map<number, Receiver>();
/** Connections with a C call under way: it may never return. */
const busy = new Set<object>();
let started: Promise<Callbacks> | undefined;
let nextId = 1;

/** Start the loop if it does not run yet; the addresses of its callbacks. */
export function startLoop(): Promise<Callbacks> {
  started ??= start();
  return started;
}

/** A number for a new connection, whose events go to `receiver` until {@link dropReceiver}. */
export function addReceiver(receiver: Receiver): number {
  receivers.set(nextId, receiver);
  return nextId++;
}

export function dropReceiver(id: number): void {
  receivers.delete(id);
}

/** Note that a C call runs or has ended: at exit the process does not wait for one that runs. */
export function setBusy(connection: object, isBusy: boolean): void {
  if (isBusy) busy.add(connection);
  else busy.delete(connection);
}

function start(): Promise<Callbacks> {
  const library = load();
  library.bind("virEventRegisterDefaultImpl")();
  const wake = library.bind("virEventAddTimeout")(-1, library.noop, null, null); // never fires by itself
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(join(__dirname, "loop.js"), { workerData: { stop } satisfies LoopData, execArgv: [] });
  process.once("exit", (status) => {
    if (busy.size > 0) endNow(status);
    Atomics.store(stop, 0, 1);
    library.bind("virEventUpdateTimeout")(wake, 0);
  });
  process.on("uncaughtExceptionMonitor", (error) => {
    fatal = { error };
    setImmediate(() => {
      fatal = undefined;
    }); // it was caught after all
  });
  return new Promise((resolve, reject) => {
    worker.on("error", reject);
    worker.on("message", (message: LoopReady | LoopMessage) => {
      if ("id" in message) {
        receivers.get(message.id)?.(message.event);
        return;
      }
      worker.unref();
      resolve(message.callbacks);
    });
  });
}

/** What ends the process, while it does. */
let fatal: { error: unknown } | undefined;

/** Node joins its threads when it ends, and a hung C call would keep it for ever. Node prints a fatal error only after "exit": so it is done here. */
function endNow(status: number): void {
  if (fatal !== undefined) writeSync(2, `Uncaught ${inspect(fatal.error)}\n`);
  load().exitNow(status);
}
