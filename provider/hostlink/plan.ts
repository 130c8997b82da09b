/** (desired, observed) → steps. Pure: plain data in, plain data out; what to do with them is apply's. */
import { type Inputs, VirtnetError } from "../handler.js";
import { type Price, priceOf, worst } from "../network/prices.js";
import type { Owner } from "../ownership.js";
import { compare } from "../schema/compare.js";
import { same } from "../schema/tree.js";
import { type Addresses, type Addressing, isBare } from "./addressing.js";
import { fieldsOf, type Kind, kinds, type Mark } from "./args.js";
import type { HostLinks } from "./facts.js";
import { resting } from "./resting.js";
import type { Action, HostProof, Observed, ObservedLink, Plan, Probe, Step } from "./steps.js";
import type { PortVlans } from "./vlans.js";

export interface Wish {
  kind: Kind;
  /** The inputs as check let them through, all known. */
  desired: Inputs;
  /** What was set before; undefined for a new resource. */
  was?: Inputs | undefined;
  owner?: Owner | undefined;
  adopted?: boolean;
  /** Why what others change live takes the link down and up on this host; absent: it does not. */
  restarts?: string | undefined;
}

const portsOf = (args: Inputs | undefined): string[] => (args?.ports as string[] | undefined) ?? [];
const unique = (names: string[]): string[] => [...new Set(names)];

/** Time that the host waits for the proof, in s, where the user says nothing. */
const ROLLBACK_S = 60;
/** Up to this long an LACP partner with slow timers takes to answer (IEEE 802.1AX, 3 × 30 s). */
const LACP_S = 90;

/** After how many seconds an unproven change is taken back. */
export function rollbackAfter(desired: Inputs, links?: HostLinks["links"]): number {
  if (typeof desired.rollbackAfter === "number") return desired.rollbackAfter;
  // A port that joins a spanning tree listens and learns first, each for the forward delay (IEEE 802.1D).
  const tree = desired.stp === true ? 2 * ((desired.forwardDelay as number | undefined) ?? 15) : 0;
  // A bond that becomes a port starts anew as well.
  const modes = [desired.mode, ...portsOf(desired).map((port) => links?.get(port)?.bond?.mode)];
  const lacp = modes.some((mode) => mode === "802.3ad" || mode === 4) ? LACP_S : 0;
  return ROLLBACK_S + tree + lacp;
}

export function plan(wish: Wish, observed: Observed): Plan {
  const { kind, desired } = wish;
  const name = String(desired.name);
  const { link, leftover } = observed;
  const touched = unique([name, ...portsOf(desired), ...portsOf(link?.values)]);
  const steps: Step[] = [];
  // First: what is there meanwhile is not what the plan can start from.
  if (leftover) steps.push(sweepStep(leftover));
  else steps.push(...(link ? changeSteps(wish, observed, link) : [createStep(wish, observed)]));
  return {
    kind,
    link: name,
    ...(link ? { id: link.id } : {}),
    steps,
    impact: worst(steps.map((s) => s.impact)),
    management: carriersOf(observed, touched),
    ...probeOf(desired),
    seconds: rollbackAfter(desired, observed.host.links),
  };
}

const probeOf = ({ probe }: Inputs): { probe?: Probe } => (probe === undefined ? {} : { probe: probe as Probe });

function sweepStep(leftover: NonNullable<Observed["leftover"]>): Step {
  const why = "an earlier run ended in the middle";
  return { kind: "sweep", impact: "none", why, changes: [], actions: [{ do: "sweep", ...leftover }] };
}

/**
 * The port whose addresses are taken over: that by which the host is managed, else the first that has any. For one that the link has
 * already, the link's own stay as they are: then no port is named.
 */
function source(wish: Wish, observed: Observed): { port?: string; addressing: Addressing } {
  const { link } = observed;
  const addressingOf = (device: string) => {
    const found = observed.ports.get(device);
    return found && Object.keys(found).length > 0 ? found : undefined;
  };
  const own = link && addressingOf(link.name);
  const candidates = portsOf(wish.desired).flatMap((port): { by: string; port?: string; addressing: Addressing }[] => {
    if (link && own && portsOf(link.values).includes(port)) return [{ by: link.name, addressing: own }];
    const addressing = addressingOf(port);
    return addressing ? [{ by: port, port, addressing }] : [];
  });
  const managing = candidates.find((c) => observed.host.management.includes(c.by));
  const found = managing ?? candidates[0];
  if (found) return found;
  // The kernel knows them, and what manages links does not.
  const others = portsOf(wish.desired).filter((port) => (observed.host.links.get(port)?.addresses.length ?? 0) > 0);
  const why =
    others.length > 0
      ? `the addresses of ${others.join(", ")} are another program's, and NetworkManager does not manage them: hand them to it first`
      : `none of ${portsOf(wish.desired).join(", ")} has addresses: give them here, "dhcp" or "none"`;
  throw new VirtnetError(`${wish.kind} ${JSON.stringify(wish.desired.name)}: addresses: is "inherit", but ${why}`);
}

