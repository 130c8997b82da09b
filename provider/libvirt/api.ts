/**
 * What the rest of the house may ask of libvirt: plain data in, plain data or a {@link LibvirtError} out.
 *
 * The implementation (`index.ts`, over koffi and a worker thread) and the tests' fault injector both have this shape;
 * nothing outside this room sees a handle or a pointer.
 */

/** How an object is named: by UUID where known (stable), else by its name. */
export type Ref = { uuid: string } | { name: string };

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

/** One network as seen in a listing. */
export interface NetworkInfo {
  name: string;
  uuid: string;
  active: boolean;
  persistent: boolean;
  autostart: boolean;
  /** The stored definition; for a transient network, the live one. */
  inactiveXml: string;
  /** The running definition; undefined when not active. */
  liveXml?: string;
}

export interface DomainInfo {
  name: string;
  uuid: string;
  active: boolean;
  persistent: boolean;
  /** virDomainState: 1 running, 3 paused, 5 shut off … */
  state: number;
  /** The stored definition. */
  inactiveXml?: string;
  liveXml?: string;
  /** Of one that runs and is not stored: the running definition without what libvirt adds while it runs. */
  ownXml?: string;
}

export interface NetworkPort {
  uuid: string;
  ownerUuid: string;
  ownerName: string;
  mac: string;
  xml: string;
}
export interface Lease {
  iface: string;
  expiryTime: number;
  type: "ipv4" | "ipv6";
  mac?: string;
  iaid?: string;
  address: string;
  prefix: number;
  hostname?: string;
  clientId?: string;
}
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

/** virNetworkUpdateCommand / Section, by the header's names (command, section order as in the header). */
export type UpdateCommand = "modify" | "delete" | "add-last" | "add-first";
export type UpdateSection =
  | "bridge"
  | "domain"
  | "ip"
  | "ip-dhcp-host"
  | "ip-dhcp-range"
  | "forward"
  | "forward-interface"
  | "forward-pf"
  | "portgroup"
  | "dns-host"
  | "dns-txt"
  | "dns-srv";
/** Which copy of a definition a call touches. */
export type Affect = "live" | "config" | "both";

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
  alias?: string;
  reason?: number;
}

export interface OpenOptions {
  readOnly?: boolean;
  /** For each call and for open; ms, default 30000. A call that takes longer rejects with class "timeout"; its worker is abandoned and the connection is dead. */
  deadlineMs?: number;
  /** Keepalive interval in s (default 5) and count (default 3); 0 turns it off. */
  keepAlive?: { interval: number; count: number };
}

/** One connection: calls run in order on its own worker thread. */
export interface Connection {
  readonly uri: string;
  identity(): Promise<HostIdentity>;
  capabilities(): Promise<string>;
  isAlive(): Promise<boolean>;
  close(): Promise<void>;

  networks: {
    /**
     * All networks, or those of `uuids`, in one request to the worker. Without `xml: false` one or two XML calls a network; after
     * `withinMs` no more of them are begun. A network whose definition was not read has `inactiveXml: ""`.
     */
    list(options?: { xml?: boolean; uuids?: readonly string[]; withinMs?: number }): Promise<NetworkInfo[]>;
    /** One network; undefined when it does not exist (any other failure rejects). */
    get(ref: Ref): Promise<NetworkInfo | undefined>;
    /** The running definition, of a stopped network the stored one, and nothing else; undefined when it does not exist. */
    xml(ref: Ref): Promise<string | undefined>;
    /** Define persistently; validated against the daemon's schema unless `validate: false` or the daemon is older than 7.7. */
    define(xml: string, options?: { validate?: boolean }): Promise<{ name: string; uuid: string }>;
    /** Create transient and start. */
    createXml(xml: string): Promise<{ name: string; uuid: string }>;
    start(ref: Ref): Promise<void>;
    destroy(ref: Ref): Promise<void>;
    undefine(ref: Ref): Promise<void>;
    setAutostart(ref: Ref, on: boolean): Promise<void>;
    /** virNetworkUpdate; command and section in the header's order, right for client libraries from 7.2 on. */
    update(
      ref: Ref,
      command: UpdateCommand,
      section: UpdateSection,
      parentIndex: number,
      xml: string,
      affect: Affect,
    ): Promise<void>;
    /** virNetworkSetMetadata, daemon ≥ 9.7. `type` element needs key (prefix) and uri. */
    setMetadata(
      ref: Ref,
      type: "description" | "title" | "element",
      value: string | null,
      key: string | null,
      uri: string | null,
      affect: Affect,
    ): Promise<void>;
    leases(ref: Ref, mac?: string): Promise<Lease[]>;
    ports(ref: Ref): Promise<NetworkPort[]>;
    bridgeName(ref: Ref): Promise<string>;
  };

  domains: {
    list(options?: { xml?: boolean; active?: boolean }): Promise<DomainInfo[]>;
    get(ref: Ref): Promise<DomainInfo | undefined>;
    define(xml: string): Promise<{ name: string; uuid: string }>;
    createXml(xml: string): Promise<{ name: string; uuid: string }>;
    start(ref: Ref): Promise<void>;
    destroy(ref: Ref): Promise<void>;
    undefine(ref: Ref): Promise<void>;
    attachDevice(ref: Ref, xml: string, affect: Affect): Promise<void>;
    updateDevice(ref: Ref, xml: string, affect: Affect): Promise<void>;
    detachDevice(ref: Ref, xml: string, affect: Affect): Promise<void>;
    detachDeviceAlias(ref: Ref, alias: string, affect: Affect): Promise<void>;
    interfaceAddresses(
      ref: Ref,
      source: "lease" | "agent" | "arp",
    ): Promise<
      { name: string; mac?: string; addresses: { type: "ipv4" | "ipv6"; address: string; prefix: number }[] }[]
    >;
    /** virDomainGetJobInfo type: 0 none. */
    jobType(ref: Ref): Promise<number>;
    suspend(ref: Ref): Promise<void>;
    resume(ref: Ref): Promise<void>;
  };

  interfaces: {
    list(): Promise<{ name: string; mac: string; active: boolean; xml: string }[]>;
    get(name: string): Promise<{ name: string; mac: string; active: boolean; xml: string } | undefined>;
    /** What is stored of it, where the driver tells that apart from what is there (netcf); else the same as `xml` of `get`. */
    definition(name: string): Promise<string | undefined>;
    define(xml: string): Promise<void>;
    undefine(name: string): Promise<void>;
    start(name: string): Promise<void>;
    destroy(name: string): Promise<void>;
    changeBegin(): Promise<void>;
    changeCommit(): Promise<void>;
    changeRollback(): Promise<void>;
  };

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
  /** What is to be had before a connection is taken, and given back after: a lock, say. Runs the work it is given. Default: nothing. */
  around?: <T>(work: () => Promise<T>) => Promise<T>;
}

/** A connection of a {@link Pool}, until it is given back. */
export interface Borrowed {
  connection: Connection;
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
  close(): Promise<void>;
}
