/** A network's XML document: what it holds, and the document that holds what is wanted. Pure. */
import type { Inputs } from "../handler.js";
import type { NetworkInfo } from "../libvirt/api.js";
import type { Mark } from "../ownership.js";
import type { AnyNode } from "../schema/node.js";
import { readTree, writeTree } from "../schema/tree.js";
import { addChild, child, children, type Element, newDocument, parseXml, printXml } from "../schema/xml.js";
import { modes } from "./args.js";
import { type Mode, modeOf } from "./parts/forward.js";
import { OWN_NS } from "./parts/metadata.js";

export const fieldsOf = (mode: Mode): AnyNode => modes[mode].fields as unknown as AnyNode;

export interface NetworkDocument {
  mode: Mode;
  uuid?: string;
  /** By the fields of the mode that was asked for. */
  readonly values: Inputs;
  mark?: Mark;
  bridgeName?: string;
  mac?: string;
}

/** What was read last, newest first: observe, plan, verify and state ask for the same few documents one after the other. */
const lately: { xml: string; mode: Mode | undefined; document: NetworkDocument }[] = [];
const REMEMBERED = 8;

/** The document's values by the fields of `mode` (default: its own mode). Shared with whoever asks next: not to be changed. */
export function readNetwork(xml: string, mode?: Mode): NetworkDocument {
  const known = lately.find(
    (r) => r.xml === xml && (r.mode === mode || (r.document.mode === mode && r.mode === undefined)),
  );
  if (known) return known.document;
  const root = parseXml(xml);
  const own = modeOf(root);
  const mark = readMark(root);
  const bridgeName = child(root, "bridge")?.getAttribute("name") ?? undefined;
  const mac = child(root, "mac")?.getAttribute("address") ?? undefined;
  const uuid = child(root, "uuid")?.textContent?.trim();
  const document: NetworkDocument = {
    mode: own,
    ...(uuid ? { uuid } : {}),
    values: readTree(fieldsOf(mode ?? own), root) as Inputs,
    ...(mark ? { mark } : {}),
    ...(bridgeName ? { bridgeName } : {}),
    ...(mac ? { mac } : {}),
  };
  lately.unshift({ xml, mode: mode === own ? undefined : mode, document });
  lately.length = Math.min(lately.length, REMEMBERED);
  return document;
}

// Once a reading of the host, however many resources ask.
const bridgeOf = new WeakMap<NetworkInfo, string | undefined>();

/** Its own bridge, where that has a spanning tree, as libvirt's have unless they are told otherwise. */
export function treeIn(document: NetworkDocument): string | undefined {
  const { stp } = (document.values.bridge ?? {}) as { stp?: boolean };
  return stp === false ? undefined : ownBridgeIn(document);
}

export const treeOf = (n: NetworkInfo): string | undefined => treeIn(readNetwork(n.liveXml ?? n.inactiveXml));

/** The bridge that libvirt would make for it, by what is wanted; `now` where nothing is said. */
export function ownBridgeWanted(desired: Inputs, now: string | undefined): string | undefined {
  if (desired.mode === "bridge") return undefined;
  return (desired.bridge as { name?: string } | undefined)?.name ?? now;
}

export const ownBridgeIn = ({ mode, bridgeName }: NetworkDocument): string | undefined =>
  mode === "bridge" ? undefined : bridgeName;

/** Without one of its own a network has the kernel's (ether_setup): its bridge takes the least of its ports (br_mtu_auto_adjust). */
export const mtuIn = ({ values }: NetworkDocument): number => (values.mtu as number | undefined) ?? 1500;

/** The bridge that libvirt makes for a network; one of the host, in mode `bridge`, is not its own. */
export function ownBridgeOf(n: NetworkInfo): string | undefined {
  if (!bridgeOf.has(n)) {
    bridgeOf.set(n, ownBridgeIn(readNetwork(n.liveXml ?? n.inactiveXml)));
  }
  return bridgeOf.get(n);
}

/**
 * The definition that holds `desired`: `base` (the observed inactive XML, or nothing) with the owned paths changed, so
 * that whatever else stands there survives.
 */
export function writeNetwork(
  desired: Inputs,
  was: Inputs | undefined,
  base: string | undefined,
  mark: Mark | null | undefined,
): string {
  const root = base === undefined ? newDocument("network") : parseXml(base);
  const mode = desired.mode as Mode;
  if (base !== undefined && modeOf(root) !== mode) clearForeign(root, modeOf(root), mode);
  // <forward> carries the mode of what other fields write into it: first.
  writeTree(fieldsOf(mode), root, desired, was);
  if (mark !== undefined) writeMark(root, mark);
  return printXml(root);
}

/** Remove what the old mode has and the new one has not. */
function clearForeign(root: Element, from: Mode, to: Mode): void {
  const keep = modes[to].fields.fields as Record<string, AnyNode>;
  for (const [name, node] of Object.entries(modes[from].fields.fields as Record<string, AnyNode>)) {
    if (name === "mode" || keep[name] === node || sameField(name, from, to)) continue;
    writeTree(node, root, undefined, undefined, true);
  }
}

// `ips` and `device` are made per mode (required or not) over the same part.
const sameField = (name: string, from: Mode, to: Mode): boolean =>
  name in modes[to].fields.fields && from !== "bridge" && to !== "bridge";

export function readMark(root: Element): Mark | undefined {
  const el = ownElement(root);
  if (!el) return undefined;
  return {
    project: el.getAttribute("project") ?? "",
    stack: el.getAttribute("stack") ?? "",
    key: el.getAttribute("key") ?? "",
    adopted: el.getAttribute("adopted") === "yes",
  };
}

function ownElement(root: Element): Element | undefined {
  const metadata = child(root, "metadata");
  return metadata ? children(metadata, "owner", OWN_NS)[0] : undefined;
}

function writeMark(root: Element, mark: Mark | null): void {
  const there = ownElement(root);
  if (mark === null) {
    const metadata = there?.parentNode as Element | undefined;
    if (there) metadata?.removeChild(there);
    if (metadata && children(metadata).length === 0) root.removeChild(metadata);
    return;
  }
  const el = there ?? addChild(child(root, "metadata") ?? addChild(root, "metadata"), "virtnet:owner", OWN_NS);
  el.setAttribute("project", mark.project);
  el.setAttribute("stack", mark.stack);
  el.setAttribute("key", mark.key);
  if (mark.adopted) el.setAttribute("adopted", "yes");
  else el.removeAttribute("adopted");
}

export function sameMark(a: Mark | undefined, b: Mark | undefined): boolean {
  return a?.project === b?.project && a?.stack === b?.stack && a?.key === b?.key && a?.adopted === b?.adopted;
}

/** The XML of one list item, for virNetworkUpdate. */
export function itemXml(node: AnyNode, name: string, value: unknown): string {
  const el = newDocument(name);
  writeTree(node, el, value, undefined, true);
  return printXml(el);
}
