/** What check has seen of NICs in this process, and what the host has: resources are judged against each other, whatever the order. */
import { createHash } from "node:crypto";
import { type Context, type Inputs, textOf, Unknown } from "../handler.js";
import { type Host, hostAt } from "../host/hosts.js";
import { forgetKept } from "../kept.js";
import type { DomainInfo } from "../libvirt/api.js";
import { readNetwork } from "../network/document.js";
import { neighbours as networksAround } from "../network/run.js";
import { announce } from "../network/say.js";
import { type Owner, sameOwner } from "../ownership.js";
import { forgetSilent } from "./addresses.js";
import { nicsOf } from "./document.js";
import { isVm } from "./observe.js";
import type { NeighbourNetwork, NeighbourNic, Surroundings, Vm } from "./rules/rule.js";
import { forgetMoves } from "./together.js";
import { vmFacts } from "./vm.js";

const checked = new Map<string, Inputs>();

/** A resource of the program, else (without an owner, on the command line) a NIC. */
function idOf(inputs: Inputs): string {
  const owner = inputs.owner as Owner | undefined;
  const own = owner ? `${owner.project}/${owner.stack}/${owner.key}` : `${String(inputs.domain)} ${String(inputs.mac)}`;
  return `${String(inputs.uri)} ${own}`;
}

/** Of each resource, what the state had at its first check: where it is replaced, the second one is told nothing of that. */
const formers = new Map<string, Inputs>();

/** @returns what the state has, or had when the resource was checked first. */
export function sawInCheck(inputs: Inputs, olds: Inputs): Inputs {
  const id = idOf(inputs);
  if (olds.mac !== undefined) formers.set(id, olds);
  const former = formers.get(id) ?? olds;
  checked.set(id, { ...inputs, mac: inputs.mac ?? former.mac });
  return former;
}

/** The resource of the program that a mark names, as check saw it. */
export const resourceOf = (uri: unknown, owner: Owner): Inputs | undefined => checked.get(idOf({ uri, owner }));

export const seen = (inputs: Inputs): boolean => checked.has(idOf(inputs));

/** NICs that this run has taken over from another resource of the stack: the alias of a running one cannot say so. */
const takenOver = new Map<string, string>();
export const tookOver = (nic: string, key: string): void => void takenOver.set(nic, key);
export const ownerNow = (nic: string): string | undefined => takenOver.get(nic);

/** For tests: a new run. */
export function forgetNics(): void {
  checked.clear();
  formers.clear();
  takenOver.clear();
  forgetKept();
  forgetMoves();
  forgetSilent();
}

/**
 * A MAC for a NIC that was given none: the same for the same resource, so that a run that was cut off, or a VM that was
 * made anew, gets the NIC it had. 52:54:00 is what libvirt uses for QEMU (virDomainNetGenerateMAC).
 */
export function macFor(owner: Owner, taken: ReadonlySet<string>): string {
  for (let n = 0; ; n++) {
    const hash = createHash("sha256")
      .update(JSON.stringify([owner.project, owner.stack, owner.key, n]))
      .digest("hex");
    const mac = `52:54:00:${hash.slice(0, 2)}:${hash.slice(2, 4)}:${hash.slice(4, 6)}`;
    if (!taken.has(mac)) return mac;
  }
}

const aliasOf = ({ alias }: { alias?: unknown }) => (typeof alias === "string" ? { alias } : {});

/** Other NICs of this run, as far as check has seen them. */
export const ofProgram = (inputs: Inputs): NeighbourNic[] =>
  [...checked.entries()]
    .filter(([id, other]) => id !== idOf(inputs) && other.uri === inputs.uri)
    .flatMap(([, o]) =>
      typeof o.mac === "string" && typeof o.domain === "string"
        ? [{ domain: o.domain, mac: o.mac, ...aliasOf(o), from: "this program" }]
        : [],
    );

/** What is known around a NIC. */
export interface Around extends Surroundings {
  /** MAC of the NIC that carries this resource's mark already. */
  marked?: string;
}

