/** Read what is there, into the plan's terms. */
import type { Inputs } from "../handler.js";
import type { Masters } from "../host/hosts.js";
import type { Connection, DomainInfo, Ref } from "../libvirt/api.js";
import { readNetwork, treeOf } from "../network/document.js";
import { findNic, readNic } from "./document.js";
import { sourceOf } from "./source.js";
import type { Carrier, Observed, ObservedVm } from "./steps.js";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** A VM by what the user wrote. */
export const refOf = (domain: string): Ref => (UUID.test(domain) ? { uuid: domain.toLowerCase() } : { name: domain });

export const isVm = (d: { name: string; uuid: string }, domain: string): boolean =>
  d.name === domain || d.uuid === domain.toLowerCase();

export function toObserved(d: DomainInfo, mac: string): ObservedVm {
  const live = findNic(d.liveXml, mac, d.name);
  const config = findNic(d.inactiveXml, mac, d.name);
  return {
    uuid: d.uuid,
    name: d.name,
    active: d.active,
    persistent: d.persistent,
    ...(live ? { live } : {}),
    ...(config ? { config } : {}),
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
 * @param masters what the host's devices are on; absent: not asked.
 */
export async function observe(c: Connection, inputs: Inputs, daemon: number, masters?: Masters): Promise<Observed> {
  const found = await c.domains.get(refOf(String(inputs.domain)));
  if (!found) return { daemon, carriers: {}, trees: {} };
  const vm = withConnected(toObserved(found, String(inputs.mac ?? "")), masters);
  const names = new Set<string>();
  if (vm.active && sourceOf(inputs) === "network") names.add(String(inputs.network));
  if (vm.live?.kind === "network") names.add(String(readNic(vm.live.xml, "network").network));
  const carriers: Record<string, Carrier> = {};
  const trees: Record<string, string> = {};
  for (const name of names) {
    const network = await c.networks.get({ name });
    if (!network) continue;
    carriers[name] = carrierOf(network.liveXml ?? network.inactiveXml);
    const tree = treeOf(network);
    if (tree !== undefined) trees[name] = tree;
  }
  return { daemon, vm, carriers, trees };
}

/** What NICs of a network hang on. */
function carrierOf(networkXml: string): Carrier {
  const { mode, values } = readNetwork(networkXml);
  if (mode !== "bridge") return "tap";
  return values.macvtap !== undefined ? "direct" : values.hostdev !== undefined ? "hostdev" : "tap";
}
