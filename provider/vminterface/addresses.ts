/** Which addresses a guest has on a NIC, and who says so. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Context, classOf, textOf } from "../handler.js";
import type { Host } from "../host/hosts.js";
import type { Connection } from "../libvirt/api.js";
import { children, descend, parseXml } from "../schema/xml.js";
import type { WaitForAddress } from "./args.js";

/** Who knows it: the network's DHCP server, the agent in the guest, or the host's neighbour table. */
type Witness = "lease" | "agent" | "arp";

export interface NicAddress {
  address: string;
  /** Prefix length; absent where the source does not know it. */
  prefix?: number;
  family: "ipv4" | "ipv6";
  source: Witness;
}

/** What those say who answer at once. */
export type Hearsay = Promise<[lease: NicAddress[], arp: NicAddress[]]>;

export const hearsay = (c: Connection, vm: { uuid: string }, mac: string): Hearsay =>
  Promise.all([heardFrom(c, vm, mac, "lease"), heardFrom(c, vm, mac, "arp")]);

type Writing = <T>(fn: (c: Connection) => Promise<T>) => Promise<T | undefined>;
type Interfaces = Awaited<ReturnType<Connection["domains"]["interfaceAddresses"]>>;

/**
 * Of a running VM; the first source that knows any tells all. A source that fails knows none.
 * @param writing runs on a connection that may write, where there is one: over another libvirt asks no agent (virDomainInterfaceAddresses, libvirt-domain.c).
 */
export async function addressesOf(
  vm: { uuid: string; liveXml?: string },
  mac: string,
  heard: Hearsay,
  writing: Writing,
): Promise<NicAddress[]> {
  if (vm.liveXml === undefined) return [];
  const [lease, arp] = await heard;
  if (lease.length > 0) return lease;
  // A request to an agent that is not there would wait for it.
  const agent = hasAgent(vm.liveXml) && !isSilent(vm) ? await heardFromAgent(vm, mac, writing) : [];
  return agent.length > 0 ? agent : arp;
}

/** One that hangs keeps its caller waiting without end, and the connection is lost with it: it is left alone for a while. */
const AGENT_MS = 5000;
const LEFT_ALONE_MS = 60_000;
/** By UUID of their VMs, agents that did not answer, and when. */
const silent = new Map<string, number>();

function isSilent(vm: { uuid: string }): boolean {
  const since = silent.get(vm.uuid);
  if (since === undefined) return false;
  const isLeftAlone = performance.now() - since < LEFT_ALONE_MS;
  if (!isLeftAlone) silent.delete(vm.uuid);
  return isLeftAlone;
}

/** For tests: a new run. */
export const forgetSilent = (): void => silent.clear();

/** By host and VM, what agents are being asked: their answer is about all NICs, and one that hangs costs one connection. */
const asked = new Map<string, Promise<Interfaces>>();

async function heardFromAgent(vm: { uuid: string }, mac: string, writing: Writing): Promise<NicAddress[]> {
  // Only who has a connection waits for the answer: it comes over one, and never has to wait for theirs.
  const all = await writing((c) => (isSilent(vm) ? Promise.resolve([]) : askAgent(c, vm))).catch(() => []);
  return ofNic(all ?? [], mac, "agent");
}

function askAgent(c: Connection, vm: { uuid: string }): Promise<Interfaces> {
  const key = `${c.uri} ${vm.uuid}`;
  let answer = asked.get(key);
  if (!answer) {
    answer = c.domains
      .interfaceAddresses({ uuid: vm.uuid }, "agent", { withinMs: AGENT_MS })
      .catch((e: unknown): Interfaces => {
        if (classOf(e) === "timeout") silent.set(vm.uuid, performance.now());
        return [];
      })
      .finally(() => asked.delete(key));
    asked.set(key, answer);
  }
  return answer;
}

async function heardFrom(c: Connection, vm: { uuid: string }, mac: string, source: Witness): Promise<NicAddress[]> {
  return ofNic(await c.domains.interfaceAddresses({ uuid: vm.uuid }, source).catch(() => []), mac, source);
}

const ofNic = (all: Interfaces, mac: string, source: Witness): NicAddress[] =>
  all
    .filter((i) => i.mac?.toLowerCase() === mac.toLowerCase())
    .flatMap((i) => i.addresses)
    .filter((a) => !/^fe80:/i.test(a.address))
    .map(({ address, prefix, type: family }) => ({ address, ...(prefix > 0 ? { prefix } : {}), family, source }));

const AGENT = "org.qemu.guest_agent.0";

function hasAgent(liveXml: string): boolean {
  // Most have none, and parsing takes longer than asking.
  if (!liveXml.includes(AGENT)) return false;
  const devices = descend(parseXml(liveXml), "devices", false);
  return (devices ? children(devices, "channel") : []).some((channel) => {
    const target = descend(channel, "target", false);
    return target?.getAttribute("name") === AGENT && target.getAttribute("state") === "connected";
  });
}

const LOOK_MS = 1000;
const TELL_MS = 15_000;

/** Of a NIC that this process has changed; holds no connection between its looks. @returns what there is in the end; `failed`: why that is not enough, as a sentence. */
export async function waitForAddress(
  ctx: Context,
  host: Pick<Host, "read">,
  vm: { uuid: string; name: string },
  mac: string,
  { seconds, family }: WaitForAddress,
): Promise<{ addresses: NicAddress[]; failed?: string }> {
  const what = `NIC ${mac} of VM ${JSON.stringify(vm.name)}`;
  const wanted = family === undefined ? "an address" : `an ${family === "ipv4" ? "IPv4" : "IPv6"} address`;
  const start = Date.now();
  for (let told = 0; ; await sleep(LOOK_MS)) {
    let [addresses, lost]: [NicAddress[], string | undefined] = [[], undefined];
    try {
      const there = await host.read(async (c) => {
        const d = await c.domains.get({ uuid: vm.uuid });
        return d?.active ? await addressesOf(d, mac, hearsay(c, d, mac), (fn) => fn(c)) : undefined;
      });
      if (!there) {
        const failed = `${what}: the VM does not run, so it gets no address: start it, or remove waitForAddress`;
        return { addresses, failed };
      }
      addresses = there;
    } catch (e) {
      lost = textOf(e); // the daemon may be back in time
    }
    if (addresses.some((a) => family === undefined || a.family === family)) return { addresses };
    const waited = Date.now() - start;
    if (waited >= seconds * 1000 || ctx.signal?.aborted) {
      const but = addresses.length > 0 ? addresses.map((a) => a.address).join(", ") : lost;
      const failed = `${what} has no ${wanted.replace(/^an /, "")} after ${Math.round(waited / 1000)} s${but === undefined ? "" : ` (but ${but})`}: it is plugged; see in the guest whether it asks for one there, or wait longer (waitForAddress.seconds)`;
      return { addresses, failed };
    }
    if (waited < told) continue;
    told = waited + TELL_MS;
    ctx.log("info", `${what}: waiting for ${wanted}, up to ${seconds} s; ${Math.round(waited / 1000)} s so far`);
  }
}
