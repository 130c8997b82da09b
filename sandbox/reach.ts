/**
 * Who reaches whom in a sandbox, measured with packets.
 *
 * ```ts
 * const joined = await joinGuests(sandbox, [{ name: "dev", bridge: "virbr0", v4: "192.168.100.1/24", v6: "fd00:100::1/64" }]);
 * console.log(reachTable(await measureReach(sandbox, joined)));
 * ```
 *
 * Guests are namespaces on the networks' bridges, two a network. The machine outside has to know a route to the guests
 * where it is to reach them: `outside.exec(["ip", "route", "add", …])`.
 */
import { spawn } from "node:child_process";
import { type HostGuest, hostGuest } from "./guests.js";
import type { Addresses, Executor, Sandbox } from "./index.js";

export interface ReachNetwork {
  /** At most 10 letters, digits, hyphens. */
  name: string;
  bridge: string;
  /** An address of the subnet with its prefix: the host's there, and the guests' gateway, unless said otherwise. */
  v4?: string;
  v6?: string;
  gateway?: Partial<Addresses>;
  /** The address by which guests try to reach the host. */
  host?: Partial<Addresses>;
}

export interface JoinedNetwork extends ReachNetwork {
  guests: [HostGuest, HostGuest];
}

export type Family = "v4" | "v6";
export const families: readonly Family[] = ["v4", "v6"];

/**
 * What came back: a reply; an ICMP "unreachable" of a firewall on the way; the sender's own "I know no way"; nothing.
 */
export type Answer = "yes" | "rejected" | "no route" | "no answer";

export interface ReachRow {
  network: string;
  family: Family;
  host: Answer;
  sameNetwork: Answer;
  outside: Answer;
  fromOutside: Answer;
}

export const cells = ["host", "sameNetwork", "outside", "fromOutside"] as const;

const plain = (address: string): string => address.replace(/\/.*/, "");

/** The first (0) or second (1) guest of a network: .201 and .202, or ::201 and ::202. */
export function guestAddress(network: ReachNetwork, family: Family, index: 0 | 1): string | undefined {
  const own = network[family];
  return own === undefined ? undefined : plain(own).replace(/[0-9a-f]*$/i, `20${index + 1}`);
}

/** Puts two guests on each network. */
export async function joinGuests(sandbox: Sandbox, networks: readonly ReachNetwork[]): Promise<JoinedNetwork[]> {
  // Every rejected packet is told of, not some a second.
  const unlimited = "echo 0 > /proc/sys/net/ipv4/icmp_ratelimit; echo 0 > /proc/sys/net/ipv6/icmp/ratelimit";
  await sandbox.exec(["sh", "-c", unlimited]);
  return inParallel(4, networks, async (network) => {
    const guests = await Promise.all(
      ([0, 1] as const).map((index) => {
        const withPrefix = (family: Family) => {
          const address = guestAddress(network, family, index);
          return address === undefined ? {} : { [family]: `${address}/${network[family]?.replace(/.*\//, "")}` };
        };
        const gateway = Object.fromEntries(
          families.flatMap((family) => {
            const own = network[family];
            return own === undefined ? [] : [[family, network.gateway?.[family] ?? plain(own)]];
          }),
        );
        const name = `${network.name}-${"ab"[index]}`;
        return hostGuest(sandbox, { name, bridge: network.bridge, ...withPrefix("v4"), ...withPrefix("v6"), gateway });
      }),
    );
    return { ...network, guests: guests as [HostGuest, HostGuest] };
  });
}

/** Pings until an answer of any kind comes, at most two seconds. */
export async function ping(from: Executor, address: string): Promise<Answer> {
  const { stdout, stderr, code } = await from.exec(["ping", "-n", "-c1", "-w2", "-i0.4", address]);
  if (code === 0) return "yes";
  const said = stdout + stderr;
  if (/port unreachable|prohibited|filtered/i.test(said)) return "rejected";
  if (/network is unreachable|no route/i.test(said)) return "no route";
  return "no answer";
}

/** Four cells a network and family, all probed beside each other. */
export async function measureReach(sandbox: Sandbox, networks: readonly JoinedNetwork[]): Promise<ReachRow[]> {
  const rows = networks.flatMap((network) =>
    families.filter((family) => network[family] !== undefined).map((family) => ({ network, family })),
  );
  return inParallel(6, rows, async ({ network, family }) => {
    const [a] = network.guests;
    const own = network[family] as string;
    const [host, sameNetwork, outside, fromOutside] = await Promise.all([
      ping(a, network.host?.[family] ?? plain(own)),
      ping(a, guestAddress(network, family, 1) as string),
      ping(a, sandbox.outsideAddress[family]),
      ping(sandbox.outside, guestAddress(network, family, 0) as string),
    ]);
    return { network: network.name, family, host, sameNetwork, outside, fromOutside };
  });
}

