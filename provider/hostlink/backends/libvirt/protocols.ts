/** `<protocol>` of a host interface ↔ `addresses`. Pure. */
import { isV4 } from "../../../schema/net.js";
import { same } from "../../../schema/tree.js";
import { addChild, child, children, type Element } from "../../../schema/xml.js";
import { type Addresses, type Addressing, brief, canonAddressing, inFull } from "../../addressing.js";

const FAMILIES = ["ipv4", "ipv6"] as const;
type Family = (typeof FAMILIES)[number];

const protocolOf = (root: Element, family: Family): Element | undefined =>
  children(root, "protocol").find((el) => el.getAttribute("family") === family);

export const readProtocols = (root: Element): Addresses => brief(inProtocols(root));

/** In full. */
export function inProtocols(root: Element): Addressing {
  const out: Addressing = {};
  const addresses: string[] = [];
  for (const family of FAMILIES) {
    const el = protocolOf(root, family);
    if (!el) continue;
    if (family === "ipv4" && child(el, "dhcp")) out.ipv4 = "dhcp";
    if (family === "ipv6" && (child(el, "autoconf") || child(el, "dhcp"))) out.ipv6 = "auto";
    for (const ip of children(el, "ip"))
      addresses.push(
        `${ip.getAttribute("address")}/${ip.getAttribute("prefix") ?? (family === "ipv4" ? "32" : "128")}`,
      );
    const gateway = child(el, "route")?.getAttribute("gateway") ?? undefined;
    if (gateway !== undefined) out[family === "ipv4" ? "gateway" : "gateway6"] = gateway;
  }
  if (addresses.length > 0) out.addresses = addresses;
  return out;
}

/** What has no place there (routes, DNS) is refused at preview. */
export function writeProtocols(root: Element, addresses: Addresses): void {
  const wanted = addresses === "inherit" ? {} : inFull(addresses);
  // Left as it is, with what no field says of it (peerdns).
  if (same(canonAddressing(wanted), canonAddressing(inProtocols(root)))) return;
  for (const family of FAMILIES) writeProtocol(root, family, wanted);
}

function writeProtocol(root: Element, family: Family, a: Addressing): void {
  const v4 = family === "ipv4";
  const addresses = (a.addresses ?? []).filter((s) => isV4(s.split("/")[0] as string) === v4);
  const auto = v4 ? a.ipv4 !== undefined : a.ipv6 !== undefined;
  const gateway = v4 ? a.gateway : a.gateway6;
  const there = protocolOf(root, family);
  if (!auto && addresses.length === 0) {
    if (there) root.removeChild(there);
    return;
  }
  const el = there ?? addChild(root, "protocol");
  el.setAttribute("family", family);
  for (const name of v4 ? ["dhcp"] : ["autoconf", "dhcp"]) {
    const found = child(el, name);
    if (auto && !found) addChild(el, name);
    if (!auto && found) el.removeChild(found);
  }
  for (const name of ["ip", "route"]) for (const old of children(el, name)) el.removeChild(old);
  for (const text of addresses) {
    const [address = "", prefix = ""] = text.split("/");
    const ip = addChild(el, "ip");
    ip.setAttribute("address", address);
    ip.setAttribute("prefix", prefix);
  }
  if (gateway !== undefined) addChild(el, "route").setAttribute("gateway", gateway);
}
