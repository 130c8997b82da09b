/** Read what is there, into the plan's terms. */
import type { Connection, DomainInfo, NetworkInfo, Ref } from "../libvirt/api.js";
import { child, children, parseXml } from "../schema/xml.js";
import { readNetwork } from "./document.js";
import type { Nic, Observed, ObservedNetwork } from "./steps.js";

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

/** One network, with the NICs of running VMs where it runs. `daemon`: its version, where the caller knows it already. */
export async function observe(c: Connection, ref: Ref, options: { nics: boolean; daemon?: number }): Promise<Observed> {
  const daemon = options.daemon ?? (await c.identity()).libVersion;
  const found = await c.networks.get(ref);
  const nics = found?.active && options.nics ? await runningNics(c, found) : [];
  return { daemon, nics, ...(found ? { network: toObserved(found) } : {}) };
}

/** NICs of running domains on the network, those of `type='bridge'` on its bridge as well: they have no port. */
export async function runningNics(c: Connection, network: NetworkInfo): Promise<Nic[]> {
  const bridge = readNetwork(network.liveXml ?? network.inactiveXml).bridgeName;
  const domains = await c.domains.list({ active: true });
  return domains.flatMap((d) =>
    nicsOf(d, d.liveXml, network.name, bridge).map((mac) => ({ domain: d.uuid, domainName: d.name, mac })),
  );
}

/** Domains whose definition, running or stored, refers to the network. */
export async function usersOf(c: Connection, name: string): Promise<string[]> {
  const domains = await c.domains.list();
  return domains
    .filter((d) => [d.liveXml, d.inactiveXml].some((xml) => nicsOf(d, xml, name, undefined).length > 0))
    .map((d) => d.name);
}

function nicsOf(_d: DomainInfo, xml: string | undefined, network: string, bridge: string | undefined): string[] {
  if (xml === undefined) return [];
  const devices = child(parseXml(xml), "devices");
  return children(devices ?? parseXml(xml), "interface")
    .filter((i) => {
      const source = child(i, "source");
      if (source?.getAttribute("network") === network) return true;
      return bridge !== undefined && i.getAttribute("type") === "bridge" && source?.getAttribute("bridge") === bridge;
    })
    .map((i) => child(i, "mac")?.getAttribute("address") ?? "");
}
