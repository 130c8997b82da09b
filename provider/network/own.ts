/** What a running NIC has of its own, and what its network gives it. Pure: XML in, XML out. */
import { child, children, cloneXml, type Document, type Element, parseXml, printXml } from "../schema/xml.js";

/** Whether a port group is that of a NIC: by its name, or the default one by none. */
export const isGroupOf = (group: Element, name: string | undefined): boolean =>
  name === undefined ? group.getAttribute("default") === "yes" : group.getAttribute("name") === name;

/**
 * What libvirt shows of a running NIC whether it is its own, its network's or its port group's
 * (virDomainActualNetDefContentsFormat). Written back, it would be its own for good: what a network gives, it gives only to
 * those that have none (networkAllocatePort).
 */
const GIVEN = ["vlan", "virtualport", "bandwidth", "port"];
const GIVEN_ATTRIBUTE = "trustGuestRxFilters";

/** Whether a NIC has anything of that at all: most have not. */
export const hasGiven = (iface: Element): boolean =>
  iface.hasAttribute(GIVEN_ATTRIBUTE) || GIVEN.some((name) => child(iface, name) !== undefined);

/**
 * A running NIC with what is its own.
 *
 * @param stored the same NIC as its definition has it; undefined where there is none.
 * @param network the running definition of its network, which says what that gives where no definition of the NIC does.
 * @param had whether it had such a setting of its own: it is in the middle of losing that where its definition has it no more.
 */
export function ownNic(
  iface: Element,
  stored: Element | undefined,
  network?: string,
  had: (name: string) => boolean = () => false,
): Element {
  const copy = cloneXml(iface);
  const gives = network === undefined ? undefined : giverOf(parseXml(network), iface);
  const inGroup = gives ? gives.group !== undefined : child(iface, "source")?.hasAttribute("portgroup") === true;
  // A virtual port has an ID that libvirt made, so it never is as its network has it.
  const isLosing = (name: string) => had(name) && (name !== "virtualport" || gives?.text(name) === undefined);
  const isGiven = (name: string, text: string) =>
    text === gives?.text(name) || (stored !== undefined && !isLosing(name) && (name !== "bandwidth" || inGroup));
  for (const e of GIVEN.flatMap((name) => children(copy, name))) {
    const name = e.localName ?? e.nodeName;
    if (!(stored && child(stored, name)) && isGiven(name, plain(e))) copy.removeChild(e);
  }
  const trust = copy.getAttribute(GIVEN_ATTRIBUTE);
  if (trust !== null && !stored?.hasAttribute(GIVEN_ATTRIBUTE) && isGiven(GIVEN_ATTRIBUTE, trust))
    copy.removeAttribute(GIVEN_ATTRIBUTE);
  return copy;
}

/** `iface` with what is `own`'s of that. */
export function withOwn(iface: Element, own: Element): Element {
  const copy = cloneXml(iface);
  for (const e of GIVEN.flatMap((name) => children(copy, name))) copy.removeChild(e);
  for (const e of GIVEN.flatMap((name) => children(own, name)))
    copy.appendChild((copy.ownerDocument as Document).importNode(e, true));
  const trust = own.getAttribute(GIVEN_ATTRIBUTE);
  if (trust === null) copy.removeAttribute(GIVEN_ATTRIBUTE);
  else copy.setAttribute(GIVEN_ATTRIBUTE, trust);
  return copy;
}

/** What a network gives a NIC: its port group's, else its own; a bandwidth of the network is its bridge's. */
function giverOf(network: Element, iface: Element): { group?: Element; text(name: string): string | undefined } {
  const name = child(iface, "source")?.getAttribute("portgroup") ?? undefined;
  const groups = children(network, "portgroup");
  const group = groups.find((g) => isGroupOf(g, name));
  const from = (e: Element, what: string) => {
    if (what === GIVEN_ATTRIBUTE) return e.getAttribute(what) ?? undefined;
    const found = child(e, what);
    return found && plain(found);
  };
  return {
    ...(group ? { group } : {}),
    text: (what) => (group && from(group, what)) ?? (what === "bandwidth" ? undefined : from(network, what)),
  };
}

/** Without the line breaks that libvirt puts between elements. */
const plain = (e: Element): string => printXml(e).replace(/>\s+</g, "><");
