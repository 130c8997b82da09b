/**
 * The lab VM: a Debian with systemd, NetworkManager, sshd and libvirtd on a disk of its own, whose kernel has bonds and VLANs. It is
 * managed through its NIC eth0 alone, by the user admin, who is not root. The machine that manages it is the namespace of a sandbox:
 *
 * ```
 *   manager 198.51.100.1 ── switch "lan" ── eth0 (198.51.100.10), eth1
 *             192.0.2.1  ── switch "sw"  ── eth2, eth3
 *                           patch cables: eth4 ── eth6, eth5 ── eth7
 * ```
 *
 * Tests look into the VM by its serial port, so what they see does not depend on the network that they change.
 */
import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { shellText } from "../../provider/host/quote.js";
import { GuestShell } from "../../sandbox/guest-shell.js";
import { type ExecOptions, type ExecResult, type Executor, type Sandbox, startSandbox } from "../../sandbox/index.js";
import { skip } from "../skip.js";
import { labImageDir, labImpossible } from "./lab-image.js";

/** Addresses on the switch "lan". */
export const LAB = "198.51.100.10";
export const MANAGER = "198.51.100.1";
/** The manager on the switch "sw". */
export const PEER = "192.0.2.1";

/** Switch of each NIC; those with the same patch cable are joined. */
const NICS: readonly { tap: string; on: "lan" | "sw" }[] = [
  { tap: "lab0", on: "lan" },
  { tap: "lab1", on: "lan" },
  { tap: "lab2", on: "sw" },
  { tap: "lab3", on: "sw" },
];
const PATCHED: readonly [number, number][] = [
  [4, 6],
  [5, 7],
];
export const mac = (nic: number): string => `52:54:00:1a:b0:0${nic}`;

const BOOT_MS = 600_000;
/**
 * What QEMU translates well. Of "max" the kernel takes `rep movsb` (ERMS), which QEMU runs byte by byte, and SMAP, for which it has another
 * TLB. `norandmaps` below: it translates code anew for each address that it is at, so a program started again costs 16 instead of 81 ms.
 */
const CPU = "qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt,+rdrand,+aes,+pclmulqdq";

export interface Lab extends Executor {
  /** `qemu+ssh://admin@…`, from the manager's machine. */
  uri: string;
  /** The manager's machine, with the switches. */
  manager: Sandbox;
  /** Runs a command on the host as root, by its serial port. */
  exec(argv: string[], options?: ExecOptions): Promise<ExecResult>;
  /** The same with a line of shell, in text; an error when it fails. */
  sh(script: string, timeoutMs?: number): Promise<string>;
  /** A command by a new ssh connection from the manager's machine, as a user would. */
  ssh(command: string, timeoutMs?: number): Promise<ExecResult>;
  /** The same, waited for. @returns after how many ms. */
  reachable(limitMs?: number): Promise<number>;
  /** The cable of a NIC. */
  cable(nic: number, plugged: boolean): Promise<void>;
  /** The first ARP request with a VLAN's tag that is seen on a device of the manager's machine while `work` is done, over and over. In tcpdump's words. */
  tagged(device: string, vlan: number, work: () => Promise<unknown>): Promise<string>;
  /** `systemctl reboot`, until it is back. */
  reboot(): Promise<void>;
  /** The power is cut, and comes back. */
  powerCut(): Promise<void>;
  stop(): Promise<void>;
}

async function must(what: Promise<ExecResult>, name: string): Promise<string> {
  const { stdout, stderr, code } = await what;
  if (code !== 0) throw new Error(`${name}: ${stderr.trim() || stdout.trim() || `code ${code}`}`);
  return stdout.trim();
}

