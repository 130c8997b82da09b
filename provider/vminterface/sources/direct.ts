/**
 * `direct`: the NIC is on a device of the host through macvtap; the host itself does not reach the guest that way.
 *
 * @example
 * new virtnet.VmInterface("web-lan", { domain: "web", direct: { device: "eno1", mode: "bridge" } });
 */
import { deviceName } from "../../network/parts/forward.js";
import { object, oneOf, required, str } from "../../schema/node.js";
import { hostPrices } from "../prices.js";
import { directRules } from "../rules/index.js";
import type { Source } from "../source.js";
import { onHost } from "./common.js";

const plugged = { impact: "replug", why: "the macvtap device is made when the NIC is plugged" } as const;

export const direct = {
  source: "direct",
  fields: object({
    /** The host's device. */
    direct: required(
      object({
        /** Name of the device. */
        device: required(str("source/@dev", deviceName)),
        /** How guests on one device reach each other. `bridge`: directly; `vepa`: through the switch; `private`: not at all; `passthrough`: one guest a device. */
        mode: oneOf("source/@mode", ["vepa", "bridge", "private", "passthrough"], { default: "vepa" }),
      }),
    ),
    ...onHost,
  }),
  rules: directRules,
  prices: { ...hostPrices, direct: plugged, vlan: plugged, virtualport: plugged },
} satisfies Source;
