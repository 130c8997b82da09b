/** What check has seen in this process: resources are judged against each other, whatever the order. */
import { type Context, type Failure, type Inputs, Unknown } from "../handler.js";
import { devicesMade, isLink } from "../host/devices.js";
import { hostAt } from "../host/hosts.js";
import { forgetKept } from "../kept.js";
import type { NetworkInfo } from "../libvirt/api.js";
import { type Owner, sameStack } from "../ownership.js";
import { ownBridgeOf, readNetwork } from "./document.js";
import { addressesBeside, factsOf, forgetFacts } from "./facts.js";
import type { Neighbour, Surroundings } from "./rules/rule.js";
import { notReached } from "./say.js";

const checked = new Map<string, Inputs>();
/** Under which of those a resource stands, by its key. */
const idByKey = new Map<string, string>();
const idOf = (inputs: Inputs): string | undefined =>
  typeof inputs.name === "string" ? `${String(inputs.uri)} ${inputs.name}` : undefined;

/** @returns the fault where another resource of the program has the same network. */
export function sawInCheck(inputs: Inputs): Failure | undefined {
  const id = idOf(inputs);
  if (id === undefined) return undefined;
  const key = (of: Inputs | undefined) => (of?.owner as { key?: unknown } | undefined)?.key;
  const [other, own] = [key(checked.get(id)), key(inputs)];
  if (typeof other === "string" && typeof own === "string" && other !== own)
    return {
      property: "name",
      reason: `${JSON.stringify(inputs.name)} is the network of resource ${JSON.stringify(other)} of this program already: choose another name`,
    };
  if (typeof own === "string") {
    // What the resource was called before does not count any more.
    const former = idByKey.get(own);
    if (former !== undefined && key(checked.get(former)) === own) checked.delete(former);
    idByKey.set(own, id);
  }
  checked.set(id, inputs);
  return undefined;
}

/** The network of the program with this name, as check saw it. */
export const networkOfProgram = (uri: unknown, name: unknown): Inputs | undefined =>
  checked.get(`${String(uri)} ${String(name)}`);

export function seen(inputs: Inputs): boolean {
  const id = idOf(inputs);
  return id !== undefined && checked.has(id);
}

/** For tests: a new run. */
export function forgetRun(): void {
  checked.clear();
  idByKey.clear();
  forgetFacts();
  forgetKept();
}

/** The other networks of this run and of the host, and what the daemon can. */
export async function neighbours(ctx: Context, inputs: Inputs, olds: Inputs = {}): Promise<Surroundings> {
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
    for (const n of networks.values()) {
      // Its own entry of the host is kept, also under its former name: it tells which bridge is the network's own.
      if (n.name === inputs.name || n.name === olds.name || n.uuid === olds.uuid)
        others.push({ ...fromHost(n), name: String(inputs.name) });
      else if (!mine.has(n.name)) others.push({ ...fromHost(n), ...(isOfStack(n, inputs) ? { ofStack: true } : {}) });
    }
    const facts = await factsOf(host);
    if (!facts) return { others, daemon: libVersion };
    const bridges = new Set(
      [...networks.values()]
        .filter((n) => n.active)
        .map(ownBridgeOf)
        .filter((b) => b !== undefined),
    );
    const links: string[] = [];
    for (const [device, owner] of devicesMade(uri)) {
      if (isLink(owner)) {
        links.push(device);
        continue;
      }
      bridges.add(device);
      if (owner === inputs.name || owner === olds.name)
        others.push({ name: String(inputs.name), from: "the host", bridge: device, subnets: [] });
    }
    const devices = new Set([...facts.devices.filter((d) => !facts.bridges.has(d)), ...bridges, ...links]);
    const unfit = typeof inputs.bridge === "string" ? await facts.unfitBridge(inputs.bridge) : undefined;
    return {
      ...{ others, daemon: libVersion, hostAddresses: addressesBeside(facts, bridges), hostDevices: [...devices] },
      ...(unfit !== undefined ? { unfitBridge: unfit } : {}),
    };
  } catch (e) {
    notReached(ctx, uri, e);
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
    ...(typeof bridge === "string" ? { on: bridge } : {}),
    ...(typeof other.mac === "string" ? { mac: other.mac } : {}),
    subnets: ips
      .map((ip) => (ip === Unknown ? undefined : (ip as Inputs | undefined)?.address))
      .filter((a): a is string => typeof a === "string"),
  };
}

function isOfStack(n: NetworkInfo, { owner }: Inputs): boolean {
  const { mark } = readNetwork(n.inactiveXml);
  return mark !== undefined && owner !== undefined && sameStack(mark, owner as Owner);
}

// Documents are parsed once a reading of the host, however many resources ask.
const parsedOf = new WeakMap<NetworkInfo, Neighbour>();

export function fromHost(n: NetworkInfo): Neighbour {
  let hit = parsedOf.get(n);
  if (!hit) {
    const doc = readNetwork(n.inactiveXml);
    hit = {
      name: n.name,
      from: "the host",
      ...(doc.bridgeName === undefined ? {} : { [doc.mode === "bridge" ? "on" : "bridge"]: doc.bridgeName }),
      ...(doc.mac !== undefined ? { mac: doc.mac } : {}),
      subnets: ((doc.values.ips ?? []) as { address: string }[]).map((ip) => ip.address),
    };
    parsedOf.set(n, hit);
  }
  return hit;
}
