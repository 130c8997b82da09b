/**
 * One healer of a network at a time. A small network that is only defined is the lock: libvirt takes no second one of that name
 * (virNetworkObjAssignDef), whoever asks, from whatever machine. It says who holds it, so that one whose holder died is broken;
 * it is removed by its UUID, so that of two who break it one gets through.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { classOf, VirtnetError } from "../handler.js";
import type { Connection, NetworkInfo } from "../libvirt/api.js";
import { addChild, child, newDocument, parseXml, printXml } from "../schema/xml.js";
import { isThisProcess, stillRuns, thisProcess } from "./author.js";
import { type Author, parkName, readAuthor, writeAuthor } from "./journal.js";
import { OWN_NS } from "./parts/metadata.js";

/** How long another healer is waited for, in ms. */
const PATIENCE_MS = 30_000;
const PAUSE_MS = 200;

const healLockName = (uuid: string): string => `${parkName(uuid)}h`;

export const isHealLockName = (name: string): boolean => /^vnpark[0-9a-f]{8}h$/.test(name);

/** Runs `work` while nobody else heals the network; waits for who does. `force` takes no regard of a holder. */
export async function aloneHealing<T>(
  c: Connection,
  uuid: string,
  work: () => Promise<T>,
  { force = false, patienceMs = PATIENCE_MS } = {},
): Promise<T> {
  const lock = await take(c, uuid, force, Date.now() + patienceMs);
  try {
    return await work();
  } finally {
    // A lock that cannot be removed now is broken by the next one, since its holder is this process.
    await remove(c, lock.uuid).catch(() => undefined);
  }
}

/** One whose holder died goes. */
export async function breakIfDead(c: Connection, lock: NetworkInfo, force: boolean): Promise<boolean> {
  const author = holder(lock);
  if (author && !force && !isThisProcess(author) && stillRuns(author)) return false;
  await remove(c, lock.uuid);
  return true;
}

async function take(c: Connection, uuid: string, force: boolean, until: number): Promise<{ uuid: string }> {
  const name = healLockName(uuid);
  for (;;) {
    const there = await c.networks.get({ name });
    if (there && !(await breakIfDead(c, there, force))) {
      if (Date.now() > until) throw new VirtnetError(busy(uuid, holder(there)));
      await sleep(PAUSE_MS);
      continue;
    }
    try {
      return await c.networks.define(lockXml(uuid, thisProcess()));
    } catch (e) {
      if (classOf(e) !== "exists" || Date.now() > until) throw e;
      await sleep(PAUSE_MS); // another one was first
    }
  }
}

async function remove(c: Connection, uuid: string): Promise<void> {
  await c.networks.undefine({ uuid }).catch((e: unknown) => {
    if (classOf(e) !== "not-found") throw e; // somebody has broken it
  });
}

/** Never started, so the bridge of the host that it names need not exist. */
export function lockXml(uuid: string, author: Author): string {
  const root = newDocument("network");
  const name = healLockName(uuid);
  addChild(root, "name").textContent = name;
  addChild(root, "forward").setAttribute("mode", "bridge");
  addChild(root, "bridge").setAttribute("name", name);
  writeAuthor(addChild(addChild(root, "metadata"), "virtnet:healer", OWN_NS), author);
  return printXml(root);
}

function holder({ inactiveXml }: NetworkInfo): Author | undefined {
  const metadata = child(parseXml(inactiveXml), "metadata");
  const el = metadata && child(metadata, "healer", OWN_NS);
  return el && readAuthor(el);
}

const busy = (uuid: string, author: Author | undefined): string =>
  `network ${uuid} is being healed by another process${author ? ` (${author.pid} on ${author.machine.split(" ")[0]}, since ${author.at})` : ""}: run again when that has ended; "virtnet heal --force" does not wait for it`;
