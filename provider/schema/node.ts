/**
 * The schema language: one declaration gives the TypeScript type, the check of shape (valibot), the XML in both directions
 * and the comparison. Resources declare trees of these nodes; nothing here knows what a network is.
 *
 * @example
 * const dns = object({ enable: yesNo("dns/@enable", { default: true }), hosts: list("dns", "host", dnsHost, { key: (h) => h.ip }) });
 */
import * as v from "valibot";
import { addChild, children, descend, type Element, prune } from "./xml.js";

/** The check of shape of a value. */
export type Shape<T = unknown> = v.GenericSchema<unknown, T>;

export interface ScalarNode<T = unknown> {
  kind: "scalar";
  shape: Shape<T>;
  /** The value as the element holds it; undefined where it holds none. */
  read(el: Element): T | undefined;
  /** Set it, or with undefined remove it. */
  write(el: Element, value: T | undefined): void;
  /** Two spellings of one value have equal canonical forms. */
  canon(value: T): unknown;
  /** What libvirt means when the value is absent; absent then equals this. */
  default?: T;
  /** libvirt generates a value where none is given: removing the field keeps the generated one. */
  generated?: boolean;
}

export interface ListNode<I = unknown> {
  kind: "list";
  shape: Shape;
  item: I;
  /** Elements that make up the list. */
  elements(el: Element): Element[];
  /** A new element for an item, in place. */
  append(el: Element): Element;
  /** Where the container is left empty it goes too. */
  remove(el: Element, item: Element): void;
  /** Identifies an item; undefined: items are compared in order, as one value. */
  key?: (item: never) => string;
  /** Several items may have one key; those that are equal are one. */
  several?: true;
  /** Items are compared and changed as a whole (one change an item), not field by field. */
  unit: boolean;
}

export interface ObjectNode<F = Record<string, AnyNode>> {
  kind: "object";
  shape: Shape;
  fields: F;
  /** Takes from a canonical value what its other fields imply, so that both spellings are equal. */
  implied?: (value: Record<string, unknown>) => void;
  /** Called after a write with whether the object is set: for what stands elsewhere in the document. */
  mark?: (el: Element, present: boolean) => void;
}

// biome-ignore lint/suspicious/noExplicitAny: a scalar of any type; read and write make ScalarNode invariant.
export type AnyNode = (ScalarNode<any> | ListNode<AnyNode> | ObjectNode<Record<string, AnyNode>>) & {
  required?: boolean;
};

type RequiredKeys<F> = { [K in keyof F]: F[K] extends { required: true } ? K : never }[keyof F];
/** The TypeScript type that a node describes. */
export type ValueOf<N> =
  N extends ScalarNode<infer T>
    ? T
    : N extends ListNode<infer I>
      ? ValueOf<I>[]
      : N extends ObjectNode<infer F>
        ? ObjectValue<F>
        : never;
export type ObjectValue<F> = { [K in keyof F as K extends RequiredKeys<F> ? K : never]: ValueOf<F[K]> } & {
  [K in keyof F as K extends RequiredKeys<F> ? never : K]?: ValueOf<F[K]>;
};

export function required<N extends AnyNode>(node: N): N & { required: true } {
  return { ...node, required: true };
}

// ---- scalars ------------------------------------------------------------------------------------------------------

/** A place in the document relative to the enclosing element: `bridge/@stp`, `@ipv6`, `title/text()`, `driver/@name`. */
export interface Place {
  get(el: Element): string | undefined;
  set(el: Element, value: string | undefined): void;
}

export function place(spec: string): Place {
  const cut = spec.lastIndexOf("/");
  const path = cut < 0 ? "" : spec.slice(0, cut);
  const last = spec.slice(cut + 1);
  const attribute = last.startsWith("@") ? last.slice(1) : undefined;
  return {
    get(el) {
      const at = descend(el, path, false);
      if (!at) return undefined;
      if (attribute === undefined) return at.textContent ?? "";
      return at.hasAttribute(attribute) ? (at.getAttribute(attribute) ?? undefined) : undefined;
    },
    set(el, value) {
      const at = descend(el, path, value !== undefined);
      if (!at) return;
      if (value === undefined) {
        if (attribute === undefined) at.textContent = "";
        else at.removeAttribute(attribute);
        prune(at, el);
      } else if (attribute === undefined) at.textContent = value;
      else at.setAttribute(attribute, value);
    },
  };
}

export interface ScalarOptions<T> {
  default?: T;
  generated?: boolean;
  canon?: (value: T) => unknown;
}

