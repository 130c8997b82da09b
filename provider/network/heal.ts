/** Find the journals that runs have left on a host, and finish or undo what they tell of. */
import { VirtnetError } from "../handler.js";
import { channelOf } from "../host/channel.js";
import type { Connection, NetworkInfo } from "../libvirt/api.js";
import { stillRuns, thisProcess } from "./author.js";
import { isParkName, type Journal, parkName, readJournal } from "./journal.js";
import { finish, type Settled } from "./settle.js";

export interface Healed {
  network: string;
  /** What it is now: as before the run, or as the run wanted it. */
  settled: Settled;
}

/** Of one network; undefined where nothing was left. Throws where the run that wrote it still goes on. */
export async function healOne(c: Connection, uuid: string, force = false): Promise<Healed | undefined> {
  const park = await c.networks.get({ name: parkName(uuid) });
  return park ? await heal(c, park, force) : undefined;
}

/** All of a host; one that cannot be healed does not keep the others from it. */
export async function healAll(c: Connection, force = false): Promise<{ healed: Healed[]; failed: string[] }> {
  const healed: Healed[] = [];
  const failed: string[] = [];
  for (const park of await c.networks.list()) {
    if (!isParkName(park.name)) continue;
    await heal(c, park, force).then(
      (h) => healed.push(h),
      (e: unknown) => failed.push(e instanceof Error ? e.message : String(e)),
    );
  }
  return { healed, failed };
}

async function heal(c: Connection, park: NetworkInfo, force: boolean): Promise<Healed> {
  const journal = readJournal(park.inactiveXml);
  if (!journal)
    throw new VirtnetError(
      `network ${JSON.stringify(park.name)} has the name of a park network, but carries no journal: look what is on it, and remove it by hand`,
    );
  const { author } = journal;
  const self = thisProcess();
  const own = author.machine === self.machine && author.pid === self.pid && author.started === self.started;
  if (!own && !force && stillRuns(author)) throw new VirtnetError(busy(journal));
  return { network: journal.from, settled: await finish(c, journal, channelOf(c.uri)) };
}

const busy = ({ from, author }: Journal & { author: { machine: string; pid: number; at: string } }): string =>
  `network ${JSON.stringify(from)} is being changed by another run (process ${author.pid} on ${author.machine.split(" ")[0]}, since ${author.at}): wait until it has ended; if it has, and cannot be seen from here, "virtnet heal --force" ends it`;
