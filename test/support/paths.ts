/**
 * Every place of an arguments value, and what can happen to it: changed, removed. A new field of the schema is covered
 * as soon as `full-args.ts` sets it, which a test demands.
 */
import { safeParse } from "valibot";
import type { Inputs } from "../../provider/handler.js";
import type { AnyNode, ListNode, ObjectNode, ScalarNode } from "../../provider/schema/node.js";
import { canonOf, same } from "../../provider/schema/tree.js";

export type Path = (string | number)[];

export interface Spot {
  path: Path;
  /** `ips[0].dhcp.hosts[1].mac` */
  text: string;
  node: ScalarNode;
  required: boolean;
  /** What goes with a required field when that is removed: the nearest item of a list, or object that need not be there. */
  item?: Path;
}

export function spots(node: AnyNode, value: unknown, at: Path = [], item?: Path): Spot[] {
  if (value === undefined) return [];
  if (node.kind === "scalar") {
    const text = at.map((p, i) => (typeof p === "number" ? `[${p}]` : i === 0 ? p : `.${p}`)).join("");
    return [
      {
        path: at,
        text,
        node: node as ScalarNode,
        required: node.required === true || typeof at.at(-1) === "number",
        ...(item ? { item } : {}),
      },
    ];
  }
  if (node.kind === "list")
    return (value as unknown[]).flatMap((v, i) => spots((node as ListNode<AnyNode>).item, v, [...at, i], [...at, i]));
  return Object.entries((node as ObjectNode).fields).flatMap(([name, f]) => {
    const to = [...at, name];
    // Not those at the top: a network without its `macvtap` is none.
    const optional = f.kind === "object" && !f.required && at.length > 0;
    return spots(f, (value as Inputs)[name], to, optional ? to : item);
  });
}

/** Where the lists are whose items are known by a key. */
export function keyed(node: AnyNode, value: unknown, at: Path = []): Path[] {
  if (value === undefined || node.kind === "scalar") return [];
  if (node.kind === "list") {
    const { key, item } = node as ListNode<AnyNode>;
    return [...(key ? [at] : []), ...(value as unknown[]).flatMap((v, i) => keyed(item, v, [...at, i]))];
  }
  return Object.entries((node as ObjectNode).fields).flatMap(([name, f]) =>
    keyed(f, (value as Inputs)[name], [...at, name]),
  );
}

export function get(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, k) => (at as Record<string | number, unknown> | undefined)?.[k], value);
}

/** A copy with another value there; undefined removes. Empty objects above go too. */
export function put<T>(value: T, path: Path, to: unknown): T {
  const copy = structuredClone(value);
  const parent = get(copy, path.slice(0, -1)) as Record<string | number, unknown>;
  const last = path.at(-1) as string | number;
  if (to !== undefined) parent[last] = to;
  else if (Array.isArray(parent)) parent.splice(last as number, 1);
  else {
    delete parent[last];
    if (Object.keys(parent).length === 0 && path.length > 1 && typeof path.at(-2) === "string")
      return put(copy, path.slice(0, -1), undefined);
  }
  return copy;
}

/** Another value that the field takes; undefined where it takes only this one. */
export function another(spot: Spot, value: unknown): unknown {
  const candidates: unknown[] = [];
  if (typeof value === "boolean") candidates.push(!value);
  if (typeof value === "number") candidates.push(value - 1, value + 1);
  if (typeof value === "string") {
    const options = (spot.node.shape as { options?: unknown[] }).options;
    if (Array.isArray(options)) candidates.push(...options);
    // Digits first: an address, a MAC or a UUID stays one.
    for (let i = value.length - 1; i >= 0; i--) {
      const digit = value[i] as string;
      if (/[0-9]/.test(digit)) candidates.push(`${value.slice(0, i)}${(Number(digit) + 1) % 10}${value.slice(i + 1)}`);
    }
    candidates.push(`${value}x`);
  }
  if (typeof value === "object" && value !== null) {
    // The one scalar that is an object: an element of metadata.
    const element = (value as { element: object }).element;
    candidates.push({ ...value, element: { ...element, attributes: { changed: "yes" } } });
  }
  return candidates.find(
    (c) =>
      safeParse(spot.node.shape, c).success &&
      !same(canonOf(spot.node as never, c), canonOf(spot.node as never, value)),
  );
}

/** Removing it says what libvirt says by itself: nothing has to be done. */
export function impliedByAbsence(spot: Spot, value: unknown): boolean {
  return canonOf(spot.node as never, value) === undefined;
}
