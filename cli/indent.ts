/** XML for people: one element a line. Pure. */
import { children, type Document, type Element, parseXml, printXml } from "../provider/schema/xml.js";

export function indentXml(xml: string): string {
  const root = parseXml(xml);
  indent(root, "\n");
  return printXml(root);
}

function indent(el: Element, newline: string): void {
  const kids = children(el);
  // Text belongs to its element as it stands.
  if (kids.length === 0 || kids.length !== el.childNodes.length) return;
  const doc = el.ownerDocument as Document;
  for (const kid of kids) {
    el.insertBefore(doc.createTextNode(`${newline}  `), kid);
    indent(kid, `${newline}  `);
  }
  el.appendChild(doc.createTextNode(newline));
}
