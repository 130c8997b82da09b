import type * as pulumi from "@pulumi/pulumi";
import type { Bond } from "./bond.js";
import { type Device, deviceNames, Link, type LinkInputs, type LinkLookup } from "./link.js";
import type * as plain from "./link-args.js";
import type { Vlan } from "./vlan.js";

/** Arguments of a {@link Bridge}. */
export type BridgeArgs = LinkInputs<Omit<plain.BridgeArgs, "ports">> & {
  /** Devices of the host that are plugged in: by name. Others that are on the bridge, as the VMs' own, stay. Default: none. */
  ports?: pulumi.Input<string[]> | readonly Device<Bond | Vlan>[];
};

/**
 * A bridge of the host: virtual machines on it are in the same segment as the outside that its ports lead to.
 *
 * @example
 * The host's own NIC, over which it is managed, becomes a port; its addresses move to the bridge, and back when the bridge goes.
 * ```ts
 * const br0 = new virtnet.Bridge("br0", { ports: ["eno1"], addresses: "inherit" });
 * new virtnet.Network("lan", { mode: "bridge", bridge: br0.name });
 * ```
 */
export class Bridge extends Link {
  /**
   * @param name Name of the resource, and of the device unless `args.name` says another.
   * @param opts Options of Pulumi. `deleteBeforeReplace` is true unless said otherwise.
   */
  constructor(name: string, args: BridgeArgs = {}, opts?: pulumi.CustomResourceOptions) {
    super("Bridge", name, args.ports === undefined ? args : { ...args, ports: deviceNames(args.ports) }, opts);
  }

  /**
   * A bridge that exists on the host and is not managed here: its outputs, read at each run.
   *
   * @param id UUID of its profile (`nmcli -g connection.uuid connection show NAME`).
   */
  static get(
    name: string,
    id: pulumi.Input<pulumi.ID>,
    lookup: LinkLookup,
    opts?: pulumi.CustomResourceOptions,
  ): Bridge {
    return new Bridge(name, lookup, { ...opts, id });
  }

  /** Whether `value` is a Bridge, also of another copy of this package. */
  static override isInstance(value: unknown): value is Bridge {
    return (value as { __pulumiType?: string } | undefined)?.__pulumiType === "pulumi-nodejs:dynamic/virtnet:Bridge";
  }
}
