/** Values without what means the same when it is left out. Pure. */
import type { Inputs } from "../../provider/handler.js";
import type { AnyNode, ListNode, ObjectNode } from "../../provider/schema/node.js";
import { canonOf } from "../../provider/schema/tree.js";

/** Leaves out libvirt's defaults, empty lists and empty objects; what the schema requires stays. */
export function compact(node: AnyNode, value: unknown): unknown {
  if (value === undefined) return undefined;
  if (node.kind === "scalar") return meansNothing(node, value) && !node.required ? undefined : value;
  if (node.kind === "list") {
    const list = node as ListNode<AnyNode>;
    const items = (value as unknown[]).map((v) =>
      list.item.kind === "scalar" ? v : compactFields(list.item, v as Inputs),
    );
    return items.length === 0 && !node.required ? undefined : items;
  }
  return meansNothing(node, value) && !node.required ? undefined : compactFields(node, value as Inputs);
}

function compactFields(node: AnyNode, value: Inputs): Inputs {
  const out: Inputs = {};
  for (const [name, field] of Object.entries((node as ObjectNode).fields)) {
    const v = compact(field, value[name]);
    if (v !== undefined) out[name] = v;
  }
  return out;
}

function meansNothing(node: AnyNode, value: unknown): boolean {
  const canon = canonOf(node, value);
  return canon === undefined || (node.kind === "object" && Object.keys(canon as Inputs).length === 0);
}
