/** VLANs of a bridge's ports: `vlans` of Bridge, as `bridge vlan` has them. */
import * as v from "valibot";
import { list, object, required, type Shape, whole as wholeNumber } from "../schema/node.js";
import { deviceName, value, whole } from "./fields.js";

/** One, or several in a row: `20`, `"30-39"`. */
export type VlanIds = number | string;

/** First and last. */
export type Span = [from: number, to: number];

export const spanOf = (ids: VlanIds): Span => {
  const [from = Number.NaN, to = from] = String(ids).split("-").map(Number);
  return [from, to];
};

const inRange = (ids: string): boolean => {
  const [from, to] = spanOf(ids);
  return from >= 1 && from <= to && to <= 4094;
};
const idsShape = v.union([
  wholeNumber(1, 4094),
  v.pipe(
    v.string(),
    v.regex(/^\d{1,4}-\d{1,4}$/, "must be a VLAN, 1–4094, or several as 30-39"),
    v.check(inRange, "must be VLANs from 1 to 4094, the lower one first"),
  ),
]);

/** In order, and joined where they touch: 10, 11 is 10-11. */
export function joined(spans: readonly Span[]): Span[] {
  const out: Span[] = [];
  for (const [from, to] of [...spans].sort(([a], [b]) => a - b)) {
    const last = out.at(-1);
    if (last && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else out.push([from, to]);
  }
  return out;
}

const idsField = value<VlanIds[]>(v.array(idsShape) as Shape<VlanIds[]>, {
  canon: (ids) => joined(ids.map(spanOf)),
  default: [],
});

/** The VLANs of one port. */
export interface PortVlans {
  port: string;
  pvid?: number;
  untagged?: VlanIds[];
  tagged?: VlanIds[];
}

export const vlansField = list(
  "",
  "vlan",
  object({
    /** A device of `ports`; by the bridge's own name, the host itself. */
    port: required(deviceName),
    /** VLAN of frames that come in without a tag, 1–4094; they leave without one too, unless it is in `tagged`. Default: `vlanDefaultPvid`. */
    pvid: whole(1, 4094),
    /** Further VLANs whose frames leave without a tag: `40`, `"30-39"`. Default: none. */
    untagged: idsField,
    /** VLANs whose frames keep their tag: `20`, `"30-39"`. Default: none. */
    tagged: idsField,
  }),
  { key: ({ port }) => port },
);
