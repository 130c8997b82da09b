/**
 * The park network, where NICs are while their own network is away, and the journal that it carries: what was, what shall
 * be, and which NICs to bring back. Whoever finds it after a crash can finish or undo (`settle.ts`). Pure.
 *
 * It is defined before anything else happens and removed last. Its name is the lock as well: libvirt refuses to define a
 * second network of that name (virNetworkObjAssignDef), whoever asks, from whatever machine.
 */
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
import type { Nic } from "./nics.js";
import { OWN_NS } from "./parts/metadata.js";

/** Who writes it: to tell a run that goes on from one that has died. */
export interface Author {
  /** Name of the machine that the run is on. */
  machine: string;
  pid: number;
  /** When that process started (field 22 of /proc/PID/stat): a pid can be another's by now. */
  started: string;
  /** ISO 8601. */
  at: string;
  /** It has the host's lock of the network: who has it after that knows that this one has ended. */
  locked?: boolean;
}

export type JournalNic = Pick<Nic, "domain" | "domainName" | "mac" | "by" | "xml">;

export type NamedNic = Pick<Nic, "domain" | "domainName" | "mac">;

export interface Journal {
  uuid: string;
  /** The network's name before, and after. */
  from: string;
  to: string;
  before: { xml: string; liveXml?: string; autostart: boolean; persistent: boolean };
  /** The definition that shall be. */
  after: string;
  /** Whether it shall run then. */
  running: boolean;
  /** Guests have to ask for an address anew: their links go down and up at the end. */
  renew: boolean;
  /** NICs of running VMs on it. */
  nics: JournalNic[];
  /** NICs of stored definitions that name its own bridge, where that changes. */
  named: NamedNic[];
  /** Devices of the host on its bridge that are no VM's: containers' and the host's own. */
  ports: string[];
}

/** Of a network: 8 characters, for names that may not be long. */
export const shortId = (uuid: string): string =>
  createHash("sha256").update(uuid.toLowerCase()).digest("hex").slice(0, 8);

/** Name of a network's park network, also of its bridge: at most 15 characters. */
export const parkName = (uuid: string): string => `vnpark${shortId(uuid)}`;

/** Name of its lock on the host. */
export const networkLock = (uuid: string): string => `network-${uuid}`;

export const isParkName = (name: string): boolean => /^vnpark[0-9a-f]{8}$/.test(name);

/** A network without addresses (no dnsmasq), with the MTU, isolation and port groups of the one that is away. */
export function parkXml(journal: Journal, author: Author): string {
  const root = newDocument("network");
  const name = parkName(journal.uuid);
  addChild(root, "name").textContent = name;
  const bridge = addChild(root, "bridge");
  bridge.setAttribute("name", name);
  bridge.setAttribute("stp", "off");
  bridge.setAttribute("delay", "0");
  const like = parseXml(journal.before.liveXml ?? journal.before.xml);
  for (const e of ["mtu", "port", "portgroup"].flatMap((n) => children(like, n))) {
    const copy = (root.ownerDocument as Document).importNode(e, true) as Element;
    // A bridge without addresses takes neither (networkValidate, network/bridge_driver.c); NICs refer to groups by name.
    for (const c of ["vlan", "virtualport"].flatMap((n) => children(copy, n))) copy.removeChild(c);
    root.appendChild(copy);
  }
  if (like.hasAttribute("trustGuestRxFilters"))
    root.setAttribute("trustGuestRxFilters", like.getAttribute("trustGuestRxFilters") as string);
  write(addChild(addChild(root, "metadata"), "virtnet:journal", OWN_NS), journal, author);
  return printXml(root);
}

function write(el: Element, journal: Journal, author: Author): void {
  const { uuid, from, to, running, renew, before, after, nics, named, ports } = journal;
  set(el, { uuid, from, to, running, renew });
  writeAuthor(el, author);
  // Documents as text: libvirt keeps text as it is, and rewrites elements as it likes.
  const doc = (name: string, text: string) => {
    const e = addChild(el, `virtnet:${name}`, OWN_NS);
    e.textContent = text;
    return e;
  };
  set(doc("before", before.xml), { autostart: before.autostart, persistent: before.persistent });
  if (before.liveXml !== undefined) doc("live", before.liveXml);
  doc("after", after);
  for (const { xml, ...who } of nics) set(doc("nic", xml), who);
  for (const { domain, domainName, mac } of named) set(doc("named", ""), { domain, domainName, mac });
  for (const port of ports) doc("port", port);
}

export function writeAuthor(el: Element, { machine, pid, started, at, locked = false }: Author): void {
  set(el, { machine, pid, started, at, locked });
}

export function readAuthor(el: Element): Author {
  const at = (name: string) => el.getAttribute(name) ?? "";
  const [pid, locked] = [Number(at("pid")), at("locked") === "true"];
  return { machine: at("machine"), pid, started: at("started"), at: at("at"), locked };
}

function set(el: Element, attributes: Record<string, string | number | boolean>): void {
  for (const [k, v] of Object.entries(attributes)) el.setAttribute(k, String(v));
}

/** The journal of a park network's definition; undefined where it has none. */
export function readJournal(xml: string): (Journal & { author: Author }) | undefined {
  const metadata = child(parseXml(xml), "metadata");
  const el = metadata && child(metadata, "journal", OWN_NS);
  if (!el) return undefined;
  const at = (e: Element, name: string) => e.getAttribute(name) ?? "";
  const text = (name: string) => child(el, name, OWN_NS)?.textContent ?? undefined;
  const before = child(el, "before", OWN_NS) as Element;
  const live = text("live");
  return {
    uuid: at(el, "uuid"),
    from: at(el, "from"),
    to: at(el, "to"),
    running: at(el, "running") === "true",
    renew: at(el, "renew") === "true",
    before: {
      xml: before.textContent ?? "",
      ...(live !== undefined ? { liveXml: live } : {}),
      autostart: at(before, "autostart") === "true",
      persistent: at(before, "persistent") === "true",
    },
    after: text("after") ?? "",
    nics: children(el, "nic", OWN_NS).map((e) => ({
      domain: at(e, "domain"),
      domainName: at(e, "domainName"),
      mac: at(e, "mac"),
      by: at(e, "by") === "bridge" ? "bridge" : "network",
      xml: e.textContent ?? "",
    })),
    named: children(el, "named", OWN_NS).map((e) => ({
      domain: at(e, "domain"),
      domainName: at(e, "domainName"),
      mac: at(e, "mac"),
    })),
    ports: children(el, "port", OWN_NS).map((e) => e.textContent ?? ""),
    author: readAuthor(el),
  };
}
