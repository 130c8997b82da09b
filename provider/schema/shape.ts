/** The check of shape: types, unknown fields, ranges; by a zod schema, with faults in our words. */
import type { z } from "zod";
import { type Failure, type Inputs, Unknown } from "../handler.js";

type Path = PropertyKey[];

export interface Shaped {
  failures: Failure[];
  /** The inputs without what is unknown or has a fault. */
  known: Inputs;
  /** Whether the user set the path (`ips`, `ips[0].dhcp`), known or not. */
  isSet(path: string): boolean;
}

/** Why a key at the top of the arguments is none of theirs, in a sentence's second half. */
type Stranger = (key: string) => string;

export function formatPath(path: Path): string {
  return path.map((p, i) => (typeof p === "number" ? `[${p}]` : i === 0 ? String(p) : `.${String(p)}`)).join("");
}

/** The opposite: `ips[0].dhcp` is `ips`, `0`, `dhcp`. */
const keysOf = (path: string): string[] => path.replaceAll("]", "").split(/[.[]/);

/** Whether a path is set in the inputs, known or not. */
export const setIn =
  (inputs: Inputs) =>
  (path: string): boolean =>
    keysOf(path).reduce<unknown>((at, k) => (at === Unknown ? at : (at as Inputs | undefined)?.[k]), inputs) !==
    undefined;

/** Hold inputs against their schema. */
export function judge(schema: z.ZodType, inputs: Inputs, stranger: Stranger): Shaped {
  const isSet = setIn(inputs);
  const result = schema.safeParse(inputs, { reportInput: true });
  if (result.success) return { failures: [], known: inputs, isSet };
  const failures: Failure[] = [];
  const faulty: Path[] = [];
  for (const issue of result.error.issues) {
    const at = valueAt(inputs, issue.path);
    faulty.push(...(issue.code === "unrecognized_keys" ? issue.keys.map((k) => [...issue.path, k]) : [issue.path]));
    if (at === Unknown) continue;
    failures.push(...explain(issue, at, stranger));
  }
  return { failures, known: without(inputs, faulty) as Inputs, isSet };
}

function explain(issue: z.core.$ZodIssue, value: unknown, stranger: Stranger): Failure[] {
  const property = formatPath(issue.path);
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      property: formatPath([...issue.path, key]),
      reason:
        issue.path.length > 0
          ? "is no field of this object: remove it, or look up its name in docs/reference.md"
          : stranger(key),
    }));
  }
  if (value === undefined) return [{ property, reason: "is missing" }];
  // The form that was meant is the one whose fault lies deeper.
  const meant =
    issue.code === "invalid_union" &&
    issue.errors.find((form) => form.every((i) => i.path.length > 0 || i.code === "unrecognized_keys"));
  if (meant) {
    return meant.flatMap((i) =>
      explain({ ...i, path: [...issue.path, ...i.path] } as typeof issue, valueAt(value, i.path), stranger),
    );
  }
  return [{ property, reason: `${print(value)} ${said(issue)}` }];
}

/** zod's issue as the second half of our sentence. */
function said(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "too_small":
      return issue.message.startsWith("must") ? issue.message : `is too small: must be at least ${issue.minimum}`;
    case "too_big":
      return issue.message.startsWith("must") ? issue.message : `is too big: must be at most ${issue.maximum}`;
    case "invalid_value":
      return `must be ${issue.values.length > 1 ? "one of " : ""}${issue.values.map((v) => JSON.stringify(v)).join(", ")}`;
    case "invalid_type":
      if (issue.expected === "int") return "must be a whole number";
      return `must be ${/^[aeiou]/.test(issue.expected) ? "an" : "a"} ${issue.expected}`;
    case "invalid_union":
      return [...new Set(issue.errors.flat().map(said))].join(" or ").replaceAll(" or must be ", " or ");
    default:
      return issue.message;
  }
}

function print(value: unknown): string {
  const s = JSON.stringify(value, (_k, v) => (v === Unknown ? "(not known yet)" : v)) ?? String(value);
  return s.length > 80 ? `${s.slice(0, 77)}…` : s;
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (at, k) => (at === Unknown ? at : (at as Record<PropertyKey, unknown> | undefined)?.[k]),
    value,
  );
}

/** A copy without the faulty places; an item of a list becomes undefined, so that the others keep their index. */
function without(value: unknown, faulty: Path[], at: Path = []): unknown {
  if (value === Unknown) return undefined;
  if (faulty.some((p) => p.length === at.length && p.every((k, i) => k === at[i]))) return undefined;
  if (Array.isArray(value)) return value.map((v, i) => without(v, faulty, [...at, i]));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([k, v]) => [k, without(v, faulty, [...at, k])])
      .filter(([, v]) => v !== undefined),
  );
}

/** Made when there is something to sort: it takes longer (16 ms) than to check a network. */
let byPath: Intl.Collator | undefined;
function inOrder(a: string, b: string): number {
  byPath ??= new Intl.Collator("en", { numeric: true });
  return byPath.compare(a, b);
}

/** Sorted by path, each fault once. */
export function tidy(failures: Failure[]): Failure[] {
  const seen = new Map(failures.map((f) => [`${f.property}\n${f.reason}`, f]));
  return [...seen.values()].sort((a, b) => inOrder(a.property, b.property));
}