const markOf = (wish: Wish, inherited: Addressing | undefined): Mark | undefined =>
  wish.owner
    ? { ...wish.owner, adopted: wish.adopted ?? false, ...(inherited ? { inherited: { ...inherited } } : {}) }
    : undefined;

const carriersOf = ({ host }: Observed, devices: readonly string[]): string[] =>
  host.carriers.filter((d) => devices.includes(d));

/** What the host is proven by; nothing, where it is not managed through the devices, and no route can come to any. */
function proofOf(observed: Observed, devices: readonly string[], brings: readonly string[]): { host?: HostProof } {
  const managed = carriersOf(observed, devices).length > 0;
  if (!managed && brings.length === 0) return {};
  return { host: { managed, brings, to: managed ? devices : [] } };
}

/** The link, where addresses come to it; and ports that have theirs again. */
function bringsOf(
  wish: Wish,
  link: ObservedLink,
  { moved, gone }: { moved: boolean; gone: readonly string[] },
): string[] {
  const { desired, was } = wish;
  const addresses = (desired.addresses ?? (was?.addresses === undefined ? link.values.addresses : undefined)) as
    | Addresses
    | undefined;
  return [...(moved && !isBare(addresses) ? [link.name] : []), ...gone.filter((port) => link.lenders?.includes(port))];
}

/** A bridge that was made anew has lost the VMs that it had. */
const plugOrphans = ({ orphans = [] }: Observed): Action[] =>
  orphans.length > 0 ? [{ do: "plug", taps: [...orphans] }] : [];

function attach({ vlans = [] }: Inputs, port: string): Action {
  const own = (vlans as PortVlans[]).find((item) => item.port === port);
  return { do: "attach", port, ...(own ? { vlans: own } : {}) };
}

/**
 * A lease, and what neighbours remember, hang on the MAC: of the port whose addresses are taken over, else by which the host is managed,
 * else the first. It is written, since a bridge follows the least of its ports' MACs, and a bond that of its first at each start.
 */
function macOf(desired: Inputs, { host }: Observed, heir: string | undefined): string | undefined {
  if (desired.failOverMac === "active" || desired.failOverMac === "follow") return undefined;
  if (heir !== undefined) return host.links.get(heir)?.mac;
  if (isBare(desired.addresses as Addresses | undefined)) return undefined;
  const ports = portsOf(desired);
  const port = host.links.get(ports.find((name) => host.management.includes(name)) ?? ports[0] ?? "");
  return port?.ownMac ?? port?.mac;
}

function createStep(wish: Wish, observed: Observed): Step {
  const { desired } = wish;
  const name = String(desired.name);
  const ports = portsOf(desired);
  const from = desired.addresses === "inherit" ? source(wish, observed) : undefined;
  const mac = (desired.mac as string | undefined) ?? macOf(desired, observed, from?.port);
  const mark = markOf(wish, from?.addressing);
  const seconds = rollbackAfter(desired, observed.host.links);
  const devices = [name, ...ports];
  const brings = isBare(desired.addresses as Addresses | undefined) ? [] : [name];
  const actions: Action[] = [
    { do: "make", values: desired, ports, ...(mac !== undefined ? { mac } : {}) },
    { do: "checkpoint", devices, seconds },
    {
      do: "configure",
      values: desired,
      was: {},
      ...(from?.port !== undefined ? { inherit: from.port } : {}),
      ...(mark ? { mark } : {}),
    },
    // Before the ports come: once the one that has the addresses is plugged in, nothing more may have to be asked of the host.
    { do: "activate" },
    ...ports.map((port) => attach(desired, port)),
    { do: "prove", device: true, ...proofOf(observed, devices, brings) },
    { do: "commit" },
    ...plugOrphans(observed),
  ];
  return { kind: "create", impact: "none", why: "it does not exist", changes: [], actions };
}

