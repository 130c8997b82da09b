/**
 * Steps that take a running network down for a moment, or give NICs new ports: what happens to each NIC, in which order, and
 * what its VM notices. Pure.
 */
import { VirtnetError } from "../handler.js";
import { canonIp } from "../schema/net.js";
import { ownBridgeIn, readNetwork } from "./document.js";
import type { Journal, JournalNic } from "./journal.js";
import { type Nic, type Plug, plugOf, vmsOf } from "./nics.js";
import { type Impact, type Price, REPLUG_TAKES, reasons, worst } from "./prices.js";
import type { Action, Observed, ObservedNetwork, Step } from "./steps.js";

export interface NetworkChange {
  net: ObservedNetwork;
  observed: Observed;
  /** The definition that shall be. */
  after: string;
  wantsRunning: boolean;
  /** Guests may be made to ask for an address anew. */
  renews: boolean;
  /** Devices that are no VM's may be cut off. */
  force?: boolean;
}

export interface CostlyChange extends NetworkChange {
  changes: string[];
  prices: Price[];
}

/** How long stopping and starting a network takes where it was never measured, in ms (docs/benchmarks.md). */
const USUAL_RESTART_MS = 600;
/** A port waits twice the shortest forward delay that the kernel allows (br_set_forward_delay) before it forwards. */
const SPANNING_TREE_MS = 4000;

/** What becomes of the NICs. */
interface Moves {
  /** Taps that are kept on the park network while their bridge is away. */
  parked: Nic[];
  /** Taps on a bridge of the host, which does not go away: each gets a new port, one after the other. */
  rehopped: Nic[];
  /** Unplugged and plugged: macvtap and virtual functions cannot be changed while they are plugged. */
  replugged: Nic[];
}

function movesOf({ net, observed, after }: NetworkChange): Moves {
  const plug: Plug = plugOf(after);
  const taps = observed.nics.filter((n) => n.on === "tap");
  const others = observed.nics.filter((n) => n.on !== "tap");
  const bridgeStays = [net.liveXml ?? net.xml, after].every((xml) => readNetwork(xml).mode === "bridge");
  if (plug !== "tap") return { parked: bridgeStays ? [] : taps, rehopped: [], replugged: [...others, ...taps] };
  return bridgeStays
    ? { parked: [], rehopped: taps, replugged: others }
    : { parked: taps, rehopped: [], replugged: others };
}

const refs = (nics: readonly Nic[]): JournalNic[] =>
  nics.map(({ domain, domainName, mac, by, xml }) => ({ domain, domainName, mac, by, xml }));

function journalOf(change: NetworkChange, to: string, renew: boolean): Journal {
  const { net, observed, after, wantsRunning } = change;
  const { xml, liveXml, autostart, persistent } = net;
  return {
    uuid: net.uuid,
    from: net.name,
    to,
    before: { xml, ...(liveXml !== undefined ? { liveXml } : {}), autostart, persistent },
    after,
    running: wantsRunning,
    renew,
    nics: refs(observed.nics),
    named: (observed.stored ?? []).filter((s) => s.by === "bridge"),
    ports: [...(observed.ports ?? [])],
  };
}

export function restartStep(change: CostlyChange): Step {
  const { net, after, changes, prices } = change;
  const moves = movesOf(change);
  const renew = change.renews && newAddresses(net.liveXml ?? net.xml, after);
  const impact = worst(prices.map((p) => p.impact));
  return {
    kind: "restart",
    impact,
    why: [reasons(prices), ...followers(change), ...portsOfOthers(change)].join("; "),
    changes,
    ...noticed(change, moves, renew, impact),
    actions: [
      { do: "journal", journal: journalOf(change, net.name, renew) },
      ...(after !== net.xml ? [{ do: "define", xml: after } as const] : []),
      ...park(moves),
      { do: "destroy" },
      { do: "start" },
      ...plugged(moves, after),
      { do: "home" },
    ],
  };
}

