/**
 * The second channel to a host, beside libvirt: run a command there. Locally only where it is certain that the command runs
 * in the network namespace of the libvirtd that the URI names; by ssh for `qemu+ssh://`; otherwise by a command that is
 * configured. Everything else has no channel, and callers do without.
 *
 * ```ts
 * const channel = channelOf("qemu:///system");
 * await channel?.run(["ip", "-j", "addr"]);
 * (await channel?.devices())?.masters.get("vnet0"); // "virbr0"
 * ```
 */
import { execFile } from "node:child_process";
import * as fs from "node:fs";
import { configuredCommand, knock } from "./command.js";
import { environment, type Hold, keepRunning, type Talk, talkWith } from "./kept.js";
import { asRoot, overSsh, sshTarget } from "./ssh.js";

export interface RunResult {
  stdout: string;
  stderr: string;
  /** Exit code; 127 where the command could not be started, 128 where it was ended by a signal or the time limit. */
  code: number;
}

export interface HostAddress {
  device: string;
  /** `ADDRESS/PREFIX`. */
  address: string;
  family: 4 | 6;
  /** `global`, `link`, `host` … as the kernel says. */
  scope: string;
}

export interface HostDevices {
  /** Device → bridge that it is on. */
  masters: Map<string, string | undefined>;
  mtus: Map<string, number>;
  addresses: HostAddress[];
}

/** Why a program failed: what it said, or its exit code. */
export const whyFailed = (said: string, code: number): string => said.trim() || `exit code ${code}`;

export interface RunOptions {
  /** Ended after this time, in ms. Default: 10 s. */
  limitMs?: number;
  /** Exit codes other than 0 that say all: what the program complains of may be missing then. */
  enough?: readonly number[];
}

export interface Channel {
  /** How commands get there. */
  readonly by: "local" | "ssh" | "command";
  /** Whether they may change the host. Over ssh they run as root or not at all; here as who we are. */
  readonly mayChange: boolean;
  /** Runs a program with its arguments; no word is read by a shell. As root by ssh, by sudo where the user there is not. */
  run(argv: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** The same over a new connection: whether the host can be reached now. Locally the same as {@link run}. */
  runAnew(argv: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** Starts a program that says `held`, and then runs as long as it can be written to. */
  hold(argv: readonly string[], limitMs: number): Promise<Hold>;
  /** Starts a program that answers lines. */
  talk(argv: readonly string[]): Talk;
  /** All network devices, each with the bridge (or bond) that it is a port of, and all addresses in use. `by`: what runs the command. */
  devices(by?: Channel["run"]): Promise<HostDevices>;
  /** Command lines of all running programs of a name; undefined where they cannot be listed. */
  programs(name: string, by?: Channel["run"]): Promise<string[] | undefined>;
  /** The host's address on the device of its default route: what routers of that network know it by. One of `addresses`. */
  defaultSource(family: 4 | 6, addresses: readonly HostAddress[]): Promise<string | undefined>;
}

const LIMIT_MS = 10_000;
/** The first command opens the connection, by way of jump hosts perhaps. */
const SSH_LIMIT_MS = 30_000;
/** The programs that answer a local socket, and so run where its networks are. */
const DAEMONS = new Set(["libvirtd", "virtnetworkd", "virtqemud"]);

/** `undefined`: there is none to this host. */
export function channelOf(uri: string): Channel | undefined {
  const prefix = prefixOf(uri);
  if (prefix !== undefined) {
    const run = (argv: readonly string[], { limitMs = LIMIT_MS }: RunOptions = {}) =>
      start([...prefix, ...argv], limitMs);
    return channelBy("local", run, run, (argv) => ({ argv: [...prefix, ...argv] }));
  }
  const target = drivesNetworks(uri) ? sshTarget(uri) : undefined;
  if (!target) return drivesNetworks(uri) ? byCommand(uri) : undefined;
  const by =
    (anew: boolean) =>
    (argv: readonly string[], { limitMs = SSH_LIMIT_MS }: RunOptions = {}) => {
      const command = overSsh(target, argv, { anew });
      return start(command.argv, limitMs, command.input);
    };
  return channelBy("ssh", by(false), by(true), (argv) => overSsh(target, argv, { reads: true }));
}

/** By a program of the user's own. A new connection is one of libvirt as well, which may come by another NIC. */
function byCommand(uri: string): Channel | undefined {
  const words = configuredCommand(uri);
  if (!words) return undefined;
  const run: Run = (argv, { limitMs = SSH_LIMIT_MS } = {}) => start(words, limitMs, asRoot(argv, false));
  const runAnew: Run = async (argv, { limitMs = SSH_LIMIT_MS } = {}) => {
    const why = await knock(uri, limitMs);
    return why === undefined ? run(argv, { limitMs }) : { stdout: "", stderr: why, code: 255 };
  };
  return channelBy("command", run, runAnew, (argv) => ({ argv: words, input: asRoot(argv, true) }));
}

/** Drivers that have networks of a real host: `test:///default` has none. */
const DRIVERS = ["qemu", "network", "lxc", "ch", "xen", "vz", "bhyve"];
const drivesNetworks = (uri: string): boolean => DRIVERS.includes(/^(\w+)/.exec(uri)?.[1] ?? "");

/** What stands before a command to run it on the host of a URI. */
export function prefixOf(uri: string): readonly string[] | undefined {
  const [, transport = "", authority = "", query = ""] =
    /^\w+(?:\+(\w+))?:\/\/([^/?]*)[^?]*(?:\?(.*))?$/.exec(uri) ?? [];
  if (!drivesNetworks(uri)) return undefined;
  if (authority !== "" || (transport !== "" && transport !== "unix")) return undefined;
  const socket = new URLSearchParams(query).get("socket");
  const pid = socket === null ? undefined : /^\/proc\/(\d+)\/root\//.exec(socket)?.[1];
  // That of processes too: D-Bus serves no one whose process it cannot see. And its root, where its files are.
  if (pid !== undefined) return ["nsenter", "-t", pid, "-n", "-m", "-p", "-r", "--"];
  if (socket?.startsWith("/proc/")) return undefined;
  return daemonIsHere() ? [] : undefined;
}

/** Found once is enough: this looks at each process of the host. */
let daemonWasHere = false;

/**
 * Whether a libvirt daemon runs in our network namespace. In a container that was given the host's socket, or at the end of
 * a forwarded socket, none does.
 */
function daemonIsHere(): boolean {
  daemonWasHere ||= findsDaemon();
  return daemonWasHere;
}

function findsDaemon(): boolean {
  const read = (what: () => string): string | undefined => {
    try {
      return what();
    } catch {
      return undefined;
    }
  };
  const ours = read(() => fs.readlinkSync("/proc/self/ns/net"));
  const processes = fs.existsSync("/proc/self") ? fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name)) : [];
  return processes.some((pid) => {
    if (!DAEMONS.has(read(() => fs.readFileSync(`/proc/${pid}/comm`, "utf8").trim()) ?? "")) return false;
    // Who is not root may not read another's namespace; that the process is seen must do.
    const theirs = read(() => fs.readlinkSync(`/proc/${pid}/ns/net`));
    return theirs === undefined || theirs === ours;
  });
}

