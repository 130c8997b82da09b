/** The check of shape: types, unknown fields, ranges; by the schema of the mode, with faults in our words. */
import * as v from "valibot";
import { type Failure, type Inputs, Unknown } from "../handler.js";
import { closed, type Shape, shapesOf } from "../schema/node.js";
import { controlShape, modes, stateShape } from "./args.js";
import { MODES, type Mode } from "./parts/forward.js";

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

const schemas = new Map<Mode, Shape>();
function schemaOf(mode: Mode): Shape {
  let s = schemas.get(mode);
  if (!s) {
    s = closed({ ...shapesOf(modes[mode].fields.fields), ...stateShape, ...controlShape });
    schemas.set(mode, s);
  }
  return s;
}

export function checkShape(inputs: Inputs): Shaped {
  const isSet = (path: string) =>
    keysOf(path).reduce<unknown>((at, k) => (at === Unknown ? at : (at as Inputs | undefined)?.[k]), inputs) !==
    undefined;
  const mode = inputs.mode;
  if (mode === undefined || !MODES.includes(mode as Mode)) {
    const reason =
      mode === Unknown
        ? "must be known at preview: a network's fields depend on it"
        : `${mode === undefined ? "is missing" : `${JSON.stringify(mode)} is no mode`}: use one of ${MODES.join(", ")}`;
    return { failures: [{ property: "mode", reason }], known: {}, isSet };
  }
  const { issues } = v.safeParse(schemaOf(mode as Mode), inputs, { message: words });
  if (issues === undefined) return { failures: [], known: inputs, isSet };
  return {
    failures: issues.flatMap((issue) => explain(issue, mode as Mode)),
    known: without(inputs, issues.map(pathOf)) as Inputs,
    isSet,
  };
}

type Issue = v.BaseIssue<unknown>;
const pathOf = (issue: Issue): Path => (issue.path ?? []).map(({ key }) => key as PropertyKey);

function explain(issue: Issue, mode: Mode, above: Path = []): Failure[] {
  const path = [...above, ...pathOf(issue)];
  const property = formatPath(path);
  if (issue.type === "never") return [{ property, reason: foreign(String(path.at(-1)), path.slice(0, -1), mode) }];
  if (issue.input === Unknown) return [];
  if (issue.input === undefined) return [{ property, reason: "is missing" }];
  // The form of a union that was meant is the one whose fault lies deeper.
  const deeper = issue.issues?.filter((inner) => inner.path !== undefined) ?? [];
  if (deeper.length > 0) return deeper.flatMap((inner) => explain(inner, mode, path));
  return [{ property, reason: `${print(issue.input)} ${issue.message}` }];
}

function foreign(key: string, at: Path, mode: Mode): string {
  if (at.length > 0) return "is no field of this object: remove it, or look up its name in docs/reference.md";
  const others = MODES.filter((m) => key in modes[m].fields.fields);
  return others.length > 0
    ? `is no field of mode "${mode}"; it belongs to ${others.map((m) => `"${m}"`).join(", ")}: remove it or change the mode`
    : "is no field of a Network: remove it, or look up its name in docs/reference.md";
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
