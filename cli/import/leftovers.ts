/** What a document holds beyond the schema's fields: strip what they reach, list what is left. Pure. */
import { OWN_NS } from "../../provider/network/parts/metadata.js";
import type { AnyNode, ListNode, ObjectNode, ScalarNode } from "../../provider/schema/node.js";
import { children, type Element, parseXml, text } from "../../provider/schema/xml.js";

/** Libvirt's own, or said by another field: `mode` says forward/@mode, a pool of devices its first as forward/@dev. */
const KNOWN = new Set([
  "uuid",
  "@connections",
  "mac",
  "mac/@address",
  "forward",
  "forward/@mode",
  "forward/@dev",
  "forward/address",
  "forward/address/@type",
  "ip/dhcp",
  "metadata",
]);

/** The same of a NIC. */
export const KNOWN_OF_NIC: ReadonlySet<string> = new Set([
  "@type",
  "mac",
  "alias",
  "alias/@name",
  "source",
  "source/@portid",
  "source/@bridge",
  "source/@dev",
  "source/@mode",
  "source/address",
  "source/address/@type",
  "target",
  "target/@dev",
  ...["", "type", "domain", "bus", "slot", "function", "multifunction"].map((a) =>
    a === "" ? "address" : `address/@${a}`,
  ),
]);

/** Places with their values, as `forward/@x="1"`. `fields`: those of the object's kind. `known`: what needs no field. */
export function leftovers(fields: AnyNode, xml: string, known: ReadonlySet<string> = KNOWN): string[] {
  const root = parseXml(xml);
  const { mode: _, metadata, ...rest } = (fields as ObjectNode).fields;
  const lost = metadata ? (metadata as ListNode).elements(root).flatMap((e) => beyondNames(e, "metadata")) : [];
  const element = children(root, "metadata")[0];
  for (const e of element ? children(element).filter((e) => e.namespaceURI !== null) : []) {
    if (metadata || e.namespaceURI === OWN_NS) element?.removeChild(e);
  }
  for (const field of Object.values(rest)) strip(field, root, known);
  return [...remains(root, "", "", known), ...lost];
}

function strip(node: AnyNode, el: Element, known: ReadonlySet<string>): void {
  if (node.kind === "scalar") {
    (node as ScalarNode).write(el, undefined);
  } else if (node.kind === "object") {
    for (const field of Object.values((node as ObjectNode).fields)) strip(field, el, known);
  } else {
    const list = node as ListNode<AnyNode>;
    for (const item of list.elements(el)) {
      strip(list.item, item, known);
      if (remains(item, "", "", known).length === 0) list.remove(el, item);
    }
  }
}

/** `at`: without positions, to look up; `shown`: with those of repeated elements. */
function remains(el: Element, at: string, shown: string, known: ReadonlySet<string>): string[] {
  const join = (path: string, name: string) => (path === "" ? name : `${path}/${name}`);
  const out = Array.from(el.attributes)
    .filter((a) => !a.name.startsWith("xmlns") && !known.has(join(at, `@${a.name}`)))
    .map((a) => `${join(shown, `@${a.name}`)}=${JSON.stringify(a.value)}`);
  const kids = children(el);
  for (const e of kids) {
    const alike = kids.filter((k) => k.nodeName === e.nodeName);
    const name = alike.length > 1 ? `${e.nodeName}[${alike.indexOf(e) + 1}]` : e.nodeName;
    const path = join(at, e.nodeName);
    const below = remains(e, path, join(shown, name), known);
    if (known.has(path) && below.every((b) => b.startsWith(`${join(shown, name)}=`))) continue;
    out.push(...(below.length === 0 ? [join(shown, name)] : below));
  }
  const own = kids.length === 0 ? text(el) : "";
  if (own !== "" && shown !== "") out.push(`${shown}=${JSON.stringify(own)}`);
  return out;
}

/** Metadata keeps names, plain attributes and text or children; what an element has beyond that. */
function beyondNames(el: Element, at: string): string[] {
  const path = `${at}/${el.nodeName}`;
  const kids = children(el);
  const odd = Array.from(el.attributes).filter((a) => a.namespaceURI !== null && !a.name.startsWith("xmlns"));
  const mixed =
    kids.length > 0 && Array.from(el.childNodes).some((n) => n.nodeType === 3 && (n.nodeValue ?? "").trim() !== "");
  const foreign = kids.filter((k) => k.namespaceURI !== el.namespaceURI);
  return [
    ...odd.map((a) => `${path}/@${a.name}=${JSON.stringify(a.value)}`),
    ...(mixed ? [`${path} (text between its elements)`] : []),
    ...foreign.map((k) => `${path}/${k.nodeName} (another namespace)`),
    ...kids.flatMap((k) => beyondNames(k, path)),
  ];
}
