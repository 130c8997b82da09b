/** Values as they cross between Pulumi's engine and a dynamic provider: JSON, with a sentinel text for what is unknown. */
import { type Inputs, Unknown } from "../handler.js";

/** What the engine puts in place of an unknown value, at any depth (UnknownStringValue, sdk/go/common/resource/plugin). */
export const SENTINEL = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
/** The provider's text, beside the inputs and outputs of each resource; never shown, as everything that begins with `__`. */
export const PROVIDER_KEY = "__provider";
/** Which layout the outputs have, for a later version that reads them. */
export const VERSION_KEY = "__virtnetState";

/** A deep copy with the sentinel as {@link Unknown}, without what is not the resource's own, and without fields that are null, which stands for not set. */
export function fromWire(value: Record<string, unknown> | undefined): Inputs {
  const { [PROVIDER_KEY]: _text, [VERSION_KEY]: _version, ...own } = value ?? {};
  return decode(own) as Inputs;
}

function decode(value: unknown): unknown {
  if (value === SENTINEL) return Unknown;
  if (Array.isArray(value)) return value.map(decode);
  if (typeof value !== "object" || value === null) return value;
  const fields: [string, unknown][] = [];
  for (const [key, v] of Object.entries(value)) if (v !== null) fields.push([key, decode(v)]);
  return Object.fromEntries(fields);
}

export interface Encoded {
  value: Record<string, unknown>;
  /** What could not be sent and was left out: `ips[0].size is a function`. */
  faults: string[];
}

/**
 * A deep copy that protobuf's Struct takes: it fails on undefined, BigInt and functions, and turns Date and Map into `{}`
 * and NaN into null, all after the object was made. So undefined goes, Date and BigInt are converted, and the rest is a fault.
 */
export function toWire(value: Inputs): Encoded {
  const faults: string[] = [];
  const seen = new Set<object>();

  const encode = (at: string, v: unknown): unknown => {
    if (v === Unknown) return SENTINEL;
    if (v === null || typeof v === "string" || typeof v === "boolean") return v;
    if (typeof v === "number" && Number.isFinite(v)) return v;
    if (typeof v === "bigint") return Number.isSafeInteger(Number(v)) ? Number(v) : String(v);
    if (v instanceof Date && !Number.isNaN(v.getTime())) return v.toISOString();
    if (typeof v !== "object" || !isPlain(v)) return refuse(at, v);
    if (seen.has(v)) return refuse(at, v, "contains itself");
    seen.add(v);
    const copy = Array.isArray(v)
      ? v.map((item, i) => encode(`${at}[${i}]`, item)).filter((item) => item !== undefined)
      : encodeFields(at, v);
    seen.delete(v);
    return copy;
  };
  const encodeFields = (at: string, v: object) => {
    const fields: [string, unknown][] = [];
    for (const [key, item] of Object.entries(v)) {
      const encoded = item === undefined ? undefined : encode(at === "" ? key : `${at}.${key}`, item);
      if (encoded !== undefined) fields.push([key, encoded]);
    }
    return Object.fromEntries(fields);
  };
  const refuse = (at: string, v: unknown, why = `is ${nameOf(v)}`): undefined => {
    if (v !== undefined) faults.push(`${at} ${why}`);
    return undefined;
  };

  return { value: encode("", value) as Record<string, unknown>, faults };
}

function isPlain(v: object): boolean {
  const prototype = Object.getPrototypeOf(v);
  return Array.isArray(v) || prototype === null || Object.getPrototypeOf(prototype) === null;
}

function nameOf(v: unknown): string {
  if (typeof v === "number") return String(v);
  if (typeof v === "object" && v !== null) return `a ${v.constructor?.name ?? "object"}`;
  return `a ${typeof v}`;
}
