/**
 * What the rest of the house may ask of libvirt: plain data in, plain data or a {@link LibvirtError} out.
 *
 * The implementation (`index.ts`, over koffi and a worker thread) and the tests' fault injector both have this shape;
 * nothing outside this room sees a handle or a pointer.
 */

import type { Domains } from "./calls/domains.js";
import type { Interfaces } from "./calls/interfaces.js";
import type { Networks } from "./calls/networks.js";

// One by one: a user's TypeScript may be older than 5.0, which brought `export type *`.
export type { Affect, Ref } from "./calls/common.js";
export type {
  DomainInfo,
  Domains,
  InterfaceAddresses,
  JobInfo,
  JobOperation,
  JobProgress,
  JobType,
} from "./calls/domains.js";
export type { InterfaceInfo, Interfaces } from "./calls/interfaces.js";
export type {
  Lease,
  MetadataType,
  NetworkInfo,
  NetworkListOptions,
  NetworkPort,
  Networks,
  UpdateCommand,
  UpdateSection,
} from "./calls/networks.js";

/** A class to branch on; derived from libvirt's code and domain (`errors.ts` has the table). */
export type ErrorClass =
  | "not-found"
  | "exists"
  | "invalid-input"
  | "invalid-state"
  | "unsupported"
  | "busy"
  | "auth"
  | "transport"
  | "timeout"
  | "internal";

/** Which host a connection has reached. */
export interface HostIdentity {
  /** virConnectGetHostname. */
  hostname: string;
  /** `<host><uuid>` of the capabilities; stable only with DMI or `host_uuid` in libvirtd.conf. */
  uuid: string;
  /** major*1000000 + minor*1000 + release of the daemon, and of the client library. */
  libVersion: number;
  clientVersion: number;
  uri: string;
  /** virConnectGetType: "QEMU", "TEST" … */
  driver: string;
}

/**
 * Something has happened on the host. `event` and `detail` are libvirt's numbers: virNetworkEventLifecycleType,
 * virDomainEventType and its detail; of "close", `reason` is virConnectCloseReason (absent where it was this end).
 */
export interface LibvirtEvent {
  kind:
    | "network-lifecycle"
    | "domain-lifecycle"
    | "device-added"
    | "device-removed"
    | "device-removal-failed"
    | "close";
  object?: { name: string; uuid: string };
  event?: number;
  detail?: number;
  /** Of the device that came or went: what {@link Domains.detachDeviceAlias} takes. */
  alias?: string;
  reason?: number;
}

/** How to open a connection. */
export interface OpenOptions {
  /** Calls that change something, or read secrets, are then refused by libvirt (code 29, class "auth"). Default: false. */
  readOnly?: boolean;
  /** For each call and for open; ms above 0, default 30000; `Infinity`: none. A call that takes longer rejects with class "timeout"; its worker is abandoned and the connection is dead. */
  deadlineMs?: number;
  /** Keepalive interval in s (default 5) and count (default 3); 0 turns it off. */
  keepAlive?: { interval: number; count: number };
}

/** One connection: calls run in order on its own worker thread. */
export interface Connection {
  /** As it was given to `open`. */
  readonly uri: string;
  /** Host, daemon and client library, from several calls (virConnectGetCapabilities, GetHostname, GetURI …). Its deadline is 5 minutes where none is set: a daemon without a cache runs all its emulators first. */
  identity(): Promise<HostIdentity>;
  /** What the host can, as XML (virConnectGetCapabilities). Deadline as for {@link identity}. */
  capabilities(): Promise<string>;
  /** Whether the connection is good as far as this end knows, without asking the other (virConnectIsAlive). Never rejects. */
  isAlive(): Promise<boolean>;
  /** Close the connection and end its thread; every later call rejects with class "transport". Never rejects; waits 5 s at most for a daemon that hangs. */
  close(): Promise<void>;

  readonly networks: Networks;
  readonly domains: Domains;
  readonly interfaces: Interfaces;

  /** Network and domain events, and the connection's close; returns the unsubscribe function. */
  onEvent(listener: (e: LibvirtEvent) => void): Promise<() => Promise<void>>;
  /** Calls made so far on this connection by libvirt function name: the exact call counts of the tests. */
  callCounts(): Promise<Record<string, number>>;
}

/** Of one use of a {@link Pool}. */
export interface UseOptions {
  /** Uses with the same key come one after the other. */
  key?: string;
  /** Keys of others that must have ended, and must not begin meanwhile; uses that share one run beside each other. */
  shared?: readonly string[];
  /** On a read-only connection. Default: false. */
  readOnly?: boolean;
  /** Nobody needs it: a host that does not answer this open is not given up. Default: false. */
  optional?: boolean;
  /** What is to be had before a connection is taken, and given back after: a lock, say. Runs the work it is given. Default: nothing. */
  around?: <T>(work: () => Promise<T>) => Promise<T>;
}

/** A connection of a {@link Pool}, until it is given back. */
export interface Borrowed {
  connection: Connection;
  /** Let others have it, or close it where it has died or the pool is closed. Once; never rejects. */
  giveBack(): Promise<void>;
}

/** Up to `size` (default 4) connections to one URI, opened as needed; a lost one is reopened. */
export interface Pool {
  readonly uri: string;
  /** Connections at most. */
  readonly size: number;
  /** Run on a free connection; calls with the same key are serial (one object at a time), those that share it run beside each other between them. */
  use<T>(fn: (c: Connection) => Promise<T>, options?: UseOptions): Promise<T>;
  /** One more connection for who has one already, to work beside it; undefined where all are at work: it waits for nobody. To be given back. */
  borrow(): Promise<Borrowed | undefined>;
  /** {@link Connection.callCounts} of the connections that are open now, added up. */
  callCounts(): Promise<Record<string, number>>;
  /** Close the connections: idle ones now, working ones when their use ends. Later uses reject with class "transport". */
  close(): Promise<void>;
}
