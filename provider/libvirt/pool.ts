/**
 * A few connections to one URI, for parallel work on a host.
 */
import type { Connection, OpenOptions, Pool } from "./api.js";
import { openConnection, type WorkerConnection } from "./connection.js";
import { LibvirtError } from "./errors.js";

export interface PoolOptions extends Omit<OpenOptions, "readOnly"> {
  /** Connections at most, read-only ones included; default 4. */
  size?: number;
}

const defaultSize = 4;
/** Hosts that did not answer an open: nobody waits for them twice in one run. */
const deadHosts = new Map<string, LibvirtError>();

/** Forget that a host (or, without argument, any) was found dead, so that the next use tries again. */
export function forgetDeadHosts(uri?: string): void {
  if (uri === undefined) deadHosts.clear();
  else deadHosts.delete(uri);
}

interface Member {
  connection: WorkerConnection;
  readOnly: boolean;
}

export class ConnectionPool implements Pool {
  readonly uri: string;
  readonly size: number;
  readonly #options: PoolOptions;
  readonly #idle: Member[] = [];
  readonly #members = new Set<Member>();
  readonly #waiting: (() => void)[] = [];
  /** The last use of each key: the next one starts when it has settled. */
  readonly #tails = new Map<string, Promise<unknown>>();
  /** Slots taken, by idle members, working ones, and those being opened. */
  #taken = 0;
  #everOpened = false;
  #closed = false;

  constructor(uri: string, options: PoolOptions = {}) {
    this.uri = uri;
    this.#options = options;
    this.size = options.size ?? defaultSize;
  }

  /**
   * Run `fn` on a free connection, after earlier uses with the same key.
   *
   * When the connection breaks and `fn` has sent no write yet, `fn` runs once more on a new one; else its error is passed on.
   * `fn` must not `use` the pool with its own key: it would wait for itself.
   */
  use<T>(fn: (c: Connection) => Promise<T>, options: { key?: string; readOnly?: boolean } = {}): Promise<T> {
    const { key } = options;
    const readOnly = options.readOnly === true;
    if (key === undefined) return this.#run(fn, readOnly);
    const before = this.#tails.get(key) ?? Promise.resolve();
    const result = before.then(() => this.#run(fn, readOnly));
    const tail = result
      .then(
        () => undefined,
        () => undefined,
      )
      .then(() => {
        if (this.#tails.get(key) === tail) this.#tails.delete(key);
      });
    this.#tails.set(key, tail);
    return result;
  }

  async callCounts(): Promise<Record<string, number>> {
    const good = [...this.#members].filter(({ connection }) => connection.dead === undefined);
    const sum: Record<string, number> = {};
    for (const counts of await Promise.all(good.map(({ connection }) => connection.callCounts())))
      for (const [name, count] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + count;
    return sum;
  }

  /** Close the connections: idle ones now, working ones when their use ends. Later uses are refused. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#idle.splice(0).map((member) => this.#drop(member)));
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async #run<T>(fn: (c: Connection) => Promise<T>, readOnly: boolean): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const member = await this.#take(readOnly);
      const { connection } = member;
      const written = connection.writesSent;
      try {
        return await fn(connection);
      } catch (e) {
        const lost = e instanceof LibvirtError && e.class === "transport" && connection.dead !== undefined;
        if (!lost || attempt > 1 || connection.writesSent > written) throw e;
      } finally {
        await this.#giveBack(member);
      }
    }
  }

  async #take(readOnly: boolean): Promise<Member> {
    for (;;) {
      if (this.#closed) throw LibvirtError.own("transport", `the pool of ${this.uri} is closed`);
      const at = this.#idle.findIndex((member) => member.readOnly === readOnly);
      if (at >= 0) {
        const member = this.#idle.splice(at, 1)[0]!;
        if (member.connection.dead === undefined) return member;
        await this.#drop(member);
      } else if (this.#taken < this.size) {
        return await this.#open(readOnly);
      } else if (this.#idle.length > 0) {
        await this.#drop(this.#idle.shift()!); // all slots taken, one by an idle connection of the other kind
      } else {
        await new Promise<void>((resolve) => {
          this.#waiting.push(resolve);
        });
      }
    }
  }

  async #open(readOnly: boolean): Promise<Member> {
    const known = deadHosts.get(this.uri);
    if (known !== undefined) {
      this.#waiting.shift()?.(); // who waits for a slot is told the same
      throw new LibvirtError(
        { ...known.toData(), text: `${known.text}; not tried again in this run`, sent: false },
        { cause: known },
      );
    }
    this.#taken++;
    try {
      const connection = await openConnection(this.uri, { ...this.#options, readOnly });
      this.#everOpened = true;
      const member = { connection, readOnly };
      this.#members.add(member);
      return member;
    } catch (e) {
      this.#release();
      // A host that has answered before may be restarting its daemon; only one that hangs is given up then.
      if (e instanceof LibvirtError && (e.class === "timeout" || (e.class === "transport" && !this.#everOpened)))
        deadHosts.set(this.uri, e);
      throw e;
    }
  }

  async #giveBack(member: Member): Promise<void> {
    if (this.#closed || member.connection.dead !== undefined) {
      await this.#drop(member);
      return;
    }
    this.#idle.push(member);
    this.#waiting.shift()?.();
  }

  async #drop(member: Member): Promise<void> {
    this.#members.delete(member);
    await member.connection.close();
    this.#release();
  }

  #release(): void {
    this.#taken--;
    this.#waiting.shift()?.();
  }
}