export function scalar<T>(
  spec: string | Place,
  shape: Shape<T>,
  from: (s: string) => T | undefined,
  to: (v: T) => string,
  options: ScalarOptions<T> = {},
): ScalarNode<T> {
  const at = typeof spec === "string" ? place(spec) : spec;
  return {
    kind: "scalar",
    shape,
    read: (el) => {
      const s = at.get(el);
      return s === undefined ? undefined : from(s);
    },
    write: (el, value) => at.set(el, value === undefined ? undefined : to(value)),
    canon: options.canon ?? ((v) => v),
    ...(options.default !== undefined ? { default: options.default } : {}),
    ...(options.generated ? { generated: true } : {}),
  };
}

// XML 1.0 knows no control characters but tab, newline and return (W3C XML 1.0, 2.2 Char); those three an attribute
// would fold to a blank, so one line is asked for.
const CONTROL = /[\u0000-\u001f\u007f]/;
// Nor these, nor half of a pair of UTF-16.
const NO_CHAR = /[\ufffe\uffff]|\p{Surrogate}/u;
export const line = v.pipe(
  v.string(),
  v.minLength(1, "must not be empty"),
  v.check((s) => !CONTROL.test(s), "must be one line without control characters"),
  v.check((s) => !NO_CHAR.test(s), "has a character that XML does not have (U+FFFE, U+FFFF or half of a pair)"),
);

export const str = (spec: string | Place, shape: Shape<string> = line, options: ScalarOptions<string> = {}) =>
  scalar<string>(
    spec,
    shape,
    (s) => s,
    (v) => v,
    options,
  );

export const whole = (min: number, max: number) =>
  v.config(v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max)), { abortPipeEarly: true });

export const int = (spec: string, min: number, max: number, options: ScalarOptions<number> = {}) =>
  scalar<number>(spec, whole(min, max), (s) => (s.trim() === "" ? undefined : Number(s)), String, options);

const flag = (spec: string, yes: string, no: string, options: ScalarOptions<boolean>) =>
  scalar<boolean>(
    spec,
    v.boolean(),
    (s) => s === yes,
    (v) => (v ? yes : no),
    options,
  );
export const yesNo = (spec: string, options: ScalarOptions<boolean> = {}) => flag(spec, "yes", "no", options);
export const onOff = (spec: string, options: ScalarOptions<boolean> = {}) => flag(spec, "on", "off", options);

export const oneOf = <const V extends readonly [string, ...string[]]>(
  spec: string,
  values: V,
  options: ScalarOptions<V[number]> = {},
) =>
  scalar<V[number]>(
    spec,
    v.picklist(values),
    (s) => s as V[number],
    (v) => v,
    options,
  );

// ---- lists and objects --------------------------------------------------------------------------------------------

export interface ListOptions<I> {
  /** Identifies an item, from canonical values. Without it the list is one ordered value. */
  key?: (item: ValueOf<I>) => string;
  several?: true;
  unit?: boolean;
  /** Only those elements belong to the list. */
  where?: (el: Element) => boolean;
}

/** A list of `name` elements below `container` (`""`: the enclosing element itself). */
export function list<I extends AnyNode>(
  container: string,
  name: string,
  item: I,
  options: ListOptions<I> = {},
): ListNode<I> {
  return {
    kind: "list",
    shape: v.array(item.shape),
    item,
    elements: (el) => {
      const at = descend(el, container, false);
      return at ? children(at, name).filter(options.where ?? (() => true)) : [];
    },
    append: (el) => addChild(descend(el, container, true) as Element, name),
    remove: (el, itemEl) => {
      const parent = itemEl.parentNode as Element;
      parent.removeChild(itemEl);
      if (parent !== el) prune(parent, el);
    },
    ...(options.key ? { key: options.key as never } : {}),
    ...(options.several ? { several: true } : {}),
    unit: options.unit ?? true,
  };
}

export function object<F extends Record<string, AnyNode>>(fields: F, mark?: ObjectNode["mark"]): ObjectNode<F> {
  return { kind: "object", shape: closed(shapesOf(fields)), fields, ...(mark ? { mark } : {}) };
}

/** The check of shape of each field. */
export function shapesOf(fields: Record<string, AnyNode>): Record<string, Shape> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, { shape, required }]) => [name, required ? shape : v.optional(shape)]),
  );
}

/** Neither a list nor null, which valibot takes for objects. */
export const record = v.custom<Record<string, unknown>>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
);

/** An object of these fields and no others. `v.strictObject` names only the first of the others. */
export const closed = <const E extends v.ObjectEntries>(entries: E) =>
  v.pipe(record, v.objectWithRest(entries, v.never()));
