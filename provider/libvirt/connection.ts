/**
 * The main thread's side of a connection: sends requests to its worker, and waits for each no longer than its deadline.
 *
 * The worker answers them in order, and does not wait for the main thread in between: what is asked for beside each other costs
 * one way to the worker and back, and looks up a domain once. The deadline of each begins when the one before it is answered.
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { Connection, LibvirtEvent, OpenOptions } from "./api.js";
import { Deadline, deadlineOf } from "./deadline.js";
import { type ErrorData, LibvirtError } from "./errors.js";
import { addReceiver, dropReceiver, setBusy, startLoop } from "./events.js";
import { load } from "./load.js";
import { type Groups, operations, type Request, type Response, signal, type WorkerData } from "./protocol.js";

const defaultDeadlineMs = 30_000;
const defaultKeepAlive = { interval: 5, count: 3 };
/** Without a cache, libvirt runs every installed emulator to find its capabilities: minutes on a slow host. Keepalive finds a hung daemon sooner. */
const capabilitiesDeadlineMs = 300_000;
/** Closing is a courtesy: nobody waits long for a daemon that does not answer it. */
const closeDeadlineMs = 5_000;
/** How long closing waits for the thread to end once the connection is closed. */
const threadEndMs = 2_000;
/** Changing calls made by this process, for the fault hook. */
const faultCounter = new Int32Array(new SharedArrayBuffer(4));

interface Pending {
  request: Request;
  deadlineMs: number;
  resolve(value: unknown): void;
  reject(error: LibvirtError): void;
}

/** A connection that has answered its open. */
export class WorkerConnection implements Connection {
  readonly uri: string;
  readonly networks: Connection["networks"];
  readonly domains: Connection["domains"];
  readonly interfaces: Connection["interfaces"];
  readonly identity: Connection["identity"];
  readonly capabilities: Connection["capabilities"];
  readonly callCounts: Connection["callCounts"];
  /** Write requests that reached the wire, or may have. */
  writesSent = 0;
  /** Called when the connection has died. */
  whenDead: (() => void) | undefined;
  readonly #worker: Worker;
  readonly #signals: Int32Array<SharedArrayBuffer>;
  readonly #id: number;
  readonly #deadlineMs: number;
  readonly #host: Groups["host"];
  readonly #listeners = new Set<(e: LibvirtEvent) => void>();
  readonly #deadline = new Deadline(() => this.#overdue());
  /** Not answered yet; the worker is at the first, and its deadline runs. */
  readonly #pending: Pending[] = [];
  /** Of those, what is not on its way yet. */
  readonly #unsent: Request[] = [];
  #nextRequest = 1;
  #dead: LibvirtError | undefined;
  #closed: Promise<void> | undefined;
  /** What libvirt said when the connection broke. */
  #closeReason: number | undefined;

