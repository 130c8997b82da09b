/** Elements of other applications below `<metadata>`, each in a namespace of its own. */
import * as v from "valibot";
import type { ListNode, ScalarNode, Shape } from "../../schema/node.js";
import { closed, line, list, record } from "../../schema/node.js";
import { addChild, child, children, type Element, text } from "../../schema/xml.js";

/** Our own mark (`provider/network/mark.ts`); never part of the user's list. */
export const OWN_NS = "urn:pulumi-virtnet:1";

const XML_NS = /^http:\/\/www\.w3\.org\/(XML\/1998\/namespace|2000\/xmlns\/)$/;

/** An element below `<metadata>`: name, attributes, and either a text or children. */
export interface MetadataElement {
  /** Local name of the element. */
  name: string;
  /** Attributes of the element. */
  attributes?: Record<string, string>;
  /** Text of the element. */
  text?: string;
  /** Child elements, in order. */
  children?: MetadataElement[];
}

const xmlName = v.pipe(v.string(), v.regex(/^[A-Za-z_][A-Za-z0-9_.-]*$/, "must be an XML name without a colon"));
const prefix = v.pipe(
  xmlName,
  v.check((s) => !/^xml/i.test(s), "begins with xml, which XML keeps for itself"),
);
const attribute = v.pipe(
  xmlName,
  v.check((s) => s !== "xmlns", "declares a namespace, which namespace is for"),
);
const element: Shape<MetadataElement> = closed({
  name: xmlName,
  attributes: v.optional(v.pipe(record, v.record(attribute, v.union([line, v.literal("")])))),
  text: v.optional(line),
  children: v.optional(v.array(v.lazy(() => element))),
});

function readElement(el: Element): MetadataElement {
  const attributes = Object.fromEntries(
    Array.from(el.attributes)
      .filter((a) => a.namespaceURI === null && a.name !== "xmlns")
      .map((a) => [a.name, a.value]),
  );
  const kids = children(el);
  const own = kids.length === 0 ? text(el) : "";
  return {
    name: el.localName ?? el.nodeName,
    ...(Object.keys(attributes).length > 0 ? { attributes } : {}),
    ...(own !== "" ? { text: own } : {}),
    ...(kids.length > 0 ? { children: kids.map(readElement) } : {}),
  };
}

/** As it is read back: without what is empty, and blanks around a text. What is not known yet is left out of what check sees. */
function plain(element: MetadataElement | undefined): MetadataElement | undefined {
  if (element === undefined) return undefined;
  const { name, attributes, text = "", children = [] } = element;
  return {
    name,
    ...(Object.keys(attributes ?? {}).length > 0 ? { attributes } : {}),
    ...(text.trim() !== "" ? { text: text.trim() } : {}),
    ...(children.length > 0 ? { children: children.map(plain) as MetadataElement[] } : {}),
  };
}

function fill(el: Element, value: MetadataElement, prefix: string, ns: string): void {
  for (const [k, v] of Object.entries(value.attributes ?? {})) el.setAttribute(k, v);
  if (value.text !== undefined) el.textContent = value.text;
  for (const c of value.children ?? []) fill(addChild(el, `${prefix}:${c.name}`, ns), c, prefix, ns);
}

function replace(el: Element, value: MetadataElement, prefix: string, ns: string): Element {
  const parent = el.parentNode as Element;
  const next = addChild(parent, `${prefix}:${value.name}`, ns);
  parent.replaceChild(next, el);
  fill(next, value, prefix, ns);
  return next;
}

/** Namespace and element are one value in XML (a name needs its namespace), so one node reads and writes both. */
export interface Metadata {
  /** Namespace, a URI; one element for each, and not `urn:pulumi-virtnet:1`. */
  namespace: string;
  /** Prefix that is written. Default: `app`. */
  prefix?: string;
  /** The element. */
  element: MetadataElement;
}

const withNamespace: Shape<Metadata> = closed({
  namespace: v.pipe(
    line,
    v.check((s) => s !== OWN_NS, "is this provider's own"),
    v.check((s) => !XML_NS.test(s), "is one of XML itself"),
  ),
  prefix: v.optional(prefix),
  element,
});

const entry: ScalarNode<Metadata> = {
  kind: "scalar",
  shape: withNamespace,
  read: (el) => ({
    namespace: el.namespaceURI ?? "",
    ...(el.prefix ? { prefix: el.prefix } : {}),
    element: readElement(el),
  }),
  write: (el, value) => {
    if (value !== undefined) replace(el, value.element, value.prefix ?? "app", value.namespace);
  },
  canon: (v) => ({ namespace: v.namespace, element: plain(v.element) }),
};

export const metadata: ListNode<ScalarNode<Metadata>> = {
  ...list("", "metadata", entry, { key: (m) => m.namespace }),
  elements: (el) => {
    const at = child(el, "metadata");
    return at ? children(at).filter((e) => e.namespaceURI !== null && e.namespaceURI !== OWN_NS) : [];
  },
  append: (el) => addChild(child(el, "metadata") ?? addChild(el, "metadata"), "new"),
  remove: (el, item) => {
    const at = item.parentNode as Element;
    at.removeChild(item);
    if (children(at).length === 0) el.removeChild(at);
  },
};
