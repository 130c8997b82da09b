/** Nodes of the schema for what no XML document describes: types, check of shape and comparison, as everywhere. */
import * as v from "valibot";
import {
  line,
  list,
  type Place,
  type ScalarNode,
  type ScalarOptions,
  type Shape,
  scalar,
  whole as wholeNumber,
} from "../schema/node.js";

/** Backends read and write the values by tables of their own. */
const nowhere: Place = { get: () => undefined, set: () => {} };

export const value = <T>(shape: Shape<T>, options: ScalarOptions<T> = {}): ScalarNode<T> =>
  scalar<T>(
    nowhere,
    shape,
    () => undefined,
    () => "",
    options,
  );

export const flag = (options: ScalarOptions<boolean> = {}) => value<boolean>(v.boolean(), options);
export const whole = (min: number, max: number, options: ScalarOptions<number> = {}) =>
  value<number>(wholeNumber(min, max), options);
export const choice = <const V extends readonly [string, ...string[]]>(
  values: V,
  options: ScalarOptions<V[number]> = {},
) => value<V[number]>(v.picklist(values), options);

// What the kernel takes (dev_valid_name, net/core/dev.c), without what tools trip over.
const nameShape = v.pipe(
  line,
  v.maxLength(15, "must be a device name of at most 15 characters (IFNAMSIZ)"),
  v.regex(/^(?!\.{1,2}$)[a-zA-Z0-9_.-]+$/, 'must be a device name of letters, digits, "_", "." and "-"'),
);

export const deviceName = value<string>(nameShape);
/** Devices, in no order. */
export const devices = list("", "port", deviceName, { key: (name) => name });
