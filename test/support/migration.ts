/** Two sandboxes between which VMs migrate, as two hosts of a data centre: libvirt's own live migration, over a cable between them. */
import { execFile } from "node:child_process";
import * as fs from "node:fs";
import { GUESTS } from "../../sandbox/guest-domain.js";
import { GuestShell } from "../../sandbox/guest-shell.js";
import { environment, type Sandbox } from "../../sandbox/index.js";

const CABLE = "mig0";
const ADDRESS = ["10.255.0.1", "10.255.0.2"];

/** A cable from one to the other, in their own network namespaces, and what a guest's files need there. */
export async function connectHosts(a: Sandbox, b: Sandbox): Promise<void> {
  // Made within the first one: nothing of it is ever on the machine.
  const cable = ["ip", "link", "add", CABLE, "type", "veth", "peer", "name", CABLE, "netns", String(b.pid)];
  const made = await command("nsenter", ["-t", String(a.pid), "-n", ...cable]);
  if (made.code !== 0) throw new Error(made.said);
  for (const [i, host] of [a, b].entries()) {
    fs.mkdirSync(host.path(GUESTS), { recursive: true });
    const { stderr, code } = await host.exec([
      "sh",
      "-c",
      `ip addr add ${ADDRESS[i]}/24 dev ${CABLE} && ip link set ${CABLE} up`,
    ]);
    if (code !== 0) throw new Error(stderr);
  }
}

export interface Migration {
  code: number;
  /** What virsh said. */
  said: string;
}

export interface MigrateOptions {
  /** Others than `--persistent --undefinesource`: it leaves the one host and is defined on the other. */
  flags?: string[];
  /** MiB/s; without it as fast as it goes. */
  bandwidth?: number;
}

/** Migrates a running VM from one to the other, to the end. */
export async function migrate(
  vm: string,
  from: Sandbox,
  to: Sandbox,
  { flags = ["--persistent", "--undefinesource"], bandwidth }: MigrateOptions = {},
): Promise<Migration> {
  // Without a file system in common each has files of its own for the kernel.
  for (const name of from.root === "/" ? [] : fs.readdirSync(from.path(GUESTS)).filter((n) => n.startsWith(".")))
    fs.copyFileSync(from.path(`${GUESTS}/${name}`), to.path(`${GUESTS}/${name}`));
  const slow = bandwidth === undefined ? [] : ["--bandwidth", String(bandwidth)];
  const at = ["--migrateuri", `tcp://${await addressOf(to)}`];
  return await command("virsh", ["-c", from.uri, "migrate", "--live", ...flags, ...slow, vm, to.uri, ...at]);
}

async function addressOf(host: Sandbox): Promise<string> {
  const { stdout } = await host.exec(["ip", "-o", "-4", "addr", "show", "dev", CABLE]);
  return /inet ([\d.]+)/.exec(stdout)?.[1] ?? "";
}

/** The guest's shell, on the host that it has come to. */
export const shellOn = (host: Sandbox, vm: string): GuestShell =>
  new GuestShell(vm, host.path(`${GUESTS}/${vm}.shell`));

const command = (program: string, argv: string[]): Promise<Migration> =>
  new Promise((resolve) => {
    execFile(program, argv, { env: environment(), timeout: 180_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? 128), said: `${stdout}${stderr}`.trim() }),
    );
  });
