/**
 * `nat`: guests reach the outside behind the host's address; nobody outside reaches them.
 *
 * IPv6 of a NAT network is routed, and visible from outside, unless `nat.ipv6` is true.
 *
 * @example
 * new virtnet.Network("dev", {
 *   mode: "nat",
 *   ips: [{ address: "192.168.100.1/24", dhcp: { ranges: [{ start: "192.168.100.10", end: "192.168.100.99" }] } }],
 * });
 */
import { object, required } from "../../schema/node.js";
import type { NetworkMode } from "../mode.js";
import { device, modeField, nat as natField } from "../parts/forward.js";
import { ownBridgePrices } from "../prices.js";
import { ownBridgeRules } from "../rules/index.js";
import { natRules } from "../rules/nat.js";
import { ownBridge } from "./common.js";

const { ips, ...others } = ownBridge;

export const nat = {
  mode: "nat",
  fields: object({
    /** Masquerades behind the host. */
    mode: modeField("nat"),
    ...others,
    /** Addresses of the host on the network, several if wanted, also in one subnet; the first in that of the DHCP is the guests' gateway. At least one. */
    ips: required(ips),
    /** The only host device that traffic may leave by. Default: whatever the host's routes say. */
    device,
    /** How masquerading is done. */
    nat: natField,
  }),
  rules: [...ownBridgeRules, ...natRules],
  prices: {
    ...ownBridgePrices,
    device: { impact: "restart", why: "the firewall's rules are set when the network starts" },
    nat: { impact: "restart", why: "the firewall's rules are set when the network starts" },
  },
  reach: { host: "yes", sameNetwork: "yes", outside: "yes", fromOutside: "no" },
} satisfies NetworkMode;
