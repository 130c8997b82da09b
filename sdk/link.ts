/** What Bridge, Bond and Vlan have in common: the host's own links. */
import * as pulumi from "@pulumi/pulumi";
import { providerText } from "./provider-text.js";
import { config, defaultUri, ownerOf, requireResolvable } from "./settle.js";

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
}

/** A link of the host itself. */
export abstract class Link extends pulumi.CustomResource {
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
    kind: "Bridge",
    name: string,
    args: object | undefined,
    opts: pulumi.CustomResourceOptions | undefined,
  ) {
    requireResolvable();
    const { name: device = name, uri = defaultUri(), ...rest }: Settled = args ?? {};
    const settled =
      opts?.id !== undefined
        ? { uri, name: device }
        : { ...rest, name: device, uri, owner: ownerOf(name, opts?.parent), backend: config("linkBackend") };
    super(
      `pulumi-nodejs:dynamic/virtnet:${kind}`,
      name,
      { ...computed, ...settled, __provider: providerText(kind.toLowerCase()) },
      pulumi.mergeOptions({ deleteBeforeReplace: true }, opts),
    );
  }
}
