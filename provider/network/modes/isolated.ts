/**
 * `isolated`: guests reach each other, and the host where it has an address here; nobody else. dnsmasq still serves DHCP.
 *
 * An isolated guest can push packets into a *routed* network of the same host, one way (docs/modes.md).
 *
 * @example
 * new virtnet.Network("storage", { mode: "isolated", ips: [{ address: "10.20.0.1/24" }] });
 */
import { object } from "../../schema/node.js";
import type { NetworkMode } from "../mode.js";
import { modeField } from "../parts/forward.js";
import { ownBridgePrices } from "../prices.js";
import { ownBridgeRules } from "../rules/index.js";
import { ownBridge } from "./common.js";

export const isolated = {
  mode: "isolated",
  fields: object({
    /** No way out. */
    mode: modeField("isolated"),
    ...ownBridge,
  }),
  rules: ownBridgeRules,
  prices: ownBridgePrices,
  reach: { host: "yes", sameNetwork: "yes", outside: "no", fromOutside: "no" },
} satisfies NetworkMode;
