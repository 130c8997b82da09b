/** Read what is there, into the plan's terms. */
import { isBusy } from "../busy.js";
import type { Inputs } from "../handler.js";
import type { Masters } from "../host/hosts.js";
import type { Connection, DomainInfo, Ref } from "../libvirt/api.js";
import { mtuIn, type NetworkDocument, ownBridgeIn, readNetwork, treeIn } from "../network/document.js";
import { asOwn, findNic, type Givers, readNic } from "./document.js";
import type { Carrier, Frames, Observed, ObservedVm } from "./steps.js";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** A VM by what the user wrote. */
export const refOf = (domain: string): Ref => (UUID.test(domain) ? { uuid: domain.toLowerCase() } : { name: domain });

export const isVm = (d: { name: string; uuid: string }, domain: string): boolean =>
  d.name === domain || d.uuid === domain.toLowerCase();

export function toObserved(d: DomainInfo, mac: string, givers?: Givers): ObservedVm {
  const config = findNic(d.inactiveXml, mac, d.name);
  const live = asOwn(findNic(d.liveXml, mac, d.name), config ?? findNic(d.ownXml, mac, d.name), givers);
  return {
    uuid: d.uuid,
    name: d.name,
    active: d.active,
    persistent: d.persistent,
    ...(live ? { live } : {}),
    ...(config ? { config } : {}),
    ...(givers ? { givers } : {}),
  };
}

/** Whether its device is on its bridge, by the host's own word. Where its bridge is not to be seen, somebody else's devices are. */
export function withConnected(vm: ObservedVm, masters: Masters | undefined): ObservedVm {
  const { targetDevice = "", bridge = "" } = vm.live ?? {};
  return masters?.has(targetDevice) && masters.has(bridge)
    ? { ...vm, connected: masters.get(targetDevice) === bridge }
    : vm;
}

/**
 * The VM with its NIC, and the networks that it is on or shall be on.
 * @param was the state, where there is one.
 * @param masters what the host's devices are on; absent: not asked.
 */
export async function observe(
  c: Connection,
  inputs: Inputs,
  daemon: number,
  was: Inputs = {},
  masters?: Masters,
): Promise<Observed> {
  const ref = refOf(String(inputs.domain));
  const mac = String(inputs.mac ?? "");
  // It is nearly always where the state has it.
  const expected = new Set([inputs.network, was.network].filter((name) => typeof name === "string"));
  // All at once: the way to the connection's thread and back takes longer than a call. What comes first is parsed while the rest is asked.
  const [found, networks, busy] = await Promise.all([
    c.domains.get(ref).then((info) => info && { info, network: networkOf(toObserved(info, mac)) }),
    Promise.all([...expected].map((name) => documentOf(c, name))),
    isBusy(c, ref),
  ]);
  if (!found) return { daemon, busy: false, carriers: {}, trees: {} };
  if (found.network !== undefined && !expected.has(found.network)) networks.push(await documentOf(c, found.network));
  const there = networks.filter((n) => n !== undefined);
  const trees = there.map(({ name, document }) => [name, treeIn(document)] as const);
  const givers = { networks: Object.fromEntries(there.map(({ name, xml }) => [name, xml])), was };
  const vm = withConnected(toObserved(found.info, mac, givers), masters);
  return {
    daemon,
    vm,
    busy,
    carriers: Object.fromEntries(there.map(({ name, document }) => [name, carrierOf(document)])),
    trees: Object.fromEntries(trees.filter((tree): tree is [string, string] => tree[1] !== undefined)),
    frames: Object.fromEntries(
      there.flatMap(({ name, document }) => {
        const frames = framesOf(document);
        return frames ? [[name, frames]] : [];
      }),
    ),
    networks: there.flatMap(({ name, document: { uuid } }) => (uuid === undefined ? [] : [{ name, uuid }])),
  };
}

const networkOf = ({ live }: ObservedVm): string | undefined =>
  live?.kind === "network" ? String(readNic(live.xml, "network").network) : undefined;

interface Document {
  name: string;
  xml: string;
  document: NetworkDocument;
}

async function documentOf(c: Connection, name: string): Promise<Document | undefined> {
  const found = await c.networks.xml({ name });
  // Without the number of NICs on it, which each plug changes: what was read stays known.
  const xml = found?.replace(/^<network connections='\d+'/, "<network");
  return xml === undefined ? undefined : { name, xml, document: readNetwork(xml) };
}

/** The MTU of a bridge of the host's own is not in the definition. */
function framesOf(document: NetworkDocument): Frames | undefined {
  const { bridge } = document.values;
  const own = ownBridgeIn(document);
  if (own !== undefined) return { bridge: own, mtu: mtuIn(document) };
  return typeof bridge === "string" ? { bridge } : undefined;
}

/** What NICs of a network hang on. */
export function carrierOf({ mode, values }: { mode: unknown; values: Inputs }): Carrier {
  if (mode !== "bridge") return "tap";
  return values.macvtap !== undefined ? "direct" : values.hostdev !== undefined ? "hostdev" : "tap";
}
