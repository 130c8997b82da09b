/**
 * Guests for a sandbox.
 *
 * - `startGuest`: a real virtual machine under QEMU without KVM: Debian's cloud kernel with busybox, up in a few seconds, with NICs to
 *   hot-plug and a command shell over a virtio-serial port.
 * - `hostGuest`: a network namespace on a bridge. Costs nothing; for whoever only needs an IP stack there.
 *
 * ```ts
 * const web = await startGuest(sandbox, { name: "web", nics: [{ network: "dev" }] });
 * await web.waitReady();
 * await web.exec("ping -c1 192.168.100.1");
 * ```
 */
import { createHash, randomBytes, randomUUID } from "node:crypto";
import * as fs from "node:fs";
import * as net from "node:net";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import {
  cacheDir,
  type ExecOptions,
  type ExecResult,
  type Executor,
  requirePrograms,
  run,
  type Sandbox,
  SandboxError,
} from "./index.js";

const SOURCE = path.join(__dirname, "../../sandbox");

// ---------------------------------------------------------------------------------------------------------------------
// The image: kernel and initrd, kept outside the tree and shared by all sandboxes

export interface GuestImage {
  kernel: string;
  initrd: string;
}

const MODULES = ["virtio_pci", "virtio_console", "virtio_net"];

let image: Promise<GuestImage> | undefined;

/** Builds the guests' kernel and initrd, unless that was done before; downloads the kernel (27 MB) with apt the first time. */
export function buildGuestImage(): Promise<GuestImage> {
  image ??= build().catch((error: unknown) => {
    image = undefined;
    throw error;
  });
  return image;
}

async function build(): Promise<GuestImage> {
  if (process.arch !== "x64") throw new SandboxError("Guests are built for x86-64 only.");
  requirePrograms({ busybox: "busybox-static" }, "A guest");
  const busybox = fs.readFileSync(await which("busybox"));
  if (busybox.includes("/ld-linux"))
    throw new SandboxError("A guest needs a static busybox: apt-get install busybox-static");
  const dir = await kernelDir();
  const files: CpioFile[] = [
    { name: "bin/busybox", mode: 0o100755, data: busybox },
    { name: "bin/udhcpc.sh", mode: 0o100755, data: fs.readFileSync(path.join(SOURCE, "udhcpc.sh")) },
    { name: "init", mode: 0o100755, data: fs.readFileSync(path.join(SOURCE, "guest-init.sh")) },
  ];
  for (const module of fs.readdirSync(path.join(dir, "modules")).sort()) {
    files.push({ name: `modules/${module}`, mode: 0o100644, data: fs.readFileSync(path.join(dir, "modules", module)) });
  }
  const archive = cpio(["bin", "modules", "dev"], files);
  const hash = createHash("sha256").update(archive).digest("hex").slice(0, 12);
  const initrd = path.join(dir, `initrd-${hash}.gz`);
  if (!fs.existsSync(initrd)) {
    const temporary = `${initrd}.${process.pid}`;
    fs.writeFileSync(temporary, gzipSync(archive, { level: 6 }));
    fs.renameSync(temporary, initrd);
  }
  return { kernel: path.join(dir, "vmlinuz"), initrd };
}

async function which(program: string): Promise<string> {
  return (await must(["sh", "-c", `command -v ${program}`])).trim();
}

async function must(argv: string[], what = argv.join(" "), options: ExecOptions = {}): Promise<string> {
  const { stdout, stderr, code } = await run(argv, { timeoutMs: 300_000, ...options });
  if (code !== 0) throw new SandboxError(`${what} failed: ${stderr.trim() || stdout.trim() || `code ${code}`}`);
  return stdout;
}

