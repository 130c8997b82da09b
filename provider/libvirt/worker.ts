/**
 * The worker thread of one connection: takes requests, makes the C calls of each synchronously, answers it, goes on with the next.
 *
 * Synchronous because virGetLastError is per thread and calls block; on a thread of its own so that only this connection waits.
 */
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { code, LibvirtError } from "./errors.js";
import type { Conn } from "./functions.js";
import { Native } from "./native.js";
import { domains } from "./operations/domains.js";
import { host } from "./operations/host.js";
import { interfaces } from "./operations/interfaces.js";
import { networks } from "./operations/networks.js";
import { type Callbacks, type Request, type Response, signal, type WorkerData } from "./protocol.js";

/** virDomainEventID, with the name of the callback in `Callbacks`. */
const domainEvents = [
  [0, "domain"],
  [15, "deviceRemoved"],
  [19, "deviceAdded"],
  [22, "deviceRemovalFailed"],
] as const;
const networkLifecycle = 0;

const data = workerData as WorkerData;
const port = parentPort!;
const native = new Native(data.faultCounter);
const groups = { networks, domains, interfaces, host } as unknown as Record<
  string,
  Record<string, (n: Native, ...args: unknown[]) => unknown>
>;
const self = BigInt(data.id); // the "opaque" of the callbacks
let callbacks: Callbacks;
let closeCallbackSet = false;
const networkSubscriptions: number[] = [];
const domainSubscriptions: number[] = [];

work();

/** Until the connection is closed. The thread sleeps on a futex: to wake its event loop instead takes half as long again. */
function work(): void {
  for (let seen = 0; Atomics.load(data.signals, signal.abandoned) === 0; ) {
    const requests = receiveMessageOnPort(port)?.message as Request[] | undefined;
    if (requests === undefined) {
      Atomics.wait(data.signals, signal.posted, seen);
      seen = Atomics.load(data.signals, signal.posted);
    } else if (answerAll(requests) === "last") break;
  }
  close();
  port.close(); // with nothing left to listen to, the thread ends
}

function answerAll(requests: Request[]): "last" | "on" {
  for (const request of requests) {
    Atomics.store(data.signals, signal.begun, request.id);
    if (Atomics.load(data.signals, signal.abandoned) !== 0 || answer(request) === "last") return "last";
  }
  native.letGo();
  return "on";
}

function answer(request: Request): "last" | "on" {
  const response: Response = { id: request.id };
  try {
    response.value = run(request);
  } catch (e) {
    const error = e instanceof LibvirtError ? e : LibvirtError.own("internal", (e as Error).stack ?? String(e));
    response.error = error.toData();
    response.lost = request.op === "open" || (error.class === "transport" && !alive());
  }
  if (request.write) native.letGo(); // what was found before may be another one now
  const last = response.lost === true || request.op === "close";
  if (last) close(); // before it is said
  port.postMessage(response);
  return last ? "last" : "on";
}

function run({ op, write, args }: Request): unknown {
  if (op === "open") return open(args[0] as Callbacks);
  if (op === "close") return undefined;
  if (op === "subscribe") return subscribe();
  if (op === "unsubscribe") return unsubscribe();
  // Asked of the local end, without a message to the daemon: so a write on a connection known to be dead is known not to be sent.
  if (write && !alive()) throw LibvirtError.own("transport", `the connection to ${data.uri} is lost`, op);
  const [group, method] = op.split(".") as [string, string];
  return groups[group]![method]!(native, ...args);
}

function open(loopCallbacks: Callbacks): void {
  callbacks = loopCallbacks;
  const conn = native.call(data.readOnly ? "virConnectOpenReadOnly" : "virConnectOpen", data.uri) as Conn;
  native.conn = conn;
  const version: [number | bigint] = [0];
  native.call("virConnectGetLibVersion", conn, version);
  native.daemonVersion = Number(version[0]);
  native.driver = native.call("virConnectGetType", conn).toUpperCase();
  closeCallbackSet =
    ifSupported(() => native.call("virConnectRegisterCloseCallback", conn, callbacks.close, self, null)) !== undefined;
  const { interval, count } = data.keepAlive;
  if (interval > 0) ifSupported(() => native.call("virConnectSetKeepAlive", conn, interval, count));
}

function alive(): boolean {
  return native.isOpen && native.library.bind("virConnectIsAlive")(native.conn) === 1;
}

function subscribe(): void {
  const conn = native.conn;
  const network = ifSupported(() =>
    native.call("virConnectNetworkEventRegisterAny", conn, null, networkLifecycle, callbacks.network, self, null),
  );
  if (network !== undefined) networkSubscriptions.push(network);
  for (const [event, callback] of domainEvents) {
    const id = ifSupported(() =>
      native.call("virConnectDomainEventRegisterAny", conn, null, event, callbacks[callback], self, null),
    );
    if (id !== undefined) domainSubscriptions.push(id);
  }
}

function unsubscribe(): void {
  for (const id of networkSubscriptions.splice(0)) native.call("virConnectNetworkEventDeregisterAny", native.conn, id);
  for (const id of domainSubscriptions.splice(0)) native.call("virConnectDomainEventDeregisterAny", native.conn, id);
}

/** Give everything back: each registration holds a reference to the connection. Never throws. */
function close(): void {
  if (!native.isOpen) return;
  native.letGo(); // it holds a reference as well
  const conn = native.conn;
  const { library } = native;
  for (const id of networkSubscriptions.splice(0)) library.bind("virConnectNetworkEventDeregisterAny")(conn, id);
  for (const id of domainSubscriptions.splice(0)) library.bind("virConnectDomainEventDeregisterAny")(conn, id);
  if (closeCallbackSet) library.bind("virConnectUnregisterCloseCallback")(conn, callbacks.close);
  library.bind("virConnectClose")(conn);
  native.conn = null;
}

function ifSupported<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (e) {
    if (e instanceof LibvirtError && e.code === code.noSupport) return undefined;
    throw e;
  }
}
