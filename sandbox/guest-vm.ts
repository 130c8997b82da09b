/** Guests that are virtual machines. */
import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import { domainXml, GUESTS, type GuestOptions } from "./guest-domain.js";
import { buildGuestImage, type GuestImage } from "./guest-image.js";
import { GuestShell } from "./guest-shell.js";
import { type ExecResult, type Sandbox, SandboxError } from "./index.js";
import { LIST_ADDRESSES, type NicAddresses, randomMac, readAddresses } from "./nics.js";
import { type Pinger, pinger } from "./ping.js";

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

/** Defines and starts a guest. Use `waitReady` before asking something of it. */
export async function startGuest(sandbox: Sandbox, options: GuestOptions): Promise<Guest> {
  const { name } = options;
  const uuid = randomUUID();
  const nics = (options.nics ?? []).map((nic) => ({ ...nic, mac: nic.mac ?? randomMac() }));
  fs.mkdirSync(sandbox.path(GUESTS), { recursive: true });
  const files = await imageFor(sandbox, options);
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
async function imageFor(sandbox: Sandbox, { agent = false }: GuestOptions): Promise<GuestImage> {
  const files = await buildGuestImage({ agent });
  if (sandbox.root === "/") return files;
  const inside = { kernel: `${GUESTS}/.vmlinuz`, initrd: `${GUESTS}/${agent ? ".initrd-agent.gz" : ".initrd.gz"}` };
  fs.copyFileSync(files.kernel, sandbox.path(inside.kernel));
  fs.copyFileSync(files.initrd, sandbox.path(inside.initrd));
  return inside;
}
