/**
 * Finish or undo what a journal tells of: after a step that failed, after a crash, by whoever finds it. Each part looks
 * first and does only what is missing, so that it can be run again, by another process, from wherever the last one got to.
 */
import { VirtnetError } from "../handler.js";
import { type Channel, whyFailed } from "../host/channel.js";
import type { Masters } from "../host/hosts.js";
import { type Trees, withoutTree } from "../host/trees.js";
import type { Connection, DomainInfo, NetworkInfo } from "../libvirt/api.js";
import { compare } from "../schema/compare.js";
import { parseXml, printXml } from "../schema/xml.js";
import { fieldsOf, ownBridgeOf, readNetwork, treeOf } from "./document.js";
import { sweepFirewall } from "./firewall/hold.js";
import { type Journal, type JournalNic, type NamedNic, parkName, shortId } from "./journal.js";
import { bringLeases, keepLeases } from "./leases.js";
import { bounce, replug } from "./moves.js";
import { fitMtus } from "./mtu.js";
import {
  bridgeOf,
  interfaceOf,
  type Nic,
  networkOf,
  nicsOn,
  onNetwork,
  type Plug,
  plugOfNic,
  portOf,
  storedUsers,
} from "./nics.js";
import { cutOff, namesOf, whetherConnected } from "./observe.js";
import { bringHome, homeOf, isAt, isHome, keyOf, lookAtAll, type Places, park, pointedHome } from "./park.js";
import { startNetwork } from "./starting.js";

/** Whether two definitions say the same, as far as anybody here can tell. */
export function sameDefinition(a: string, b: string): boolean {
  const [x, y] = [readNetwork(a), readNetwork(b)];
  return x.mode === y.mode && compare(fieldsOf(x.mode), x.values, y.values, y.values).length === 0;
}

/** Which way it goes: to what the run wanted, or back to what was before. */
type Way = "on" | "back";

/** What a network is now: as before the run, or as the run wanted it. */
export interface Settled {
  as: "before" | "after";
  /** Devices that are not as they were: off its bridge, or with another MTU; each with the reason. */
  off: string[];
}

/** Forwards where the network has already been taken down or is already the new one, else back. */
export async function finish(c: Connection, journal: Journal, channel?: Channel): Promise<Settled> {
  const now = await c.networks.get({ uuid: journal.uuid });
  const untouched =
    now?.name === journal.from &&
    now.liveXml !== undefined &&
    journal.before.liveXml !== undefined &&
    sameDefinition(now.liveXml, journal.before.liveXml) &&
    !sameDefinition(now.liveXml, journal.after);
  if (!now || untouched) return await undo(c, journal, channel);
  if (journal.from !== journal.to) await bringLeases(channel, journal.before.xml);
  try {
    if (journal.running && !now.active) await startNetwork(c, { uuid: journal.uuid });
  } catch {
    return await undo(c, journal, channel); // the new definition does not start
  }
  if (journal.from !== journal.to) await parkLeftBehind(c, journal);
  return { as: "after", off: await home(c, journal, journal.before.autostart, channel, { way: "on" }) };
}

/** Everything as it was before. */
export async function undo(c: Connection, journal: Journal, channel?: Channel): Promise<Settled> {
  const ref = { uuid: journal.uuid };
  const { before } = journal;
  const there = await c.networks.get(ref);
  const isLikeBefore = (n: NetworkInfo | undefined): boolean =>
    n?.liveXml !== undefined && before.liveXml !== undefined && sameDefinition(n.liveXml, before.liveXml);
  if (there && there.name !== journal.from) {
    if (there.active) {
      await parkAll(c, journal);
      await c.networks.destroy(ref);
    }
    await keepLeases(channel, before.xml);
    await c.networks.undefine(ref);
  }
  await c.networks.define(before.xml, { validate: false });
  if (journal.from !== journal.to) await bringLeases(channel, before.xml);
  const now = await c.networks.get(ref);
  if (now?.active && !isLikeBefore(now)) {
    await parkAll(c, journal);
    await c.networks.destroy(ref);
  }
  if (before.liveXml !== undefined && !isLikeBefore(now)) await startNetwork(c, ref);
  const off = await home(c, journal, before.autostart, channel, { way: "back" });
  if (!before.persistent) await c.networks.undefine(ref); // it runs, and is transient again
  return { as: "before", off };
}

/** All NICs that are on the network under either name; those of others on a bridge of the host are not. */
async function parkAll(c: Connection, journal: Journal): Promise<void> {
  const domains = await c.domains.list({ active: true });
  const info = (await c.networks.get({ uuid: journal.uuid })) as NetworkInfo;
  const { bridge } = namesOf(info);
  const { networks: names } = await placesOf(c, journal, info);
  await park(c, parkName(journal.uuid), nicsOn(domains, { names, bridge, gives: info.liveXml }));
}

