/** Addresses that go with a port, and that the link does not have instead. Pure. */
import type { Inputs } from "../handler.js";
import { hasUnknown } from "../schema/differences.js";
import { type Addresses, type Addressing, canonAddressing } from "./addressing.js";
import type { Surroundings } from "./rules/rule.js";

/** A line for each port that is not taken yet and loses addresses. */
export function losses(inputs: Inputs, { links, management = [] }: Surroundings, was: Inputs): string[] {
  const { name, addresses } = inputs as { name?: unknown; addresses?: Addresses };
  if (hasUnknown(addresses)) return [];
  const ports = (Array.isArray(inputs.ports) ? inputs.ports : []).flatMap((port: unknown, i) => {
    const link = links?.get(String(port));
    // What is plugged in somewhere has none of its own.
    return link && link.master === undefined && link.addresses.length > 0 ? [{ link, path: `ports[${i}]` }] : [];
  });
  // As the plan chooses; of one that inherits already, another one.
  const heir =
    addresses === "inherit" && was.addresses !== "inherit"
      ? (ports.find(({ link }) => management.includes(link.name)) ?? ports[0])
      : undefined;
  const kept = typeof addresses === "object" ? spelled(addresses) : [];
  return ports.flatMap(({ link, path }) => {
    const gone = link === heir?.link ? [] : link.addresses.filter((a) => !kept.includes(a));
    if (gone.length === 0) return [];
    return [
      `${path}: ${JSON.stringify(link.name)} loses ${gone.join(", ")} while it is a port of ${JSON.stringify(name)}: give them in addresses where the host is to keep them`,
    ];
  });
}

function spelled(addresses: Addressing): string[] {
  const { v4 = [], v6 = [] } = canonAddressing(addresses) as { v4?: string[]; v6?: string[] };
  return [...v4, ...v6];
}
