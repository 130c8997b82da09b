/** What is kept in state: exactly the set paths, beside the computed outputs. Pure. */
import type { Inputs } from "../handler.js";
import type { HostIdentity, NetworkInfo } from "../libvirt/api.js";
import { compare } from "../schema/compare.js";
import { formatIp, parseCidr } from "../schema/net.js";
import type { AnyNode, ListNode, ObjectNode } from "../schema/node.js";
import { canonOf, same } from "../schema/tree.js";
import { CONTROL_FIELDS, STATE_FIELDS } from "./args.js";
import { fieldsOf, readNetwork } from "./document.js";
import { MODES, type Mode } from "./parts/forward.js";

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
];

/** The arguments within the outputs. */
export function argsOf(outs: Inputs): Inputs {
  return Object.fromEntries(Object.entries(outs).filter(([k]) => !(COMPUTED as string[]).includes(k)));
}

export function computed(
  info: NetworkInfo,
  host: HostIdentity,
  adopted: boolean,
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
  };
}

/** The host's address on its way out. */
export type Via = (family: 4 | 6, device?: string) => string | undefined;

function upstreamRoutes(values: Inputs, via: (family: 4 | 6) => string): Computed["upstreamRoutes"] {
  return ((values.ips ?? []) as { address: string }[]).flatMap(({ address }) => {
    const c = parseCidr(address);
    return c
      ? [{ destination: `${formatIp(c.first, c.family)}/${c.prefix}`, via: via(c.family === "ipv4" ? 4 : 6) }]
      : [];
  });
}

/** The arguments as the host has them: set paths only, in the user's spelling where it means the same. */
export function argsOnHost(args: Inputs, info: NetworkInfo): Inputs {
  const stored = readNetwork(info.inactiveXml);
  // A document of another mode is shown as that mode; its other fields are not the user's.
  const mode = (MODES.includes(args.mode as Mode) ? args.mode : stored.mode) as Mode;
  const fields = fieldsOf(mode);
  const config = readNetwork(info.inactiveXml, mode).values;
  let values = project(fields, args, config) as Inputs;
  if (info.liveXml !== undefined) {
    // Where the stored definition is as wanted and the running one is not, the running one is the drift.
    const live = readNetwork(info.liveXml, mode).values;
    const drift = compare(fields, values, live, args).filter(
      (c) => !["title", "description", "metadata"].includes(topOf(c.path)),
    );
    if (drift.length > 0) {
      const fromLive = project(fields, args, live) as Inputs;
      for (const top of new Set(drift.map((c) => topOf(c.path)))) values = { ...values, [top]: fromLive[top] };
    }
  }
  const out: Inputs = {};
  for (const [k, v] of Object.entries(args)) {
    if ((CONTROL_FIELDS as string[]).includes(k)) out[k] = v;
    else if (k in values && values[k] !== undefined) out[k] = values[k];
  }
  if (stored.mode !== mode) out.mode = stored.mode;
  for (const k of STATE_FIELDS) if (args[k] !== undefined) out[k] = k === "running" ? info.active : info.autostart;
  return out;
}

const topOf = (path: string): string => path.split(/[.[]/)[0] as string;

function project(node: AnyNode, set: unknown, there: unknown): unknown {
  if (set === undefined) return undefined;
  if (node.kind === "object") {
    const out: Inputs = {};
    for (const [name, f] of Object.entries((node as ObjectNode).fields)) {
      const v = project(f, (set as Inputs)[name], (there as Inputs | undefined)?.[name]);
      if (v !== undefined) out[name] = v;
    }
    return out;
  }
  if (node.kind === "list") {
    const list = node as ListNode<AnyNode>;
    const equal = compare(list, set, there ?? [], undefined).length === 0;
    return equal ? set : (there ?? []);
  }
  return same(canonOf(node, set), canonOf(node, there)) ? set : there;
}
