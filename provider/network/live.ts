/** Changes of list items → calls of virNetworkUpdate. Pure. */

import type { Inputs } from "../handler.js";
import type { Affect } from "../libvirt/api.js";
import type { Change } from "../schema/compare.js";
import { canonIp } from "../schema/net.js";
import type { AnyNode, ListNode, ObjectNode } from "../schema/node.js";
import { itemXml } from "./document.js";
import type { Price } from "./prices.js";
import type { Action, Step } from "./steps.js";

/** One step a list: what goes is deleted first, so that an address or name can move from one item to another. */
export function updateSteps(
  fields: AnyNode,
  changes: Change[],
  price: (c: Change) => Price,
  observed: Inputs,
  affect: Affect,
): Step[] {
  const groups = new Map<string, Change[]>();
  for (const c of changes) {
    const key = `${c.row} ${c.keys.slice(0, -1).join(" ")}`;
    groups.set(key, [...(groups.get(key) ?? []), c]);
  }
  return [...groups.values()].map((group) => {
    const first = group[0] as Change;
    const { section, why } = price(first);
    const node = nodeAt(fields, first.row);
    const parentIndex = parentOf(first, observed);
    const call = (command: "delete" | "add-last", value: unknown): Action => ({
      do: "update",
      command,
      section: section as NonNullable<Price["section"]>,
      parentIndex,
      xml: itemXml(node, elementName(first.row), value),
      affect,
    });
    return {
      kind: "update",
      impact: "live",
      why,
      changes: group.map((c) => c.path),
      affects: [],
      actions: [
        ...group.filter((c) => c.op !== "add").map((c) => call("delete", c.from)),
        ...group.filter((c) => c.op !== "remove").map((c) => call("add-last", c.to)),
      ],
    };
  });
}

const ELEMENTS: Record<string, string> = {
  hosts: "host",
  ranges: "range",
  txts: "txt",
  srvs: "srv",
  portGroups: "portgroup",
  interfaces: "interface",
};
const elementName = (row: string): string => ELEMENTS[row.slice(row.lastIndexOf(".") + 1).replace("[]", "")] as string;

/** The node of a path pattern, `ips[].dhcp.hosts[]`. */
export function nodeAt(root: AnyNode, row: string): AnyNode {
  return row
    .replaceAll("[]", ".[]")
    .split(".")
    .filter((s) => s !== "")
    .reduce<AnyNode>(
      (node, step) =>
        step === "[]" ? ((node as ListNode<AnyNode>).item as AnyNode) : ((node as ObjectNode).fields[step] as AnyNode),
      root,
    );
}

/** Index into all `<ip>` elements (virNetworkIPDefByIndex); -1 where the section has no parent. */
function parentOf(change: Change, observed: Inputs): number {
  if (!change.row.startsWith("ips[]")) return -1;
  const address = change.keys[0];
  const ips = (observed.ips ?? []) as { address: string }[];
  return ips.findIndex((ip) => canonAddress(ip.address) === address);
}

const canonAddress = (cidr: string): string => canonIp(cidr.split("/")[0] as string);
