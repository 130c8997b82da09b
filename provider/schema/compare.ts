/**
 * Compare what the program says with what is there. Only what is set counts, and that wholly: a list that is set is
 * owned as a whole; a field that was set and is no longer goes back to libvirt's default.
 */
import type { AnyNode, ListNode, ObjectNode, ScalarNode } from "./node.js";
import { canonOf, paired, same, type Value } from "./tree.js";

export interface Change {
  /** As the user wrote it, or for what only the host has as he would have written it: `ips[0].dhcp.hosts[1]`. */
  path: string;
  /** The row of the price table: `ips[].dhcp.hosts[]`. */
  row: string;
  op: "add" | "remove" | "set";
  /** Keys of the list items above and at this change, outermost first. */
  keys: string[];
  from?: Value;
  to?: Value;
}

type Obj = Record<string, Value>;

export function compare(node: AnyNode, desired: Value, observed: Value, was: Value): Change[] {
  const out: Change[] = [];
  if (same(desired, observed)) return out; // as most are in a refresh
  walk(node, desired, observed, was, { path: "", row: "", keys: [] }, false, out);
  return out;
}

interface At {
  path: string;
  row: string;
  keys: string[];
}

function walk(node: AnyNode, d: Value, o: Value, was: Value, at: At, whole: boolean, out: Change[]): void {
  if (node.kind === "scalar") {
    compareScalar(node as ScalarNode, d, o, at, whole, out);
    return;
  }
  if (node.kind === "list") {
    compareList(node as ListNode<AnyNode>, d as Value[] | undefined, (o ?? []) as Value[], at, out);
    return;
  }
  const { implied } = node as ObjectNode;
  if (implied && d !== undefined && same(canonOf(node, d), canonOf(node, o))) return;
  for (const [name, f] of Object.entries((node as ObjectNode).fields)) {
    const dv = (d as Obj | undefined)?.[name];
    const wv = (was as Obj | undefined)?.[name];
    if (dv === undefined && wv === undefined && !whole) continue;
    const next = {
      path: at.path ? `${at.path}.${name}` : name,
      row: at.row ? `${at.row}.${name}` : name,
      keys: at.keys,
    };
    walk(f, dv, (o as Obj | undefined)?.[name], wv, next, whole, out);
  }
}

function compareScalar(node: ScalarNode, d: Value, o: Value, at: At, whole: boolean, out: Change[]): void {
  if (d === undefined && node.generated && !whole) return;
  const cd = canonOf(node as never, d);
  const co = canonOf(node as never, o);
  if (same(cd, co)) return;
  const op = d === undefined ? "remove" : o === undefined ? "add" : "set";
  out.push({ ...at, op, ...(o !== undefined ? { from: o } : {}), ...(d !== undefined ? { to: d } : {}) });
}

function compareList(node: ListNode<AnyNode>, d: Value[] | undefined, o: Value[], at: At, out: Change[]): void {
  const key = node.key as ((v: Value) => string) | undefined;
  const wanted = d ?? [];
  if (!key) {
    const cd = wanted.map((v) => canonOf(node.item, v));
    const co = o.map((v) => canonOf(node.item, v));
    if (same(cd, co)) return;
    const op = o.length === 0 ? "add" : wanted.length === 0 ? "remove" : "set";
    out.push({ ...at, op, from: o, to: wanted });
    return;
  }
  const { keys, twins, surplus } = paired(node, wanted, o);
  const row = `${at.row}[]`;
  wanted.forEach((v, i) => {
    const here = { path: `${at.path}[${i}]`, row, keys: [...at.keys, keys[i] as string] };
    const was = o[twins[i] ?? -1];
    if (was === undefined) out.push({ ...here, op: "add", to: v });
    else if (!node.unit) walk(node.item, v, was, undefined, here, true, out);
    else if (!same(canonOf(node.item, v), canonOf(node.item, was))) out.push({ ...here, op: "set", from: was, to: v });
  });
  surplus.forEach((j, n) => {
    const keys = [...at.keys, key(canonOf(node.item, o[j]))];
    out.push({ path: `${at.path}[${wanted.length + n}]`, row, keys, op: "remove", from: o[j] });
  });
}
