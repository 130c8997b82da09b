/** The hosts of this process: one pool of connections a URI, what identifies each, and one reading of its networks shared by all resources. */
import { VirtnetError } from "../handler.js";
import type { Connection, DomainInfo, HostIdentity, NetworkInfo, Pool } from "../libvirt/api.js";

/** How long a reading of all networks may be used by reads, in ms; a write reads its own network anew. */
const SNAPSHOT_MS = 10_000;

export class Host {
  readonly uri: string;
  readonly pool: Pool;
  readonly #tails = new Map<string, Promise<unknown>>();
  #identity: Promise<HostIdentity> | undefined;
  #writes = false;
  #snapshot: { at: number; written: boolean; networks: Promise<Map<string, NetworkInfo>> } | undefined;
  #vms: { at: number; written: boolean; domains: Promise<readonly DomainInfo[]> } | undefined;

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

  /** All networks by UUID, read at most {@link SNAPSHOT_MS} ago. */
  networks(): Promise<ReadonlyMap<string, NetworkInfo>> {
    if (this.#snapshot?.written) this.#snapshot = undefined;
    return this.networksOfOthers();
  }

  /**
   * The same, but what this process has written since may be missing: for who looks only at what others have. While 40
   * networks are made, each check would read all of them anew, and wait for libvirt, which holds readers back meanwhile.
   */
  async networksOfOthers(): Promise<ReadonlyMap<string, NetworkInfo>> {
    const now = Date.now();
    if (!this.#snapshot || now - this.#snapshot.at > SNAPSHOT_MS) {
      const networks = this.read((c) => c.networks.list()).then((all) => new Map(all.map((n) => [n.uuid, n])));
      networks.catch(() => {
        this.#snapshot = undefined;
      });
      this.#snapshot = { at: now, written: false, networks };
    }
    return this.#snapshot.networks;
  }

  /** All domains with their XML, read at most {@link SNAPSHOT_MS} ago. `ofOthers`: what this process has written since may be missing. */
  domains(options: { ofOthers?: boolean } = {}): Promise<readonly DomainInfo[]> {
    const now = Date.now();
    const stale = this.#vms === undefined || now - this.#vms.at > SNAPSHOT_MS;
    if (this.#vms === undefined || stale || (this.#vms.written && options.ofOthers !== true)) {
      const domains = this.read((c) => c.domains.list());
      domains.catch(() => {
        this.#vms = undefined;
      });
      this.#vms = { at: now, written: false, domains };
    }
    return this.#vms.domains;
  }

  /** Something was written: the next reading is a new one. */
  changed(): void {
    if (this.#snapshot) this.#snapshot.written = true;
    if (this.#vms) this.#vms.written = true;
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
