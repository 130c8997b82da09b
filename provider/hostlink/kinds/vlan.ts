/**
 * A VLAN of a NIC or bond: frames with this tag, without it.
 *
 * ```ts
 * new virtnet.Vlan("eno1.20", { parent: "eno1", vlanId: 20 });
 * ```
 */
import type { PriceTable } from "../../network/prices.js";
import { object, required } from "../../schema/node.js";
import type { LinkKind } from "../args.js";
import { deviceName, flag, whole } from "../fields.js";
import { vlanRules } from "../rules/vlan.js";
import { everyLink, everyLinkPrices } from "./common.js";

const { ports: _ports, ...common } = everyLinkPrices;
const anew = { impact: "replace", why: "the kernel sets it when the device is made" } as const;

const prices: PriceTable = {
  ...common,
  parent: anew,
  vlanId: anew,
  reorderHeaders: anew,
  gvrp: anew,
  mvrp: anew,
  looseBinding: anew,
};

export const vlan = {
  kind: "vlan",
  fields: object({
    ...everyLink,
    /** The device that carries the tagged frames: a NIC, bond or bridge of the host; a name or a resource. */
    parent: required(deviceName),
    /** The tag (IEEE 802.1Q), 1–4094. */
    vlanId: required(whole(1, 4094)),
    /** Give programs that look at raw frames these without the tag. Default: true. */
    reorderHeaders: flag({ default: true }),
    /** Tell switches of the VLAN by GVRP. Default: false. */
    gvrp: flag({ default: false }),
    /** Tell switches of the VLAN by MVRP. Default: false. */
    mvrp: flag({ default: false }),
    /** Stay up while the parent is down. Default: false. */
    looseBinding: flag({ default: false }),
  }),
  rules: vlanRules,
  prices,
} as const satisfies LinkKind;
