/**
 * `bridge`: guests are on something that exists already: a Linux or Open vSwitch bridge (`bridge`), a NIC through macvtap
 * (`macvtap`), or virtual functions of a NIC (`hostdev`). One of the three.
 *
 * @example
 * new virtnet.Network("lan", { mode: "bridge", bridge: "br0" });
 */
import { object, oneOf, str } from "../../schema/node.js";
import type { NetworkMode } from "../mode.js";
import { bandwidth } from "../parts/bandwidth.js";
import { deviceName, hostdev, macvtap, modeField } from "../parts/forward.js";
import { virtualport } from "../parts/switchport.js";
import { everyModePrices } from "../prices.js";
import { bridgeRules } from "../rules/bridge.js";
import { everyMode } from "./common.js";

const plugged = {
  impact: "replug",
  why: "libvirt reads it when a NIC is plugged; a restart of such a network touches nothing on the host",
} as const;

export const bridge = {
  mode: "bridge",
  fields: object({
    /** On a bridge or device that exists. */
    mode: modeField("bridge"),
    ...everyMode,
    /** Name of a bridge that exists on the host. */
    bridge: str("bridge/@name", deviceName),
    /** Who keeps the bridge's MAC table. Default: `kernel`. */
    macTableManager: oneOf("bridge/@macTableManager", ["kernel", "libvirt"]),
    /** Guests on a NIC through macvtap; the host itself does not reach them, except through a switch that reflects. */
    macvtap,
    /** Guests on virtual functions of a NIC (SR-IOV). */
    hostdev,
    /** Parameters of the virtual switch port; `openvswitch` for a bridge of Open vSwitch. */
    virtualport,
    /** Traffic shaping of each NIC. */
    bandwidth,
  }),
  rules: bridgeRules,
  prices: {
    ...everyModePrices,
    bridge: plugged,
    macTableManager: plugged,
    macvtap: plugged,
    "macvtap.interfaces": {
      impact: "live",
      section: "forward-interface",
      why: "libvirt changes the pool of a running network",
    },
    hostdev: plugged,
    virtualport: plugged,
    bandwidth: plugged,
    trustGuestRxFilters: plugged,
    portIsolated: plugged,
    vlan: plugged,
  },
  reach: { host: "yes", sameNetwork: "yes", outside: "yes", fromOutside: "yes" },
} satisfies NetworkMode;
