/**
 * One run at a time on a VM's NICs, whichever machine the run is on, and none while one restarts a network that the NIC is on.
 *
 * On the host it has the VM's lock for itself and shares those of the networks. A change of a network has its network's lock for
 * itself and waits for no other one meanwhile, so nobody waits in a circle; nor does anybody hold a connection while waiting.
 */
import { type Context, type Inputs, VirtnetError } from "../handler.js";
import { channelOf } from "../host/channel.js";
import type { Host } from "../host/hosts.js";
import { type Held, holding } from "../host/lock.js";
import type { Connection } from "../libvirt/api.js";
import { ownBridgeOf } from "../network/document.js";
import { healOne } from "../network/heal.js";
import { networkLock, parkName } from "../network/journal.js";
import { unlocked } from "../network/say.js";
import { readNic } from "./document.js";
import { isVm, refOf } from "./observe.js";
import { label } from "./say.js";
import type { ObservedVm, SeenNetwork } from "./steps.js";

/** How long another run is waited for, in s. */
const PATIENCE_S = 60;
/** How often a NIC is followed that is found on another network, or in another VM, than was known. */
const FOLLOWED = 4;

export interface Seen {
  vm?: ObservedVm;
  /** As far as it was looked for. */
  networks?: readonly SeenNetwork[];
}

export interface Task<S extends Seen, T> {
  /** What the NIC is, was and shall be like. */
  inputs: readonly Inputs[];
  /** The VM's, in the state. */
  uuid?: unknown;
  look(c: Connection): Promise<S>;
  /** `free` lets go of the locks: for what comes after the change. */
  work(c: Connection, seen: S, free: () => void): Promise<T>;
}

/** What is to be locked: UUIDs, of networks with their names. */
interface Places {
  vm?: string | undefined;
  networks: ReadonlyMap<string, string>;
}

/** Networks are told by these as well while the list of the host does not have them yet. */
const learned = new Map<string, string>();

export async function aloneOnVm<S extends Seen, T>(ctx: Context, host: Host, task: Task<S, T>): Promise<T> {
  const { inputs, uuid } = task;
  const [first = {}] = inputs;
  let places: Places = {
    vm: typeof uuid === "string" ? uuid : await uuidOf(host, String(first.domain)),
    networks: await networksOf(host, inputs, {}),
  };
  for (let n = 0; n < FOLLOWED; n++) {
    const done = await locked(ctx, host, first, places, async (c, { has, free }) => {
      // Asked for first, and answered in order: another one may end what such a run has left, and then the NIC must be seen after that.
      const parks = Promise.all([...places.networks.keys()].map((u) => c.networks.get({ name: parkName(u) })));
      parks.catch(() => undefined); // whoever waits for it says so
      let seen = await task.look(c);
      const wider = await widened(host, inputs, places, seen);
      if (wider) return { wider };
      if ((await parks).some((park) => park !== undefined)) {
        // A run that restarted the network has died: its NICs may be anywhere.
        for (const network of places.networks.keys()) await healOne(c, network, has);
        seen = await task.look(c);
      }
      return { result: await task.work(c, seen, free) };
    });
    if ("result" in done) return done.result as T;
    places = done.wider;
  }
  throw new VirtnetError(`${label(first)} is moved again and again by others: run again when that has ended`);
}

interface Lock {
  /** It could be had. */
  has: boolean;
  free(): void;
}

async function locked<T>(
  ctx: Context,
  host: Host,
  inputs: Inputs,
  { vm, networks }: Places,
  work: (c: Connection, lock: Lock) => Promise<T>,
): Promise<T> {
  const channel = channelOf(host.uri);
  const held: Held[] = [
    ...(vm === undefined ? [] : [{ name: `vm-${vm}`, what: `VM ${JSON.stringify(inputs.domain)}` }]),
    ...[...networks].map(([uuid, name]) => ({
      name: networkLock(uuid),
      what: `network ${JSON.stringify(name)} of ${label(inputs)}`,
      shared: true,
    })),
  ];
  let lock: Lock = { has: false, free: () => undefined };
  const around = <R>(all: () => Promise<R>): Promise<R> =>
    channel
      ? holding(host.uri, channel, { held, waitS: PATIENCE_S, without: unlocked(ctx, host.uri) }, (has, free) => {
          lock = { has, free };
          return all();
        })
      : all();
  // The Network's handler goes by UUID; by name for one that this run makes.
  const shared = [...new Set([...networks].flat())].map((n) => `network:${n}`);
  return host.use(`domain:${vm ?? String(inputs.domain)}`, (c) => work(c, lock), { shared, around });
}

async function uuidOf(host: Host, domain: string): Promise<string | undefined> {
  const known = (await host.allDomains({ ofOthers: true })).find((d) => isVm(d, domain));
  return (known ?? (await host.read((c) => c.domains.get(refOf(domain)))))?.uuid;
}

/** What is to be locked beside, or instead; undefined: nothing. */
async function widened(host: Host, inputs: readonly Inputs[], places: Places, seen: Seen): Promise<Places | undefined> {
  for (const { name, uuid } of seen.networks ?? []) learned.set(`${host.uri} ${name}`, uuid);
  const networks = await networksOf(host, inputs, seen);
  const vm = seen.vm?.uuid;
  if ((vm === undefined || vm === places.vm) && [...networks.keys()].every((u) => places.networks.has(u)))
    return undefined;
  return { vm: vm ?? places.vm, networks };
}

/** The networks that a NIC is on or shall be on: by their names, or by their own bridges. */
async function networksOf(host: Host, inputs: readonly Inputs[], seen: Seen): Promise<Map<string, string>> {
  const nics = [seen.vm?.live, seen.vm?.config].filter((n) => n !== undefined);
  const sources = [...inputs, ...nics.map((n) => (n.kind === undefined ? {} : readNic(n.xml, n.kind)))];
  const texts = (key: string) => new Set(sources.map((s) => s[key]).filter((v) => typeof v === "string"));
  const [names, bridges] = [texts("network"), texts("bridge")];
  const found = new Map<string, string>();
  if (names.size + bridges.size === 0) return found;
  const fresh = new Map((seen.networks ?? []).map((n) => [n.name, n.uuid]));
  const there = [...(await host.networksOfOthers()).values()];
  for (const name of names) {
    const uuid = fresh.get(name) ?? there.find((n) => n.name === name)?.uuid ?? learned.get(`${host.uri} ${name}`);
    if (uuid !== undefined) found.set(uuid, name);
  }
  if (bridges.size > 0) for (const n of there) if (bridges.has(ownBridgeOf(n) ?? "")) found.set(n.uuid, n.name);
  return found;
}
