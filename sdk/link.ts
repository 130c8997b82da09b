/** What Bridge, Bond and Vlan have in common: the host's own links. */
import * as pulumi from "@pulumi/pulumi";
import type { DeepInput } from "./input.js";
import { HostResource } from "./resource.js";
import { config, defaultUri, ownerOf } from "./settle.js";

/** Plain arguments as a program writes them. */
export type LinkInputs<T> = { [K in keyof T]: DeepInput<T[K]> };

/** What `get` needs beside the id. */
export interface LinkLookup {
  /** Name of the device. */
  name: pulumi.Input<string>;
  /** Which host. Default: as for a new link. */
  uri?: pulumi.Input<string>;
}

/** What the provider fills in. They are declared to the engine as undefined, which makes them unknown in a preview. */
const computed = { macAddress: undefined, adopted: undefined, hostUuid: undefined, hostName: undefined };

interface Settled {
  name?: pulumi.Input<string> | undefined;
  uri?: pulumi.Input<string> | undefined;
  maxImpact?: pulumi.Input<string> | undefined;
}

/** A link of the host itself. */
export abstract class Link extends HostResource {
  // `declare`: a field of its own would overwrite the output that Pulumi sets (pulumi/pulumi#12160).

  /** Name of the device. */
  declare readonly name: pulumi.Output<string>;
  /** The host that it is on. */
  declare readonly uri: pulumi.Output<string>;
  /** MAC of the device. */
  declare readonly macAddress: pulumi.Output<string>;
  /** Whether it was there before the resource. */
  declare readonly adopted: pulumi.Output<boolean>;
  /** libvirt's UUID of the host. */
  declare readonly hostUuid: pulumi.Output<string>;
  /** Name of the host, as it calls itself. */
  declare readonly hostName: pulumi.Output<string>;

  protected constructor(
    kind: "Bridge" | "Bond" | "Vlan",
    name: string,
    args: object | undefined,
    opts: pulumi.CustomResourceOptions | undefined,
  ) {
    const { name: device = name, uri = defaultUri(), maxImpact, ...rest }: Settled = args ?? {};
    const settled =
      opts?.id !== undefined
        ? { uri, name: device }
        : {
            ...rest,
            name: device,
            uri,
            maxImpact: maxImpact ?? config("maxImpact"),
            owner: ownerOf(name, opts?.parent),
          };
    super(kind, name, { ...computed, ...settled }, opts, 2);
  }
}

/** A device by its name, or the resource that makes it. */
export type Device<R extends Link> = pulumi.Input<string> | R;

/** Names of devices, also of resources that are given in their place. */
export function deviceNames<R extends Link>(
  devices: pulumi.Input<string[]> | readonly Device<R>[],
): pulumi.Input<string[]> {
  return Array.isArray(devices)
    ? ((devices as readonly Device<R>[]).map(deviceName) as unknown as pulumi.Input<string[]>)
    : (devices as pulumi.Input<string[]>);
}

export function deviceName<R extends Link>(device: Device<R>): pulumi.Input<string> {
  return pulumi.Resource.isInstance(device) ? (device as R).name : (device as pulumi.Input<string>);
}
