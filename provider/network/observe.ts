/** Read what is there, into the plan's terms. */
import type { Inputs } from "../handler.js";
import type { Masters, Vitals } from "../host/hosts.js";
import type { Connection, NetworkInfo, Ref } from "../libvirt/api.js";
import { child, children, parseXml } from "../schema/xml.js";
import type { Firewall } from "./abilities.js";
import { ownBridgeOf, ownBridgeWanted, readNetwork } from "./document.js";
import { brokenParts } from "./intact.js";
import { parkName } from "./journal.js";
import { type Names, type Nic, nicsOn, storedUsers } from "./nics.js";
import type { Observed, ObservedNetwork } from "./steps.js";

export function toObserved(n: NetworkInfo): ObservedNetwork {
  const mark = readNetwork(n.inactiveXml).mark;
  return {
    uuid: n.uuid,
    name: n.name,
    persistent: n.persistent,
    autostart: n.autostart,
    xml: n.inactiveXml,
    ...(n.liveXml !== undefined ? { liveXml: n.liveXml } : {}),
    ...(mark ? { mark } : {}),
  };
}

export interface ObserveOptions {
  /** NICs of VMs on it too. */
  nics: boolean;
  /** The daemon's version, where the caller knows it already. */
  daemon?: number;
  /** Its firewall backend, where that is known. */
  firewall?: Firewall;
  /** What it shall be: where its name or its own bridge changes, the stored definitions of VMs count too. */
  desired?: Inputs;
  /** What the host says of itself, where a channel can tell. */
  vitals?: () => Promise<Vitals | undefined>;
}

export async function observe(c: Connection, ref: Ref, options: ObserveOptions): Promise<Observed> {
  const { firewall } = options;
  const daemon = {
    daemon: options.daemon ?? (await c.identity()).libVersion,
    ...(firewall !== undefined ? { firewall } : {}),
  };
  const found = await c.networks.get(ref);
  if (!found) return { ...daemon, nics: [] };
  const network = toObserved(found);
  if (!options.nics) return { ...daemon, nics: [], network };
  const moves = options.desired !== undefined && movesAway(found, options.desired);
  const domains = await c.domains.list(moves ? {} : { active: true });
  const on = nicsOn(domains, namesOf(found));
  // What else is on the bridge counts also where no VM is.
  const vitals = found.active && options.vitals ? await options.vitals() : undefined;
  const nics = await whetherConnected(c, found, on, vitals?.masters);
  const beside = vitals
    ? {
        channel: vitals.mayChange,
        ports: foreignPorts(found, nics, vitals.masters),
        broken: brokenParts(found, vitals),
      }
    : await portsByLibvirt(c, found, nics);
  const stored = moves ? storedUsers(domains, namesOf(found)) : [];
  const renamed = moves && options.desired?.name !== found.name;
  const kept = renamed ? { kept: await olderStates(c, new Set([...nics, ...stored].map((n) => n.domain))) } : {};
  return { ...daemon, nics, network, ...beside, ...(moves ? { stored } : {}), ...kept };
}

/** Whose managed save, and whose snapshots, libvirt keeps. */
async function olderStates(c: Connection, users: ReadonlySet<string>): Promise<NonNullable<Observed["kept"]>> {
  const having = async (has: "managed-save" | "snapshots") =>
    (await c.domains.list({ xml: false, has })).filter((d) => users.has(d.uuid)).map((d) => d.name);
  const [managedSaves, snapshots] = await Promise.all([having("managed-save"), having("snapshots")]);
  return { managedSaves, snapshots };
}

/** What definitions of VMs may name changes. */
function movesAway(network: NetworkInfo, desired: Inputs): boolean {
  const bridge = ownBridgeOf(network);
  return desired.name !== network.name || ownBridgeWanted(desired, bridge) !== bridge;
}

/** How NICs may refer to a network: a bridge of the host is not its own. */
export function namesOf(network: NetworkInfo): Names {
  return {
    ...{ names: [network.name], bridge: ownBridgeOf(network), park: parkName(network.uuid) },
    gives: network.liveXml,
  };
}

/** Devices on the network's own bridge that no VM has. */
function foreignPorts(network: NetworkInfo, nics: readonly Nic[], masters: Masters): string[] {
  const bridge = ownBridgeOf(network);
  if (bridge === undefined) return [];
  return beside(
    [...masters].filter(([, on]) => on === bridge).map(([d]) => d),
    bridge,
    nics,
  );
}

/** The same, as libvirt's interface driver says it where it has one: it lists what is on a bridge, but no vnet0 (udevBridgeScanDirFilter). */
async function portsByLibvirt(
  c: Connection,
  network: NetworkInfo,
  nics: readonly Nic[],
): Promise<{ ports?: string[] }> {
  const bridge = network.active ? ownBridgeOf(network) : undefined;
  const seen = bridge === undefined ? undefined : await c.interfaces.get(bridge).catch(() => undefined);
  const ports = seen && child(parseXml(seen.xml), "bridge");
  if (!ports || bridge === undefined) return {};
  const names = children(ports, "interface").map((i) => i.getAttribute("name") ?? "");
  return { ports: beside(names, bridge, nics) };
}

function beside(devices: readonly string[], bridge: string, nics: readonly Nic[]): string[] {
  const taps = new Set(nics.map((n) => n.device));
  return devices.filter((d) => !taps.has(d) && d !== `${bridge}-nic`);
}

/**
 * Whether each tap is on the network's own bridge: by the host's own word, where there is a channel; else by libvirt's
 * record of plugged ports, which a network loses when it stops (virNetworkObjDeleteAllPorts).
 */
export async function whetherConnected(
  c: Connection,
  network: NetworkInfo,
  nics: Nic[],
  seen?: Masters,
): Promise<Nic[]> {
  if (!network.active || nics.length === 0) return nics;
  const bridge = ownBridgeOf(network);
  if (bridge === undefined) return onBridgeOfHost(network, nics, seen);
  // Where its bridge is not to be seen, somebody else's devices are.
  const masters = seen?.has(bridge) ? seen : undefined;
  const ports = masters ? undefined : new Set((await c.networks.ports({ uuid: network.uuid })).map((p) => p.uuid));
  return nics.map((nic) => {
    if (nic.parked) return { ...nic, connected: false };
    const { device, port } = nic;
    if (masters && device !== undefined && masters.has(device))
      return { ...nic, connected: masters.get(device) === bridge };
    return ports && port !== undefined ? { ...nic, connected: ports.has(port) } : nic;
  });
}

/** Taps on a bridge of the host, which libvirt's record does not tell when that one is made anew: only the host can. */
function onBridgeOfHost(network: NetworkInfo, nics: Nic[], seen: Masters | undefined): Nic[] {
  const { mode, bridgeName } = readNetwork(network.liveXml ?? network.inactiveXml);
  if (mode !== "bridge" || bridgeName === undefined || !seen?.has(bridgeName)) return nics;
  return nics.map((nic) => {
    const { device, on, parked } = nic;
    if (parked) return { ...nic, connected: false };
    if (on !== "tap" || device === undefined || !seen.has(device)) return nic;
    return { ...nic, connected: seen.get(device) === bridgeName };
  });
}

/** Those that hang on nothing after the network was away. Whoever names its bridge has no port whose record could tell. */
export const cutOff = (nics: readonly Nic[]): Nic[] =>
  nics.filter((n) => n.parked || n.connected === false || (n.by === "bridge" && n.connected === undefined));
