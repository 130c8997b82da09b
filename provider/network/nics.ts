/** NICs of VMs: which are on a network, what they hang on, and how one is pointed elsewhere. Pure: XML in, XML out. */
import type { DomainInfo } from "../libvirt/api.js";
import { child, children, cloneXml, type Element, parseXml, printXml } from "../schema/xml.js";
import { hasGiven, isGroupOf, ownNic } from "./own.js";
import { forwardMode } from "./parts/forward.js";

/**
 * What a NIC hangs on. A `tap` on a Linux bridge moves to another one while its VM runs; the others do not
 * (qemuDomainChangeNet needs "a full reconnect"), so they are unplugged and plugged.
 */
export type Plug = "tap" | "openvswitch" | "macvtap" | "hostdev";

/** What a network gives its NICs. */
export function plugOf(networkXml: string): Plug {
  const root = parseXml(networkXml);
  if (forwardMode(root) === "hostdev") return "hostdev";
  if (!child(root, "bridge")) return forwardMode(root) === "none" ? "tap" : ownBridge(forwardMode(root));
  return child(root, "virtualport")?.getAttribute("type") === "openvswitch" ? "openvswitch" : "tap";
}

// A definition that was never given to libvirt may lack the bridge that libvirt makes.
const ownBridge = (mode: string): Plug => (["nat", "route", "open"].includes(mode) ? "tap" : "macvtap");

export interface Nic {
  /** UUID of the domain. */
  domain: string;
  domainName: string;
  mac: string;
  /** How its `<interface>` names the network: by name, or (`type='bridge'`) by the bridge that libvirt made for it. */
  by: "network" | "bridge";
  on: Plug;
  /** Still on the park network of an earlier run. */
  parked: boolean;
  /** The device on the host, `vnet3`. */
  device?: string;
  /** Key of libvirt's record that it is plugged. */
  port?: string;
  /** Whether it is plugged into the network as it runs now; absent: not known. */
  connected?: boolean;
  /** Its live `<interface>`, without what the network gives it ({@link ownNic}). */
  xml: string;
}

/** A domain whose stored definition refers to the network. */
export interface StoredUser {
  domain: string;
  domainName: string;
  mac: string;
  by: "network" | "bridge";
  /** Its stored `<interface>`. */
  xml: string;
}

/** How NICs may refer to a network. */
export interface Names {
  /** Its name; several while it is renamed. */
  names: readonly string[];
  /** The bridge that libvirt makes for it; a bridge of the host does not belong to the network. */
  bridge?: string | readonly (string | undefined)[] | undefined;
  /** Its park network. */
  park?: string | undefined;
  /** Its running definition, where NICs get from it what is not their own. */
  gives?: string | undefined;
}

export const interfacesOf = (domainXml: string): Element[] => {
  const root = parseXml(domainXml);
  return children(child(root, "devices") ?? root, "interface");
};

export const macOf = (iface: Element): string => child(iface, "mac")?.getAttribute("address")?.toLowerCase() ?? "";

export const interfaceOf = (domainXml: string, mac: string): Element | undefined =>
  interfacesOf(domainXml).find((i) => macOf(i) === mac.toLowerCase());

export const networkOf = (iface: Element): string | undefined =>
  child(iface, "source")?.getAttribute("network") ?? undefined;

export const bridgeOf = (iface: Element): string | undefined =>
  child(iface, "source")?.getAttribute("bridge") ?? undefined;

/** Key of libvirt's record that it is plugged: another one each time. */
export const portOf = (iface: Element): string | undefined =>
  child(iface, "source")?.getAttribute("portid") ?? undefined;

export const targetOf = (iface: Element): string | undefined =>
  child(iface, "target")?.getAttribute("dev") ?? undefined;

/** The host's device that a macvtap NIC is on. */
export const sourceDeviceOf = (xml: string): string | undefined =>
  child(parseXml(xml), "source")?.getAttribute("dev") ?? undefined;

/** Whether a NIC is in a port group: by its name, or in the default one by none. */
export function isInGroup(xml: string, groupXml: string): boolean {
  const name = child(parseXml(xml), "source")?.getAttribute("portgroup") ?? undefined;
  return isGroupOf(parseXml(groupXml), name);
}

export function plugOfNic(iface: Element): Plug {
  const type = iface.getAttribute("type");
  if (type === "direct") return "macvtap";
  if (type === "hostdev") return "hostdev";
  return child(iface, "virtualport")?.getAttribute("type") === "openvswitch" ? "openvswitch" : "tap";
}

type Reference = { by: "network" | "bridge"; parked: boolean } | undefined;

