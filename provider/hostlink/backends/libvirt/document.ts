/** A link as the XML of virInterface has it (interface.rng, conf/interface_conf.c) ↔ the fields of its kind. Pure. */
import type { Inputs } from "../../../handler.js";
import { addChild, child, children, type Element, newDocument, parseXml } from "../../../schema/xml.js";
import type { Addresses } from "../../addressing.js";
import type { Kind } from "../../args.js";
import { BOND_MODES } from "../../rules/fit.js";
import { readProtocols, writeProtocols } from "./protocols.js";

const USUAL_MIIMON = 100;

const attribute = (el: Element | undefined, name: string): string | undefined => el?.getAttribute(name) ?? undefined;
const numberOf = (el: Element | undefined, name: string): number | undefined => {
  const text = attribute(el, name);
  return text === undefined ? undefined : Number(text);
};
const set = (el: Element, name: string, value: unknown): void => {
  if (value === undefined) el.removeAttribute(name);
  else el.setAttribute(name, String(value));
};
const having = (el: Element, name: string): Element => child(el, name) ?? addChild(el, name);
const without = (el: Element, name: string): void => {
  for (const found of children(el, name)) el.removeChild(found);
};

export const kindOf = (root: Element): string => attribute(root, "type") ?? "";
export const nameOf = (root: Element): string => attribute(root, "name") ?? "";

/** What a bridge or bond is made of, with the kind of each. */
export function portsIn(root: Element): { name: string; type: string }[] {
  const inner = child(root, kindOf(root));
  return kindOf(root) === "vlan" || !inner
    ? []
    : children(inner, "interface").map((port) => ({ name: nameOf(port), type: kindOf(port) }));
}

export function readDocument(root: Element): Inputs {
  const kind = kindOf(root) as Kind;
  const mode = attribute(child(root, "start"), "mode");
  return defined({
    name: nameOf(root),
    addresses: readProtocols(root),
    mtu: numberOf(child(root, "mtu"), "size"),
    // Without a mode nothing starts it; "hotplug" does when its device comes.
    autoconnect: mode !== undefined && mode !== "none",
    ...(kind === "vlan" ? {} : { ports: portsIn(root).map((p) => p.name) }),
    ...READ[kind]?.(child(root, kind)),
  });
}

const READ: Record<Kind, (el: Element | undefined) => Inputs> = {
  bridge: (el) => ({
    stp: { on: true, off: false }[attribute(el, "stp") ?? ""],
    forwardDelay: numberOf(el, "delay"),
  }),
  bond: (el) => {
    const [mii, arp] = [el && child(el, "miimon"), el && child(el, "arpmon")];
    const target = attribute(arp, "target");
    return {
      mode: attribute(el, "mode"),
      miimon: numberOf(mii, "freq") ?? (arp ? undefined : 0),
      updelay: numberOf(mii, "updelay"),
      downdelay: numberOf(mii, "downdelay"),
      useCarrier: { netif: true, ioctl: false }[attribute(mii, "carrier") ?? ""],
      arpInterval: numberOf(arp, "interval"),
      arpIpTargets: target === undefined ? undefined : [target],
      arpValidate: attribute(arp, "validate"),
    };
  },
  vlan: (el) => ({
    vlanId: numberOf(el, "tag"),
    parent: attribute(el && child(el, "interface"), "name"),
  }),
};

/** What is set is written, and what was set before and is no longer goes back to its default; the rest of `there` stays. */
export function writeDocument(kind: Kind, there: string | undefined, values: Inputs, was: Inputs = {}): Element {
  const root = there === undefined ? newDocument("interface") : parseXml(there);
  const change: Change = {
    fresh: there === undefined,
    values,
    touches: (...fields) => fields.some((f) => values[f] !== undefined || was[f] !== undefined),
  };
  set(root, "type", kind);
  set(root, "name", values.name);
  if (change.fresh || change.touches("autoconnect"))
    set(having(root, "start"), "mode", values.autoconnect === false ? "none" : "onboot");
  if (change.touches("mtu")) {
    if (values.mtu === undefined) without(root, "mtu");
    else set(having(root, "mtu"), "size", values.mtu);
  }
  if (change.touches("addresses")) writeProtocols(root, (values.addresses as Addresses | undefined) ?? "none");
  const inner = having(root, kind);
  WRITE[kind](inner, change);
  if (kind !== "vlan" && change.touches("ports")) writePorts(inner, (values.ports as string[] | undefined) ?? []);
  return root;
}

