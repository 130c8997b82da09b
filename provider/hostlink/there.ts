/** A host whose links are managed: the host, the way to run commands there, and what manages its links. */
import { type Inputs, VirtnetError } from "../handler.js";
import { channelOf } from "../host/channel.js";
import { hostAt, uriOf } from "../host/hosts.js";
import type { BackendName } from "./args.js";
import type { Access, Backend } from "./backends/backend.js";
import { backendOfId } from "./backends/ids.js";
import { backendOf } from "./backends/index.js";
import { withLock } from "./lock.js";

export interface There extends Access {
  backend: Backend;
}

/** @param id of a link that is there: what has made it goes on with it. */
export async function reachHost(inputs: Inputs, id?: string): Promise<There> {
  refuseMove(inputs, id);
  const uri = uriOf(inputs);
  const access: Access = { host: hostAt(uri), channel: channelOf(uri) };
  const wanted = inputs.backend as BackendName | undefined;
  return { ...access, backend: await backendOf(access, wanted ?? (id === undefined ? undefined : backendOfId(id))) };
}

/** Another backend knows nothing of a link, and would find it gone. */
export function refuseMove({ name, backend }: Inputs, id: string | undefined): void {
  if (id === undefined || backend === undefined || backend === backendOfId(id)) return;
  throw new VirtnetError(
    `${JSON.stringify(name)}: backend: was made by ${JSON.stringify(backendOfId(id))}, and is not handed over to ${JSON.stringify(backend)}: take the change back, or destroy the link first`,
  );
}

/** One change of links at a time a host: of this process, and, where a command can hold a lock there, of all. */
export const alone = <T>({ host, channel, backend }: There, work: () => Promise<T>): Promise<T> =>
  host.serial("links", () => (channel ? withLock(channel, host.uri, backend, work) : work()));