interface IpAddress {
  ifname: string;
  mtu: number;
  master?: string;
  addr_info?: {
    family: string;
    local?: string;
    prefixlen: number;
    scope: string;
    tentative?: boolean;
    deprecated?: boolean;
    temporary?: boolean;
  }[];
}
interface IpRoute {
  dev?: string;
  prefsrc?: string;
  metric?: number;
  nexthops?: { dev?: string }[];
}

/** Runs a program here, to its end. Nothing, or `input`, is what it reads. */
function start(argv: readonly string[], limitMs: number, input?: string): Promise<RunResult> {
  const [command = "", ...args] = argv;
  const env = environment();
  return new Promise((resolve) => {
    const child = execFile(
      command,
      args,
      { env, timeout: limitMs, killSignal: "SIGKILL", maxBuffer: 64 << 20 },
      (error, stdout, stderr) => {
        if (error === null) return resolve({ stdout, stderr, code: 0 });
        const { code } = error as { code?: unknown };
        if (typeof code === "number") return resolve({ stdout, stderr, code });
        resolve({ stdout, stderr: stderr || error.message, code: code === undefined || code === null ? 128 : 127 });
      },
    );
    // It may have ended without reading.
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
  });
}

type Run = Channel["run"];

/** How a program is started there that is written to. */
type Kept = (argv: readonly string[]) => { argv: readonly string[]; input?: string };

function channelBy(by: Channel["by"], run: Run, runAnew: Run, kept: Kept): Channel {
  const ip = async <T>(args: string[], by = run): Promise<T[]> => {
    const { stdout, stderr, code } = await by(["ip", "-j", ...args]);
    if (code !== 0) throw new Error(`ip ${args.join(" ")}: ${stderr.trim()}`);
    return JSON.parse(stdout.trim() || "[]") as T[];
  };
  const devices = async (by?: Run): Promise<HostDevices> => {
    const rank = (a: { deprecated?: boolean; temporary?: boolean }): number =>
      (a.deprecated ? 2 : 0) + (a.temporary ? 1 : 0);
    const all = await ip<IpAddress>(["addr", "show"], by);
    const addresses = all.flatMap(({ ifname, addr_info = [] }) =>
      [...addr_info]
        .filter((a) => a.local !== undefined && !a.tentative)
        .sort((a, b) => rank(a) - rank(b))
        .map((a) => ({
          device: ifname,
          address: `${a.local}/${a.prefixlen}`,
          family: a.family === "inet6" ? (6 as const) : (4 as const),
          scope: a.scope,
        })),
    );
    return {
      masters: new Map(all.map(({ ifname, master }) => [ifname, master])),
      mtus: new Map(all.map(({ ifname, mtu }) => [ifname, mtu])),
      addresses,
    };
  };
  return {
    by,
    mayChange: by !== "local" || process.getuid?.() === 0,
    run,
    runAnew,
    hold: (argv, limitMs) => {
      const there = kept(argv);
      return keepRunning(there.argv, limitMs, there.input);
    },
    talk: (argv) => {
      const there = kept(argv);
      return talkWith(there.argv, there.input);
    },
    devices,
    async programs(name, by = run) {
      // ps ends with 1 where there is none.
      // In the C locale it would write each byte beyond ASCII as "?".
      const { stdout, code } = await by(["env", "LC_ALL=C.UTF-8", "ps", "-C", name, "-o", "args="], { enough: [1] });
      return code > 1 ? undefined : stdout.split("\n").filter((line) => line !== "");
    },
    async defaultSource(family, addresses) {
      const routes = await ip<IpRoute>([`-${family}`, "route", "show", "default"]);
      const [best] = routes.sort((a, b) => (a.metric ?? 0) - (b.metric ?? 0));
      if (best?.prefsrc !== undefined) return best.prefsrc;
      const device = best?.dev ?? best?.nexthops?.[0]?.dev;
      return device === undefined ? undefined : addressOn(addresses, device, family);
    },
  };
}

/** The first address of a device that others can know it by. */
export function addressOn(addresses: readonly HostAddress[], device: string, family: 4 | 6): string | undefined {
  return addresses
    .find((a) => a.device === device && a.family === family && a.scope === "global")
    ?.address.replace(/\/.*/, "");
}
