/** The hosts of this process: one pool of connections a URI, what identifies each, and one reading of its networks shared by all resources. */
import { classOf, type Inputs, textOf, VirtnetError } from "../handler.js";
import type {
  Connection,
  DomainInfo,
  HostIdentity,
  NetworkInfo,
  OpenOptions,
  Pool,
  UseOptions,
} from "../libvirt/api.js";
import { type Channel, channelOf, type HostAddress } from "./channel.js";
import type { Errands } from "./errands.js";
import { listNetworks } from "./listing.js";
import { Recent } from "./recent.js";

/** Over a slow line networks are kept this many times as long as they took to read. */
const NETWORKS_TIMES = 10;

/** Device → bridge that it is on. */
export type Masters = ReadonlyMap<string, string | undefined>;

/** What a host says of itself, beside libvirt. */
export interface Vitals {
  /** Whether commands may change the host: those of a user who is not root may not. */
  mayChange: boolean;
  masters: Masters;
  addresses: readonly HostAddress[];
  /** Command lines of its dnsmasqs; absent: not known. */
  dnsmasqs?: readonly string[];
}

/** A channel that failed is not tried again before this time, and one that hung not before as long as that took, in ms. */
const QUIET_MS = 2_000;

/** So old it may be where it tells what another program did while libvirt is asked for a change, which takes as long. */
const VITALS_MS = 2_000;

async function readVitals(channel: Channel, run: Channel["run"]): Promise<Vitals> {
  const [{ masters, addresses }, dnsmasqs] = await Promise.all([
    channel.devices(run),
    channel.programs("dnsmasq", run),
  ]);
  return { mayChange: channel.mayChange, masters, addresses, ...(dnsmasqs ? { dnsmasqs } : {}) };
}

/** The next open may do. That a socket may not be used stays so. */
const isPassing = (e: unknown): boolean => classOf(e) === "transport" && !textOf(e).includes("Permission denied");

