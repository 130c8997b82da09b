/**
 * A Linux bridge that virtual machines and the host share with an outside segment.
 *
 * ```ts
 * new virtnet.Bridge("br0", { ports: ["eno1"], addresses: "inherit" });
 * ```
 */
import type { PriceTable } from "../../network/prices.js";
import { object } from "../../schema/node.js";
import type { LinkKind } from "../args.js";
import { devices, flag, whole } from "../fields.js";
import { bridgeRules } from "../rules/bridge.js";
import { vlansField } from "../vlans.js";
import { everyLink, everyLinkPrices } from "./common.js";

const ANEW = "NetworkManager activates the bridge anew: its ports and VMs are off it for some hundred milliseconds";

const prices: PriceTable = {
  ...everyLinkPrices,
  mac: {
    impact: "live",
    why: `${ANEW}, and neighbours learn its new MAC`,
  },
  stp: { impact: "live", why: "ports of a bridge listen and learn for twice the forward delay when it is turned on" },
  forwardDelay: { impact: "live", why: "the bridge's timers are set while it runs" },
  helloTime: { impact: "live", why: "the bridge's timers are set while it runs" },
  maxAge: { impact: "live", why: "the bridge's timers are set while it runs" },
  priority: { impact: "live", why: "the spanning tree may choose another root" },
  ageingTime: { impact: "live", why: "the bridge's timers are set while it runs" },
  multicastSnooping: { impact: "live", why: "multicast is flooded until the bridge has learnt anew" },
  vlanFiltering: { impact: "live", why: ANEW },
  vlanDefaultPvid: { impact: "live", why: ANEW },
  vlans: {
    impact: "live",
    why: "NetworkManager plugs the port in anew, or for those of the host activates the bridge anew: it is off the bridge for some hundred milliseconds",
  },
};

export const bridge = {
  kind: "bridge",
  fields: object({
    ...everyLink,
    /** Devices of the host that are plugged in: by name. Others that are on the bridge, as the VMs' own, stay. Default: none. */
    ports: devices,
    /** Spanning tree. Default: false; with it, a port forwards only after twice the forward delay. */
    stp: flag({ default: false }),
    /** Forward delay of the spanning tree, in s, 2–30. Default: 15. */
    forwardDelay: whole(2, 30, { default: 15 }),
    /** Time between two messages of the root, in s, 1–10. Default: 2. */
    helloTime: whole(1, 10, { default: 2 }),
    /** How long the spanning tree believes an old message, in s, 6–40. Default: 20. */
    maxAge: whole(6, 40, { default: 20 }),
    /** Priority in the choice of the root, 0–65535, lower wins. Default: 32768. */
    priority: whole(0, 65535, { default: 32768 }),
    /** How long an address that was not seen again is remembered, in s, 0–1000000. Default: 300. */
    ageingTime: whole(0, 1_000_000, { default: 300 }),
    /** Whether multicast goes only where it is asked for. Default: true. */
    multicastSnooping: flag({ default: true }),
    /** Whether the bridge looks at VLAN tags, so that each port, VM and the host is in its own VLANs only. Default: false. */
    vlanFiltering: flag({ default: false }),
    /** VLAN of frames without a tag at each port, VM and the host, beside what `vlans` says, 0–4094; 0: none, so what `vlans` does not name is cut off. Default: 1. */
    vlanDefaultPvid: whole(0, 4094, { default: 1 }),
    /** VLANs of ports and, by the bridge's own name, of the host. Default: none but `vlanDefaultPvid`. */
    vlans: vlansField,
  }),
  rules: bridgeRules,
  prices,
} as const satisfies LinkKind;
