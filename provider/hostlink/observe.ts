/** Read what is there, into the plan's terms. */
import type { Inputs } from "../handler.js";
import type { Kind } from "./args.js";
import type { Backend } from "./backends/backend.js";
import type { Observed } from "./steps.js";

export async function observe(
  backend: Backend,
  kind: Kind,
  ref: { id?: string; name: string },
  wanted: Inputs = {},
): Promise<Observed> {
  const host = await backend.links();
  const found = await backend.find(kind, ref, host);
  const ports = (wanted.ports as string[] | undefined) ?? [];
  const needs = wanted.addresses === "inherit" && found.link?.mark?.inherited === undefined;
  return { host, ...found, ports: needs ? await backend.addressing(ports, found.link) : new Map() };
}
