/** A host whose links are managed: the host, the way to run commands there, and what manages its links. */
import { type Inputs, VirtnetError } from "../handler.js";
import { type Channel, channelOf } from "../host/channel.js";
import { type Host, hostAt, uriOf } from "../host/hosts.js";
import type { Backend } from "./backends/backend.js";
import { backendOf } from "./backends/index.js";
import { withLock } from "./lock.js";

export interface There {
  host: Host;
  channel: Channel;
  backend: Backend;
}

export async function reachHost(inputs: Inputs): Promise<There> {
  const uri = uriOf(inputs);
  const channel = channelOf(uri);
  if (!channel)
    throw new VirtnetError(
      `the links of host ${uri} cannot be managed, for no command can be run there: use a local uri or qemu+ssh://, or configure a command (virtnet:command)`,
    );
  return { host: hostAt(uri), channel, backend: await backendOf(channel, inputs.backend as string | undefined, uri) };
}

/** One change of links at a time a host: of this process, and of all. */
export const alone = <T>({ host, channel }: There, work: () => Promise<T>): Promise<T> =>
  host.serial("links", () => withLock(channel, host.uri, work));