  constructor(
    worker: Worker,
    signals: Int32Array<SharedArrayBuffer>,
    id: number,
    uri: string,
    deadlineMs: number | undefined,
  ) {
    this.uri = uri;
    this.#worker = worker;
    this.#signals = signals;
    this.#id = id;
    this.#deadlineMs = deadlineMs ?? defaultDeadlineMs;
    this.networks = this.#methods("networks");
    const domains = this.#methods("domains");
    this.domains = {
      ...domains,
      interfaceAddresses: (ref, source, { withinMs = Number.POSITIVE_INFINITY } = {}) => {
        const within = Math.min(withinMs, this.#deadlineMs);
        const answer = this.send("domains.interfaceAddresses", [ref, source], false, within);
        return answer as ReturnType<typeof domains.interfaceAddresses>;
      },
    };
    this.interfaces = this.#methods("interfaces");
    this.#host = this.#methods("host");
    const patient = deadlineMs ?? capabilitiesDeadlineMs;
    this.identity = () => this.send("host.identity", [], false, patient) as ReturnType<Connection["identity"]>;
    this.capabilities = () => this.send("host.capabilities", [], false, patient) as Promise<string>;
    this.callCounts = this.#host.callCounts;
    worker.on("message", (response: Response) => this.#answered(response));
    worker.on("error", (e) =>
      this.#die(LibvirtError.own("internal", `the thread of ${uri} failed: ${(e as Error).message}`)),
    );
    worker.on("exit", () => {
      setBusy(this, false);
      if (this.#dead === undefined) this.#die(LibvirtError.own("internal", `the thread of ${uri} ended`));
    });
    worker.unref(); // what keeps the process alive is the deadline of a running call
  }

  /** Why no call can succeed any more; undefined while the connection is good. */
  get dead(): LibvirtError | undefined {
    return this.#dead;
  }

  /** Libvirt's answer to virConnectIsAlive, from the local end; false for a dead connection. */
  async isAlive(): Promise<boolean> {
    if (this.#dead !== undefined) return false;
    return await this.#host.isAlive().catch(() => false);
  }

  async onEvent(listener: (e: LibvirtEvent) => void): Promise<() => Promise<void>> {
    const first = this.#listeners.size === 0;
    const own = (e: LibvirtEvent) => listener(e); // the same function may subscribe twice
    this.#listeners.add(own);
    if (first) {
      try {
        await this.send("subscribe");
      } catch (e) {
        this.#listeners.delete(own);
        throw e;
      }
    }
    return async () => {
      if (this.#listeners.delete(own) && this.#listeners.size === 0 && this.#dead === undefined)
        await this.send("unsubscribe");
    };
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    if (this.#dead !== undefined) return;
    const ended = new Promise<void>((resolve) => {
      this.#worker.once("exit", () => resolve());
    });
    await this.send("close", [], false, Math.min(closeDeadlineMs, this.#deadlineMs)).then(
      () => {
        this.#worker.ref(); // else the process may end before this promise does
        return Promise.race([ended, sleep(threadEndMs, undefined, { ref: false })]);
      },
      () => undefined,
    );
    this.#worker.unref();
    this.#dieClosed();
  }

  #dieClosed(begun?: number): void {
    this.#die(LibvirtError.own("transport", `the connection to ${this.uri} is closed`), begun);
  }

  /** Send a request; they are answered in order. Rejects with a LibvirtError. */
  async send(op: string, args: unknown[] = [], write = false, deadlineMs = this.#deadlineMs): Promise<unknown> {
    if (this.#dead !== undefined) throw again(this.#dead, op);
    if (hasNul(args))
      throw LibvirtError.own("invalid-input", "text with a NUL character: C would read only what stands before it", op);
    try {
      return await new Promise((resolve, reject) => {
        this.#post({ request: { id: this.#nextRequest++, op, write, args }, deadlineMs, resolve, reject });
      });
    } catch (e) {
      Error.captureStackTrace(e as LibvirtError, this.send); // who awaits the call, not who answered it
      throw e;
    }
  }

  /** An event of this connection, from the loop. */
  receive(event: LibvirtEvent): void {
    if (event.kind !== "close") {
      this.#emit(event);
      return;
    }
    this.#closeReason = event.reason;
    if (this.#dead !== undefined || this.#pending.length > 0) return; // the running call fails with it
    // The worker still has to give the connection back; it learns with its next request, which is this one.
    this.send("close", [], false, closeDeadlineMs).catch(() => undefined);
    this.#flush();
    const reason = closeReasons[event.reason ?? 0] ?? "unknown reason";
    this.#die(LibvirtError.own("transport", `the connection to ${this.uri} is lost (${reason})`));
  }

  #emit(event: LibvirtEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }

  #methods<G extends keyof Groups>(group: G): Groups[G] {
    const methods: Record<string, (...args: unknown[]) => Promise<unknown>> = {};
    for (const [name, access] of Object.entries(operations[group]))
      methods[name] = (...args) => this.send(`${group}.${name}`, args, access === "write");
    return methods as unknown as Groups[G];
  }

  #post(pending: Pending): void {
    if (this.#pending.push(pending) === 1) this.#begin(pending);
    if (pending.request.write) this.writesSent++;
    if (this.#unsent.push(pending.request) === 1) queueMicrotask(() => this.#flush());
  }

  /** What is asked for in one turn goes in one message, so that what the worker knows of it does not depend on who is faster. */
  #flush(): void {
    const requests = this.#unsent.splice(0);
    if (requests.length === 0) return;
    this.#worker.postMessage(requests);
    this.#wake();
  }

  #wake(): void {
    Atomics.add(this.#signals, signal.posted, 1);
    Atomics.notify(this.#signals, signal.posted);
  }

  #begin({ deadlineMs }: Pending): void {
    this.#deadline.start(deadlineMs);
    setBusy(this, true);
  }

  #answered(response: Response): void {
    const pending = this.#pending[0];
    if (pending?.request.id !== response.id) {
      return; // late, from a call given up; the thread now closes the connection, which may hang as well
    }
    this.#pending.shift();
    const next = this.#pending[0];
    if (next !== undefined) this.#begin(next);
    else {
      this.#deadline.stop();
      setBusy(this, false);
    }
    if (response.error === undefined) {
      pending.resolve(response.value);
      if (pending.request.op === "close") this.#dieClosed(response.id); // now, for the thread's end may be the next event
      return;
    }
    if (pending.request.write && !response.error.sent) this.writesSent--;
    const error = new LibvirtError(response.error);
    pending.reject(error);
    if (response.lost) this.#die(error, response.id); // the worker has ended with it
  }

  #overdue(): void {
    const pending = this.#pending.shift();
    if (pending === undefined) return;
    const { op } = pending.request;
    const error = LibvirtError.own(
      "timeout",
      `${this.uri} did not answer ${op} within ${pending.deadlineMs} ms`,
      op,
      true,
    );
    pending.reject(error);
    // Should the call return after all, the thread closes the connection and ends. It is not terminated: that would wait for the call.
    Atomics.store(this.#signals, signal.abandoned, 1);
    this.#wake();
    this.#die(error, Atomics.load(this.#signals, signal.begun));
  }

  /**
   * All that waits fails now, and so does every later call.
   * @param begun number of the last request that may have been begun; absent: any may have.
   */
  #die(error: LibvirtError, begun = Number.POSITIVE_INFINITY): void {
    if (this.#dead !== undefined) return;
    this.#dead = error;
    this.whenDead?.();
    dropReceiver(this.#id);
    if (this.#closed === undefined) this.#emit({ kind: "close", reason: this.#closeReason });
    this.#deadline.end();
    this.#unsent.length = 0;
    for (const { request, resolve, reject } of this.#pending.splice(0)) {
      if (request.op === "close") resolve(undefined);
      else if (request.id <= begun) reject(new LibvirtError({ ...error.toData(), sent: true }));
      else {
        if (request.write) this.writesSent--;
        reject(again(error, request.op));
      }
    }
  }
}

function hasNul(value: unknown): boolean {
  if (typeof value === "string") return value.includes("\0");
  return typeof value === "object" && value !== null && Object.values(value).some(hasNul);
}

/** virConnectCloseReason. */
const closeReasons = ["error", "the other end closed it", "keepalive went unanswered", "closed by this end"];

function again(error: LibvirtError, op: string): LibvirtError {
  return new LibvirtError({ ...error.toData(), function: op, sent: false } satisfies ErrorData, { cause: error });
}

/** Open a connection; see `open` in `index.ts`. */
export async function openConnection(uri: string, options: OpenOptions = {}): Promise<WorkerConnection> {
  const deadlineMs = options.deadlineMs === undefined ? undefined : deadlineOf(options.deadlineMs);
  load(); // a missing library is said here, in one sentence
  const loop = startLoop(); // first, since libvirt wants its event loop known before any open
  let connection: WorkerConnection | undefined;
  const id = addReceiver((event) => connection?.receive(event));
  const signals = new Int32Array(new SharedArrayBuffer(12));
  const worker = new Worker(join(__dirname, "worker.js"), {
    workerData: {
      uri,
      id,
      readOnly: options.readOnly === true,
      keepAlive: options.keepAlive ?? defaultKeepAlive,
      faultCounter,
      signals,
    } satisfies WorkerData,
    execArgv: [],
  });
  connection = new WorkerConnection(worker, signals, id, uri, deadlineMs);
  await connection.send("open", [await loop]);
  return connection;
}
