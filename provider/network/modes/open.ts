/**
 * `open`: routed, and libvirt sets no firewall rule: the host's own firewall decides who reaches whom.
 *
 * @example
 * new virtnet.Network("lab", { mode: "open", ips: [{ address: "10.30.0.1/24" }] });
 */
import { object, required } from "../../schema/node.js";
import type { NetworkMode } from "../mode.js";
import { modeField } from "../parts/forward.js";
import { ownBridgePrices } from "../prices.js";
import { ownBridgeRules } from "../rules/index.js";
import { ownBridge } from "./common.js";

const { ips, ...others } = ownBridge;

export const open = {
  mode: "open",
  fields: object({
    /** Routed, firewalled by nobody but the host. */
    mode: modeField("open"),
    ...others,
    /** Addresses of the host on the network, several if wanted, also in one subnet; the first in that of the DHCP is the guests' gateway. At least one. */
    ips: required(ips),
  }),
  rules: ownBridgeRules,
  prices: ownBridgePrices,
  reach: { host: "firewall", sameNetwork: "yes", outside: "firewall", fromOutside: "firewall" },
} satisfies NetworkMode;
