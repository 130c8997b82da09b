/** The provider's argument types as a Pulumi program writes them: outputs of other resources may stand at any depth. */
import type { Input } from "@pulumi/pulumi";

/** `T`, an output or promise of it, or the same of any part of it. */
export type DeepInput<T> = Input<Parts<T>>;

type Parts<T> = T extends string | number | boolean | bigint | null | undefined
  ? T
  : { [K in keyof T]: DeepInput<T[K]> };

/** Arguments told apart by `Tag`, which must be plain: the fields that an object may have depend on it. */
export type TaggedInputs<T, Tag extends keyof T> = { [K in keyof T]: K extends Tag ? T[K] : DeepInput<T[K]> };
