/** Whose a network is, in the words of its resource: whether it may be taken or changed. Pure. */
import { type Inputs, VirtnetError } from "../handler.js";
import type { HostIdentity } from "../libvirt/api.js";
import { mayTake, type Owner, sameStack } from "../ownership.js";
import type { ObservedNetwork } from "./steps.js";

export const label = (inputs: Inputs): string => `network ${JSON.stringify(inputs.name)}`;

/** Whether an existing network may be taken; throws where not. @returns whether it counts as adopted. */
export const takeOver = ({ mark, uuid, name }: ObservedNetwork, inputs: Inputs, host: HostIdentity): boolean =>
  mayTake(mark, inputs, {
    what: `${label(inputs)} exists already on ${host.hostname} (uuid ${uuid})`,
    or: "name",
    release: `virtnet disown network ${name}`,
  });

/** Whether the network that is there may be changed; throws where not. @returns whether it counts as adopted. */
export function stillOurs(there: ObservedNetwork, id: string, olds: Inputs, news: Inputs, host: HostIdentity): boolean {
  if (there.uuid !== id || there.mark) return takeOver(there, { ...news, former: olds.owner }, host);
  if (olds.owner === undefined || !there.persistent || news.adopt) return olds.adopted === true;
  throw new VirtnetError(
    `${label(news)} on ${host.hostname} no longer carries the mark of its owner ("virtnet disown", or another tool wrote it): set adopt: true to take it back, or let go of it with "pulumi state delete"`,
  );
}

/** A network cannot take the name of another one. `at`: at preview one of this stack may have left by then. */
export function refuseTakenName(
  there: ObservedNetwork | undefined,
  other: Pick<ObservedNetwork, "uuid" | "mark"> | undefined,
  news: Inputs,
  at: "preview" | "up",
): void {
  if (!there || !other || there.name === news.name || other.uuid === there.uuid) return;
  const owner = news.owner as Owner | undefined;
  if (at === "preview" && owner && other.mark && sameStack(other.mark, owner)) return;
  throw new VirtnetError(
    `network ${JSON.stringify(there.name)} cannot be renamed to ${JSON.stringify(news.name)}: a network of that name exists already (uuid ${other.uuid}): choose another name, or rename or remove that one first`,
  );
}
