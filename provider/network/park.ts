/**
 * Keep NICs on a switch while their network is away: hop them to a park network, and back.
 *
 * A restarted network never gets the taps of running guests back (networkStartNetwork knows no domains); a change of the
 * NIC's source network re-plugs the tap, on every daemon, without the guest seeing its carrier change (qemuDomainChangeNet).
 */
import { VirtnetError } from "../handler.js";
import type { Connection } from "../libvirt/api.js";
import { child, children, cloneXml, type Element, parseXml, printXml } from "../schema/xml.js";
import { parkName, parkXml } from "./parking.js";

type Nics = { domain: string; mac: string }[];

export interface Parked {
  name: string;
  /** `was`: the live `<interface>` before it was moved. */
  moved: (Nics[number] & { was: string })[];
}

export async function park(c: Connection, network: string, liveXml: string, nics: Nics): Promise<Parked> {
  const name = parkName(network);
  if (!(await c.networks.get({ name }))) await c.networks.createXml(parkXml(network, liveXml));
  const parked: Parked = { name, moved: [] };
  try {
    for (const nic of nics) {
      const was = await hop(c, nic, (iface) => pointTo(iface, name));
      if (was !== undefined) parked.moved.push({ ...nic, was });
    }
  } catch (e) {
    await unpark(c, network, parked);
    throw e;
  }
  return parked;
}

/** Bring all NICs back, then remove the park network. Where one cannot be brought back, the others are, and the park stays for it. */
export async function unpark(c: Connection, network: string, parked: Parked): Promise<void> {
  const failed: string[] = [];
  for (const nic of parked.moved.splice(0)) {
    await hop(c, nic, (iface) => pointBack(iface, nic.was, network)).catch((e: unknown) => {
      parked.moved.push(nic);
      failed.push(`${nic.mac} of domain ${nic.domain}: ${e instanceof Error ? e.message : String(e)}`);
    });
  }
  if (failed.length > 0)
    throw new VirtnetError(`NICs are left on the park network ${parked.name}: ${failed.join("; ")}`);
  await c.networks.destroy({ name: parked.name });
}

/**
 * Move one NIC. @returns its `<interface>` as it was; undefined where the VM no longer runs or has lost the NIC.
 */
async function hop(
  c: Connection,
  nic: { domain: string; mac: string },
  point: (iface: Element) => void,
): Promise<string | undefined> {
  const d = await c.domains.get({ uuid: nic.domain });
  if (!d?.active || d.liveXml === undefined) return undefined;
  const all = children(child(parseXml(d.liveXml), "devices") as Element, "interface");
  const there = all.find((i) => child(i, "mac")?.getAttribute("address")?.toLowerCase() === nic.mac.toLowerCase());
  if (!there) return undefined;
  const iface = cloneXml(there);
  point(iface);
  try {
    await c.domains.updateDevice({ uuid: nic.domain }, printXml(iface), "live");
  } catch (e) {
    // It stopped between the look and the move.
    if ((await c.domains.get({ uuid: nic.domain }))?.active !== true) return undefined;
    throw e;
  }
  return printXml(there);
}

function pointTo(iface: Element, network: string): void {
  const source = child(iface, "source") as Element;
  iface.setAttribute("type", "network");
  // Live only, and of the network that is left (qemuDomainChangeNet takes stale ones on some daemons only).
  for (const name of ["portid", "bridge"]) source.removeAttribute(name);
  source.setAttribute("network", network);
}

/** To the network, or for a NIC that names the bridge itself (`type='bridge'` without a network) to the bridge. */
function pointBack(iface: Element, was: string, network: string): void {
  const before = child(parseXml(was), "source") as Element;
  if (before.hasAttribute("network")) {
    pointTo(iface, network);
    return;
  }
  const source = child(iface, "source") as Element;
  iface.setAttribute("type", "bridge");
  for (const name of ["portid", "network", "portgroup"]) source.removeAttribute(name);
  source.setAttribute("bridge", before.getAttribute("bridge") as string);
}
