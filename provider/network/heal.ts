/** Find the journals that runs have left on a host, and finish or undo what they tell of. */
import { textOf, VirtnetError } from "../handler.js";
import { channelOf } from "../host/channel.js";
import { holding } from "../host/lock.js";
import type { Connection, NetworkInfo } from "../libvirt/api.js";
import { elsewhere, isThisProcess, stillRuns } from "./author.js";
import { aloneHealing, breakIfDead, isHealLockName } from "./healers.js";
import { isParkName, type Journal, networkLock, parkName, readJournal } from "./journal.js";
import { finish, type Settled } from "./settle.js";

export interface Healed {
  network: string;
  settled: Settled;
}

/**
 * Of one network. Throws where the run that wrote it still goes on.
 * @param held whether the host's lock of the network is held here. @returns whether anything was left.
 */
export async function healOne(c: Connection, uuid: string, held = false): Promise<boolean> {
  const park = await c.networks.get({ name: parkName(uuid) });
  if (park) await heal(c, park, { held });
  return park !== undefined;
}

/** How long a run that has the lock is waited for, in s. */
const LOCK_S = 1;

/** All of a host; one that cannot be healed does not keep the others from it. */
export async function healAll(c: Connection, force = false): Promise<{ healed: Healed[]; failed: string[] }> {
  const healed: Healed[] = [];
  const failed: string[] = [];
  const all = await c.networks.list();
  for (const park of all) {
    if (!isParkName(park.name)) continue;
    await healLocked(c, park, force).then(
      (h) => h && healed.push(h),
      (e: unknown) => failed.push(textOf(e)),
    );
  }
  for (const lock of all) if (isHealLockName(lock.name)) await breakIfDead(c, lock, false);
  return { healed, failed };
}

/** Whether a run of another machine has ended cannot be seen from here, but by the lock that it had. */
function healLocked(c: Connection, park: NetworkInfo, force: boolean): Promise<Healed | undefined> {
  const journal = readJournal(park.inactiveXml);
  const channel = channelOf(c.uri);
  if (force || !channel || !journal?.author.locked || !elsewhere(journal.author)) return heal(c, park, { force });
  const { uuid, from } = journal;
  const held = [{ name: networkLock(uuid), what: `network ${JSON.stringify(from)}` }];
  return holding(c.uri, channel, { held, waitS: LOCK_S, without: () => {} }, (has) => heal(c, park, { held: has }));
}

interface Healing {
  force?: boolean;
  /** The host's lock of the network is held here. */
  held?: boolean;
}

/** undefined: another one has healed it meanwhile. */
async function heal(c: Connection, park: NetworkInfo, how: Healing): Promise<Healed | undefined> {
  const { force = false } = how;
  const { uuid } = deadJournal(park, how);
  return await aloneHealing(
    c,
    uuid,
    async () => {
      // Read again: what was there before another healer ended is of no use.
      const now = await c.networks.get({ name: park.name });
      if (!now) return undefined;
      const journal = deadJournal(now, how);
      return { network: journal.from, settled: await finish(c, journal, channelOf(c.uri)) };
    },
    { force },
  );
}

/** The journal of a run that has ended. */
function deadJournal(park: NetworkInfo, { force = false, held = false }: Healing): Journal {
  const journal = readJournal(park.inactiveXml);
  if (!journal)
    throw new VirtnetError(
      `network ${JSON.stringify(park.name)} has the name of a park network, but carries no journal: look what is on it, and remove it by hand`,
    );
  const { author } = journal;
  const ended = force || isThisProcess(author) || (held && author.locked) || !stillRuns(author);
  if (!ended) throw new VirtnetError(busy(journal));
  return journal;
}

const busy = ({ from, author }: Journal & { author: { machine: string; pid: number; at: string } }): string =>
  `network ${JSON.stringify(from)} is being changed by another run (process ${author.pid} on ${author.machine.split(" ")[0]}, since ${author.at}): wait until it has ended; if it has, and cannot be seen from here, "virtnet heal --force" ends it`;
