/** What a NIC is plugged into: libvirt's `<interface type=…><source …/>`. */
import type { Inputs } from "../handler.js";
import type { AnyNode, ObjectNode } from "../schema/node.js";
import { addChild, child, children, type Element } from "../schema/xml.js";
import type { PriceTable } from "./prices.js";
import type { Rule } from "./rules/rule.js";

export const SOURCES = ["network", "bridge", "direct", "hostdev", "user"] as const;
export type SourceKind = (typeof SOURCES)[number];

/** What a kind of source is made of; each is one file in `sources/`, closed by `satisfies Source`. */
export interface Source {
  source: SourceKind;
  /** All fields; they are the type, the check of shape, the XML in both directions and the comparison. */
  fields: ObjectNode<Record<string, AnyNode>>;
  /** Rules across fields; the rules of shape stand at the fields. */
  rules: readonly Rule[];
  /** What each field's change costs; by path pattern, a row covers what lies below it. */
  prices: PriceTable;
}

/** The kinds that the arguments name: one, where they are right. */
export const sourcesIn = (args: Inputs): SourceKind[] => SOURCES.filter((s) => args[s] !== undefined);

/** The kind of arguments that check let through. */
export const sourceOf = (args: Inputs): SourceKind => sourcesIn(args)[0] as SourceKind;

/**
 * The kind of an `<interface>`; undefined: one that has no fields here. A running NIC on a network has the type of what
 * carries it (virDomainNetDefFormat writes the actual type), but still names its network.
 */
export function sourceOfXml(el: Element): SourceKind | undefined {
  if (child(el, "source")?.hasAttribute("network")) return "network";
  const type = el.getAttribute("type");
  return SOURCES.find((s) => s === type);
}

/** The Linux bridge that a running NIC's tap is on; Open vSwitch has ports of its own. */
export function bridgeOf(el: Element): string | undefined {
  if (child(el, "virtualport")?.getAttribute("type") === "openvswitch") return undefined;
  return child(el, "source")?.getAttribute("bridge") ?? undefined;
}

/** What belongs to one kind only. */
const OF_ONE: readonly string[] = ["source", "backend", "ip", "portForward"];
/** What libvirt writes of a running NIC beside the network's name. */
const RUNNING = ["portid", "bridge", "dev", "mode"];

/** Make an `<interface>` one of this kind: what another kind has beside goes. */
export function become(el: Element, kind: SourceKind): void {
  if (sourceOfXml(el) !== kind) {
    for (const name of OF_ONE) for (const e of children(el, name)) el.removeChild(e);
    el.removeAttribute("managed");
  }
  el.setAttribute("type", kind);
  if (kind !== "network") return;
  const source = child(el, "source") ?? addChild(el, "source");
  for (const name of RUNNING) source.removeAttribute(name);
}