function refersTo(iface: Element, { names, bridge, park }: Names): Reference {
  const network = networkOf(iface);
  if (network !== undefined) {
    if (names.includes(network)) return { by: "network", parked: false };
    return network === park ? { by: "network", parked: true } : undefined;
  }
  const own = bridgeOf(iface);
  const named = own !== undefined && iface.getAttribute("type") === "bridge" && [bridge].flat().includes(own);
  return named ? { by: "bridge", parked: false } : undefined;
}

// Once a reading of the host, however many networks ask; not to be changed.
const runningOf = new WeakMap<DomainInfo, readonly Element[]>();

function runningInterfaces(d: DomainInfo): readonly Element[] {
  let all = runningOf.get(d);
  if (!all) {
    all = d.liveXml === undefined ? [] : interfacesOf(d.liveXml);
    runningOf.set(d, all);
  }
  return all;
}

const storedIn = new WeakMap<DomainInfo, ReadonlyMap<string, Element>>();

function storedOf(d: DomainInfo, mac: string): Element | undefined {
  const definition = d.inactiveXml ?? d.ownXml;
  if (definition === undefined) return undefined;
  let all = storedIn.get(d);
  if (!all) {
    all = new Map(interfacesOf(definition).map((i) => [macOf(i), i]));
    storedIn.set(d, all);
  }
  return all.get(mac);
}

/** NICs of running domains that are on the network. */
export function nicsOn(domains: readonly DomainInfo[], at: Names): Nic[] {
  return domains.flatMap((d) =>
    runningInterfaces(d).flatMap((iface) => {
      const ref = refersTo(iface, at);
      if (!ref) return [];
      const [device, port] = [targetOf(iface), portOf(iface)];
      const own = ref.by === "network" && hasGiven(iface) ? ownNic(iface, storedOf(d, macOf(iface)), at.gives) : iface;
      return [
        {
          ...{ domain: d.uuid, domainName: d.name, mac: macOf(iface), ...ref, on: plugOfNic(iface) },
          ...(device !== undefined ? { device } : {}),
          ...(port !== undefined ? { port } : {}),
          xml: printXml(own),
        },
      ];
    }),
  );
}

/** NICs of running domains that are on the network's own bridge by another network, of mode `bridge`. */
export const guestsOn = (
  domains: readonly DomainInfo[],
  { names, bridge }: Names,
): { domainName: string; mac: string }[] =>
  domains.flatMap((d) =>
    runningInterfaces(d)
      .filter((i) => !names.includes(networkOf(i) ?? names[0] ?? "") && [bridge].flat().includes(bridgeOf(i) ?? ""))
      .map((i) => ({ domainName: d.name, mac: macOf(i) })),
  );

/** The VMs that NICs belong to, each once. */
export const vmsOf = (nics: readonly { domainName: string }[]): string[] => [...new Set(nics.map((n) => n.domainName))];

/** NICs in the stored definitions of domains, running or not. */
export function storedUsers(domains: readonly DomainInfo[], at: Names): StoredUser[] {
  return domains.flatMap((d) =>
    (d.inactiveXml === undefined || !d.persistent ? [] : interfacesOf(d.inactiveXml)).flatMap((iface) => {
      const ref = refersTo(iface, at);
      if (!ref) return [];
      return [{ domain: d.uuid, domainName: d.name, mac: macOf(iface), by: ref.by, xml: printXml(iface) }];
    }),
  );
}

// Live only, and of the network that is left (qemuDomainChangeNet takes stale ones on some daemons only).
const LIVE_ONLY = ["portid", "bridge", "dev", "mode"];

/** The same NIC on another network. */
export function onNetwork(iface: Element, network: string): Element {
  const copy = cloneXml(iface);
  const source = child(copy, "source") as Element;
  copy.setAttribute("type", "network");
  for (const name of LIVE_ONLY) source.removeAttribute(name);
  for (const e of children(source)) source.removeChild(e);
  source.setAttribute("network", network);
  return copy;
}

/** The same NIC on a bridge that it names itself. */
export function onBridge(iface: Element, bridge: string): Element {
  const copy = cloneXml(iface);
  const source = child(copy, "source") as Element;
  copy.setAttribute("type", "bridge");
  for (const name of ["portid", "network", "portgroup"]) source.removeAttribute(name);
  source.setAttribute("bridge", bridge);
  return copy;
}

/** For plugging anew: without what libvirt gives each plug, with the slot in the VM. */
export function forPlug(iface: Element): Element {
  const copy = cloneXml(iface);
  const own = (e: Element) => e.getAttribute("name")?.startsWith("ua-");
  for (const e of [...children(copy, "target"), ...children(copy, "alias").filter((a) => !own(a))]) copy.removeChild(e);
  return copy;
}
