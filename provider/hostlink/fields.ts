/** Nodes of the schema for what no XML document describes: types, check of shape and comparison, as everywhere. */
import { z } from "zod";
import { line, list, type Place, type ScalarNode, type ScalarOptions, scalar } from "../schema/node.js";

/** Backends read and write the values by tables of their own. */
const nowhere: Place = { get: () => undefined, set: () => {} };

export const value = <T>(zod: z.ZodType<T>, options: ScalarOptions<T> = {}): ScalarNode<T> =>
  scalar<T>(
    nowhere,
    zod,
    () => undefined,
    () => "",
    options,
  );

export const flag = (options: ScalarOptions<boolean> = {}) => value<boolean>(z.boolean(), options);
export const whole = (min: number, max: number, options: ScalarOptions<number> = {}) =>
  value<number>(z.number().int("must be a whole number").min(min).max(max), options);
export const choice = <const V extends readonly [string, ...string[]]>(
  values: V,
  options: ScalarOptions<V[number]> = {},
) => value<V[number]>(z.enum(values) as z.ZodType<V[number]>, options);

// What the kernel takes (dev_valid_name, net/core/dev.c), without what tools trip over.
export const zDeviceName = line
  .max(15, "must be a device name of at most 15 characters (IFNAMSIZ)")
  .regex(/^(?!\.{1,2}$)[a-zA-Z0-9_.-]+$/, 'must be a device name of letters, digits, "_", "." and "-"');

export const deviceName = value<string>(zDeviceName);
/** Devices, in no order. */
export const devices = list("", "port", deviceName, { key: (name) => name });
