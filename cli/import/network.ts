/** A network that is there → arguments that adopt it as it is, without a difference afterwards. Pure. */
import type { Inputs } from "../../provider/handler.js";
import type { NetworkInfo } from "../../provider/libvirt/api.js";
import { checkNetwork } from "../../provider/network/check.js";
import { fieldsOf, readNetwork } from "../../provider/network/document.js";
import { plan } from "../../provider/network/plan.js";
import type { Observed } from "../../provider/network/steps.js";
import type { ObjectNode } from "../../provider/schema/node.js";
import { adoptOf } from "./adopt.js";
import { compact } from "./compact.js";
import { leftovers } from "./leftovers.js";

export function importNetwork(info: NetworkInfo, observed: Observed): { args: Inputs; notes: string[] } {
  const { mode, values, mark } = readNetwork(info.inactiveXml);
  const fields = fieldsOf(mode);
  const notes = leftovers(fields, info.inactiveXml).map(
    (l) => `${l} has no field: it is kept as it is, and not in what is printed`,
  );
  const typed = withoutGenerated(compact(fields, withRequiredLists(fields, values)) as Inputs);
  const args: Inputs = {
    ...ordered(typed),
    ...(info.active ? {} : { running: false }),
    ...(info.autostart ? {} : { autostart: false }),
    adopt: adoptOf(mark, "it", notes),
  };
  leaveOutFaulty(args, fields, notes);
  const { steps } = plan({ desired: args }, observed);
  for (const s of steps)
    notes.push(
      `up will make a change (${s.kind}: ${s.why})${s.changes.length > 0 ? ` to ${s.changes.join(", ")}` : ""}`,
    );
  return { args, notes };
}

/** What libvirt made: left out, it is kept all the same. */
function withoutGenerated(args: Inputs): Inputs {
  const { mac: _, bridge, ...rest } = args;
  if (typeof bridge !== "object" || bridge === null) return bridge === undefined ? rest : { ...rest, bridge };
  const { name, ...others } = bridge as Inputs;
  const kept = /^virbr\d+$/.test(String(name)) || name === undefined ? others : { name, ...others };
  return Object.keys(kept).length === 0 ? rest : { ...rest, bridge: kept };
}

/** An absent list is an empty one, where the arguments must have it. */
function withRequiredLists(fields: ObjectNode | unknown, values: Inputs): Inputs {
  const lists = Object.entries((fields as ObjectNode).fields).filter(([, f]) => f.kind === "list" && f.required);
  return { ...Object.fromEntries(lists.map(([name]) => [name, []])), ...values };
}

/** What tells networks apart comes first, then what they are for, as in the SDK's examples. */
function ordered({ name, mode, bridge, ips, ...rest }: Inputs): Inputs {
  return Object.fromEntries(Object.entries({ name, mode, bridge, ips, ...rest }).filter(([, v]) => v !== undefined));
}

/**
 * What libvirt takes and our checks do not: a program with it would stop at preview, and one without it leaves it as
 * it is. A list is owned as a whole, so the outermost one goes.
 */
function leaveOutFaulty(args: Inputs, fields: unknown, notes: string[]): void {
  for (const f of checkNetwork(args)) {
    const path = (f.property.split("[")[0] as string).split(".");
    const top = path[0] as string;
    const required = (fields as ObjectNode).fields[top]?.required === true || top === "name";
    if (required) notes.push(`preview will refuse ${f.property}: ${f.reason}`);
    else if (removeAt(args, path))
      notes.push(`${path.join(".")} is left out, and kept as it is on the host: ${f.property} ${f.reason}`);
  }
}

function removeAt(object: Inputs, [key, ...rest]: string[]): boolean {
  if (key === undefined || !(key in object)) return false;
  const below = object[key];
  if (rest.length === 0 || typeof below !== "object" || below === null) return delete object[key];
  const done = removeAt(below as Inputs, rest);
  if (Object.keys(below).length === 0) delete object[key];
  return done;
}
