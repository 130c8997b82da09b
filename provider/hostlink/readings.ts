/** What was read of hosts' links, and of what manages them: one reading for all links of a run, until something is written. */
import type { Channel } from "../host/channel.js";
import { Readings } from "../host/readings.js";
import { type HostLinks, readLinks } from "./facts.js";

const all: { forget(uri?: string): void }[] = [];

export function readings<T>(): Readings<T> {
  const made = new Readings<T>();
  all.push(made);
  return made;
}

const links = readings<HostLinks>();

/** The links of a host, read not long ago. */
export const recentLinks = (uri: string, channel: Channel): Promise<HostLinks> =>
  links.recent(uri, () => readLinks(channel));

/** Of one host, or of all. */
export function forgetReadings(uri?: string): void {
  for (const kept of all) kept.forget(uri);
}
