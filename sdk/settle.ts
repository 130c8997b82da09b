/** What the SDK settles in the program, because the provider process cannot know it: which host, and whose object. */
import { createRequire } from "node:module";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";

/** The host when a resource names none. */
export function defaultUri(): string {
  return config("uri") || process.env.LIBVIRT_DEFAULT_URI || "qemu:///system";
}

/** A value of the stack's configuration, `virtnet:key`. */
export function config(key: string): string | undefined {
  return new pulumi.Config("virtnet").get(key);
}

/** Who an object belongs to; the provider writes it on the object. */
export interface Owner {
  project: string;
  stack: string;
  /** The resource in its stack: its name, after type and name of its parent where it has one. */
  key: string;
}

/** Set by the SDK of Pulumi in the constructor of Resource. */
interface NamedResource {
  __pulumiType?: string;
  __name?: string;
}

export function ownerOf(name: string, parent: pulumi.Resource | undefined): Owner {
  const { __pulumiType, __name } = (parent ?? {}) as NamedResource;
  const isStack = __pulumiType === undefined || __pulumiType === "pulumi:pulumi:Stack";
  const key = isStack ? name : `${__pulumiType}::${__name}/${name}`;
  return { project: pulumi.getProject(), stack: pulumi.getStack(), key };
}

let resolvable = false;

/**
 * The provider process resolves the package from the program's folder. A package that only another package depends on
 * is not found there (pnpm, nested installations): say so here, since the process could only say MODULE_NOT_FOUND.
 */
export function requireResolvable(from: string = process.cwd()): void {
  if (resolvable) return;
  try {
    createRequire(path.join(from, "program.js")).resolve("pulumi-virtnet/dynamic-v1");
    resolvable = true;
  } catch {
    throw new Error(
      `The package pulumi-virtnet cannot be found from the program's folder ${from}, where Pulumi runs its provider. ` +
        "Add it to the dependencies of that folder's own package.json (npm install pulumi-virtnet).",
    );
  }
}
