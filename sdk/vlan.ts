import type * as pulumi from "@pulumi/pulumi";
import type { Bond } from "./bond.js";
import type { Bridge } from "./bridge.js";
import type { DeepInput } from "./input.js";
import { type Device, deviceName, Link, type LinkInputs, type LinkLookup } from "./link.js";
import type * as plain from "./link-args.js";

/** Arguments of a {@link Vlan}. */
export type VlanArgs = LinkInputs<Omit<plain.VlanArgs, "parent" | "addresses">> & {
  /** The device that carries the tagged frames: a NIC, bond or bridge of the host; a name or a resource. */
  parent: Device<Bond | Bridge>;
  /** The host's own addresses here: `dhcp`, `none`, or fixed ones. Default: `none`. */
  addresses?: DeepInput<Exclude<plain.VlanArgs["addresses"], "inherit">>;
};

/**
 * A VLAN of a device of the host: frames with its tag, without it.
 *
 * @example
 * ```ts
 * const vlan20 = new virtnet.Vlan("eno1.20", { parent: "eno1", vlanId: 20 });
 * new virtnet.Bridge("br20", { ports: [vlan20] });
 * ```
 */
export class Vlan extends Link {
  /**
   * @param name Name of the resource, and of the device unless `args.name` says another.
   * @param opts Options of Pulumi. `deleteBeforeReplace` is true unless said otherwise.
   */
  constructor(name: string, args: VlanArgs, opts?: pulumi.CustomResourceOptions) {
    super("Vlan", name, opts?.id === undefined ? { ...args, parent: deviceName(args.parent) } : args, opts);
  }

  /**
   * A VLAN that exists on the host and is not managed here: its outputs, read at each run.
   *
   * @param id UUID of its profile (`nmcli -g connection.uuid connection show NAME`).
   */
  static get(name: string, id: pulumi.Input<pulumi.ID>, lookup: LinkLookup, opts?: pulumi.CustomResourceOptions): Vlan {
    return new Vlan(name, lookup as unknown as VlanArgs, { ...opts, id });
  }

  /** Whether `value` is a Vlan, also of another copy of this package. */
  static override isInstance(value: unknown): value is Vlan {
    return (value as { __pulumiType?: string } | undefined)?.__pulumiType === "pulumi-nodejs:dynamic/virtnet:Vlan";
  }
}
