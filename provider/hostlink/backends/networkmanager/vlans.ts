/** VLANs of a bridge's ports ↔ profiles: `bridge-port.vlans` of each port's, `bridge.vlans` of the bridge's own for the host. Pure. */
import { same } from "../../../schema/tree.js";
import { joined, type PortVlans, type Span, spanOf, type VlanIds } from "../../vlans.js";
import type { Settings } from "./bus.js";
import { type Variant, v } from "./values.js";

type Owner = "bridge" | "bridge-port";
type Entry = Record<"vid-start" | "vid-end" | "pvid" | "untagged", Variant>;

const entry = ([from, to]: Span, pvid: boolean, untagged: boolean): Entry => ({
  "vid-start": v("q", from),
  "vid-end": v("q", to),
  pvid: v("b", pvid),
  untagged: v("b", untagged),
});

/** NetworkManager takes the PVID alone, in no range. */
function without(spans: readonly Span[], id: number | undefined): Span[] {
  if (id === undefined) return [...spans];
  return spans.flatMap(([from, to]): Span[] =>
    id < from || id > to
      ? [[from, to]]
      : ([
          [from, id - 1],
          [id + 1, to],
        ].filter(([a = 0, b = 0]) => a <= b) as Span[]),
  );
}

export function writeVlans(s: Settings, owner: Owner, vlans: PortVlans | undefined): void {
  const { pvid, untagged = [], tagged = [] } = vlans ?? {};
  const [bare, tags] = [untagged, tagged].map((ids) => joined(ids.map(spanOf))) as [Span[], Span[]];
  const entries = [
    ...(pvid === undefined ? [] : [entry([pvid, pvid], true, !tags.some(([a, b]) => a <= pvid && pvid <= b))]),
    ...bare.map((span) => entry(span, false, true)),
    ...without(tags, pvid).map((span) => entry(span, false, false)),
  ];
  const { vlans: _old, ...others } = s[owner] ?? {};
  s[owner] = entries.length === 0 ? others : { ...others, vlans: v("aa{sv}", entries) };
}

export function readVlans(s: Settings, owner: Owner, port: string): PortVlans | undefined {
  const entries = (s[owner]?.vlans?.data as Entry[] | undefined) ?? [];
  if (entries.length === 0) return undefined;
  const all = entries.map((e) => ({
    span: [Number(e["vid-start"].data), Number(e["vid-end"].data)] as Span,
    pvid: e.pvid?.data === true,
    bare: e.untagged?.data === true,
  }));
  const pvid = all.find((e) => e.pvid);
  const ids = (of: typeof all): VlanIds[] =>
    joined(of.map((e) => e.span)).map(([from, to]) => (from === to ? from : `${from}-${to}`));
  const untagged = ids(all.filter((e) => e.bare && !e.pvid));
  const tagged = ids(all.filter((e) => !e.bare));
  return {
    port,
    ...(pvid ? { pvid: pvid.span[0] } : {}),
    ...(untagged.length > 0 ? { untagged } : {}),
    ...(tagged.length > 0 ? { tagged } : {}),
  };
}

/** What NetworkManager 1.42 says that it reapplies to a bridge, and does not (`vlan_configured` in nm-device-bridge.c). */
export function vlansDiffer(a: Settings, b: Settings): boolean {
  const all = ({ bridge = {} }: Settings) => [
    bridge["vlan-filtering"]?.data ?? false,
    bridge["vlan-default-pvid"]?.data ?? 1,
    readVlans({ bridge }, "bridge", "") ?? {},
  ];
  return !same(all(a), all(b));
}
