/**
 * `bridge`: the NIC is on a bridge of the host, past any network of libvirt.
 *
 * @example
 * new virtnet.VmInterface("web-lan", { domain: "web", bridge: "br0" });
 */
import { deviceName } from "../../network/parts/forward.js";
import { object, required, str } from "../../schema/node.js";
import { bridgedPrices, moved } from "../prices.js";
import { bridgeRules } from "../rules/index.js";
import type { Source } from "../source.js";
import { bridged } from "./common.js";

export const bridge = {
  source: "bridge",
  fields: object({
    /** Name of the bridge: of Linux, or with `virtualport: { type: "openvswitch" }` of Open vSwitch. A move to another one is live. */
    bridge: required(str("source/@bridge", deviceName)),
    ...bridged,
  }),
  rules: bridgeRules,
  prices: { ...bridgedPrices, bridge: moved },
} satisfies Source;
