/** `<interface>` within a domain's XML: what it holds, and the one that holds what is wanted. Pure. */
import { type Inputs, VirtnetError } from "../handler.js";
import { decodeMark, encodeMark, isForeignAlias } from "../nic-mark.js";
import type { Mark } from "../ownership.js";
import type { AnyNode, ObjectNode } from "../schema/node.js";
import { readTree, writeTree } from "../schema/tree.js";
import { addChild, child, children, type Element, newDocument, parseXml, printXml } from "../schema/xml.js";
import { sources } from "./args.js";
import { become, bridgeOf, type SourceKind, sourceOf, sourceOfXml } from "./source.js";

export const fieldsOf = (kind: SourceKind): AnyNode => sources[kind].fields as unknown as AnyNode;

/** A NIC of a VM, as one of its definitions has it. */
export interface Nic {
  mac: string;
  /** Its `<interface>`, as it would be written: of a NIC on a network, without what libvirt adds while it runs. */
  xml: string;
  /** undefined: a type that has no fields here. */
  kind?: SourceKind;
  alias?: string;
  mark?: Mark;
  /** Name of the host's device; only while it runs. */
  targetDevice?: string;
  /** The Linux bridge that this device belongs to, where it is a tap; only while it runs. */
  bridge?: string;
  /** What its port of that bridge has, its own or its network's: libvirt sets it when it plugs the device in. */
  ofPort: readonly string[];
}

// A NIC is parsed once, however many resources and readings of its VM it stands in.
const REMEMBERED = 1024;

function once<T>(make: (text: string) => T): (text: string) => T {
  const made = new Map<string, T>();
  return (text) => {
    let value = made.get(text);
    if (value === undefined) {
      value = make(text);
      if (made.size >= REMEMBERED) made.clear();
      made.set(text, value);
    }
    return value;
  };
}

const nicOf = once((text) => toNic(parseXml(text)));

/** Elements that were printed, by their text: what is parsed for what it is is read for its fields next. Not to be changed. */
const printed = new Map<string, Element>();
const PRINTED = 64;

function print(el: Element): string {
  const text = printXml(el);
  if (printed.size >= PRINTED) printed.clear();
  printed.set(text, el);
  return text;
}

/** All NICs of a domain's XML. The rest of what libvirt prints is not parsed: it would take longer than the calls themselves. */
export function nicsOf(domainXml: string): readonly Nic[] {
  const texts = textsIn(domainXml);
  if (texts) return texts.map(nicOf);
  const root = child(parseXml(domainXml), "devices");
  return root ? children(root, "interface").map((el) => nicOf(printXml(el))) : [];
}

/**
 * As libvirt prints a domain (virDomainDefFormat): each element on lines of its own, two spaces deeper than what holds it.
 * undefined: it is not printed so.
 */
function textsIn(domainXml: string): string[] | undefined {
  // What stands before may hold texts of anybody (title, description, metadata), which may look like anything.
  const from = domainXml.lastIndexOf("\n  <devices>\n");
  const to = domainXml.indexOf("\n  </devices>\n", from);
  if (from < 0 || to < 0) return undefined;
  const found: string[] = [];
  for (let end = from; ; ) {
    const begin = domainXml.indexOf("\n    <interface ", end);
    if (begin < 0 || begin > to) return found;
    end = domainXml.indexOf(CLOSING, begin) + CLOSING.length;
    if (end < begin || end > to) return undefined;
    found.push(domainXml.slice(begin + 1, end));
  }
}
const CLOSING = "\n    </interface>";

/** Of an element that is nobody else's. */
function toNic(el: Element): Nic {
  const alias = child(el, "alias")?.getAttribute("name") ?? undefined;
  const kind = sourceOfXml(el);
  const mark = decodeMark(alias);
  const targetDevice = child(el, "target")?.getAttribute("dev") ?? undefined;
  const bridge = targetDevice === undefined ? undefined : bridgeOf(el);
  // A running NIC has the type of what carries it: written back so, it would leave its network.
  if (kind === "network") become(el, kind);
  return {
    mac: child(el, "mac")?.getAttribute("address")?.toLowerCase() ?? "",
    xml: print(el),
    ...(kind ? { kind } : {}),
    ...(alias !== undefined ? { alias } : {}),
    ...(mark ? { mark } : {}),
    ...(targetDevice !== undefined ? { targetDevice } : {}),
    ...(bridge !== undefined ? { bridge } : {}),
    ofPort: ofPort(el),
  };
}

const ofPort = (el: Element): string[] => [
  ...(child(el, "port")?.getAttribute("isolated") === "yes" ? ["isolated"] : []),
  ...(child(el, "vlan") ? ["vlan"] : []),
];

/** The NIC with the MAC. libvirt cannot tell two apart that have the same (virDomainNetFindIdx), so neither can we. */
export function findNic(domainXml: string | undefined, mac: string, vm: string): Nic | undefined {
  if (domainXml === undefined) return undefined;
  const [first, second] = nicsOf(domainXml).filter((n) => n.mac === mac.toLowerCase());
  if (second)
    throw new VirtnetError(
      `VM ${JSON.stringify(vm)} has several NICs with MAC ${mac}, which libvirt cannot tell apart: give each its own ("virsh edit ${vm}")`,
    );
  return first;
}

/** Most NICs have nothing of that, and are not parsed for it. */
const MAY_BE_GIVEN = /<(vlan|virtualport|bandwidth|port)\b| trustGuestRxFilters=/;

