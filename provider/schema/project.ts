/** What is there of what was set: set paths only, in the user's spelling where it means the same. Pure. */
import { compare } from "./compare.js";
import type { AnyNode, ListNode, ObjectNode } from "./node.js";
import { canonOf, same, type Value } from "./tree.js";

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
