/** What is kept in state: exactly the set paths, beside the computed outputs. Pure. */
import type { Inputs } from "../handler.js";
import type { HostIdentity, NetworkInfo } from "../libvirt/api.js";
import { compare } from "../schema/compare.js";
import { type Cidr, formatSubnet, parseCidr } from "../schema/net.js";
import { project, withLeaving } from "../schema/project.js";
import { CONTROL_FIELDS, modes, STATE_FIELDS } from "./args.js";
import { fieldsOf, readNetwork } from "./document.js";
import { MODES, type Mode } from "./parts/forward.js";
import { priceOf } from "./prices.js";

/** Outputs beside the arguments. */
export interface Computed {
  /** UUID of the network. */
  uuid: string;
  /** Bridge that guests are on, made by libvirt or given. */
  bridgeName?: string;
  /** MAC of the bridge. */
  macAddress?: string;
  /** Whether it runs. */
  active: boolean;
  /** Whether it was there before the resource. */
  adopted: boolean;
  /** UUID and name of the host. */
  hostUuid: string;
  hostName: string;
  /** Routes that outside routers need to reach the guests; only of mode `route`. `via` is the host's address there, where known, else its name. */
  upstreamRoutes: { destination: string; via: string }[];
  /** Paths of what takes effect only when somebody restarts the network; only with `apply: "next-restart"`. */
  pending: string[];
  /** How long it was down in its last restart, in ms; what the next preview goes by. */
  restartMs?: number;
}

const COMPUTED: (keyof Computed)[] = [
  "uuid",
  "bridgeName",
  "macAddress",
  "active",
  "adopted",
  "hostUuid",
  "hostName",
  "upstreamRoutes",
  "pending",
  "restartMs",
];

/** The arguments within the outputs. */
export function argsOf(outs: Inputs): Inputs {
  return Object.fromEntries(Object.entries(outs).filter(([k]) => !(COMPUTED as string[]).includes(k)));
}

export function computed(
  info: NetworkInfo,
  host: HostIdentity,
  adopted: boolean,
  args: Inputs,
  via: Via = () => undefined,
): Computed {
  const doc = readNetwork(info.liveXml ?? info.inactiveXml);
  return {
    uuid: info.uuid,
    ...(doc.bridgeName !== undefined ? { bridgeName: doc.bridgeName } : {}),
    ...(doc.mac !== undefined ? { macAddress: doc.mac } : {}),
    active: info.active,
    adopted,
    hostUuid: host.uuid,
    hostName: host.hostname,
    upstreamRoutes:
      doc.mode === "route"
        ? upstreamRoutes(doc.values, (family) => via(family, doc.values.device as string | undefined) ?? host.hostname)
        : [],
    pending: pendingOf(args, info),
  };
}

/** What the running network does not have yet. */
function pendingOf(args: Inputs, info: NetworkInfo): string[] {
  if (args.apply !== "next-restart" || info.liveXml === undefined) return [];
  const { mode, values } = readNetwork(info.inactiveXml);
  const live = readNetwork(info.liveXml, mode).values;
  const table = modes[mode].prices;
  const changes = compare(fieldsOf(mode), values, live, live).filter((c) => !priceOf(table, c.row).storedOnly);
  return [...new Set(changes.map((c) => c.path))].sort();
}

/** The host's address on its way out. */
export type Via = (family: 4 | 6, device?: string) => string | undefined;

function upstreamRoutes(values: Inputs, via: (family: 4 | 6) => string): Computed["upstreamRoutes"] {
  const all = ((values.ips ?? []) as { address: string }[]).flatMap(({ address }) => parseCidr(address) ?? []);
  // Several addresses may lie in one subnet.
  const covers = (a: Cidr, b: Cidr) => a.family === b.family && a.first <= b.first && b.last <= a.last;
  return all
    .filter((c, i) => !all.some((o, j) => covers(o, c) && (o.prefix < c.prefix || j < i)))
    .map((c) => ({
      destination: formatSubnet(c),
      via: via(c.family === "ipv4" ? 4 : 6),
    }));
}

/** What can be seen of a running network beside its definitions; absent: nothing is wrong as far as is known. */
export interface Condition {
  nicsConnected?: boolean;
  intact?: boolean;
}

/** A change. */
interface Wish {
  was?: Inputs | undefined;
  desired: Inputs;
}

/** The same of a network whose change did not come to its end. */
export function argsWithin({ was, desired }: Wish, info: NetworkInfo): Inputs {
  if (was === undefined) return argsOnHost(desired, info);
  return argsOnHost(withLeaving(was, desired) as Inputs, info, {}, { was, desired });
}

/**
 * The arguments as the host has them: set paths only, in the user's spelling where it means the same. `wish`: told apart by
 * that is what is as wanted.
 */
export function argsOnHost(
  args: Inputs,
  info: NetworkInfo,
  seen: Condition = {},
  { was, desired }: Wish = { desired: args },
): Inputs {
  const stored = readNetwork(info.inactiveXml);
  // A document of another mode is shown as that mode; its other fields are not the user's.
  const mode = (MODES.includes(args.mode as Mode) ? args.mode : stored.mode) as Mode;
  const fields = fieldsOf(mode);
  const config = readNetwork(info.inactiveXml, mode).values;
  let values = project(fields, args, config) as Inputs;
  // The running definition is looked at where the stored one is as wanted: either way the drift shows, and under its name.
  // With apply "next-restart" the running one may lag behind.
  if (info.liveXml !== undefined && args.apply !== "next-restart") {
    const stale = new Set(compare(fields, desired, config, was).map((c) => topOf(c.path)));
    const live = readNetwork(info.liveXml, mode).values;
    const fromLive = project(fields, args, live) as Inputs;
    for (const { path } of compare(fields, desired, live, was)) {
      const top = topOf(path);
      if (!stale.has(top) && !priceOf(modes[mode].prices, top).storedOnly) values = { ...values, [top]: fromLive[top] };
    }
  }
  const out: Inputs = {};
  for (const [k, v] of Object.entries(args)) {
    if ((CONTROL_FIELDS as string[]).includes(k)) out[k] = v;
    else if (k in values && values[k] !== undefined) out[k] = values[k];
  }
  if (stored.mode !== mode) out.mode = stored.mode;
  // `false` asks for nothing: NICs are left as they are.
  const state = {
    running: info.active,
    autostart: info.autostart,
    nicsConnected: args.nicsConnected !== false && seen.nicsConnected !== false,
    intact: args.intact !== false && seen.intact !== false,
  };
  for (const k of STATE_FIELDS) if (args[k] !== undefined) out[k] = state[k];
  return out;
}

const topOf = (path: string): string => path.split(/[.[]/)[0] as string;
