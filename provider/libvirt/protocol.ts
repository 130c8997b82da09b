/**
 * What the main thread may ask of a worker: one table, from which the connection makes its methods and the worker's operations their types.
 *
 * "read" operations change nothing and may be repeated; "write" ones may not once they were sent.
 */
import type { Connection, LibvirtEvent } from "./api.js";
import type { ErrorData } from "./errors.js";
import type { Native } from "./native.js";

export const operations = {
  networks: {
    list: "read",
    get: "read",
    xml: "read",
    define: "write",
    createXml: "write",
    start: "write",
    destroy: "write",
    undefine: "write",
    setAutostart: "write",
    update: "write",
    getMetadata: "read",
    setMetadata: "write",
    leases: "read",
    ports: "read",
    bridgeName: "read",
  },
  domains: {
    list: "read",
    get: "read",
    define: "write",
    createXml: "write",
    start: "write",
    destroy: "write",
    undefine: "write",
    attachDevice: "write",
    updateDevice: "write",
    detachDevice: "write",
    detachDeviceAlias: "write",
    interfaceAddresses: "read",
    jobInfo: "read",
    jobType: "read",
    jobOperation: "read",
    suspend: "write",
    resume: "write",
  },
  interfaces: {
    list: "read",
    get: "read",
    define: "write",
    undefine: "write",
    start: "write",
    destroy: "write",
    changeBegin: "write",
    changeCommit: "write",
    changeRollback: "write",
  },
  host: { identity: "read", capabilities: "read", isAlive: "read", callCounts: "read" },
} as const satisfies Operations;

type Host = Pick<Connection, "identity" | "capabilities" | "isAlive" | "callCounts">;
export interface Groups {
  networks: Connection["networks"];
  domains: Connection["domains"];
  interfaces: Connection["interfaces"];
  host: Host;
}
type Operations = { [G in keyof Groups]: { [M in keyof Groups[G]]: "read" | "write" } };

type Sync<F> = F extends (...args: infer A) => Promise<infer R> ? (native: Native, ...args: A) => R : never;
/** A group's operations as the worker implements them: synchronous, with its native calls as first argument. */
export type Implementation<G extends keyof Groups> = { [M in keyof Groups[G]]: Sync<Groups[G][M]> };

/** Addresses of the event loop's C callbacks, which live in its own thread (`loop.ts`). */
export interface Callbacks {
  network: bigint;
  domain: bigint;
  deviceAdded: bigint;
  deviceRemoved: bigint;
  deviceRemovalFailed: bigint;
  close: bigint;
}

export interface WorkerData {
  uri: string;
  /** Number of the connection, which its events carry. */
  id: number;
  readOnly: boolean;
  keepAlive: { interval: number; count: number };
  faultCounter: Int32Array<SharedArrayBuffer>;
  /** By {@link signal}. */
  signals: Int32Array<SharedArrayBuffer>;
}

/**
 * What main thread and worker tell each other beside the messages. `posted`: how many messages there were, which the worker sleeps
 * on; `abandoned`: 1, no more are to be begun; `begun`: the number of the last, set before `abandoned` is looked at.
 */
export const signal = { posted: 0, abandoned: 1, begun: 2 } as const;

/** `op` is "open" (with the event loop's {@link Callbacks}), "close", "subscribe", "unsubscribe" or "group.method". */
export interface Request {
  id: number;
  op: string;
  write: boolean;
  args: unknown[];
}
/** `lost`: the connection is dead; the worker has closed it and ends. */
export interface Response {
  id: number;
  value?: unknown;
  error?: ErrorData;
  lost?: boolean;
}
export interface LoopMessage {
  id: number;
  event: LibvirtEvent;
}