/** guest-VERSION/ with vmlinuz and modules/ (and modules/order): the newest that is there, else downloaded. */
async function kernelDir(): Promise<string> {
  const cache = cacheDir();
  fs.mkdirSync(cache, { recursive: true });
  const present = fs.readdirSync(cache).filter((name) => /^guest-\d/.test(name));
  const newest = present.sort((a, b) => a.localeCompare(b, "en", { numeric: true })).at(-1);
  if (newest !== undefined) return path.join(cache, newest);

  requirePrograms(
    { "apt-get": "apt", "dpkg-deb": "dpkg", depmod: "kmod", modprobe: "kmod", xz: "xz-utils" },
    "A guest's kernel",
  );
  const depends = await must(["apt-cache", "depends", "--important", "linux-image-cloud-amd64"]);
  const name = /Depends: (linux-image-\S+-cloud-amd64)/.exec(depends)?.[1];
  if (name === undefined)
    throw new SandboxError("apt knows no linux-image-cloud-amd64, the guests' kernel: apt-get update");
  const work = fs.mkdtempSync(path.join(cache, ".guest-"));
  try {
    await must(["sh", "-c", 'cd "$0" && apt-get download -q "$1"', work, name], `Downloading ${name}`);
    const [deb = ""] = fs.readdirSync(work).filter((file) => file.endsWith(".deb"));
    const root = path.join(work, "root");
    await must(["dpkg-deb", "-x", path.join(work, deb), root]);
    const base = fs.existsSync(path.join(root, "lib/modules")) ? root : path.join(root, "usr");
    const [version = ""] = fs.readdirSync(path.join(base, "lib/modules"));
    await must(["depmod", "-b", base, version]);
    const out = path.join(work, "out");
    fs.mkdirSync(path.join(out, "modules"), { recursive: true });
    fs.copyFileSync(path.join(root, "boot", `vmlinuz-${version}`), path.join(out, "vmlinuz"));
    const order: string[] = [];
    for (const module of MODULES) {
      const lines = await must(["modprobe", "-d", base, "-S", version, "--show-depends", module]);
      for (const [, file = ""] of lines.matchAll(/^insmod (\S+)/gm)) {
        const plain = path.basename(file).replace(/\.xz$/, "");
        if (order.includes(plain)) continue;
        order.push(plain);
        const target = path.join(out, "modules", plain);
        if (file.endsWith(".xz")) await must(["sh", "-c", 'xz -dc "$0" > "$1"', file, target]);
        else fs.copyFileSync(file, target);
      }
    }
    fs.writeFileSync(path.join(out, "modules/order"), `${order.join("\n")}\n`);
    const dir = path.join(cache, `guest-${version}`);
    try {
      fs.renameSync(out, dir);
    } catch (error) {
      if (!fs.existsSync(path.join(dir, "vmlinuz"))) throw error; // Else another process was faster.
    }
    return dir;
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}

interface CpioFile {
  name: string;
  mode: number;
  data: Buffer;
}

/** An archive in the kernel's format ("newc"). */
function cpio(dirs: string[], files: CpioFile[]): Buffer {
  const parts: Buffer[] = [];
  const pad = (length: number) => Buffer.alloc((4 - (length % 4)) % 4);
  const add = ({ name, mode, data }: CpioFile, inode: number) => {
    const fields = [inode, mode, 0, 0, 1, 0, data.length, 0, 0, 0, 0, name.length + 1, 0];
    const head = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}${name}\0`);
    parts.push(head, pad(head.length), data, pad(data.length));
  };
  const all = [...dirs.map((name) => ({ name, mode: 0o040755, data: Buffer.alloc(0) })), ...files];
  all.forEach((file, index) => {
    add(file, index + 1);
  });
  add({ name: "TRAILER!!!", mode: 0, data: Buffer.alloc(0) }, 0);
  return Buffer.concat(parts);
}

// ---------------------------------------------------------------------------------------------------------------------
// Pings: how many got lost, and for how long nothing came through

export interface PingResult {
  sent: number;
  received: number;
  lostSequences: number[];
  /** Longest time between two answers, from the sequence numbers. */
  maxGapMs: number;
}

export interface PingHandle {
  target: string;
  intervalMs: number;
  file: string;
}

/** What can be asked of every kind of guest. */
export interface Pinger {
  /** Pings in the background, until `stopPing`. */
  startPing(target: string, intervalMs?: number): Promise<PingHandle>;
  stopPing(handle: PingHandle): Promise<PingResult>;
}

export interface NicAddresses {
  nic: string;
  mac: string;
  v4: string[];
  v6: string[];
}

type Shell = (command: string) => Promise<{ stdout: string; code: number }>;

function pinger(shell: Shell, busybox: string): Pinger {
  const elapsed = "$(cut -d' ' -f1 /proc/uptime)";
  return {
    async startPing(target, intervalMs = 20) {
      const file = `/run/ping.${randomBytes(4).toString("hex")}`;
      const ping = `${busybox} ping -i ${intervalMs / 1000} ${target}`;
      await shell(`echo ${elapsed} > ${file}.begin; ${ping} < /dev/null > ${file} 2>&1 & echo $! > ${file}.pid`);
      return { target, intervalMs, file };
    },
    async stopPing({ intervalMs, file }) {
      const { stdout } = await shell(
        `kill -INT $(cat ${file}.pid); echo T $(cat ${file}.begin) ${elapsed}; sleep 0.2; cat ${file}; rm -f ${file} ${file}.*`,
      );
      return readPings(stdout, intervalMs);
    },
  };
}

/** From the first line "T begin end" (seconds) and what busybox's ping printed. */
function readPings(text: string, intervalMs: number): PingResult {
  const [, begin = "0", end = "0"] = /^T (\S+) (\S+)/m.exec(text) ?? [];
  const elapsedMs = (Number(end) - Number(begin)) * 1000;
  const answered = new Set([...text.matchAll(/\bseq=(\d+)/g)].map(([, sequence]) => Number(sequence)));
  // It dies when its NIC goes away; what it would have sent counts as sent.
  const counted = /(\d+) packets transmitted/.exec(text)?.[1];
  let sent = counted === undefined ? Math.floor(elapsedMs / intervalMs) : Number(counted);
  sent = Math.max(sent, ...(answered.size === 0 ? [0] : [Math.max(...answered) + 1]));
  // The last one may have been under way when it was stopped.
  if (sent > 1 && !answered.has(sent - 1) && answered.has(sent - 2)) sent -= 1;
  const lostSequences = Array.from({ length: sent }, (_, sequence) => sequence).filter(
    (sequence) => !answered.has(sequence),
  );
  let longest = 0;
  let current = 0;
  for (let sequence = 0; sequence < sent; sequence++) {
    current = answered.has(sequence) ? 0 : current + 1;
    longest = Math.max(longest, current);
  }
  const realInterval = sent === 0 ? intervalMs : Math.max(intervalMs, elapsedMs / sent);
  return { sent, received: answered.size, lostSequences, maxGapMs: Math.round((longest + 1) * realInterval) };
}

/** Reads `ip -o link` and `ip -o addr` together. */
function readAddresses(text: string): NicAddresses[] {
  const nics = new Map<string, NicAddresses>();
  for (const line of text.split("\n")) {
    const name = /^\d+: ([^\s@:]+)/.exec(line)?.[1];
    if (name === undefined || name === "lo") continue;
    const nic = nics.get(name) ?? { nic: name, mac: "", v4: [], v6: [] };
    nics.set(name, nic);
    nic.mac = /link\/ether (\S+)/.exec(line)?.[1] ?? nic.mac;
    const [, family, address = ""] = /\s(inet6?) (\S+)/.exec(line) ?? [];
    if (family === "inet") nic.v4.push(address);
    if (family === "inet6" && !address.startsWith("fe80:")) nic.v6.push(address);
  }
  return [...nics.values()].filter(({ mac }) => mac !== "");
}

const LIST_ADDRESSES = "ip -o link; ip -o addr";

// ---------------------------------------------------------------------------------------------------------------------
// Virtual machines

export interface GuestNic {
  /** A libvirt network, or */
  network?: string;
  /** a bridge of the host. */
  bridge?: string;
  mac?: string;
  model?: string;
  /** "dhcp" by default, "none", or fixed ones with their prefix. */
  addresses?: "dhcp" | "none" | { v4?: string; v6?: string };
}

export interface GuestOptions {
  name: string;
  nics?: GuestNic[];
  memoryMiB?: number;
  /** PCIe slots for NICs to hot-plug; 6 by default. */
  spareSlots?: number;
}

export interface Guest extends Pinger {
  name: string;
  uuid: string;
  /** Runs a line of shell in the guest; many at once run beside each other. */
  exec(command: string, options?: { timeoutMs?: number }): Promise<ExecResult>;
  /** Until its NICs have their addresses (or DHCP gave up after 15 s). Tells the guest's uptime then, in seconds. */
  waitReady(timeoutMs?: number): Promise<number>;
  /** Brings a NIC up, by DHCP: for one that was hot-plugged. */
  up(nic: string): Promise<void>;
  addresses(): Promise<NicAddresses[]>;
  /** What it wrote to its serial console. */
  console(): string;
  /** Destroys and undefines it. */
  stop(): Promise<void>;
}

const GUESTS = "/run/virtnet/guests";

function xml(strings: TemplateStringsArray, ...values: (string | number)[]): string {
  const escaped = (value: string | number) =>
    String(value).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
  return strings.reduce((text, piece, index) => text + escaped(values[index - 1] ?? "") + piece);
}

function randomMac(): string {
  return ["52", "54", "00", ...[...randomBytes(3)].map((byte) => byte.toString(16).padStart(2, "0"))].join(":");
}

function domainXml(
  options: GuestOptions,
  uuid: string,
  nics: (GuestNic & { mac: string })[],
  files: GuestImage,
): string {
  const { name, memoryMiB = 128, spareSlots = 6 } = options;
  const fixed = nics.flatMap(({ mac, addresses = "dhcp" }) => {
    if (addresses === "dhcp") return [];
    return [
      `nic=${mac.toLowerCase()},${addresses === "none" ? "none" : `${addresses.v4 ?? ""},${addresses.v6 ?? ""}`}`,
    ];
  });
  const cmdline = [
    ...[
      "console=ttyS0",
      "quiet",
      "panic=1",
      "nokaslr",
      "mitigations=off",
      "no_timer_check",
      "cryptomgr.notests",
      "i8042.noaux",
    ],
    ...["random.trust_cpu=on", `guest=${name}`, ...fixed],
  ].join(" ");
  const interfaces = nics.map(({ network, bridge, mac, model = "virtio" }) => {
    const source =
      network === undefined ? xml`<source bridge='${bridge ?? ""}'/>` : xml`<source network='${network}'/>`;
    const type = network === undefined ? "bridge" : "network";
    return xml`<interface type='${type}'><mac address='${mac}'/>` + source + xml`<model type='${model}'/></interface>`;
  });
  const ports = Array.from(
    { length: nics.length + 1 + spareSlots },
    () => "<controller type='pci' model='pcie-root-port'/>",
  );
  return (
    xml`<domain type='qemu'><name>${name}</name><uuid>${uuid}</uuid><memory unit='MiB'>${memoryMiB}</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type><kernel>${files.kernel}</kernel><initrd>${files.initrd}</initrd><cmdline>${cmdline}</cmdline></os>
  <features><acpi/><apic/></features>
  <clock offset='utc'><timer name='hpet' present='no'/></clock>
  <devices>
    <controller type='usb' model='none'/>
    <controller type='pci' index='0' model='pcie-root'/>
    ` +
    [...ports, ...interfaces].join("\n    ") +
    xml`
    <serial type='file'><source path='${GUESTS}/${name}.console'/></serial>
    <channel type='unix'><source mode='bind' path='${GUESTS}/${name}.shell'/><target type='virtio' name='org.virtnet.shell'/></channel>
    <memballoon model='none'/>
  </devices>
</domain>
`
  );
}

/** Defines and starts a guest. Use `waitReady` before asking something of it. */
export async function startGuest(sandbox: Sandbox, options: GuestOptions): Promise<Guest> {
  const { name } = options;
  const uuid = randomUUID();
  const nics = (options.nics ?? []).map((nic) => ({ ...nic, mac: nic.mac ?? randomMac() }));
  fs.mkdirSync(sandbox.path(GUESTS), { recursive: true });
  const files = await imageFor(sandbox);
  const virsh = async (what: string, argv: string[], input?: string) => {
    const { stderr, code } = await sandbox.exec(
      ["virsh", "-c", "qemu:///system", ...argv],
      input === undefined ? {} : { input },
    );
    if (code !== 0) throw new SandboxError(`${what} the guest "${name}" failed: ${stderr.trim()}`);
  };
  await virsh("Defining", ["define", "/dev/stdin"], domainXml(options, uuid, nics, files));
  try {
    await virsh("Starting", ["start", name]);
  } catch (error) {
    await sandbox.exec(["virsh", "undefine", name]);
    throw error;
  }
  const shell = new GuestShell(name, sandbox.path(`${GUESTS}/${name}.shell`));
  const exec: Guest["exec"] = (command, { timeoutMs } = {}) => shell.exec(command, timeoutMs);
  return {
    name,
    uuid,
    exec,
    ...pinger(exec, "busybox"),
    async waitReady(timeoutMs = 60_000) {
      const { stdout } = await exec("until [ -s /run/ready ]; do usleep 50000; done; cat /run/ready", { timeoutMs });
      return Number(stdout);
    },
    async up(nic) {
      const { stderr, stdout, code } = await exec(`up ${nic}; cat /run/udhcpc.${nic} 2>/dev/null`);
      if (code !== 0) throw new SandboxError(`Bringing ${nic} up in the guest "${name}" failed: ${stderr}${stdout}`);
    },
    addresses: async () => readAddresses((await exec(LIST_ADDRESSES)).stdout),
    console: () => fs.readFileSync(sandbox.path(`${GUESTS}/${name}.console`), "utf8"),
    async stop() {
      shell.close();
      await sandbox.exec(["virsh", "destroy", name]);
      await virsh("Undefining", ["undefine", name]);
    },
  };
}

/** Another root filesystem does not see the cache. */
async function imageFor(sandbox: Sandbox): Promise<GuestImage> {
  const files = await buildGuestImage();
  if (sandbox.root === "/") return files;
  const inside = { kernel: `${GUESTS}/.vmlinuz`, initrd: `${GUESTS}/.initrd.gz` };
  fs.copyFileSync(files.kernel, sandbox.path(inside.kernel));
  fs.copyFileSync(files.initrd, sandbox.path(inside.initrd));
  return inside;
}

/** The other end of guest-init.sh's port. */
class GuestShell {
  private readonly waiting = new Map<string, (result: ExecResult) => void>();
  private readonly name: string;
  private readonly file: string;
  private connection: Promise<net.Socket> | undefined;
  private count = 0;
  private text = "";

  constructor(name: string, file: string) {
    this.name = name;
    this.file = file;
  }

  async exec(command: string, timeoutMs = 30_000): Promise<ExecResult> {
    const socket = await this.connect();
    const id = String(++this.count);
    return new Promise((resolve, reject) => {
      // Some more than the guest itself takes, which is slow.
      const timer = setTimeout(() => {
        this.waiting.delete(id);
        reject(new Error(`The guest "${this.name}" did not answer within ${timeoutMs} ms: ${command}`));
      }, timeoutMs + 2000);
      this.waiting.set(id, (result) => {
        clearTimeout(timer);
        resolve(result);
      });
      socket.write(`${id} ${Math.ceil(timeoutMs / 1000)} ${Buffer.from(command).toString("base64")}\n`);
    });
  }

  close(): void {
    void this.connection?.then((socket) => socket.destroy());
  }

  private connect(): Promise<net.Socket> {
    this.connection ??= new Promise((resolve, reject) => {
      const socket = net.connect(this.file);
      socket.setEncoding("utf8");
      socket.once("connect", () => {
        socket.unref();
        resolve(socket);
      });
      socket.once("error", reject);
      socket.once("close", () => {
        this.connection = undefined;
      });
      socket.on("data", (chunk: string) => this.read(chunk));
    });
    return this.connection;
  }

  private read(chunk: string): void {
    this.text += chunk;
    const lines = this.text.split("\n");
    this.text = lines.pop() ?? "";
    for (const line of lines) {
      const [, id = "", code, stdout = "", stderr = ""] = /^(\d+) (\d+):([^:]*):(.*)$/.exec(line) ?? [];
      const decode = (text: string) => Buffer.from(text, "base64").toString();
      this.waiting.get(id)?.({ stdout: decode(stdout), stderr: decode(stderr), code: Number(code) });
      this.waiting.delete(id);
    }
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Namespaces

export interface HostGuestOptions {
  bridge: string;
  /** Of the namespace; letters, digits, hyphens, at most 12 characters. */
  name: string;
  /** With prefix. */
  v4?: string;
  /** With prefix. Router advertisements are heeded only without it. */
  v6?: string;
  /** Where its default routes go. */
  gateway?: { v4?: string; v6?: string };
  /** IPv4 by DHCP. */
  dhcp?: boolean;
  mac?: string;
}

export interface HostGuest extends Executor, Pinger {
  name: string;
  mac: string;
  addresses(): Promise<NicAddresses[]>;
  stop(): Promise<void>;
}

/** A network namespace with eth0 on a bridge of the sandbox. */
export async function hostGuest(sandbox: Sandbox, options: HostGuestOptions): Promise<HostGuest> {
  const { name, bridge, v4, v6, gateway = {}, dhcp = false, mac = randomMac() } = options;
  if (!/^[a-z0-9-]{1,12}$/i.test(name))
    throw new SandboxError(`"${name}" cannot be a guest's name: letters, digits, hyphens, at most 12.`);
  requirePrograms({ busybox: "busybox-static" }, "A guest");
  for (const [file, source] of [
    ["busybox", await which("busybox")],
    ["udhcpc.sh", path.join(SOURCE, "udhcpc.sh")],
  ] as const) {
    const target = sandbox.path(`/run/virtnet/${file}`);
    if (fs.existsSync(target)) continue;
    const temporary = `${target}.${randomBytes(4).toString("hex")}`;
    fs.copyFileSync(source, temporary);
    fs.chmodSync(temporary, 0o755);
    fs.renameSync(temporary, target);
  }
  const inside = sandbox.namespace(name);
  const port = `hg-${name}`;
  const stop = async () => {
    await sandbox.exec([
      "sh",
      "-c",
      `for p in $(ip netns pids ${name}); do kill -9 $p; done; ip link del ${port}; ip netns del ${name}`,
    ]);
  };
  const must = async (executor: Executor, script: string) => {
    const { stderr, code } = await executor.exec(["sh", "-ec", script]);
    if (code === 0) return;
    await stop();
    throw new SandboxError(`The guest "${name}" on "${bridge}" did not start: ${stderr.trim()}`);
  };
  await must(
    sandbox,
    `ip netns add ${name}; ip link add ${port} type veth peer name eth0 netns ${name} address ${mac}`,
  );
  await must(
    inside,
    "for i in all default eth0; do echo 0 > /proc/sys/net/ipv6/conf/$i/accept_dad; done; ip link set lo up",
  );
  await must(sandbox, `ip link set ${port} master ${bridge}; ip link set ${port} up`);
  await must(
    inside,
    [
      ...(v6 === undefined ? [] : ["echo 0 > /proc/sys/net/ipv6/conf/eth0/accept_ra"]),
      "ip link set eth0 up",
      ...(v4 === undefined ? [] : [`ip addr add ${v4} dev eth0`]),
      ...(v6 === undefined ? [] : [`ip addr add ${v6} dev eth0 nodad`]),
      ...(gateway.v4 === undefined ? [] : [`ip route replace default via ${gateway.v4}`]),
      ...(gateway.v6 === undefined ? [] : [`ip route replace ::/0 via ${gateway.v6} dev eth0`]),
      ...(dhcp
        ? [`/run/virtnet/busybox udhcpc -i eth0 -s /run/virtnet/udhcpc.sh -x hostname:${name} -t 5 -T 3 -n > /dev/null`]
        : []),
    ].join("; "),
  );
  return {
    name,
    mac,
    ...inside,
    ...pinger((command) => inside.exec(["sh", "-c", command]), "/run/virtnet/busybox"),
    addresses: async () => readAddresses((await inside.exec(["sh", "-c", LIST_ADDRESSES])).stdout),
    stop,
  };
}

/** Waits until `condition` holds. */
export async function eventually(condition: () => Promise<boolean>, timeoutMs = 10_000): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) return false;
    await sleep(100);
  }
  return true;
}
