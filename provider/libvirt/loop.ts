/**
 * The worker thread that runs libvirt's event loop for all connections of the process: keepalive and events.
 *
 * The callbacks belong to this thread, and it never blocks: each turn of the loop runs on a thread of koffi's. That matters because libvirt
 * calls them from whichever thread it likes (a broken connection is reported from inside the call that noticed it, with locks held), and that
 * thread then waits until JavaScript has run here. They only copy what they are given and post it to the main thread.
 */

import { parentPort, workerData } from "node:worker_threads";
import koffi, { type KoffiFunc } from "koffi";
import type { LibvirtEvent } from "./api.js";
import type { Dom, Net } from "./functions.js";
import { load } from "./load.js";
import type { Callbacks, LoopMessage } from "./protocol.js";

export interface LoopData {
  stop: Int32Array<SharedArrayBuffer>;
}
export interface LoopReady {
  callbacks: Callbacks;
}

/** How much later an event may come. */
const restMs = 10;

const port = parentPort!;
const { stop } = workerData as LoopData;
const library = load();

const lifecycleType = koffi.pointer(koffi.proto("void", ["void *", "void *", "int", "int", "void *"]));
const domainLifecycleType = koffi.pointer(koffi.proto("int", ["void *", "void *", "int", "int", "void *"]));
const deviceType = koffi.pointer(koffi.proto("void", ["void *", "void *", "str", "void *"]));
const closeType = koffi.pointer(koffi.proto("void", ["void *", "int", "void *"]));

const callbacks: Callbacks = {
  network: koffi.register(
    (_conn: bigint, net: Net, event: number, detail: number, opaque: bigint) =>
      post(opaque, { kind: "network-lifecycle", object: network(net), event, detail }),
    lifecycleType,
  ),
  domain: koffi.register((_conn: bigint, dom: Dom, event: number, detail: number, opaque: bigint) => {
    post(opaque, { kind: "domain-lifecycle", object: domain(dom), event, detail });
    return 0;
  }, domainLifecycleType),
  deviceAdded: koffi.register(device("device-added"), deviceType),
  deviceRemoved: koffi.register(device("device-removed"), deviceType),
  deviceRemovalFailed: koffi.register(device("device-removal-failed"), deviceType),
  close: koffi.register(
    (_conn: bigint, reason: number, opaque: bigint) => post(opaque, { kind: "close", reason }),
    closeType,
  ),
};

port.postMessage({ callbacks } satisfies LoopReady);

const runOnce = library.bind("virEventRunDefaultImpl") as unknown as KoffiFunc<() => number>;
turn();

/**
 * Each call of a connection interrupts a turn twice: it takes over the socket and gives it back (virNetClientIO, virnetclient.c).
 * A loop that is not in its turn is left alone, so after each one it rests a little: without that, half of a call's time goes here.
 */
function turn(): void {
  if (Atomics.load(stop, 0) !== 0) return;
  runOnce.async((error: unknown, status: number) => {
    if (error === null && status === 0) setTimeout(turn, restMs);
  });
}

function device(kind: LibvirtEvent["kind"]) {
  return (_conn: bigint, dom: Dom, alias: string, opaque: bigint) => post(opaque, { kind, object: domain(dom), alias });
}

function post(opaque: bigint, event: LibvirtEvent): void {
  port.postMessage({ id: Number(opaque), event } satisfies LoopMessage);
}

function network(net: Net): { name: string; uuid: string } {
  const buffer = Buffer.alloc(37);
  library.bind("virNetworkGetUUIDString")(net, buffer);
  return { name: library.bind("virNetworkGetName")(net) ?? "", uuid: buffer.toString("latin1", 0, 36) };
}

function domain(dom: Dom): { name: string; uuid: string } {
  const buffer = Buffer.alloc(37);
  library.bind("virDomainGetUUIDString")(dom, buffer);
  return { name: library.bind("virDomainGetName")(dom) ?? "", uuid: buffer.toString("latin1", 0, 36) };
}