/**
 * NICs, stored definitions and autostart follow the network as it is now; then the park network goes.
 *
 * @param how.other a connection that takes its share of the NICs.
 * @param how.trees what turns the spanning tree off, where it is there.
 * @returns devices that are not as they were: off its bridge, or with another MTU; each with the reason.
 */
export async function home(
  c: Connection,
  journal: Journal,
  autostart: boolean,
  channel: Channel | undefined,
  { way, other, trees }: { way: Way; other?: Connection | undefined; trees?: Trees | undefined },
): Promise<string[]> {
  const parkOfIt = parkName(journal.uuid);
  // All of this first and at once: each moment here is one without the gateway.
  const asIs = c.networks.get({ uuid: journal.uuid });
  const seen = lookAtAll(c, journal.nics);
  seen.catch(() => undefined); // whoever waits for it says so
  const info = await asIs;
  if (!info) throw new VirtnetError(`network ${journal.from} is gone`);
  const from = await placesOf(c, journal, info);
  const off: string[] = [];
  if (info.active) {
    const where = homeOf(info);
    const tree = treeOf(info);
    const asked = journal.nics.length > 0 ? askNeighboursAgain(info, channel, CARRIER_TRIES) : undefined;
    const bring = () => bringHome(c, where, from, journal.nics, { sightings: seen, other });
    await (channel && tree !== undefined ? withoutTree(channel, tree, `network:${info.uuid}`, bring, trees) : bring());
    off.push(...(await bringPorts(info, journal.ports, channel)));
    await asked;
    if ((await seen).size > 0) await askNeighboursAgain(info, channel, 1);
    const look = async () => ({
      domains: await c.domains.list({ active: true }),
      devices: await channel?.devices().catch(() => undefined),
    });
    let there = await look();
    const late = await strays(c, info, journal, from, { domains: there.domains, masters: there.devices?.masters });
    if (late.length > 0) {
      await park(c, parkOfIt, late);
      await bringHome(c, where, from, late);
      there = await look();
    }
    off.push(...(await fitMtus(info, journal, { ...there, channel })));
    for (const { nic, on } of await onOldPorts(c, info, journal, way)) {
      if (on === "tap") {
        await park(c, parkOfIt, [nic], { from });
        await bringHome(c, where, from, [nic]);
      } else await replug(c, nic, parseXml(nic.xml), (iface) => onNetwork(iface, info.name));
    }
    if (journal.renew) await bounce(c, journal.nics);
  }
  await repoint(c, journal, from, info);
  if (channel && journal.running) await sweepFirewall(channel, shortId(journal.uuid)).catch(() => undefined);
  if (info.autostart !== autostart && info.persistent) await c.networks.setAutostart({ uuid: info.uuid }, autostart);
  await removePark(c, journal.uuid);
  return off;
}

/**
 * All places that the NICs may be in while the network changes, and before and after. A name that another network has by now is
 * none of them: NICs there are that one's.
 */
export async function placesOf(c: Connection, journal: Journal, info: NetworkInfo): Promise<Places> {
  const { uuid, from, to, before, after, nics } = journal;
  const own = [before.liveXml ?? before.xml, after].map((xml) => readNetwork(xml)).filter((n) => n.mode !== "bridge");
  const named = nics.filter((n) => n.by === "bridge");
  const bridges = [...own.map((n) => n.bridgeName), ...named.map((n) => bridgeOf(parseXml(n.xml)))];
  const networks: string[] = [parkName(uuid)];
  for (const name of new Set([from, to])) {
    const other = name === info.name ? undefined : await c.networks.get({ name });
    if (!other || other.uuid === uuid) networks.push(name);
  }
  return { networks, bridges };
}

/**
 * From a name that the network does not have now to the park network, after a run that died before it could: libvirt 12.8 does
 * not plug a NIC into the same bridge under another name (qemuDomainChangeNet).
 */
async function parkLeftBehind(c: Connection, journal: Journal): Promise<void> {
  const info = await c.networks.get({ uuid: journal.uuid });
  if (!info?.active) return;
  const { networks } = await placesOf(c, journal, info);
  const names = networks.filter((n) => n !== info.name);
  await park(c, parkName(journal.uuid), nicsOn(await c.domains.list({ active: true }), { names }));
}

/** NICs of VMs that came meanwhile: to the park network, or to the network before it was taken down, where they hang on nothing now. */
async function strays(
  c: Connection,
  info: NetworkInfo,
  journal: Journal,
  from: Places,
  { domains, masters }: { domains: readonly DomainInfo[]; masters: Masters | undefined },
): Promise<Nic[]> {
  const known = new Set(journal.nics.map((n) => `${n.domain} ${n.mac}`));
  const own = [ownBridgeOf(info), ...from.bridges];
  const names = {
    ...namesOf(info),
    names: [...new Set([info.name, ...from.networks.filter((n) => n !== parkName(info.uuid))])],
    bridge: own,
    gives: journal.before.liveXml, // they were plugged into that one
  };
  const others = nicsOn(domains, names).filter((n) => !known.has(`${n.domain} ${n.mac}`));
  return cutOff(await whetherConnected(c, info, others, masters));
}

