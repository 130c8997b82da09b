/** What check has seen in this process: resources are judged against each other, whatever the order. */
import { type Context, type Inputs, Unknown } from "../handler.js";
import { hostAt } from "../host/hosts.js";
import type { NetworkInfo } from "../libvirt/api.js";
import { readNetwork } from "./document.js";
import { addressesBeside, factsOf, forgetFacts, ownBridgeOf } from "./facts.js";
import type { Neighbour, Surroundings } from "./rules/rule.js";
import { announce } from "./say.js";

const checked = new Map<string, Inputs>();
const idOf = (inputs: Inputs): string | undefined => (typeof inputs.name === "string" ? `${String(inputs.uri)} ${inputs.name}` : undefined);

export function sawInCheck(inputs: Inputs): void {
  const id = idOf(inputs);
  if (id !== undefined) checked.set(id, inputs);
}

export function seen(inputs: Inputs): boolean {
  const id = idOf(inputs);
  return id !== undefined && checked.has(id);
}

/** For tests: a new run. */
export function forgetRun(): void {
  checked.clear();
  forgetFacts();
}

/** The other networks of this run and of the host, and what the daemon can. */
export async function neighbours(ctx: Context, inputs: Inputs): Promise<Surroundings> {
  const uri = inputs.uri;
  const others: Neighbour[] = [];
  const mine = new Set<string>();
  for (const other of checked.values()) {
    if (other.uri !== uri || typeof other.name !== "string") continue;
    mine.add(other.name);
    if (other.name !== inputs.name) others.push(fromProgram(other));
  }
  if (typeof uri !== "string") return { others };
  try {
    const host = hostAt(uri);
    const [{ libVersion }, networks] = [await host.identity(), await host.networksOfOthers()];
    for (const n of networks.values()) if (!mine.has(n.name)) others.push(fromHost(n));
    const facts = await factsOf(host);
    if (!facts) return { others, daemon: libVersion };
    const bridges = new Set([...networks.values()].map(ownBridgeOf).filter((b) => b !== undefined));
    const own = (inputs.bridge as { name?: unknown } | undefined)?.name;
    if (typeof own === "string") bridges.add(own);
    return { others, daemon: libVersion, hostAddresses: addressesBeside(facts, bridges), hostDevices: facts.devices };
  } catch (e) {
    announce(ctx, "warning", `host ${uri} cannot be reached, so nothing is checked against it: ${e instanceof Error ? e.message : String(e)}`);
    return { others };
  }
}

function fromProgram(other: Inputs): Neighbour {
  const bridge = other.bridge as { name?: unknown } | string | undefined;
  const name = typeof bridge === "object" && bridge !== null ? bridge.name : undefined;
  const ips = Array.isArray(other.ips) ? other.ips : [];
  return {
    name: String(other.name),
    from: "this program",
    ...(typeof name === "string" ? { bridge: name } : {}),
    subnets: ips.map((ip) => (ip === Unknown ? undefined : (ip as Inputs | undefined)?.address)).filter((a): a is string => typeof a === "string"),
  };
}

// Documents are parsed once a reading of the host, however many resources ask.
const parsedOf = new WeakMap<NetworkInfo, Neighbour>();

function fromHost(n: NetworkInfo): Neighbour {
  let hit = parsedOf.get(n);
  if (!hit) {
    const doc = readNetwork(n.inactiveXml);
    hit = {
      name: n.name,
      from: "the host",
      ...(doc.bridgeName !== undefined && doc.mode !== "bridge" ? { bridge: doc.bridgeName } : {}),
      subnets: ((doc.values.ips ?? []) as { address: string }[]).map((ip) => ip.address),
    };
    parsedOf.set(n, hit);
  }
  return hit;
}
