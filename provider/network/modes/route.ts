/**
 * `route`: the guests have a subnet of their own, without NAT; outside routers need a route to it, which the output
 * `upstreamRoutes` names. Reachable from outside, and from isolated networks one way (docs/modes.md).
 *
 * @example
 * new virtnet.Network("dmz", { mode: "route", ips: [{ address: "198.51.100.1/24" }] });
 */
import { object, required } from "../../schema/node.js";
import type { NetworkMode } from "../mode.js";
import { device, modeField } from "../parts/forward.js";
import { ownBridgePrices } from "../prices.js";
import { ownBridgeRules } from "../rules/index.js";
import { ownBridge } from "./common.js";

const { ips, ...others } = ownBridge;

export const route = {
  mode: "route",
  fields: object({
    /** A subnet of its own, routed by the host. */
    mode: modeField("route"),
    ...others,
    /** Addresses of the host on the network, several if wanted, also in one subnet; the first in that of the DHCP is the guests' gateway. At least one. */
    ips: required(ips),
    /** The only host device that traffic may leave by. Default: whatever the host's routes say. */
    device,
  }),
  rules: ownBridgeRules,
  prices: {
    ...ownBridgePrices,
    device: { impact: "restart", why: "the firewall's rules are set when the network starts" },
  },
  reach: { host: "yes", sameNetwork: "yes", outside: "yes", fromOutside: "yes" },
} satisfies NetworkMode;
