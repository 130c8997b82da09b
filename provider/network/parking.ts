/** The park network: where NICs are while their own network is away. Pure. */
import { createHash } from "node:crypto";
import {
  addChild,
  child,
  children,
  type Document,
  type Element,
  newDocument,
  parseXml,
  printXml,
} from "../schema/xml.js";

/** Name of the park network, also of its bridge: at most 15 characters. */
export function parkName(network: string): string {
  return `vnpark${createHash("sha256").update(network).digest("hex").slice(0, 8)}`;
}

/** A network without addresses (no dnsmasq), with the MTU, isolation and port groups of the one that is away. */
export function parkXml(network: string, liveXml: string): string {
  const root = newDocument("network");
  const name = parkName(network);
  addChild(root, "name").textContent = name;
  const bridge = addChild(root, "bridge");
  bridge.setAttribute("name", name);
  bridge.setAttribute("stp", "off");
  bridge.setAttribute("delay", "0");
  const like = parseXml(liveXml);
  for (const e of ["mtu", "port", "portgroup"].flatMap((n) => children(like, n))) {
    const copy = (root.ownerDocument as Document).importNode(e, true) as Element;
    // A bridge without addresses takes neither (networkValidate, network/bridge_driver.c); NICs refer to groups by name.
    for (const c of ["vlan", "virtualport"].flatMap((n) => children(copy, n))) copy.removeChild(c);
    root.appendChild(copy);
  }
  if (like.hasAttribute("trustGuestRxFilters"))
    root.setAttribute("trustGuestRxFilters", like.getAttribute("trustGuestRxFilters") as string);
  return printXml(root);
}

/**
 * Whether NICs of the network can be moved aside: they hang on a bridge of the host. A tap on Open vSwitch or one with a
 * VLAN stays where it is (the destroy does not touch that bridge, and a park bridge would join what VLANs part); macvtap
 * and hostdev cannot be moved live (qemuDomainChangeNet).
 */
export function canPark(liveXml: string): boolean {
  const root = parseXml(liveXml);
  return child(root, "bridge") !== undefined && !child(root, "virtualport") && !child(root, "vlan");
}