function changeSteps(wish: Wish, observed: Observed, link: ObservedLink): Step[] {
  const { kind, desired, was } = wish;
  const name = String(desired.name);
  const changes = compare(fieldsOf(kind), desired, link.values, was);
  const price = (row: string): Price => {
    const usual = priceOf(kinds[kind].prices, row);
    return wish.restarts !== undefined && usual.impact === "live" ? { impact: "restart", why: wish.restarts } : usual;
  };
  const renews = desired.addresses === "inherit" && link.mark?.inherited === undefined;
  const from = renews ? source(wish, observed) : undefined;
  const inherited = from?.addressing ?? (link.mark?.inherited as Addressing | undefined);
  const mark = markOf(wish, inherited);
  const markDiffers = mark !== undefined && !same(mark, link.mark);
  const costly = changes.filter((c) => price(c.row).impact === "replace");
  if (costly.length > 0) {
    const what = costly.map((c) => `${c.path} (${price(c.row).why})`).join("; ");
    throw new VirtnetError(
      `${kind} ${JSON.stringify(name)}: ${what}: cannot be changed in place; delete it first, or take the change back`,
    );
  }
  if (changes.length === 0 && link.up) {
    if (!link.saved)
      return [
        {
          kind: "save",
          impact: "none",
          why: "it is not kept for the next start of the host",
          changes: [],
          actions: [
            ...(markDiffers ? [{ do: "mark", mark } as const] : []),
            { do: "prove", device: true, ...proofOf(observed, [name], []) },
            { do: "commit" },
          ],
        },
      ];
    if (!markDiffers) return [];
    return [
      {
        kind: "mark",
        impact: "none",
        why: "it carries the mark of its owner",
        changes: [],
        actions: [{ do: "mark", mark }],
      },
    ];
  }
  const [there, wanted] = [
    portsOf(link.values),
    "ports" in desired || "ports" in (was ?? {}) ? portsOf(desired) : portsOf(link.values),
  ];
  const gone = there.filter((p) => !wanted.includes(p));
  // A link that is down takes its ports along.
  const added = wanted.filter((p) => !link.up || !there.includes(p));
  const moved = !link.up || added.length > 0 || changes.some(({ row }) => row === "addresses");
  const after = desired.addresses ?? (was?.addresses === undefined ? link.values.addresses : undefined);
  const rests = resting(wish, link, gone, (after === "inherit" ? inherited : after) as Addresses | undefined);
  const brings = bringsOf(wish, link, { moved, gone: gone.filter((port) => !rests.includes(port)) });
  const seconds = rollbackAfter(desired, observed.host.links);
  // Their profiles change along, and are taken back along.
  const changed = changes.some(({ row }) => row === "mtu" || row.startsWith("vlans")) ? wanted : [];
  const devices = unique([
    ...(link.up ? [name] : []),
    ...[name, ...gone, ...added, ...changed].filter(isThere(observed)),
  ]);
  const actions: Action[] = [
    ...(devices.length > 0 ? [{ do: "checkpoint", devices, seconds } as const] : []),
    // First: it notes the checkpoint, in memory; what runs changes with what follows.
    {
      do: "configure",
      // What was taken over once is known; the port has other things to do than addresses meanwhile.
      values: desired.addresses === "inherit" && inherited && !from ? { ...desired, addresses: inherited } : desired,
      was: was ?? {},
      ...(from?.port !== undefined ? { inherit: from.port } : {}),
      ...(mark ? { mark } : {}),
    },
    { do: "activate" },
    ...gone.map((port): Action => ({ do: "detach", port, ...(rests.includes(port) ? { rests: true } : {}) })),
    ...added.map((port) => attach(desired, port)),
    { do: "prove", device: true, ...proofOf(observed, [name, ...gone, ...added], brings) },
    { do: "commit" },
    ...plugOrphans(observed),
  ];
  const prices = changes.map((c) => price(c.row));
  return [
    {
      kind: "change",
      impact: worst(prices.map((p) => p.impact)),
      why: [
        ...new Set([...prices.map((p) => p.why), ...(link.up ? [] : ["it is down"])]),
        ...rests.map((port) => `${port} gets nothing back until ${name} goes, which has what was its`),
      ].join("; "),
      changes: [...changes.map((c) => c.path), ...(link.up ? [] : ["up"])],
      actions,
    },
  ];
}

/** A NIC that was taken out of the host has nothing that could be taken back. */
const isThere =
  ({ host }: Observed) =>
  (device: string) =>
    host.links.has(device);

/** How a link goes: its ports get back what they had before. */
export function planDelete(kind: Kind, args: Inputs, observed: Observed, link: ObservedLink): Plan {
  const ports = portsOf(link.values);
  const rested = link.resting?.filter(isThere(observed)) ?? [];
  const devices = unique([
    ...(link.up ? [link.name] : []),
    ...[link.name, ...ports, ...rested].filter(isThere(observed)),
  ]);
  const seconds = rollbackAfter(args, observed.host.links);
  const management = carriersOf(observed, devices);
  const brings = [...ports.filter((port) => link.lenders?.includes(port)), ...rested];
  const actions: Action[] = [
    ...(devices.length > 0 ? [{ do: "checkpoint", devices, seconds } as const] : []),
    { do: "strip" },
    ...[...ports, ...rested].map((port): Action => ({ do: "detach", port })),
    // Its addresses go before the proof, which is then of the ports alone.
    ...(link.up ? [{ do: "activate" } as const] : []),
    { do: "prove", device: false, ...proofOf(observed, devices, brings) },
    { do: "remove" },
  ];
  const step: Step = { kind: "delete", impact: "none", why: "it is deleted", changes: [], actions };
  return { kind, link: link.name, id: link.id, steps: [step], impact: "none", management, ...probeOf(args), seconds };
}