/** A command of QEMU's machine protocol. */
function qmp(file: string, execute: string, args: Record<string, unknown> = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(file);
    let text = "";
    const over = (error?: Error) => {
      socket.destroy();
      if (error) reject(error);
      else resolve();
    };
    socket.setEncoding("utf8").setTimeout(10_000, () => over(new Error(`QEMU did not answer: ${execute}`)));
    socket.once("error", over);
    socket.on("data", (chunk: string) => {
      text += chunk;
      if (text.includes('"error"')) over(new Error(text));
      if (text.split('"return"').length > 2) over();
    });
    for (const command of [{ execute: "qmp_capabilities" }, { execute, arguments: args }])
      socket.write(`${JSON.stringify(command)}\n`);
  });
}

const SWITCHES = `set -e
for s in lan sw; do ip link add $s type bridge mcast_snooping 0; ip link set $s up; done
ip addr add ${MANAGER}/24 dev lan
ip addr add ${PEER}/24 dev sw
${NICS.map(({ tap, on }) => `ip tuntap add ${tap} mode tap; ip link set ${tap} master ${on} up`).join("\n")}`;

export async function startLab(): Promise<Lab> {
  const image = labImageDir();
  const manager = await startSandbox();
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "virtnet-lab-"));
  const at = (name: string) => path.join(dir, name);
  const end = async () => {
    await manager.stop();
    fs.rmSync(dir, { recursive: true, force: true });
  };
  try {
    await must(manager.exec(["sh", "-c", SWITCHES]), "the lab's switches");
    await must(manager.exec(["cp", "--sparse=always", path.join(image, "disk.img"), at("disk.img")]), "the lab's disk");
    const nic = (i: number, backend: string) => [
      ...[
        "-netdev",
        backend,
        "-device",
        `virtio-net-pci,netdev=n${i},id=nic${i},mac=${mac(i)},addr=${i + 8},speed=1000,duplex=full`,
      ],
    ];
    const cables = PATCHED.flatMap((ends, hub) => ends.flatMap((i) => nic(i, `hubport,id=n${i},hubid=${hub + 1}`)));
    const taps = NICS.flatMap(({ tap }, i) => nic(i, `tap,id=n${i},ifname=${tap},script=no,downscript=no`));
    const qemu = [
      ...["qemu-system-x86_64", "-accel", "tcg", "-cpu", CPU, "-M", "q35", "-m", "1024", "-smp", "1"],
      ...["-nodefaults", "-display", "none", "-uuid", randomUUID(), "-daemonize"],
      ...["-serial", `file:${at("console")}`, "-qmp", `unix:${at("qmp")},server=on,wait=off`],
      ...["-device", "virtio-serial-pci", "-chardev", `socket,id=shell,path=${at("shell")},server=on,wait=off`],
      ...["-device", "virtserialport,chardev=shell,name=org.virtnet.shell"],
      ...["-drive", `file=${at("disk.img")},format=raw,if=virtio,cache=writeback`],
      ...[...taps, ...cables],
      ...["-kernel", path.join(image, "vmlinuz"), "-initrd", path.join(image, "initrd.gz"), "-append"],
      "console=ttyS0 quiet loglevel=4 net.ifnames=0 mitigations=off no_timer_check nokaslr norandmaps random.trust_cpu=on",
    ];
    await must(manager.exec(qemu), "the lab VM");
    const lab = labOf(manager, dir, image, end);
    await lab.reachable(BOOT_MS);
    return lab;
  } catch (error) {
    const said = fs.existsSync(at("console")) ? fs.readFileSync(at("console"), "utf8").slice(-2000) : "";
    await end();
    throw new Error(`${(error as Error).message}\n${said}`);
  }
}

