/** A network that NICs are on is not deleted under them; those that this run is taking away are waited for. */
import { type Inputs, VirtnetError } from "../handler.js";
import type { Connection, NetworkInfo } from "../libvirt/api.js";
import { unplugged } from "../unplugging.js";
import { guestsOn, nicsOn, storedUsers, vmsOf } from "./nics.js";
import { namesOf } from "./observe.js";
import { label } from "./owned.js";

/** How long after the network's delete that of a NIC may begin, in ms: the engine starts those that it does not know to need each other together. */
const BEGIN_MS = 2000;

/** NICs whose definition, running or stored, refers to the network. */
type User = Pick<ReturnType<typeof nicsOn>[number], "domainName" | "mac">;

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
  const users = [...nicsOn(domains, names), ...guestsOn(domains, names), ...storedUsers(domains, names)];
  if (users.length === 0) return;
  throw new InUse(
    `${label(olds)} is in use by ${vmsOf(users).join(", ")}: move or remove their NICs first; or set forceDelete: true and run up, or VIRTNET_FORCE_DELETE=1 for one run`,
    users,
  );
}

/**
 * The delete of a network, once more when NICs that it was refused for have been deleted. They are waited for out here: the
 * delete of a NIC needs the network's lock, and a connection. Nothing on the host tells which of them this run is to delete.
 */
export async function afterItsNics(signal: AbortSignal | undefined, remove: () => Promise<void>): Promise<void> {
  try {
    await remove();
  } catch (e) {
    if (!(e instanceof InUse)) throw e;
    const macs = e.users.map(({ mac }) => mac);
    if (!(await unplugged(macs, BEGIN_MS, signal)) || signal?.aborted) throw e;
    await remove();
  }
}
