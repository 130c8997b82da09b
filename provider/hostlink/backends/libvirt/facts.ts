/** The host's links as libvirt's interface driver tells them, where no command can be run. Pure. */
import { child, parseXml } from "../../../schema/xml.js";
import type { HostLinks, LinkFact } from "../../facts.js";
import { kindOf, nameOf, portsIn, readDocument } from "./document.js";
import { inProtocols } from "./protocols.js";

/** An interface, as libvirt lists it. */
export interface Told {
  name: string;
  mac: string;
  active: boolean;
  xml: string;
}

/** Whom the host is managed by is not known from here. */
export function linksOf(told: readonly Told[]): HostLinks {
  const all = told.map((i) => ({ ...i, root: parseXml(i.xml) }));
  const masters = new Map(
    all.flatMap(({ name, active, root }) => (active ? portsIn(root).map((p) => [p.name, name] as const) : [])),
  );
  const fact = (name: string): LinkFact => ({
    ...{ name, mtu: 1500, up: true, wireless: false, addresses: [] },
    ...(masters.has(name) ? { master: masters.get(name) as string } : {}),
  });
  // A port may have no definition of its own.
  const links = new Map([...masters.keys()].map((name) => [name, fact(name)]));
  for (const { name, mac, active, root } of all) {
    const kind = kindOf(root);
    const parent = kind === "vlan" ? (readDocument(root).parent as string | undefined) : undefined;
    const size = child(root, "mtu")?.getAttribute("size");
    links.set(nameOf(root), {
      ...fact(name),
      ...(kind === "ethernet" ? {} : { kind }),
      ...(mac === "" ? {} : { mac }),
      ...(parent === undefined ? {} : { parent }),
      ...(size == null ? {} : { mtu: Number(size) }),
      up: active,
      addresses: active ? (inProtocols(root).addresses ?? []) : [],
    });
  }
  return { links, management: [], carriers: [], hops: [], ways: [], sessions: [] };
}