/** libvirt does not rename (virNetworkObjAssignDef refuses): destroy, undefine, define, start, with the same UUID. */
export function renameStep(change: CostlyChange): Step {
  const { net, observed, after, changes, prices, wantsRunning } = change;
  const running = net.liveXml !== undefined;
  const moves = movesOf(change);
  const starts = wantsRunning;
  if (!starts && observed.nics.length > 0)
    throw new VirtnetError(
      `network ${JSON.stringify(net.name)}: name cannot change while it does not run and NICs of running VMs (${vmsOf(observed.nics).join(", ")}) name it: they could not follow; rename it running, and stop it then`,
    );
  const renew = running && starts && change.renews && newAddresses(net.liveXml as string, after);
  const impact = running ? worst(["restart", ...prices.map((p) => p.impact)]) : "none";
  const to = readNetwork(after).values.name as string;
  return {
    kind: "rename",
    impact,
    why: [reasons(prices), keepers(observed), ...followers(change), ...(running ? portsOfOthers(change) : [])].join(
      "; ",
    ),
    changes,
    ...(running
      ? noticed(change, moves, renew, impact)
      : { affects: vmsOf(observed.nics), notice: "are connected again" }),
    actions: [
      { do: "journal", journal: journalOf(change, to, renew) },
      // Also where it was stopped: libvirt 12.8 does not plug a NIC into the same bridge under another name, although that is a
      // new one (qemuDomainChangeNet compares the names); from the park network each daemon does.
      ...(running || starts ? park(moves) : []),
      ...(running ? [{ do: "destroy" } as const] : []),
      ...(net.persistent ? [{ do: "undefine" } as const] : []),
      { do: "define", xml: after },
      ...(starts ? [{ do: "start" } as const, ...plugged(moves, after)] : []),
      { do: "home" },
    ],
  };
}

/** What keeps the old name: nobody but libvirt changes its older states of a VM. */
function keepers({ kept }: NetworkChange["observed"]): string {
  const { managedSaves = [], snapshots = [] } = kept ?? {};
  const of = (what: string, vms: readonly string[]) => (vms.length > 0 ? [`${what} of ${vms.join(", ")}`] : []);
  const all = [...of("the managed save", managedSaves), ...of("snapshots", snapshots), "files of other tools"];
  return `${all.join(" and ")} that name the network keep the old name`;
}

/** Who names the network, or its own bridge, in a definition, and is changed with it: in words. */
export function followers({ net, observed, after }: NetworkChange): string[] {
  const [now, then] = [readNetwork(net.liveXml ?? net.xml), readNetwork(after)];
  const [bridge, next] = [now, then].map(ownBridgeIn);
  const kept = next === bridge;
  const stored = (observed.stored ?? []).filter((s) =>
    s.by === "bridge" ? !kept : now.values.name !== then.values.name,
  );
  const named = kept ? [] : observed.nics.filter((n) => n.by === "bridge");
  const to = next === undefined ? "the network" : `bridge ${next}`;
  return [
    ...(stored.length > 0 ? [`the stored definitions of ${vmsOf(stored).join(", ")} follow`] : []),
    ...(named.length > 0
      ? [`NICs of ${vmsOf(named).join(", ")}, which name bridge ${bridge} themselves, name ${to} then`]
      : []),
  ];
}

/** What becomes of devices on its bridge that are no VM's, in words. Refused without `force` where they cannot be put back. */
function portsOfOthers({ net, observed, after, wantsRunning, force }: NetworkChange): string[] {
  const { ports, channel = false } = observed;
  const [bridge, next] = [net.liveXml ?? net.xml, after].map((xml) => ownBridgeIn(readNetwork(xml)));
  if (bridge === undefined || ports?.length === 0) return [];
  if (!ports)
    return [
      `whether devices that are no VM's are on bridge ${bridge} is not known here (no command can be run on the host, and libvirt has no interface driver there)`,
    ];
  const back = channel && next !== undefined && wantsRunning;
  const who = `${ports.join(", ")} on bridge ${bridge}, no VM's (a container's, or the host's own)`;
  if (back) return [`${who}, put back when it runs again`];
  if (!wantsRunning) return [`${who}, cut off: it does not run then`]; // which is asked for
  const why =
    next === undefined
      ? "it has no bridge of its own then"
      : "no command can be run on the host, as root, to put them back";
  if (!force)
    throw new VirtnetError(
      `network ${JSON.stringify(net.name)}: this change stops its bridge and cuts off ${who}: ${why}. Take them off the bridge first${next === undefined ? "" : ", let commands be run there (config virtnet:command)"}, or set force: true to cut them off`,
    );
  return [`${who}, cut off: ${why}`];
}

/** Who names the bridge in a definition that cannot follow: refused. `later`: the change waits for the next restart. */
export function refuseLostFollowers({ net, observed, after, wantsRunning }: NetworkChange, later: boolean): void {
  const [bridge, next] = [net.liveXml ?? net.xml, after].map((xml) => ownBridgeIn(readNetwork(xml)));
  const moves = bridge !== undefined && next !== bridge;
  const running = observed.nics.filter((n) => n.by === "bridge");
  const stored = later ? (observed.stored ?? []).filter((s) => s.by === "bridge") : [];
  const lost = vmsOf([...running, ...stored]);
  if (!moves || lost.length === 0 || (wantsRunning && !later)) return;
  throw new VirtnetError(
    `network ${JSON.stringify(net.name)}: its bridge ${bridge} cannot ${later ? "wait for the next restart to change" : "change while the network does not run"}, since ${lost.join(", ")} name${lost.length === 1 ? "s" : ""} it: they could not follow; ${later ? 'take apply: "next-restart" or the change back' : "change it running, and stop it then"}, or point them at the network (<source network='${net.name}'/>)`,
  );
}

