import type * as pulumi from "@pulumi/pulumi";
import { Link, type LinkInputs, type LinkLookup } from "./link.js";
import type * as plain from "./link-args.js";

/** Arguments of a {@link Bond}. */
export type BondArgs = LinkInputs<plain.BondArgs>;

/**
 * A bond of the host: several NICs as one.
 *
 * @example
 * ```ts
 * new virtnet.Bond("bond0", { mode: "802.3ad", ports: ["eno1", "eno2"], lacpRate: "fast", addresses: "dhcp" });
 * ```
 */
export class Bond extends Link {
  /**
   * @param name Name of the resource, and of the device unless `args.name` says another.
   * @param opts Options of Pulumi. `deleteBeforeReplace` is true unless said otherwise.
   */
  constructor(name: string, args: BondArgs, opts?: pulumi.CustomResourceOptions) {
    super("Bond", name, args, opts);
  }

  /**
   * A bond that exists on the host and is not managed here: its outputs, read at each run.
   *
   * @param id UUID of its profile (`nmcli -g connection.uuid connection show NAME`).
   */
  static get(name: string, id: pulumi.Input<pulumi.ID>, lookup: LinkLookup, opts?: pulumi.CustomResourceOptions): Bond {
    return new Bond(name, lookup as BondArgs, { ...opts, id });
  }

  /** Whether `value` is a Bond, also of another copy of this package. */
  static override isInstance(value: unknown): value is Bond {
    return (value as { __pulumiType?: string } | undefined)?.__pulumiType === "pulumi-nodejs:dynamic/virtnet:Bond";
  }
}
