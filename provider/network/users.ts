/** A network that NICs are on is not deleted under them; those that this run is taking away are waited for. */
import { type Inputs, VirtnetError } from "../handler.js";
import type { Connection, NetworkInfo } from "../libvirt/api.js";
import { decodeMark } from "../nic-mark.js";
import { type Owner, sameStack } from "../ownership.js";
import { child, parseXml } from "../schema/xml.js";
import { isUnplugging, unplugged } from "../unplugging.js";
import { nicsOn, storedUsers, vmsOf } from "./nics.js";
import { namesOf } from "./observe.js";
import { label } from "./owned.js";

/** How long after the network's delete that of a NIC may begin, in ms: the engine starts those that it does not know to need each other together. */
const BEGIN_MS = 2000;

/** NICs whose definition, running or stored, refers to the network. */
type User = Pick<ReturnType<typeof nicsOn>[number], "domain" | "domainName" | "mac" | "xml">;

class InUse extends VirtnetError {
  override name = "InUse";
  readonly users: readonly User[];

  constructor(message: string, users: readonly User[]) {
    super(message);
    this.users = users;
  }
}

export async function refuseInUse(c: Connection, info: NetworkInfo, olds: Inputs): Promise<void> {
  if (olds.forceDelete === true || process.env.VIRTNET_FORCE_DELETE === "1") return;
  const domains = await c.domains.list();
  const names = namesOf(info);
  const users = [...nicsOn(domains, names), ...storedUsers(domains, names)];
  if (users.length === 0) return;
  throw new InUse(
    `${label(olds)} is in use by ${vmsOf(users).join(", ")}: move or remove their NICs first; or set forceDelete: true and run up, or VIRTNET_FORCE_DELETE=1 for one run`,
    users,
  );
}

/** Whether this run may be about to delete the NIC. */
function mayLeave(user: User, owner: Owner | undefined): boolean {
  if (isUnplugging(user)) return true;
  const mark = decodeMark(child(parseXml(user.xml), "alias")?.getAttribute("name") ?? undefined);
  return mark !== undefined && owner !== undefined && sameStack(mark, owner);
}

/**
 * The delete of a network, once more when the NICs that it was refused for have been deleted. They are waited for out here: the
 * delete of a NIC needs the network's lock, and a connection.
 */
export async function afterItsNics(
  { owner }: Inputs,
  signal: AbortSignal | undefined,
  remove: () => Promise<void>,
): Promise<void> {
  try {
    await remove();
  } catch (e) {
    if (!(e instanceof InUse)) throw e;
    // One that was taken over while its VM runs has its mark in the stored definition only.
    const leaving = e.users.filter((u) => mayLeave(u, owner as Owner | undefined));
    if (!e.users.every((u) => leaving.some((l) => l.domain === u.domain && l.mac === u.mac))) throw e;
    await unplugged(e.users, BEGIN_MS, signal);
    if (signal?.aborted) throw e;
    await remove();
  }
}
