/** The check of shape: types, unknown fields, ranges; by a schema, with faults in our words. */
import * as v from "valibot";
import { type Failure, type Inputs, Unknown } from "../handler.js";
import type { Shape } from "./node.js";

type Path = PropertyKey[];

export interface Shaped {
  failures: Failure[];
  /** The inputs without what is unknown or has a fault. */
  known: Inputs;
  /** Whether the user set the path (`ips`, `ips[0].dhcp`), known or not. */
  isSet(path: string): boolean;
}

export function formatPath(path: Path): string {
  return path.map((p, i) => (typeof p === "number" ? `[${p}]` : i === 0 ? String(p) : `.${String(p)}`)).join("");
}

/** The opposite: `ips[0].dhcp` is `ips`, `0`, `dhcp`. */
const keysOf = (path: string): string[] => path.replaceAll("]", "").split(/[.[]/);

/** Why a key at the top of the arguments is none of theirs, in a sentence's second half. */
type Stranger = (key: string) => string;

/** Whether a path is set in the inputs, known or not. */
export const setIn =
  (inputs: Inputs) =>
  (path: string): boolean =>
    keysOf(path).reduce<unknown>((at, k) => (at === Unknown ? at : (at as Inputs | undefined)?.[k]), inputs) !==
    undefined;

/** Hold inputs against their schema. */
export function judge(schema: Shape, inputs: Inputs, stranger: Stranger): Shaped {
  const isSet = setIn(inputs);
  const { issues } = v.safeParse(schema, inputs, { message: words });
  if (issues === undefined) return { failures: [], known: inputs, isSet };
  return {
    failures: issues.flatMap((issue) => explain(issue, stranger)),
    known: without(inputs, issues.map(pathOf)) as Inputs,
    isSet,
  };
}

type Issue = v.BaseIssue<unknown>;
const pathOf = (issue: Issue): Path => (issue.path ?? []).map(({ key }) => key as PropertyKey);

function explain(issue: Issue, stranger: Stranger, above: Path = []): Failure[] {
  const path = [...above, ...pathOf(issue)];
  const property = formatPath(path);
  if (issue.type === "never") {
    const nested = "is no field of this object: remove it, or look up its name in docs/reference.md";
    return [{ property, reason: path.length > 1 ? nested : stranger(String(path.at(-1))) }];
  }
  if (issue.input === Unknown) return [];
  if (issue.input === undefined) return [{ property, reason: "is missing" }];
  // The form of a union that was meant is the one whose fault lies deeper.
  const deeper = issue.issues?.filter((inner) => inner.path !== undefined) ?? [];
  if (deeper.length > 0) return deeper.flatMap((inner) => explain(inner, stranger, path));
  return [{ property, reason: `${print(issue.input)} ${issue.message}` }];
}

/** The second half of our sentence, where the schema itself has no words for it. */
function words(issue: Issue): string {
  const { type, expected, requirement } = issue;
  if (type === "integer") return "must be a whole number";
  if (type === "min_value") return `is too small: must be at least ${requirement}`;
  if (type === "max_value") return `is too big: must be at most ${requirement}`;
  if (type === "picklist") return `must be one of ${expected?.slice(1, -1).replaceAll(" | ", ", ")}`;
  if (type === "union")
    return [...new Set(issue.issues?.map(({ message }) => message))].join(" or ").replaceAll(" or must be ", " or ");
  return `must be ${nouns[type] ?? `a ${expected}`}`;
}
const nouns: Record<string, string> = { custom: "an object", array: "an array" };

function print(value: unknown): string {
  const s = JSON.stringify(value, (_k, v) => (v === Unknown ? "(not known yet)" : v)) ?? String(value);
  return s.length > 80 ? `${s.slice(0, 77)}…` : s;
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
