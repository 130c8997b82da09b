/** What a host tells beside libvirt: its addresses and devices, read once a host and run, where there is a channel. */
import { addressOn, type Channel, channelOf, type HostAddress } from "../host/channel.js";
import { forgetDevices } from "../host/devices.js";
import type { Host } from "../host/hosts.js";
import type { HostLinks } from "../hostlink/facts.js";
import { choosesFirewall, type Firewall } from "./abilities.js";
import { ownBridgeOf } from "./document.js";
import type { Via } from "./state.js";

export interface HostFacts {
  addresses: readonly HostAddress[];
  devices: readonly string[];
  /** Bridges of networks when it was read: a network that has gone since has its address in here still. */
  bridges: ReadonlySet<string>;
  /** The host's address for routers outside, on its default route or on the one device that traffic may leave by. */
  via(): Promise<Via>;
  /** Why VMs cannot be on a bridge of the host: the bond below it. */
  unfitBridge(bridge: string): Promise<string | undefined>;
  /** The backend that libvirt's rules are seen in; `undefined` while no network has any, or they may not be read. */
  firewall(): Promise<Firewall | undefined>;
}

const facts = new Map<string, Promise<HostFacts | undefined>>();

/** Devices or addresses of a host were changed: the next reading is a new one. Without a URI, of all hosts. */
export function forgetFacts(uri?: string): void {
  if (uri !== undefined) facts.delete(uri);
  else {
    facts.clear();
    forgetDevices();
  }
}

/** `undefined` where there is no channel or it fails: what is not known is judged later, so no run fails for it. */
export function factsOf(host: Host): Promise<HostFacts | undefined> {
  const { uri } = host;
  let known = facts.get(uri);
  if (!known) {
    const asked = readFacts(host).catch(() => undefined);
    known = asked;
    facts.set(uri, asked);
    // What failed may be there for the next one who asks.
    void asked.then((found) => {
      if (found === undefined && facts.get(uri) === asked) facts.delete(uri);
    });
  }
  return known;
}

async function readFacts(host: Host): Promise<HostFacts | undefined> {
  const channel = channelOf(host.uri);
  if (!channel) return undefined;
  const networks = await host.networks();
  const vitals = await host.vitals();
  if (!vitals) return undefined;
  const { addresses } = vitals;
  let links: Promise<HostLinks | undefined> | undefined;
  const devices = [...vitals.masters.keys()];
  // Where the bridge of a running network is not to be seen, the command ran elsewhere than libvirt.
  const there = new Set(devices);
  const bridges = new Set<string>();
  for (const n of networks.values()) {
    const bridge = ownBridgeOf(n);
    if (bridge === undefined) continue;
    if (n.active && !there.has(bridge)) return undefined;
    bridges.add(bridge);
  }
  return {
    addresses,
    devices,
    bridges,
    firewall: once(() => firewallBy(channel)),
    unfitBridge: async (bridge) => {
      // Loaded on first use: most networks are on no bridge of the host.
      const { readLinks } = require("../hostlink/facts.js") as typeof import("../hostlink/facts.js");
      const { unfitBridge } = require("../hostlink/rules/fit.js") as typeof import("../hostlink/rules/fit.js");
      links ??= readLinks(channel).catch(() => undefined);
      const known = await links;
      return known && unfitBridge(bridge, known.links);
    },
    via: once(async () => {
      const [v4, v6] = await Promise.all(([4, 6] as const).map((family) => channel.defaultSource(family, addresses)));
      return (family, device) => (device !== undefined ? addressOn(addresses, device, family) : family === 4 ? v4 : v6);
    }),
  };
}

/** What tells daemons apart: the version, and where that leaves a choice and it can be seen, the firewall backend. */
export async function daemonOf(host: Host): Promise<{ daemon: number; firewall?: Firewall }> {
  const { libVersion: daemon } = await host.identity();
  const firewall = choosesFirewall(daemon) ? await (await factsOf(host))?.firewall() : undefined;
  return { daemon, ...(firewall !== undefined ? { firewall } : {}) };
}

// libvirt makes its table or chains for the first network that needs them, and never takes them away: the table stands
// before the chains, which may be empty leftovers of an earlier choice.
async function firewallBy(channel: Channel): Promise<Firewall | undefined> {
  const [nft, iptables] = await Promise.all([
    channel.run(["nft", "list", "tables"]),
    channel.run(["iptables", "-w", "-S", "LIBVIRT_FWX"]),
  ]);
  if (nft.code !== 0) return undefined;
  if (/^table ip6? libvirt_network$/m.test(nft.stdout)) return "nftables";
  return /^-A /m.test(iptables.stdout) ? "iptables" : undefined;
}

/** Kept as soon as there is an answer. */
function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: T | undefined;
  return async () => {
    answer ??= await ask();
    return answer;
  };
}

/** The host's own addresses: not those of networks' bridges (`also`: of others than when it was read), of the loopback, or link-local. */
export function addressesBeside(known: HostFacts, also: ReadonlySet<string>): { device: string; address: string }[] {
  return known.addresses
    .filter((a) => a.scope === "global" && a.device !== "lo" && !known.bridges.has(a.device) && !also.has(a.device))
    .map(({ device, address }) => ({ device, address }));
}
