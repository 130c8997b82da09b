/** Changes of list items → calls of virNetworkUpdate. Pure. */

import type { Inputs } from "../handler.js";
import type { Affect, UpdateSection } from "../libvirt/api.js";
import type { Change } from "../schema/compare.js";
import { canonIp } from "../schema/net.js";
import type { AnyNode, ListNode, ObjectNode } from "../schema/node.js";
import { canonOf } from "../schema/tree.js";
import { itemXml } from "./document.js";
import type { Price } from "./prices.js";
import type { Action, Step } from "./steps.js";

/**
 * What virNetworkUpdate takes for the item that it is given, where that is not its key (virNetworkDefUpdateDNSHost, DNSTxt and DNSSrv in
 * conf/network_conf.c).
 */
const FINDS: Partial<Record<UpdateSection, (given: Inputs, there: Inputs, adds: boolean) => boolean>> = {
  "dns-host": (given, there, adds) =>
    given.ip === there.ip || (!adds && namesOf(given).some((name) => namesOf(there).includes(name))),
  "dns-txt": (given, there) => given.name === there.name,
  "dns-srv": (given, there) =>
    Object.entries(given).every(([field, value]) => value === undefined || value === there[field]),
};
const namesOf = ({ hostnames }: Inputs): string[] => (hostnames ?? []) as string[];

/**
 * Whether virNetworkUpdate can make the changes of a list: each item that goes must be the only one that it finds, and one that comes
 * must find none.
 */
export function canUpdate(fields: AnyNode, changes: Change[], section: UpdateSection, observed: Inputs): boolean {
  const first = changes[0] as Change;
  const { item, key } = nodeAt(fields, first.row.replace(/\[\]$/, "")) as ListNode<AnyNode>;
  const keyOf = key as unknown as (v: unknown) => string;
  const finds = FINDS[section] ?? ((given, there) => keyOf(given) === keyOf(there));
  const canon = (v: unknown) => canonOf(item, v) as Inputs;
  let there = listOf(first, observed).map(canon);
  for (const c of changes.filter((c) => c.op !== "add")) {
    const given = canon(c.from);
    if (there.filter((v) => finds(given, v, false)).length !== 1) return false;
    there = there.filter((v) => !finds(given, v, false));
  }
  for (const c of changes.filter((c) => c.op !== "remove")) {
    const given = canon(c.to);
    if (there.some((v) => finds(given, v, true))) return false;
    there.push(given);
  }
  return true;
}

/** One step a list: what goes is deleted first, so that an address or name can move from one item to another. */
export function updateSteps(
  fields: AnyNode,
  changes: Change[],
  price: (c: Change) => Price,
  observed: Inputs,
  affect: Affect,
): Step[] {
  return [...byList(changes).values()].map((group) => {
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

export const listKey = ({ row, keys }: Change): string => `${row} ${keys.slice(0, -1).join(" ")}`;

/** Changes of one list together. */
export function byList(changes: Change[]): Map<string, Change[]> {
  const lists = new Map<string, Change[]>();
  for (const c of changes) lists.set(listKey(c), [...(lists.get(listKey(c)) ?? []), c]);
  return lists;
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

/** The list that an item is of. */
function listOf(change: Change, observed: Inputs): unknown[] {
  const [outer = "", inner] = change.row.replace(/\[\]$/, "").split("[].");
  const at = (from: unknown, path: string) =>
    path.split(".").reduce<unknown>((v, name) => (v as Inputs | undefined)?.[name], from);
  const list = at(observed, outer) as Inputs[] | undefined;
  return ((inner === undefined ? list : at(list?.[parentOf(change, observed)], inner)) ?? []) as unknown[];
}

/** Index into all `<ip>` elements (virNetworkIPDefByIndex); -1 where the section has no parent. */
function parentOf(change: Change, observed: Inputs): number {
  if (!change.row.startsWith("ips[]")) return -1;
  const address = change.keys[0];
  const ips = (observed.ips ?? []) as { address: string }[];
  return ips.findIndex((ip) => canonAddress(ip.address) === address);
}

const canonAddress = (cidr: string): string => canonIp(cidr.split("/")[0] as string);