export class Host {
  readonly uri: string;
  readonly pool: Pool;
  readonly #tails = new Map<string, Promise<unknown>>();
  #identity: Promise<HostIdentity> | undefined;
  #writes = false;
  #trial: Promise<boolean> | undefined;
  readonly #networks: Recent<ReadonlyMap<string, NetworkInfo>>;
  readonly #domains = new Recent(() => this.read((c) => c.domains.list({ active: true })));
  readonly #allDomains = new Recent(() => this.read((c) => c.domains.list()));
  readonly #vitals = new Recent(async (): Promise<Vitals | undefined> => {
    const channel = channelOf(this.uri);
    return channel ? await readVitals(channel, this.look(channel)) : undefined;
  });
  #quietUntil = 0;
  #errands: Errands | undefined;

  constructor(uri: string, pool: Pool) {
    this.uri = uri;
    this.pool = pool;
    this.#networks = new Recent(
      async () => new Map((await listNetworks(pool, !this.#writes)).map((n) => [n.uuid, n])),
      NETWORKS_TIMES,
    );
  }

  /** Who answers under this URI. */
  identity(): Promise<HostIdentity> {
    this.#identity ??= this.read((c) => c.identity()).catch((e: unknown) => {
      this.#identity = undefined;
      throw e;
    });
    return this.#identity;
  }

  /** All networks by UUID, read not long ago ({@link Recent}). */
  networks(): Promise<ReadonlyMap<string, NetworkInfo>> {
    return this.#networks.now();
  }

  /**
   * The same, but what this process has written since may be missing: for who looks only at what others have. While 40
   * networks are made, each check would read all of them anew, and wait for libvirt, which holds readers back meanwhile.
   */
  networksOfOthers(): Promise<ReadonlyMap<string, NetworkInfo>> {
    return this.#networks.ofOthers();
  }

  /** All running domains, read not long ago. */
  domains(): Promise<readonly DomainInfo[]> {
    return this.#domains.now();
  }

  /** All domains, stopped ones too, read not long ago. `ofOthers`: what this process has written since may be missing. */
  allDomains(options: { ofOthers?: boolean } = {}): Promise<readonly DomainInfo[]> {
    return options.ofOthers === true ? this.#allDomains.ofOthers() : this.#allDomains.now();
  }

  /** What the host says of itself, read not long ago; undefined where there is no channel, or it failed just now. */
  async vitals(): Promise<Vitals | undefined> {
    const asked = performance.now();
    if (asked < this.#quietUntil) return undefined;
    try {
      return await this.#vitals.now();
    } catch {
      // A run has many that ask, one after the other: each would wait as long again.
      const now = performance.now();
      this.#quietUntil = Math.max(this.#quietUntil, now + Math.max(QUIET_MS, now - asked));
      return undefined;
    }
  }

  /**
   * The same, read after a moment (of performance.now()) and just now. What concerns a network whose lock was had at that moment, no other
   * run has changed since: so one reading serves all that are changed beside each other.
   */
  async vitalsSince(moment: number): Promise<Vitals | undefined> {
    try {
      const vitals = await this.#vitals.since(moment, VITALS_MS);
      this.#quietUntil = 0;
      return vitals;
    } catch {
      return undefined;
    }
  }

  /** Runs programs there that only look, as {@link Channel.run} does, and sooner. */
  look(channel: Channel): Channel["run"] {
    // Loaded on first use, as libvirt is.
    this.#errands ??= new (require("./errands.js") as typeof import("./errands.js")).Errands(channel);
    const errands = this.#errands;
    return (argv, options) => errands.run(argv, options);
  }

  /**
   * Something was written: the next reading is a new one. `renamed`: also for who looks only at what others have, since an
   * object under its old name would be one more of them.
   */
  changed(renamed = false): void {
    if (renamed) this.#networks.forget();
    for (const reading of [this.#networks, this.#domains, this.#allDomains, this.#vitals]) reading.changed();
  }

  /**
   * Work that writes nothing, or looks first and may be done again: on the connection at hand, or where that one is lost on a new
   * one, tried until the daemon is back. Never on another while the one at hand works: all that there are may be held by those who
   * ask the same.
   * @param patienceMs how long a host may be away; default 30 s.
   */
  async surely<T>(c: Connection, fn: (c: Connection) => Promise<T>, patienceMs = 30_000): Promise<T> {
    return await fn(c).catch((e: unknown) => {
      if (classOf(e) !== "transport" && classOf(e) !== "timeout") throw e;
      return this.#insist(fn, patienceMs);
    });
  }

  /** {@link surely}, for work that writes. */
  again<T>(c: Connection, fn: (c: Connection) => Promise<T>): Promise<T> {
    return this.surely(c, async (on) => {
      await on.networks.list({ xml: false }); // a dead one shows before anything is written
      return await fn(on);
    });
  }

  async #insist<T>(fn: (c: Connection) => Promise<T>, patienceMs: number): Promise<T> {
    for (const started = Date.now(); ; ) {
      try {
        return await this.pool.use(fn);
      } catch (e) {
        if (classOf(e) !== "transport" || Date.now() - started > patienceMs) throw e;
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

  /** {@link read}, for what libvirt refuses over a read-only connection; undefined where the user may have no other, which is tried once. */
  async readWriting<T>(fn: (c: Connection) => Promise<T>): Promise<T | undefined> {
    if (!this.#writes && !(await this.#mayWrite())) return undefined;
    return await this.pool.use(fn);
  }

  /** Where polkit asks for a password, and nobody answers, the open hangs: the host is as good as before. */
  #mayWrite(): Promise<boolean> {
    this.#trial ??= this.pool
      .use(async () => undefined, { optional: true })
      .then(
        () => {
          this.#writes = true;
          return true;
        },
        (e: unknown) => {
          if (isPassing(e)) this.#trial = undefined;
          return false;
        },
      );
    return this.#trial;
  }

  /** Work on one object; what concerns the same object waits. `shared`: other objects that must stay as they are meanwhile. */
  use<T>(
    key: string,
    fn: (c: Connection) => Promise<T>,
    { shared = [], around }: Pick<UseOptions, "shared" | "around"> = {},
  ): Promise<T> {
    this.#writes = true;
    return this.pool.use(fn, { key, shared, ...(around ? { around } : {}) });
  }

  /** Ends its connections, and what runs beside them. */
  async close(): Promise<void> {
    this.#errands?.end();
    await this.pool.close();
  }
}

const hosts = new Map<string, Host>();

/** The host of a resource. */
export const uriOf = (inputs: Inputs): string => (typeof inputs.uri === "string" ? inputs.uri : "qemu:///system");

/** @param options of its connections, where this is the first use. */
export function hostAt(uri: string, options: Omit<OpenOptions, "readOnly"> = {}): Host {
  let host = hosts.get(uri);
  if (!host) {
    // Loaded on first use: a run in which nothing changes needs no libvirt at all.
    const { openPool } = require("../libvirt/index.js") as typeof import("../libvirt/index.js");
    host = new Host(uri, openPool(uri, options));
    hosts.set(uri, host);
  }
  return host;
}

/** The other hosts of this process. */
export const otherHosts = (host: Host): Host[] => [...hosts.values()].filter((h) => h !== host);

/** End all connections; for tests and the command line. */
export async function closeHosts(): Promise<void> {
  const all = [...hosts.values()];
  hosts.clear();
  (await import("./lock.js")).endLocks();
  await Promise.all(all.map((h) => h.close()));
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
  const move =
    typeof state.uri === "string" && state.uri !== now.uri
      ? `, or move it with "pulumi up --replace" and its URN, which deletes it at ${state.uri} and makes it here`
      : "";
  throw new VirtnetError(
    `${object} is on host ${String(state.hostName)} (${String(state.hostUuid)}), but ${now.uri} is now ${now.hostname} (${now.uuid}): ` +
      `set virtnet:uri to the host that has it, or remove it from state with "pulumi state delete"${move}`,
  );
}

/** The same at preview, with the host where `at` is: who cannot reach it says so when it looks for the price. */
export async function proveWhereReached(state: Inputs, at: Inputs, object: string): Promise<void> {
  const now = await hostAt(uriOf(at))
    .identity()
    .catch(() => undefined);
  if (now) proveHost(state, now, object);
}
