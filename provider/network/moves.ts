/**
 * Move one NIC of a running VM.
 *
 * A tap hops: a change of the NIC's source network re-plugs it, on every daemon, without the guest seeing its carrier
 * change (qemuDomainChangeNet). Anything else is unplugged and plugged, with the same MAC and in the same slot.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { isBusy } from "../busy.js";
import { VirtnetError } from "../handler.js";
import type { Connection, DomainInfo } from "../libvirt/api.js";
import { addChild, child, cloneXml, type Document, type Element, parseXml, printXml } from "../schema/xml.js";
import { unplug } from "../unplug.js";
import { forPlug, interfaceOf, type Nic, networkOf, onNetwork } from "./nics.js";
import { withOwn } from "./own.js";

export type NicRef = Pick<Nic, "domain" | "domainName" | "mac">;

/** How long a guest may take to release a NIC, in ms. */
const RELEASE_MS = 20_000;
/** How long a VM may be busy with a migration, a save or the like; in ms. */
const BUSY_MS = 60_000;

export interface Seen {
  domain: DomainInfo;
  /** Its live `<interface>`; absent: the VM has lost it. */
  iface?: Element;
}

/** The NIC as it is; undefined where its VM does not run. */
export async function look(c: Connection, nic: NicRef): Promise<Seen | undefined> {
  const domain = await c.domains.get({ uuid: nic.domain });
  if (!domain?.active || domain.liveXml === undefined) return undefined;
  const iface = interfaceOf(domain.liveXml, nic.mac);
  return { domain, ...(iface ? { iface } : {}) };
}

/** Change the NIC of a running VM; nothing where the VM stops meanwhile. */
export async function hop(c: Connection, nic: NicRef, to: Element): Promise<void> {
  try {
    await c.domains.updateDevice({ uuid: nic.domain }, printXml(to), "live");
  } catch (e) {
    const vm = await c.domains.get({ uuid: nic.domain }).catch(() => {
      throw e; // the connection is lost, which is what failed
    });
    if (vm?.active === true) throw e;
  }
}

/**
 * By which connection each NIC is moved: where there is another one, every second VM's by that. Measured with 25 NICs of two VMs:
 * 3.7 ms a hop by one, 1.8 ms by two.
 */
export function handsFor(nics: readonly NicRef[], c: Connection, other = c): (nic: NicRef) => Connection {
  const vms = [...new Set(nics.map((n) => n.domain))];
  return (nic) => (vms.indexOf(nic.domain) % 2 === 0 ? c : other);
}

/** Of one connection they are sent together, done one after the other. All are tried, and the first failure is thrown then. */
export async function hopAll(
  c: Connection,
  hops: readonly { nic: NicRef; to: Element }[],
  other?: Connection,
): Promise<void> {
  const nics = hops.map(({ nic }) => nic);
  const hand = handsFor(nics, c, other);
  const done = await Promise.allSettled(hops.map(({ nic, to }) => hop(hand(nic), nic, to)));
  const failed = done.find((d) => d.status === "rejected");
  if (failed) throw failed.reason;
}

/** Unplug (where it is plugged) and plug as `pointed`. */
export async function replug(
  c: Connection,
  nic: NicRef,
  was: Element,
  pointed: (e: Element) => Element,
): Promise<void> {
  const seen = await look(c, nic);
  if (!seen) return;
  const vm = { uuid: nic.domain, name: nic.domainName };
  if (seen.iface) await unplug(c, vm, nic.mac, printXml(seen.iface), { timeoutMs: RELEASE_MS });
  // What a running definition says of its network may be the old one's: the stored one says only what the user wants.
  const stored = seen.domain.inactiveXml === undefined ? undefined : interfaceOf(seen.domain.inactiveXml, nic.mac);
  const next = forPlug(pointed(withAddress(stored ?? was, seen.iface ?? was)));
  try {
    await c.domains.attachDevice({ uuid: nic.domain }, printXml(next), "live");
  } catch (e) {
    if ((await c.domains.get({ uuid: nic.domain }))?.active === true) throw e;
  }
}

function withAddress(iface: Element, like: Element): Element {
  const copy = cloneXml(iface);
  const address = child(like, "address");
  if (address && !child(copy, "address")) copy.appendChild((copy.ownerDocument as Document).importNode(address, true));
  return copy;
}

/**
 * Wait until no VM is busy with a migration or a save: its NICs could not be moved. Names those that stay busy.
 * @returns whether it had to wait: what was looked at before is old then.
 */
export async function awaitIdle(c: Connection, nics: readonly NicRef[], limitMs = BUSY_MS): Promise<boolean> {
  const names = new Map(nics.map((n) => [n.domain, n.domainName]));
  for (let [started, waited] = [Date.now(), false]; ; waited = true, await sleep(500)) {
    const held = await Promise.all([...names.keys()].map((uuid) => isBusy(c, { uuid })));
    const busy = [...names.values()].filter((_, i) => held[i]);
    if (busy.length === 0) return waited;
    if (Date.now() - started > limitMs)
      throw new VirtnetError(
        `VM ${busy.join(", ")} is busy with a migration, a save or another job, so that its NICs cannot be moved: nothing was changed; run again when it has ended`,
      );
  }
}

/** How long a guest's link is down so that it notices, in ms. */
const LINK_DOWN_MS = 300;

/** Take the link down and up: a guest's DHCP client then asks anew. One whose link was down before stays so. */
export async function bounce(c: Connection, nics: readonly (NicRef & { xml: string })[]): Promise<void> {
  const up = nics.filter((n) => child(parseXml(n.xml), "link")?.getAttribute("state") !== "down");
  const set = async (state: "up" | "down") => {
    for (const nic of up) {
      const seen = await look(c, nic);
      if (!seen?.iface) continue;
      // A running definition says type='bridge' for a NIC on a network of a bridge; written back it would leave the network.
      const network = networkOf(seen.iface);
      const copy =
        network === undefined ? cloneXml(seen.iface) : onNetwork(withOwn(seen.iface, parseXml(nic.xml)), network);
      (child(copy, "link") ?? addChild(copy, "link")).setAttribute("state", state);
      await hop(c, nic, copy);
    }
  };
  if (up.length === 0) return;
  await set("down");
  await sleep(LINK_DOWN_MS);
  await set("up");
}
