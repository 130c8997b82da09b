/** What a run knows of the links of a host: those of the program, which check has seen, and those of the host, read once. */
import { type Context, type Failure, type Inputs, textOf, Unknown } from "../handler.js";
import { type Channel, channelOf } from "../host/channel.js";
import { hostAt } from "../host/hosts.js";
import { forgetKept } from "../kept.js";
import type { BackendName, Kind } from "./args.js";
import type { Access } from "./backends/backend.js";
import { backendOf } from "./backends/index.js";
import type { HostLinks } from "./facts.js";
import { forgetReadings, recentLinks } from "./readings.js";
import type { Surroundings } from "./rules/rule.js";

const checked = new Map<string, { kind: Kind; args: Inputs }>();
/** By host: names that links of this program had before. */
const former = new Map<string, Set<string>>();
const facts = new Map<string, Promise<HostLinks | undefined>>();
const managers = new Map<string, Promise<BackendName | undefined>>();

const keyOf = (inputs: Inputs): string | undefined =>
  typeof inputs.name === "string" && typeof inputs.uri === "string" ? `${inputs.uri} ${inputs.name}` : undefined;

/** @returns the fault where another resource of the program has the same device. */
export function sawInCheck(kind: Kind, args: Inputs): Failure | undefined {
  const key = keyOf(args);
  if (key === undefined) return undefined;
  const resource = (of: Inputs | undefined) => (of?.owner as { key?: unknown } | undefined)?.key;
  const there = checked.get(key);
  const [other, own] = [resource(there?.args), resource(args)];
  if (there && typeof other === "string" && typeof own === "string" && (other !== own || there.kind !== kind))
    return {
      property: "name",
      reason: `${JSON.stringify(args.name)} is the ${there.kind} of resource ${JSON.stringify(other)} of this program already: choose another name`,
    };
  // What the resource was called before does not count any more.
  for (const [before, of] of checked)
    if (own !== undefined && of.kind === kind && resource(of.args) === own) checked.delete(before);
  checked.set(key, { kind, args });
  return undefined;
}

/** A link gets another name: its ports are free, also for a check that knows nothing of what was before. */
export function leaves(uri: string, name: string): void {
  former.set(uri, (former.get(uri) ?? new Set()).add(name));
}

/** For tests: a new run. */
export function forgetLinks(): void {
  checked.clear();
  former.clear();
  facts.clear();
  managers.clear();
  forgetReadings();
  forgetKept();
}

export function seen(args: Inputs): boolean {
  const key = keyOf(args);
  return key !== undefined && checked.has(key);
}

/** Links of a host were changed: the next reading is a new one. */
export function changed(uri: string): void {
  facts.delete(uri);
}

function linksOf(ctx: Context, uri: string, channel: Channel): Promise<HostLinks | undefined> {
  let known = facts.get(uri);
  if (!known) {
    known = recentLinks(uri, channel).catch((e: unknown) => {
      ctx.log("warning", `host ${uri} cannot be looked at, so nothing is checked against it: ${textOf(e)}`);
      return undefined;
    });
    facts.set(uri, known);
  }
  return known;
}

/** What manages a host's links; undefined: nothing does, which is told when a link is made. */
function managerOf(access: Access): Promise<BackendName | undefined> {
  const { uri } = access.host;
  let known = managers.get(uri);
  if (!known) {
    known = backendOf(access).then(
      ({ name }) => name,
      () => undefined,
    );
    managers.set(uri, known);
  }
  return known;
}

/** Whether another resource of the program has this link now; where no mark on the host tells. */
export function movedOn(kind: Kind, { uri, name, owner }: Inputs): boolean {
  const there = checked.get(`${String(uri)} ${String(name)}`);
  const key = (of: unknown) => (of as { key?: unknown } | undefined)?.key;
  return there?.kind === kind && key(there.args.owner) !== key(owner);
}

/** The other links of this run and of the host. */
export async function neighbours(ctx: Context, { uri, backend }: Inputs): Promise<Surroundings> {
  if (typeof uri !== "string" || (uri as unknown) === Unknown) return {};
  const program = new Map<string, { kind: Kind; args: Inputs }>();
  for (const link of checked.values()) if (link.args.uri === uri) program.set(String(link.args.name), link);
  const channel = channelOf(uri);
  const host = channel ? await linksOf(ctx, uri, channel) : undefined;
  // A host that does not answer is not asked again.
  const manager =
    (backend as BackendName | undefined) ??
    (channel && !host ? undefined : await managerOf({ host: hostAt(uri), channel }));
  return {
    program,
    former: former.get(uri) ?? new Set(),
    ...(host ? { links: host.links, management: host.management, carriers: host.carriers } : {}),
    ...(manager === undefined ? {} : { manager }),
  };
}
