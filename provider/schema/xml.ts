/**
 * XML in and out: the only module that loads xmldom. Strict both ways, so that no string of a user can change the
 * structure and no document is half-read.
 */
import type { Document, Element, Node } from "@xmldom/xmldom";

export type { Document, Element };

/** Loaded with the first document: a run in which nothing changes sees none. */
const xmldom = () => require("@xmldom/xmldom") as typeof import("@xmldom/xmldom");

/** Parse a document; throws on anything that is not well-formed (xmldom's default lets `&nope;` pass). */
export function parseXml(text: string): Element {
  const { DOMParser } = xmldom();
  const parser = new DOMParser({
    // As XML 1.0 has it (2.11); xmldom's own also takes U+0085 and U+2028 for ends of lines, as XML 1.1.
    normalizeLineEndings: (source) => source.replaceAll(/\r\n?/g, "\n"),
    onError: (level, message) => {
      throw new Error(`XML ${level}: ${message}`);
    },
  });
  const root = parser.parseFromString(text, "text/xml").documentElement;
  if (!root) throw new Error("XML error: no root element");
  return root;
}

/** Serialize; refuses what could not be read back (control characters, bad names). */
export function printXml(el: Element): string {
  const { XMLSerializer } = xmldom();
  return new XMLSerializer().serializeToString(el, { requireWellFormed: true });
}

export function newDocument(rootName: string): Element {
  return parseXml(`<${rootName}/>`);
}

export function cloneXml(el: Element): Element {
  return parseXml(printXml(el));
}

const ELEMENT_NODE = 1;

/** Child elements, all or those of a (namespace-less) name. */
export function children(el: Element, name?: string, ns?: string): Element[] {
  const out: Element[] = [];
  for (let n: Node | null = el.firstChild; n; n = n.nextSibling) {
    if (n.nodeType !== ELEMENT_NODE) continue;
    const e = n as Element;
    if (name !== undefined && (e.localName ?? e.nodeName) !== name) continue;
    if (name !== undefined && (e.namespaceURI ?? "") !== (ns ?? "")) continue;
    out.push(e);
  }
  return out;
}

export function child(el: Element, name: string, ns?: string): Element | undefined {
  return children(el, name, ns)[0];
}

export function addChild(el: Element, name: string, ns?: string): Element {
  const doc = el.ownerDocument as Document;
  const e = ns ? doc.createElementNS(ns, name) : doc.createElement(name);
  el.appendChild(e);
  return e;
}

/** Walk `a/b/c`; creates what is missing where asked. */
export function descend(el: Element, path: string, create: boolean): Element | undefined {
  let at: Element | undefined = el;
  for (const step of path === "" ? [] : path.split("/")) {
    const next: Element | undefined = child(at, step);
    at = next ?? (create ? addChild(at, step) : undefined);
    if (!at) return undefined;
  }
  return at;
}

export function text(el: Element): string {
  return (el.textContent ?? "").trim();
}

/** Remove an element and those of its ancestors below `stop` that are left with neither attributes nor children. */
export function prune(el: Element, stop: Element): void {
  let at: Element = el;
  while (at !== stop && children(at).length === 0 && at.attributes.length === 0 && text(at) === "") {
    const parent = at.parentNode as Element | null;
    if (!parent) return;
    parent.removeChild(at);
    at = parent;
  }
}