/**
 * NICs that name the network and hang where it was before: on another bridge or device of the host, or with other settings there.
 * Those of a network's own bridge hang on nothing when that goes; these go on, so only their port's key tells: libvirt gives a new
 * one with each plug, and a network forgets its own when it stops (virNetworkObjDeleteAllPorts). On the way back a NIC that
 * was not plugged anew is where it was.
 */
async function onOldPorts(
  c: Connection,
  info: NetworkInfo,
  { nics }: Journal,
  way: Way,
): Promise<{ nic: JournalNic; on: Plug }[]> {
  if (ownBridgeOf(info) !== undefined || nics.length === 0) return [];
  const seen = await lookAtAll(c, nics);
  const ports = way === "on" ? undefined : new Set((await c.networks.ports({ uuid: info.uuid })).map((p) => p.uuid));
  return nics.flatMap((nic) => {
    const iface = seen.get(keyOf(nic))?.iface;
    const port = iface && portOf(iface);
    if (!iface || port === undefined || networkOf(iface) !== info.name) return [];
    const plugged = port !== portOf(parseXml(nic.xml));
    const old = ports ? plugged && !ports.has(port) : !plugged;
    return old ? [{ nic, on: plugOfNic(iface) }] : [];
  });
}

/** How often it is looked whether the bridge has its carrier, 10 ms apart. */
const CARRIER_TRIES = 50;
// $1: the bridge, $2: tries. Its state is up when the kernel sends by it, not as soon as it has a carrier.
const ASK_AGAIN = `n=1 state=
until { read -r state < "/sys/class/net/$1/operstate" && [ "$state" = up ]; } || [ "$n" -ge "$2" ]; do n=$((n + 1)); sleep 0.01; done
for state in incomplete failed; do ip neigh flush dev "$1" nud "$state"; done`;

/**
 * The first port gives the bridge its carrier, which the kernel tells some ms later (net/core/link_watch.c); what the host asks
 * for by ARP until then is lost, and asked again after a whole second. Forgotten, it is asked at once.
 */
async function askNeighboursAgain(info: NetworkInfo, channel: Channel | undefined, tries: number): Promise<void> {
  const bridge = ownBridgeOf(info);
  if (!channel || bridge === undefined) return;
  await channel.run(["sh", "-c", ASK_AGAIN, "virtnet-ask", bridge, String(tries)]).catch(() => undefined); // it comes to that in a second
}

/** Devices of the host come back to the bridge, unless somebody has put them elsewhere. @returns those that could not, with the reason. */
async function bringPorts(
  info: NetworkInfo,
  ports: readonly string[],
  channel: Channel | undefined,
): Promise<string[]> {
  const bridge = ownBridgeOf(info);
  if (bridge === undefined || ports.length === 0) return [];
  if (!channel) return ports.map((device) => `${device} is not on it: no command can be run on the host`);
  const { masters } = await channel.devices();
  const off: string[] = [];
  for (const device of ports) {
    if (!masters.has(device) || masters.get(device) !== undefined) continue;
    const { code, stderr } = await channel.run(["ip", "link", "set", "dev", device, "master", bridge]);
    if (code !== 0) off.push(`${device} is not on it: ${whyFailed(stderr, code)}`);
  }
  return off;
}

/** Stored definitions of VMs that name the network, or its own bridge, as it was. */
async function repoint(c: Connection, journal: Journal, from: Places, info: NetworkInfo): Promise<void> {
  const { name } = info;
  const old = from.networks.filter((n) => n !== name);
  const users = journal.from === journal.to ? [] : storedUsers(await c.domains.list(), { names: old });
  const follow: [by: Nic["by"], of: readonly NamedNic[]][] = [
    ["network", users],
    ["bridge", journal.named],
  ];
  const where = { name, bridge: ownBridgeOf(info) };
  for (const [by, nics] of follow)
    for (const { domain, mac } of nics) {
      const d = await c.domains.get({ uuid: domain });
      const iface = d?.inactiveXml === undefined ? undefined : interfaceOf(d.inactiveXml, mac);
      if (iface && isAt(from, iface) && !isHome(where, by, iface))
        await c.domains.updateDevice({ uuid: domain }, printXml(pointedHome(where, by, iface)), "config");
    }
}

/** Refused by nobody: what is still on it would lose its switch, so it is looked for first. */
export async function removePark(c: Connection, uuid: string): Promise<void> {
  const name = parkName(uuid);
  const info = await c.networks.get({ name });
  if (!info) return;
  const left = info.active ? nicsOn(await c.domains.list({ active: true }), { names: [], park: name }) : [];
  if (left.length > 0)
    throw new VirtnetError(
      `NICs are still on the park network ${name}: ${left.map((n) => `${n.mac} of VM ${n.domainName}`).join(", ")}`,
    );
  if (info.active) await c.networks.destroy({ name });
  if (info.persistent) await c.networks.undefine({ name });
}