function labOf(manager: Sandbox, dir: string, image: string, end: () => Promise<void>): Lab {
  const at = (name: string) => path.join(dir, name);
  fs.writeFileSync(at("known_hosts"), `${LAB} ${fs.readFileSync(path.join(image, "host.pub"), "utf8")}`);
  fs.copyFileSync(path.join(image, "id"), at("id"));
  fs.chmodSync(at("id"), 0o600);
  const enter = ["nsenter", "-t", String(manager.pid), "-n", "--"];
  const knows = ["ssh", "-F", "/dev/null", "-o", `UserKnownHostsFile=${at("known_hosts")}`];
  fs.writeFileSync(at("ssh"), `#!/bin/sh\nexec ${[...enter, ...knows].join(" ")} "$@"\n`, { mode: 0o755 });
  const query = new URLSearchParams({ keyfile: at("id"), known_hosts: at("known_hosts"), command: at("ssh") });
  const shell = new GuestShell("lab", at("shell"));

  const sh: Lab["sh"] = (script, timeoutMs = 60_000) => must(shell.exec(script, timeoutMs), script);
  const ssh: Lab["ssh"] = (command, timeoutMs = 30_000) => {
    const how = ["-o", "BatchMode=yes", "-o", "ConnectTimeout=5", "-i", at("id"), `admin@${LAB}`, command];
    return manager
      .exec([...knows, ...how], { timeoutMs })
      .catch((e: Error) => ({ stdout: "", stderr: e.message, code: 255 }));
  };
  const reachable: Lab["reachable"] = async (limitMs = 30_000) => {
    const began = performance.now();
    for (;;) {
      const { code, stderr } = await ssh("true");
      const ms = performance.now() - began;
      if (code === 0) return ms;
      if (ms > limitMs) throw new Error(`the lab VM cannot be reached by ssh within ${limitMs} ms: ${stderr.trim()}`);
      await sleep(200);
    }
  };
  const bootId = "cat /proc/sys/kernel/random/boot_id";
  const again = async (how: () => Promise<unknown>) => {
    const before = await sh(bootId);
    await how();
    for (const until = Date.now() + BOOT_MS; ; ) {
      const { stdout, stderr } = await ssh(bootId);
      if (stdout !== "" && stdout.trim() !== before) break;
      if (Date.now() > until) {
        const log = fs.readFileSync(at("console"), "utf8").slice(-2000);
        throw new Error(`the lab VM did not come back within ${BOOT_MS / 1000} s: ${stderr}\n${log}`);
      }
      await sleep(500);
    }
    await sh("true");
  };
  return {
    uri: `qemu+ssh://admin@${LAB}/system?${query}`,
    manager,
    exec: (argv, { timeoutMs = 60_000 } = {}) => shell.exec(shellText(argv), timeoutMs),
    sh,
    ssh,
    reachable,
    cable: (nic, plugged) => qmp(at("qmp"), "set_link", { name: `nic${nic}`, up: plugged }),
    async tagged(device, vlan, work) {
      const filter = `vlan ${vlan} and arp`;
      const seen = manager.exec(["tcpdump", "-nn", "-e", "-c", "1", "-i", device, filter], { timeoutMs: 60_000 });
      let over = false;
      const end = () => {
        over = true;
      };
      void seen.then(end, end);
      // It takes a moment until it listens.
      while (!over) await work();
      return (await seen).stdout;
    },
    reboot: () => again(() => sh("systemctl reboot")),
    powerCut: () => again(() => qmp(at("qmp"), "system_reset")),
    async stop() {
      shell.close();
      await end();
    },
  };
}

let running: Promise<Lab> | undefined;

/** The lab VM for the tests of the enclosing `describe`, the same for all of a process; where there can be none they are skipped, with the reason. */
export function withLab(): () => Lab {
  let lab: Lab | undefined;
  before("boots the lab VM", async function () {
    this.timeout(BOOT_MS + 60_000);
    const impossible = labImpossible();
    if (impossible !== undefined) skip(this, impossible);
    if (!fs.existsSync(labImageDir())) skip(this, "the lab VM is not made yet: node scripts/setup.mjs --lab");
    running ??= startLab();
    lab = await running;
  });
  return () => {
    if (lab === undefined) throw new Error("The lab VM is there in tests and hooks only.");
    return lab;
  };
}

after("ends the lab VM", async () => {
  await (await running?.catch(() => undefined))?.stop();
});
