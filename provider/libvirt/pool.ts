/**
 * A few connections to one URI, for parallel work on a host.
 */
import type { Borrowed, Connection, OpenOptions, Pool, UseOptions } from "./api.js";
import { openConnection, type WorkerConnection } from "./connection.js";
import { deadlineOf } from "./deadline.js";
import { LibvirtError } from "./errors.js";

/** How a pool opens its connections; whether read-only is said at each use. */
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

/** Which connection a use needs. */
type How = Pick<UseOptions, "readOnly" | "optional">;

/** One use that has a key for itself (or none), and those after it that share the key. */
class Turn {
  /** When the one that has the key for itself may start. */
  readonly before: Promise<unknown>;
  /** When it has ended: those that share the key may start. */
  first: Promise<unknown> = Promise.resolve();
  readonly #under = new Set<Promise<unknown>>();

  constructor(previous: Turn | undefined) {
    this.before = previous ? Promise.all([previous.first, ...previous.#under]) : Promise.resolve();
  }

  begin(settled: Promise<unknown>): void {
    this.first = settled;
    this.join(settled);
  }

  join(settled: Promise<unknown>): void {
    this.#under.add(settled);
    void settled.then(() => this.#under.delete(settled));
  }

  get over(): boolean {
    return this.#under.size === 0;
  }
}

export class ConnectionPool implements Pool {
  readonly uri: string;
  readonly size: number;
  readonly #options: PoolOptions;
  readonly #idle: Member[] = [];
  readonly #members = new Set<Member>();
  readonly #waiting: (() => void)[] = [];
  /** Of each key the last use that has it for itself, and those that have shared it since. */
  readonly #turns = new Map<string, Turn>();
  /** Slots taken, by idle members, working ones, and those being opened. */
  #taken = 0;
  #everOpened = false;
  #closed = false;

  constructor(uri: string, options: PoolOptions = {}) {
    this.uri = uri;
    this.#options = options;
    this.size = options.size ?? defaultSize;
    if (!(Number.isInteger(this.size) && this.size > 0))
      throw LibvirtError.own(
        "invalid-input",
        `size is ${this.size}: a pool has a whole number of connections, at least 1`,
      );
    if (options.deadlineMs !== undefined) deadlineOf(options.deadlineMs);
  }

  /**
   * Run `fn` on a free connection, after earlier uses with the same key; uses that share a key run beside each other, but
   * not beside one that has it for itself.
   *
   * When the connection breaks and `fn` has sent no write yet, `fn` runs once more on a new one; else its error is passed on.
   * `fn` must not `use` the pool with its own key: it would wait for itself.
   */
  use<T>(fn: (c: Connection) => Promise<T>, options: UseOptions = {}): Promise<T> {
    const { key, shared = [], around = (work) => work() } = options;
    if (key === undefined && shared.length === 0) return around(() => this.#run(fn, options));
    const own = key === undefined ? undefined : new Turn(this.#turns.get(key));
    if (key !== undefined && own !== undefined) this.#turns.set(key, own);
    const common = shared
      .filter((k) => k !== key)
      .map((k) => {
        const turn = this.#turns.get(k) ?? new Turn(undefined);
        this.#turns.set(k, turn);
        return turn;
      });
    // All places are taken at once, so no two uses can wait for each other.
    const before = [...(own ? [own.before] : []), ...common.map((turn) => turn.first)];
    const result = Promise.all(before).then(() => around(() => this.#run(fn, options)));
    const settled = result.then(
      () => undefined,
      () => undefined,
    );
    own?.begin(settled);
    for (const turn of common) turn.join(settled);
    void settled.then(() => {
      for (const k of [...shared, key ?? ""]) if (this.#turns.get(k)?.over) this.#turns.delete(k);
    });
    return result;
  }

  async borrow(): Promise<Borrowed | undefined> {
    const at = this.#idle.findIndex(({ readOnly, connection }) => !readOnly && connection.dead === undefined);
    const free = !this.#closed && this.#taken - this.#deadAtWork() < this.size;
    const member = at >= 0 ? this.#idle.splice(at, 1)[0] : free ? await this.#open({}) : undefined;
    return member && { connection: member.connection, giveBack: () => this.#giveBack(member) };
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

  async #run<T>(fn: (c: Connection) => Promise<T>, how: How): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const member = await this.#take(how);
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

  async #take(how: How): Promise<Member> {
    for (;;) {
      if (this.#closed) throw LibvirtError.own("transport", `the pool of ${this.uri} is closed`);
      const at = this.#idle.findIndex((member) => member.readOnly === (how.readOnly === true));
      if (at >= 0) {
        const member = this.#idle.splice(at, 1)[0]!;
        if (member.connection.dead === undefined) return member;
        await this.#drop(member);
      } else if (this.#taken - this.#deadAtWork() < this.size) {
        return await this.#open(how);
      } else if (this.#idle.length > 0) {
        await this.#drop(this.#idle.shift()!); // all slots taken, one by an idle connection of the other kind
      } else {
        await new Promise<void>((resolve) => {
          this.#waiting.push(resolve);
        });
      }
    }
  }

  async #open({ readOnly = false, optional = false }: How): Promise<Member> {
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
      connection.whenDead = () => this.#waiting.shift()?.();
      return member;
    } catch (e) {
      this.#release();
      // A host that has answered before may be restarting its daemon; only one that hangs is given up then.
      const isDead =
        e instanceof LibvirtError && (e.class === "timeout" || (e.class === "transport" && !this.#everOpened));
      if (isDead && !optional) deadHosts.set(this.uri, e);
      throw e;
    }
  }

  /** Their uses end by way of another one: it must not wait for them. */
  #deadAtWork(): number {
    return [...this.#members].filter((m) => m.connection.dead !== undefined && !this.#idle.includes(m)).length;
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