/** The rows as a table in Markdown that is easily read as text, too. */
export function reachTable(rows: readonly ReachRow[]): string {
  const says = (answer: Answer) => (answer === "yes" ? "yes" : `no (${answer})`);
  const lines = [
    ["network", "", "host", "same network", "outside", "from outside"],
    ...rows.map((row) => [row.network, row.family === "v4" ? "IPv4" : "IPv6", ...cells.map((cell) => says(row[cell]))]),
  ];
  const widths = (lines[0] as string[]).map((_, column) =>
    Math.max(...lines.map((line) => (line[column] ?? "").length)),
  );
  const text = lines.map((line) => `| ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`);
  text.splice(1, 0, `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`);
  return text.join("\n");
}

// ---------------------------------------------------------------------------------------------------------------------

export interface Datagram {
  /** The sender's address as the receiver sees it; undefined when nothing arrives. */
  arrivedFrom?: string;
  /** The receiver's answer came back. */
  answered: boolean;
}

/** Both ends of an exchange, each run in its namespace. */
const RECEIVE = `
const [address, type, port] = process.argv.slice(1);
const socket = require("dgram").createSocket(type);
socket.on("message", (_, from) => { console.log("FROM " + from.address); socket.send("pong", from.port, from.address); });
socket.bind(Number(port), address, () => console.log("READY"));
setTimeout(() => process.exit(), 20000);
`;
const SEND = `
const [address, type, port] = process.argv.slice(1);
const socket = require("dgram").createSocket(type);
socket.on("message", () => { console.log("ANSWERED"); process.exit(); });
socket.on("error", () => {});
const send = () => socket.send("ping", Number(port), address, () => {});
send();
setInterval(send, 100);
setTimeout(() => process.exit(), 1500);
`;

/** Each exchange has its own, so that several run beside each other. */
let nextPort = 20_000;

/** Sends UDP datagrams from one namespace ("outside" or a guest's name) to an address in another one. */
export async function sendDatagram(sandbox: Sandbox, from: string, to: string, address: string): Promise<Datagram> {
  const type = address.includes(":") ? "udp6" : "udp4";
  const port = String(nextPort++);
  const node = (namespace: string, script: string) =>
    spawn(
      "nsenter",
      [`--net=${sandbox.path(`/run/netns/${namespace}`)}`, process.execPath, "-e", script, address, type, port],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
  const receiver = node(to, RECEIVE);
  let received = "";
  receiver.stdout.setEncoding("utf8");
  try {
    await new Promise<void>((resolve, reject) => {
      receiver.stdout.on("data", (chunk: string) => {
        received += chunk;
        if (received.includes("READY")) resolve();
      });
      receiver.once("error", reject);
      receiver.once("close", () => reject(new Error(`Nothing listens on ${address} in "${to}".`)));
    });
    const sender = node(from, SEND);
    let told = "";
    sender.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      told += chunk;
    });
    await new Promise((resolve, reject) => {
      sender.once("error", reject);
      sender.once("close", resolve);
    });
    const arrivedFrom = /^FROM (\S+)/m.exec(received)?.[1];
    return { ...(arrivedFrom === undefined ? {} : { arrivedFrom }), answered: told.includes("ANSWERED") };
  } finally {
    receiver.kill("SIGKILL");
  }
}

/** Makes a bridge of the uplink, as a host has that bridges its guests to the LAN: the addresses and routes move to it. */
export async function bridgeUplink(sandbox: Sandbox, name: string): Promise<void> {
  const { hostAddress, outsideAddress } = sandbox;
  const script = `
ip link add ${name} type bridge
ip link set up0 master ${name}
ip -6 route del ::/0 dev up0
ip addr flush dev up0
ip addr add ${hostAddress.v4}/24 dev ${name}
ip addr add ${hostAddress.v6}/64 dev ${name} nodad
ip link set ${name} up
ip route add default via ${outsideAddress.v4}
ip route add ::/0 via ${outsideAddress.v6} dev ${name}`;
  const { stderr, code } = await sandbox.exec(["sh", "-ec", script]);
  if (code !== 0) throw new Error(`The uplink could not be put on the bridge ${name}: ${stderr.trim()}`);
}

async function inParallel<T, R>(limit: number, items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index] as T);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return results;
}
