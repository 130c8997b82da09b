/**
 * `network`: the NIC is on a network of libvirt, whatever its mode.
 *
 * @example
 * new virtnet.VmInterface("web-eth1", { domain: "web", network: prod.name });
 */
import { line, object, required, str } from "../../schema/node.js";
import { bridgedPrices, moved } from "../prices.js";
import { networkRules } from "../rules/index.js";
import type { Source } from "../source.js";
import { bridged } from "./common.js";

export const network = {
  source: "network",
  fields: object({
    /** Name of the network. A move to another one is live, where both have a bridge. */
    network: required(str("source/@network", line)),
    /** Port group of the network. Default: the network's default group. */
    portGroup: str("source/@portgroup"),
    ...bridged,
  }),
  rules: networkRules,
  prices: {
    ...bridgedPrices,
    network: moved,
    portGroup: { impact: "replug", why: "libvirt reads the group when a NIC is plugged" },
  },
} satisfies Source;
