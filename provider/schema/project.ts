/** What is there of what was set: set paths only, in the user's spelling where it means the same. Pure. */
import { compare } from "./compare.js";
import type { AnyNode, ListNode, ObjectNode } from "./node.js";
import { canonOf, isObject, same, type Value } from "./tree.js";

/** `desired`, with what was set before and shall go: it counts as set until it is gone. */
export function withLeaving(was: Value, desired: Value): Value {
  if (desired === undefined) return was;
  if (!isObject(was) || !isObject(desired)) return desired;
  const names = new Set([...Object.keys(was), ...Object.keys(desired)]);
  return Object.fromEntries([...names].map((name) => [name, withLeaving(was[name], desired[name])]));
}

export function project(node: AnyNode, set: Value, there: Value): Value {
  if (set === undefined) return undefined;
  if (node.kind === "object") {
    const out: Record<string, Value> = {};
    for (const [name, f] of Object.entries((node as ObjectNode).fields)) {
      const v = project(f, (set as Record<string, Value>)[name], (there as Record<string, Value> | undefined)?.[name]);
      if (v !== undefined) out[name] = v;
    }
    return out;
  }
  if (node.kind === "list") {
    const equal = compare(node as ListNode<AnyNode>, set, there ?? [], undefined).length === 0;
    return equal ? set : (there ?? []);
  }
  return same(canonOf(node, set), canonOf(node, there)) ? set : there;
}
