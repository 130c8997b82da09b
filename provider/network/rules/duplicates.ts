/** No keyed list holds two items of one key: by the schema, whatever the resource. */
import type { Failure } from "../../handler.js";
import type { AnyNode, ListNode, ObjectNode } from "../../schema/node.js";
import { canonOf, paths } from "../../schema/tree.js";
import { quote } from "./known.js";
import type { Rule, Subject } from "./rule.js";

type Obj = Record<string, unknown>;

// A rule of their own says it better, field by field.
const ELSEWHERE = new Set(["ips[].dhcp.hosts"]);

export function noDuplicates(fields: ObjectNode<Record<string, AnyNode>>): Rule {
  return {
    says: "No list holds the same thing twice.",
    check: (subject) => walk(fields, subject.args, { path: "", row: "" }, subject),
  };
}

function walk(node: AnyNode, value: unknown, at: { path: string; row: string }, subject: Subject): Failure[] {
  if (value === undefined || value === null || node.kind === "scalar") return [];
  if (node.kind === "object") {
    return Object.entries((node as ObjectNode).fields).flatMap(([name, f]) =>
      walk(
        f,
        (value as Obj)[name],
        { path: at.path ? `${at.path}.${name}` : name, row: at.row ? `${at.row}.${name}` : name },
        subject,
      ),
    );
  }
  const list = node as ListNode<AnyNode>;
  const items = value as unknown[];
  const inner = items.flatMap((v, i) => walk(list.item, v, { path: `${at.path}[${i}]`, row: `${at.row}[]` }, subject));
  return list.key && !ELSEWHERE.has(at.row) ? [...repeated(list, items, at.path, subject), ...inner] : inner;
}

function repeated(list: ListNode<AnyNode>, items: unknown[], path: string, subject: Subject): Failure[] {
  const key = list.key as (v: unknown) => string;
  const first = new Map<string, number>();
  const out: Failure[] = [];
  items.forEach((item, i) => {
    if (item === undefined || item === null) return;
    const canonical = canonOf(list.item, item);
    const k = list.several ? `${key(canonical)} ${JSON.stringify(canonical)}` : key(canonical);
    const j = first.get(k);
    if (j === undefined) {
      first.set(k, i);
      return;
    }
    // A key of which a part is not known is no key.
    if (!whole(list.item, item, `${path}[${i}]`, subject) || !whole(list.item, items[j], `${path}[${j}]`, subject))
      return;
    out.push({
      property: `${path}[${i}]`,
      reason: `${short(item)} is the same entry as ${path}[${j}]: keep one of the two`,
    });
  });
  return out;
}

/** Whether everything that is set of the item is known. */
function whole(node: AnyNode, item: unknown, path: string, { isSet }: Subject): boolean {
  return paths(node).every((p) => {
    const [head = ""] = p.split("[]");
    const known = head === "" ? item : head.split(".").reduce<unknown>((v, k) => (v as Obj | undefined)?.[k], item);
    return known !== undefined || !isSet(head === "" ? path : `${path}.${head}`);
  });
}

function short(item: unknown): string {
  const s = quote(item);
  return s.length > 60 ? `${s.slice(0, 57)}…` : s;
}
