/** One change of a host's links at a time. */
import type { Channel } from "../host/channel.js";
import { aloneOnHost } from "../host/lock.js";

/** How long another change may take: a checkpoint with LACP and a spanning tree, and its way back; in s. */
const WAIT_S = 300;

export function withLock<T>(channel: Channel, uri: string, work: () => Promise<T>, waitS = WAIT_S): Promise<T> {
  return aloneOnHost(channel, { name: "links", what: `a link of host ${uri}`, waitS, needed: true }, work);
}
