/** The hosts of this process: one pool of connections a URI, what identifies each, and one reading of its networks shared by all resources. */
import { VirtnetError } from "../handler.js";
import type { Connection, DomainInfo, HostIdentity, NetworkInfo, Pool } from "../libvirt/api.js";
import { type Channel, channelOf, type HostAddress } from "./channel.js";
import { listNetworks } from "./listing.js";

/**
 * How long a reading of all networks may be used by reads, in ms and in times of what it took: over a slow line a run would
 * else spend its time reading. A write reads its own network anew.
 */
const SNAPSHOT_MS = 10_000;
const SNAPSHOT_TIMES = 10;

interface Snapshot {
  /** When it is too old, by performance.now(). */
  until: number;
  /** Something was written since. */
  written: boolean;
  networks: Promise<Map<string, NetworkInfo>>;
}

/** Device → bridge that it is on. */
export type Masters = ReadonlyMap<string, string | undefined>;

/** What a host says of itself, beside libvirt. */
export interface Vitals {
  masters: Masters;
  addresses: readonly HostAddress[];
  /** Command lines of its dnsmasqs; absent: not known. */
  dnsmasqs?: readonly string[];
}

async function readVitals(channel: Channel): Promise<Vitals> {
  const [masters, addresses, dnsmasqs] = await Promise.all([
    channel.masters(),
    channel.addresses(),
    channel.programs("dnsmasq"),
  ]);
  return { masters, addresses, ...(dnsmasqs ? { dnsmasqs } : {}) };
}

export class Host {
  readonly uri: string;
  readonly pool: Pool;
  readonly #tails = new Map<string, Promise<unknown>>();
  #identity: Promise<HostIdentity> | undefined;
  #writes = false;
  #snapshot: Snapshot | undefined;
  #domains: { at: number; list: Promise<DomainInfo[]> } | undefined;
  #allDomains: { at: number; written: boolean; list: Promise<readonly DomainInfo[]> } | undefined;
  #vitals: { at: number; read: Promise<Vitals | undefined> } | undefined;

  constructor(uri: string, pool: Pool) {
    this.uri = uri;
    this.pool = pool;
  }