/** What tells a running NIC's own settings from those of its network, beside its stored definition. */
export interface Givers {
  /** Running definitions of networks, by name. */
  networks: Readonly<Record<string, string>>;
  /** What was set before. */
  was: Inputs;
}

/** Fields that a network may give, by the element or attribute that holds them. */
const GIVEN_FIELDS: Readonly<Record<string, string>> = { port: "isolated" };

/** A running NIC with what is its own: what its network gives it is the next network's to give ({@link ownNic}). */
export function asOwn(live: Nic | undefined, stored: Nic | undefined, givers?: Givers): Nic | undefined {
  if (live?.kind !== "network" || !MAY_BE_GIVEN.test(live.xml)) return live;
  const network = givers?.networks[String(readNic(live.xml, "network").network)];
  if (!stored && network === undefined) return live;
  const { ownNic } = require("../network/own.js") as typeof import("../network/own.js");
  const had = (name: string) => givers?.was[GIVEN_FIELDS[name] ?? name] !== undefined;
  return { ...live, xml: printXml(ownNic(parseXml(live.xml), stored && parseXml(stored.xml), network, had)) };
}

const readers = new Map<SourceKind, (xml: string) => Inputs>();

/** The values of an `<interface>` by the fields of `kind`. Shared with whoever asks next: not to be changed. */
export function readNic(xml: string, kind: SourceKind): Inputs {
  let read = readers.get(kind);
  if (!read) {
    read = once((text) => readTree(fieldsOf(kind), printed.get(text) ?? parseXml(text)) as Inputs);
    readers.set(kind, read);
  }
  return read(xml);
}

/**
 * The `<interface>` that holds `desired`: `base` (the observed one, or nothing) with the owned fields changed, so that
 * whatever else stands there survives. `mark`: undefined leaves the alias as it is.
 */
export function writeNic(desired: Inputs, was: Inputs | undefined, base: string | undefined, mark?: Mark): string {
  const kind = sourceOf(desired);
  const root = base === undefined ? newDocument("interface") : parseXml(base);
  const before = base === undefined ? undefined : sourceOfXml(root);
  if (before !== undefined && before !== kind) clearForeign(root, before, kind);
  become(root, kind);
  clearPort(root, desired, was);
  writeTree(fieldsOf(kind), root, desired, was);
  // Libvirt's own default differs from machine type to machine type, and is slow.
  if (base === undefined && desired.model === undefined && "model" in sources[kind].fields.fields)
    addChild(root, "model").setAttribute("type", "virtio");
  if (mark !== undefined && desired.alias === undefined) setAlias(root, encodeMark(mark));
  return printXml(root);
}

/** Parameters of another type of virtual port go with it, those that libvirt generated too (virNetDevVPortProfileParse). */
function clearPort(root: Element, desired: Inputs, was: Inputs | undefined): void {
  const there = child(root, "virtualport");
  const type = (desired.virtualport as { type?: string } | undefined)?.type;
  if (!there || (desired.virtualport === undefined && was?.virtualport === undefined)) return;
  if ((there.getAttribute("type") ?? undefined) !== type) root.removeChild(there);
}

/** Remove what the old kind of source has and the new one has not. */
function clearForeign(root: Element, from: SourceKind, to: SourceKind): void {
  const keep = sources[to].fields.fields as Record<string, AnyNode>;
  for (const [name, node] of Object.entries((sources[from].fields as ObjectNode).fields)) {
    if (name in keep || name === from) continue;
    writeTree(node, root, undefined, undefined, true);
  }
}

function setAlias(root: Element, name: string | undefined): void {
  const there = child(root, "alias");
  if (name === undefined) {
    if (there) root.removeChild(there);
  } else (there ?? addChild(root, "alias")).setAttribute("name", name);
}

/** Names that libvirt takes for its own, and gives anew at each plug (virNetDevGenerateName, util/virnetdev.c). */
const GENERATED_DEVICE = /^(vnet|macvtap|macvlan)/;

/**
 * The `<interface>` of a running NIC as it is plugged again: without what libvirt made for its device on the host. MAC,
 * alias and PCI address stay; `freshAddress`: the address of another kind of device may not fit.
 */
export function asPlugged(xml: string, options: { freshAddress?: boolean } = {}): string {
  const root = parseXml(xml);
  const target = child(root, "target");
  if (target && GENERATED_DEVICE.test(target.getAttribute("dev") ?? "")) root.removeChild(target);
  const address = child(root, "address");
  if (address && options.freshAddress) root.removeChild(address);
  const alias = child(root, "alias")?.getAttribute("name");
  // One that libvirt made (`net0`); it takes only the user's.
  if (alias !== undefined && alias !== null && !alias.startsWith("ua-")) setAlias(root, undefined);
  return printXml(root);
}

export function withoutAlias(xml: string): string {
  const root = parseXml(xml);
  setAlias(root, undefined);
  return printXml(root);
}

/** The same with its link down. */
export function withLinkDown(xml: string): string {
  const root = parseXml(xml);
  (child(root, "link") ?? addChild(root, "link")).setAttribute("state", "down");
  return printXml(root);
}

/** Whether the mark may be written: not over an alias that somebody else gave. */
export const takesMark = (nic: Nic | undefined): boolean => !isForeignAlias(nic?.alias);