/** Other NICs of this run and of the host, its networks and devices, and the VM. */
export async function around(ctx: Context, inputs: Inputs, olds: Inputs): Promise<Around> {
  const { uri } = inputs;
  const nics = ofProgram(inputs);
  if (typeof uri !== "string") return { nics };
  const host = hostAt(uri);
  try {
    const domains = await host.allDomains({ ofOthers: true });
    const owner = inputs.owner as Owner | undefined;
    for (const d of domains) nics.push(...onHost(d, owner).filter((n) => !isOwn(d, n, inputs) && !isOwn(d, n, olds)));
    const on = typeof inputs.bridge === "string" ? { uri, bridge: inputs.bridge } : { uri };
    const { others = [], daemon, hostDevices, unfitBridge } = await networksAround(ctx, on as Inputs);
    const networks = await withGroups(host, others);
    const marked = markedBy(domains, owner, inputs.domain);
    const vm = vmOf(domains, inputs);
    return {
      nics,
      networks,
      ...(daemon !== undefined ? { daemon } : {}),
      ...(hostDevices ? { hostDevices } : {}),
      ...(unfitBridge !== undefined ? { unfitBridge } : {}),
      ...(vm ? { vm } : {}),
      ...(marked !== undefined ? { marked } : {}),
    };
  } catch (e) {
    announce(ctx, "warning", `host ${uri} cannot be reached, so nothing is checked against it: ${textOf(e)}`);
    return { nics };
  }
}

/** On the VM that is meant, else on the one that it is moved from. */
function markedBy(domains: readonly DomainInfo[], owner: Owner | undefined, domain: unknown): string | undefined {
  const macs = (d: DomainInfo) =>
    [d.inactiveXml, d.liveXml].flatMap((xml) =>
      xml === undefined ? [] : nicsOf(xml).flatMap((n) => (sameOwner(n.mark, owner) ? [n.mac] : [])),
    );
  return [...domains.filter((d) => isVm(d, String(domain))), ...domains].flatMap(macs)[0];
}

/** Without those of the resource itself: while it is replaced it has one on its old VM. */
function onHost(d: DomainInfo, owner: Owner | undefined): NeighbourNic[] {
  const there = [d.liveXml, d.inactiveXml].flatMap((xml) => (xml === undefined ? [] : nicsOf(xml)));
  const byMac = new Map(there.filter((n) => !sameOwner(n.mark, owner)).map((n) => [n.mac, n]));
  return [...byMac.values()].map((n) => ({ domain: d.name, mac: n.mac, ...aliasOf(n), from: "the host" }));
}

const isOwn = (d: DomainInfo, nic: NeighbourNic, inputs: Inputs): boolean =>
  typeof inputs.domain === "string" &&
  typeof inputs.mac === "string" &&
  isVm(d, inputs.domain) &&
  nic.mac === inputs.mac.toLowerCase();

async function withGroups(host: Host, others: readonly { name: string; from: string }[]): Promise<NeighbourNetwork[]> {
  const there = new Map([...(await host.networksOfOthers()).values()].map((n) => [n.name, n]));
  return others.map(({ name, from }) => {
    const info = from === "the host" ? there.get(name) : undefined;
    if (!info) return { name };
    const groups = (readNetwork(info.inactiveXml).values.portGroups ?? []) as { name: string }[];
    return { name, portGroups: groups.map((g) => g.name) };
  });
}

function vmOf(domains: readonly DomainInfo[], inputs: Inputs): Vm | undefined {
  const on = (d: DomainInfo, o: Inputs): boolean => typeof o.domain === "string" && isVm(d, o.domain);
  const d = domains.find((x) => on(x, inputs));
  if (!d) return undefined;
  const xml = d.liveXml ?? d.inactiveXml ?? "";
  const has = ({ mac }: Inputs): boolean =>
    typeof mac === "string" && nicsOf(xml).some((n) => n.mac === mac.toLowerCase());
  // What is replaced is unplugged first, and leaves its slot to what comes for it.
  const leaves = (id: string): boolean => {
    const was = formers.get(id);
    return was !== undefined && on(d, was) && has(was) && !staysPlugged(d, was);
  };
  const facts = vmFacts(xml);
  // Those of this program that are yet to be plugged take a slot each.
  const coming = [...checked].filter(
    ([id, o]) => id !== idOf(inputs) && o.uri === inputs.uri && on(d, o) && o.mac !== Unknown && !has(o) && !leaves(id),
  ).length;
  const left = Math.max(0, (facts.freeSlots ?? 0) - coming) + (leaves(idOf(inputs)) ? 1 : 0);
  return {
    name: d.name,
    running: d.active,
    plugged: has(inputs),
    ...facts,
    ...(facts.freeSlots !== undefined ? { freeSlots: left } : {}),
  };
}

/** An adopted NIC is let go of, not unplugged; its stored definition says that it is one. */
const staysPlugged = (d: DomainInfo, { mac, deleteAdopted }: Inputs): boolean =>
  deleteAdopted !== true &&
  nicsOf(d.inactiveXml ?? "").some((n) => n.mac === String(mac).toLowerCase() && n.mark?.adopted === true);