interface Change {
  fresh: boolean;
  values: Inputs;
  touches(...fields: string[]): boolean;
}

const WRITE: Record<Kind, (el: Element, change: Change) => void> = {
  bridge(el, { fresh, values, touches }) {
    if (fresh || touches("stp")) set(el, "stp", values.stp === true ? "on" : "off");
    if (touches("forwardDelay")) set(el, "delay", values.forwardDelay);
  },
  bond(el, { fresh, values, touches }) {
    const { mode } = values;
    if (mode !== undefined) set(el, "mode", typeof mode === "number" ? BOND_MODES[mode] : mode);
    const monitoring = [
      ...["miimon", "updelay", "downdelay", "useCarrier"],
      ...["arpInterval", "arpIpTargets", "arpValidate"],
    ];
    if (fresh || touches(...monitoring)) writeMonitoring(el, values, touches);
  },
  vlan(el, { values }) {
    set(el, "tag", values.vlanId);
    set(having(el, "interface"), "name", values.parent);
  },
};

function writeMonitoring(el: Element, values: Inputs, touches: Change["touches"]): void {
  const wanted = values.arpInterval as number | undefined;
  if (wanted !== undefined && wanted > 0) {
    without(el, "miimon");
    const arp = having(el, "arpmon");
    set(arp, "interval", wanted);
    if (touches("arpIpTargets")) set(arp, "target", (values.arpIpTargets as string[] | undefined)?.[0]);
    if (touches("arpValidate")) set(arp, "validate", values.arpValidate);
    return;
  }
  without(el, "arpmon");
  if (values.miimon === 0) {
    without(el, "miimon");
    return;
  }
  // Without any monitoring a bond does not notice that a port fails.
  const mii = having(el, "miimon");
  if (values.miimon !== undefined || touches("miimon") || !mii.hasAttribute("freq"))
    set(mii, "freq", values.miimon ?? USUAL_MIIMON);
  for (const delay of ["updelay", "downdelay"]) if (touches(delay)) set(mii, delay, values[delay]);
  if (touches("useCarrier"))
    set(mii, "carrier", { true: "netif", false: "ioctl" }[String(values.useCarrier)] ?? undefined);
}

function writePorts(el: Element, wanted: readonly string[]): void {
  const there = children(el, "interface");
  for (const port of there) if (!wanted.includes(nameOf(port))) el.removeChild(port);
  for (const name of wanted) {
    if (there.some((port) => nameOf(port) === name)) continue;
    const port = addChild(el, "interface");
    set(port, "type", "ethernet");
    set(port, "name", name);
  }
}

/** What stands in a definition and in no field, as `protocol/dhcp peerdns=no`. */
export function unsaid(kind: Kind, root: Element): string[] {
  const own = new Set(items(writeDocument(kind, undefined, readDocument(root)), ""));
  return items(root, "").filter((item) => !own.has(item));
}

/** Each element and attribute below, once each: `bridge/interface[0] name=eth1`. */
function items(el: Element, path: string): string[] {
  const out = [...el.attributes].map((a) => `${path === "" ? el.nodeName : path} ${a.name}=${a.value}`);
  for (const inner of children(el)) {
    const key = attribute(inner, "name") ?? attribute(inner, "address") ?? attribute(inner, "family");
    const at = `${path === "" ? "" : `${path}/`}${inner.nodeName}${key === undefined ? "" : `[${key}]`}`;
    out.push(at, ...items(inner, at));
  }
  return out;
}

const defined = (inputs: Inputs): Inputs =>
  Object.fromEntries(Object.entries(inputs).filter(([, value]) => value !== undefined));
