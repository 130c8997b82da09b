/** What all resources have in common. */
import * as pulumi from "@pulumi/pulumi";
import { providerText } from "./provider-text.js";
import { requireResolvable } from "./settle.js";
import { withPlainStacks } from "./stacks.js";

/** An object of a libvirt host. */
export abstract class HostResource extends pulumi.CustomResource {
  /**
   * @param kind its type, and the entry of `provider/dynamic-v1.ts`, with a small letter there.
   * @param props the outputs that the provider fills in, undefined, which makes them unknown in a preview; and the arguments.
   * @param between how many classes are between Pulumi's and that of the resource.
   */
  protected constructor(
    kind: string,
    name: string,
    props: object,
    opts: pulumi.CustomResourceOptions | undefined,
    between = 1,
  ) {
    requireResolvable();
    refuseImport(`${kind} "${name}"`, opts);
    const entry = kind.charAt(0).toLowerCase() + kind.slice(1);
    const done = withPlainStacks(between);
    try {
      super(
        `pulumi-nodejs:dynamic/virtnet:${kind}`,
        name,
        { ...props, __provider: providerText(entry) },
        pulumi.mergeOptions({ deleteBeforeReplace: true }, opts),
      );
    } finally {
      done();
    }
  }
}

/** Pulumi asks a dynamic provider for what it shall import without saying which provider; that ends in a TypeError. */
function refuseImport(resource: string, opts: pulumi.CustomResourceOptions | undefined): void {
  if (opts?.import !== undefined)
    throw new Error(
      `${resource}: Pulumi cannot import what a dynamic provider manages: leave the option import out and set adopt: true, which takes over what exists ("virtnet import" prints such a program)`,
    );
}