  /** Who answers under this URI. */
  identity(): Promise<HostIdentity> {
    this.#identity ??= this.read((c) => c.identity()).catch((e: unknown) => {
      this.#identity = undefined;
      throw e;
    });
    return this.#identity;
  }

  /** All networks by UUID, read not long ago ({@link SNAPSHOT_MS}). */
  networks(): Promise<ReadonlyMap<string, NetworkInfo>> {
    if (this.#snapshot?.written) this.#snapshot = undefined;
    return this.networksOfOthers();
  }

  /**
   * The same, but what this process has written since may be missing: for who looks only at what others have. While 40
   * networks are made, each check would read all of them anew, and wait for libvirt, which holds readers back meanwhile.
   */
  async networksOfOthers(): Promise<ReadonlyMap<string, NetworkInfo>> {
    if (!this.#snapshot || performance.now() > this.#snapshot.until) this.#snapshot = this.#read();
    return this.#snapshot.networks;
  }

  #read(): Snapshot {
    const begun = performance.now();
    const networks = listNetworks(this.pool, !this.#writes).then((all) => new Map(all.map((n) => [n.uuid, n])));
    const snapshot: Snapshot = { until: Number.POSITIVE_INFINITY, written: false, networks };
    networks.then(
      () => {
        const now = performance.now();
        snapshot.until = now + Math.max(SNAPSHOT_MS, SNAPSHOT_TIMES * (now - begun));
      },
      () => {
        if (this.#snapshot === snapshot) this.#snapshot = undefined;
      },
    );
    return snapshot;
  }

  /** All running domains, read at most {@link SNAPSHOT_MS} ago. */
  async domains(): Promise<readonly DomainInfo[]> {
    const now = Date.now();
    if (!this.#domains || now - this.#domains.at > SNAPSHOT_MS) {
      const list = this.read((c) => c.domains.list({ active: true }));
      list.catch(() => {
        this.#domains = undefined;
      });
      this.#domains = { at: now, list };
    }
    return this.#domains.list;
  }

  /**
   * All domains, stopped ones too, read at most {@link SNAPSHOT_MS} ago. `ofOthers`: what this process has written since
   * may be missing.
   */
  allDomains(options: { ofOthers?: boolean } = {}): Promise<readonly DomainInfo[]> {
    const now = Date.now();
    const known = this.#allDomains;
    if (known && now - known.at <= SNAPSHOT_MS && (!known.written || options.ofOthers === true)) return known.list;
    const list = this.read((c) => c.domains.list());
    list.catch(() => {
      this.#allDomains = undefined;
    });
    this.#allDomains = { at: now, written: false, list };
    return list;
  }

  /** What the host says of itself, read at most {@link SNAPSHOT_MS} ago; undefined where there is no channel. */
  vitals(): Promise<Vitals | undefined> {
    const now = Date.now();
    if (!this.#vitals || now - this.#vitals.at > SNAPSHOT_MS) {
      const channel = channelOf(this.uri);
      this.#vitals = {
        at: now,
        read: channel ? readVitals(channel).catch(() => undefined) : Promise.resolve(undefined),
      };
    }
    return this.#vitals.read;
  }

  /**
   * Something was written: the next reading is a new one. `renamed`: also for who looks only at what others have, since an
   * object under its old name would be one more of them.
   */
  changed(renamed = false): void {
    if (renamed) this.#snapshot = undefined;
    if (this.#snapshot) this.#snapshot.written = true;
    if (this.#allDomains) this.#allDomains.written = true;
    this.#domains = undefined;
    this.#vitals = undefined;
  }

  /** Work that writes nothing, on the connection at hand, or on another where that one is lost. */
  async surely<T>(c: Connection, fn: (c: Connection) => Promise<T>): Promise<T> {
    return await fn(c).catch((e: unknown) => {
      if (!(e instanceof Error && "class" in e && (e.class === "transport" || e.class === "timeout"))) throw e;
      return this.insist(fn);
    });
  }

  /**
   * Work that must get through although the connection at hand may be lost: on a new one, tried until the daemon is back.
   * @param patienceMs how long a host may be away; default 30 s.
   */
  async insist<T>(fn: (c: Connection) => Promise<T>, patienceMs = 30_000): Promise<T> {
    for (const started = Date.now(); ; ) {
      try {
        return await this.pool.use(async (c) => {
          await c.networks.list({ xml: false }); // a dead one shows before anything is written
          return await fn(c);
        });
      } catch (e) {
        const away = e instanceof Error && "class" in e && e.class === "transport";
        if (!away || Date.now() - started > patienceMs) throw e;
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    }
  }

  /** Run work of one kind one after the other, on connections that the callers hold already. */
  serial<T>(kind: string, fn: () => Promise<T>): Promise<T> {
    const result = (this.#tails.get(kind) ?? Promise.resolve()).then(fn, fn);
    this.#tails.set(
      kind,
      result.then(
        () => undefined,
        () => undefined,
      ),
    );
    return result;
  }

  /** Work that writes nothing. A run that writes has connections for that, and opens no others in their place. */
  read<T>(fn: (c: Connection) => Promise<T>): Promise<T> {
    return this.pool.use(fn, { readOnly: !this.#writes });
  }

  /** Work on one object; what concerns the same object waits. `shared`: other objects that must stay as they are meanwhile. */
  use<T>(key: string, fn: (c: Connection) => Promise<T>, shared: readonly string[] = []): Promise<T> {
    this.#writes = true;
    return this.pool.use(fn, { key, shared });
  }
}

const hosts = new Map<string, Host>();

export function hostAt(uri: string): Host {
  let host = hosts.get(uri);
  if (!host) {
    // Loaded on first use: a run in which nothing changes needs no libvirt at all.
    const { openPool } = require("../libvirt/index.js") as typeof import("../libvirt/index.js");
    host = new Host(uri, openPool(uri));
    hosts.set(uri, host);
  }
  return host;
}

/** End all connections; for tests and the command line. */
export async function closeHosts(): Promise<void> {
  const all = [...hosts.values()];
  hosts.clear();
  await Promise.all(all.map((h) => h.pool.close()));
}

export type Proof = "proven" | "uncertain";

/**
 * Whether the host that answers is the one that state names. The host UUID is stable only with DMI or `host_uuid` in
 * libvirtd.conf; another UUID under the same host name is therefore uncertain, under another name another host.
 */
export function proveHost(
  state: { hostUuid?: unknown; hostName?: unknown; uri?: unknown },
  now: HostIdentity,
  object: string,
): Proof {
  if (state.hostUuid === undefined || state.hostUuid === now.uuid) return "proven";
  if (state.hostName === now.hostname) return "uncertain";
  throw new VirtnetError(
    `${object} is on host ${String(state.hostName)} (${String(state.hostUuid)}), but ${now.uri} is now ${now.hostname} (${now.uuid}): ` +
      `set virtnet:uri to the host that has it, or remove it from state with "pulumi state delete"`,
  );
}
