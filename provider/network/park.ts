/**
 * Keep NICs on a switch while their network is away: hop them to a park network, and back.
 *
 * A restarted network never gets the taps of running guests back (networkStartNetwork knows no domains); a change of the
 * NIC's source network re-plugs the tap, on every daemon, without the guest seeing its carrier change (qemuDomainChangeNet).
 */
import { createHash } from "node:crypto";
import type { Connection } from "../libvirt/api.js";
import { addChild, child, children, cloneXml, type Element, newDocument, parseXml, printXml } from "../schema/xml.js";

type Nics = { domain: string; mac: string }[];

export interface Parked {
  name: string;
  moved: Nics;
}

/** Name of the park network, also of its bridge: at most 15 characters. */
export function parkName(network: string): string {
  return `vnpark${createHash("sha256").update(network).digest("hex").slice(0, 8)}`;
}

/** A network without addresses (no dnsmasq), with the MTU, isolation and VLANs of the one that is away. */
export function parkXml(network: string, liveXml: string): string {
  const root = newDocument("network");
  const name = parkName(network);
  addChild(root, "name").textContent = name;
  const bridge = addChild(root, "bridge");
  bridge.setAttribute("name", name);
  bridge.setAttribute("stp", "off");
  bridge.setAttribute("delay", "0");
  const like = parseXml(liveXml);
  for (const e of ["mtu", "port", "vlan", "portgroup"].flatMap((n) => children(like, n))) {
    root.appendChild((root.ownerDocument as NonNullable<Element["ownerDocument"]>).importNode(e, true));
  }
  if (like.hasAttribute("trustGuestRxFilters"))
    root.setAttribute("trustGuestRxFilters", like.getAttribute("trustGuestRxFilters") as string);
  return printXml(root);
}

export async function park(c: Connection, network: string, liveXml: string, nics: Nics): Promise<Parked> {
  const name = parkName(network);
  if (!(await c.networks.get({ name }))) await c.networks.createXml(parkXml(network, liveXml));
  const parked: Parked = { name, moved: [] };
  try {
    for (const nic of nics) if (await hop(c, nic, name)) parked.moved.push(nic);
  } catch (e) {
    await unpark(c, network, parked);
    throw e;
  }
  return parked;
}

/** Bring the NICs back, then remove the park network. Goes on where a VM has stopped meanwhile. */
export async function unpark(c: Connection, network: string, parked: Parked): Promise<void> {
  for (const nic of parked.moved) await hop(c, nic, network);
  await c.networks.destroy({ name: parked.name });
}

/** Move one NIC; false where the VM no longer runs or has lost the NIC. */
async function hop(c: Connection, nic: { domain: string; mac: string }, to: string): Promise<boolean> {
  const d = await c.domains.get({ uuid: nic.domain });
  if (!d?.active || d.liveXml === undefined) return false;
  const all = children(child(parseXml(d.liveXml), "devices") as Element, "interface");
  const there = all.find((i) => child(i, "mac")?.getAttribute("address")?.toLowerCase() === nic.mac.toLowerCase());
  if (!there) return false;
  const iface = cloneXml(there);
  const source = child(iface, "source") as Element;
  iface.setAttribute("type", "network");
  for (const name of ["portid", "bridge"]) source.removeAttribute(name);
  source.setAttribute("network", to);
  await c.domains.updateDevice({ uuid: nic.domain }, printXml(iface), "live");
  return true;
}
