/** What can be done with a schema tree: read a document, write into one, list the paths. All pure. */
import type { AnyNode, ListNode, ObjectNode, ScalarNode } from "./node.js";
import type { Element } from "./xml.js";

export type Value = unknown;
type Obj = Record<string, Value>;

export const isObject = (value: Value): value is Obj =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Everything the document holds of the schema; absent fields are left out, lists are always there. */
export function readTree(node: AnyNode, el: Element): Value {
  if (node.kind === "scalar") return (node as ScalarNode).read(el);
  if (node.kind === "list")
    return (node as ListNode<AnyNode>).elements(el).map((e) => readTree(node.item as AnyNode, e));
  const out: Obj = {};
  for (const [name, f] of Object.entries((node as ObjectNode).fields)) {
    const v = readTree(f, el);
    if (v === undefined) continue;
    if (f.kind === "list" && (v as Value[]).length === 0) continue;
    if (f.kind === "object" && Object.keys(v as Obj).length === 0) continue;
    out[name] = v;
  }
  return out;
}

/**
 * Write what is set, and remove what was set before and is no longer (`was`). Inside list items everything counts
 * (`whole`): a field that the item does not name is removed. What is not in the schema stays as it is.
 */
export function writeTree(node: AnyNode, el: Element, value: Value, was: Value, whole = false): void {
  if (node.kind === "scalar") {
    const s = node as ScalarNode;
    if (value === undefined && s.generated && !whole) return;
    // An equal value keeps the spelling that is there (netmask or prefix, upper or lower case).
    const there = s.read(el);
    if (value !== undefined && there !== undefined && same(s.canon(there), s.canon(value))) return;
    s.write(el, value);
    return;
  }
  if (node.kind === "list") {
    writeList(node as ListNode<AnyNode>, el, value as Value[] | undefined);
    return;
  }
  const o = node as ObjectNode;
  const v = (value ?? {}) as Obj;
  const w = (was ?? {}) as Obj;
  for (const [name, f] of Object.entries(o.fields)) {
    if (v[name] !== undefined || w[name] !== undefined || whole) writeTree(f, el, v[name], w[name], whole);
  }
  if (value !== undefined || was !== undefined || whole) o.mark?.(el, value !== undefined);
}

function writeList(node: ListNode<AnyNode>, el: Element, value: Value[] | undefined): void {
  const item = node.item;
  const old = node.elements(el);
  const wanted = value ?? [];
  const key = node.key as ((v: Value) => string) | undefined;
  if (!key) {
    if (
      same(
        old.map((e) => canonOf(item, readTree(item, e))),
        wanted.map((v) => canonOf(item, v)),
      )
    )
      return;
    for (const e of old) node.remove(el, e);
    for (const v of wanted) writeTree(item, node.append(el), v, undefined, true);
    return;
  }
  const { twins, surplus } = paired(
    node,
    wanted,
    old.map((e) => readTree(item, e)),
  );
  for (const j of surplus) node.remove(el, old[j] as Element);
  wanted.forEach((v, i) => {
    writeTree(item, old[twins[i] ?? -1] ?? node.append(el), v, undefined, true);
  });
}

/**
 * Which item that is there each wanted one is, by key, and which are none. libvirt takes several of one key (two `<host>` of one
 * address): of those one that is equal, else the first that is left.
 */
export function paired(
  node: ListNode<AnyNode>,
  wanted: Value[],
  there: Value[],
): { keys: string[]; twins: (number | undefined)[]; surplus: number[] } {
  const key = node.key as unknown as (v: Value) => string;
  const items = wanted.map((v) => canonOf(node.item, v));
  const found = there.map((v) => canonOf(node.item, v));
  const keys = items.map((v) => key(v));
  const free = new Map<string, number[]>();
  for (const [j, v] of found.entries()) free.set(key(v), [...(free.get(key(v)) ?? []), j]);
  const left = (i: number): number[] => free.get(keys[i] as string) ?? [];
  const equal = items.map((v, i) => {
    const all = left(i);
    const at = all.length > 1 || node.several ? all.findIndex((j) => same(found[j], v)) : -1;
    return at < 0 ? undefined : all.splice(at, 1)[0];
  });
  const twins = equal.map((j, i) => j ?? left(i).shift());
  return { keys, twins, surplus: [...free.values()].flat().sort((a, b) => a - b) };
}

/** The value with every scalar in canonical form; absent where it equals what absence means. */
export function canonOf(node: AnyNode, value: Value): Value {
  if (value === undefined || value === null) return undefined;
  if (node.kind === "scalar") {
    const s = node as ScalarNode;
    const c = s.canon(value);
    return s.default !== undefined && same(c, s.canon(s.default)) ? undefined : c;
  }
  if (node.kind === "list") {
    if (!Array.isArray(value)) return value;
    const items = value.map((v) => canonOf(node.item as AnyNode, v));
    const key = (node as ListNode).key as ((v: Value) => string) | undefined;
    // Items with a key have no order.
    return key ? items.sort((a, b) => order(key(a), key(b)) || order(JSON.stringify(a), JSON.stringify(b))) : items;
  }
  const out: Obj = {};
  for (const [name, f] of Object.entries((node as ObjectNode).fields)) {
    const c = canonOf(f, (value as Obj)[name]);
    if (c === undefined) continue;
    if (f.kind === "list" && Array.isArray(c) && c.length === 0) continue;
    if (f.kind === "object" && Object.keys(c as Obj).length === 0) continue;
    out[name] = c;
  }
  (node as ObjectNode).implied?.(out);
  return out;
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Structural equality of plain data, whatever the order of keys (Pulumi does not keep it, pulumi#16582). */
export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const ka = Object.keys(a).filter((k) => (a as Obj)[k] !== undefined);
  const kb = Object.keys(b).filter((k) => (b as Obj)[k] !== undefined);
  return ka.length === kb.length && ka.every((k) => same((a as Obj)[k], (b as Obj)[k]));
}

/** All leaf paths as patterns: `ips[].dhcp.hosts[].mac`. */
export function paths(node: AnyNode, prefix = ""): string[] {
  if (node.kind === "scalar") return [prefix];
  if (node.kind === "list") return paths(node.item as AnyNode, `${prefix}[]`);
  return Object.entries((node as ObjectNode).fields).flatMap(([name, f]) =>
    paths(f, prefix ? `${prefix}.${name}` : name),
  );
}