/**
 * A network that does not run, and whose bridge is named by stored definitions of VMs: these follow. Undefined where there is
 * nobody to follow.
 */
export function storedMove(change: NetworkChange): Action[] | undefined {
  const journal = journalOf(change, change.net.name, false);
  if (journal.named.length === 0) return undefined;
  return [
    { do: "journal", journal: { ...journal, running: false } },
    { do: "define", xml: change.after },
    { do: "home" },
  ];
}

/** NICs of running VMs that are not plugged into their network: it was stopped under them, or a run ended in the middle. */
export function rejoinStep(change: NetworkChange, running: boolean): Step | undefined {
  const { net, observed } = change;
  const lost = observed.nics.filter((n) => n.parked || n.connected === false || (!running && n.on === "tap"));
  if (lost.length === 0) return undefined;
  return {
    kind: "rejoin",
    impact: "none",
    why: "they hang on nothing: libvirt does not plug NICs of running VMs into a network that starts",
    changes: ["nicsConnected"],
    affects: vmsOf(lost),
    notice: "are connected again",
    actions: [
      { do: "journal", journal: { ...journalOf(change, net.name, false), nics: refs(lost) }, fresh: true },
      { do: "park", nics: refs(lost) },
      { do: "home" },
    ],
  };
}

const park = ({ parked }: Moves): Action[] => (parked.length > 0 ? [{ do: "park", nics: refs(parked) }] : []);

function plugged({ rehopped, replugged }: Moves, after: string): Action[] {
  const plug = plugOf(after);
  // A change of kind is home's: it finds the NIC on the wrong kind.
  const again = replugged.filter((n) => n.on === plug);
  return [
    ...(rehopped.length > 0 ? [{ do: "rehop", nics: refs(rehopped) } as const] : []),
    ...(again.length > 0 ? [{ do: "replug", nics: refs(again) } as const] : []),
  ];
}

function noticed(
  change: NetworkChange,
  moves: Moves,
  renew: boolean,
  impact: Impact,
): Pick<Step, "affects" | "notice"> {
  const affects = vmsOf(change.observed.nics);
  if (affects.length === 0) return { affects };
  const plug = new Set(moves.replugged.map((n) => n.domainName));
  const parts: string[] = [];
  // Where there is a channel, the tree is off while the NICs come home.
  const stp =
    change.observed.channel !== true && readNetwork(change.after).mode !== "bridge" && spanningTree(change.after);
  const ms = (change.observed.restartMs ?? USUAL_RESTART_MS) + (stp ? SPANNING_TREE_MS : 0);
  if (moves.parked.length > 0) {
    parts.push(
      stp
        ? `lose each other for about ${seconds(SPANNING_TREE_MS)} (spanning tree) and the gateway for about ${seconds(ms)}`
        : `stay connected to each other and lose the gateway for about ${seconds(ms)}`,
    );
  } else if (impact === "replug" && plug.size === 0) parts.push("stay connected; their ports are made anew one by one");
  if (plug.size > 0)
    parts.push(`NICs of ${[...plug].join(", ")} are unplugged and plugged: each is gone for ${REPLUG_TAKES}`);
  if (renew) parts.push("links go down and up for a new address");
  return { affects, notice: parts.join("; ") || "stay connected" };
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

const spanningTree = (xml: string): boolean =>
  (readNetwork(xml).values.bridge as { stp?: boolean } | undefined)?.stp !== false;

/** Whether guests that got an address by DHCP have to ask for another one. */
function newAddresses(before: string, after: string): boolean {
  const [a, b] = [readNetwork(before), readNetwork(after)];
  const served = (values: Record<string, unknown>) =>
    ((values.ips ?? []) as { dhcp?: object; family?: string }[]).some((ip) => ip.dhcp !== undefined);
  if (a.mode !== "bridge" && !served(a.values)) return false; // nobody asked before
  const subnets = (values: Record<string, unknown>) =>
    ((values.ips ?? []) as { address: string }[])
      .map(({ address }) => {
        const [ip = "", prefix = ""] = address.split("/");
        return `${canonIp(ip)}/${prefix}`;
      })
      .sort()
      .join(" ");
  const onHost = (d: typeof a) => (d.mode === "bridge" ? (d.bridgeName ?? "device") : "");
  return subnets(a.values) !== subnets(b.values) || onHost(a) !== onHost(b);
}
