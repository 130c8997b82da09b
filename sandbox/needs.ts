/** What the machine must have for a sandbox. */
import * as fs from "node:fs";
import * as path from "node:path";
import { SandboxError } from "./errors.js";
import { PATH } from "./process.js";

/** Program → Debian package. */
const NEEDED: Record<string, string> = {
  unshare: "util-linux",
  nsenter: "util-linux",
  ip: "iproute2",
  virsh: "libvirt-clients",
};

const NEEDED_IN_ROOT: Record<string, string> = {
  libvirtd: "libvirt-daemon-system",
  virtlogd: "libvirt-daemon-system",
  dnsmasq: "dnsmasq-base",
  ip: "iproute2",
  iptables: "iptables",
  nft: "nftables",
  "qemu-system-x86_64": "qemu-system-x86",
};

function has(program: string, root = "/"): boolean {
  return PATH.split(":").some((dir) => {
    try {
      return fs.lstatSync(path.join(root, dir, program)) !== undefined;
    } catch {
      return false;
    }
  });
}

/** Throws one sentence when `programs` (program → package) are not all there. */
export function requirePrograms(programs: Record<string, string>, what: string, root = "/"): void {
  const missing = Object.entries(programs).filter(([program]) => !has(program, root));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map(([, name]) => name))].join(" ");
  const where = root === "/" ? "" : ` in ${root}`;
  throw new SandboxError(
    `${what} needs ${missing.map(([program]) => program).join(", ")}${where}: apt-get install --no-install-recommends ${packages}`,
  );
}

export function requireRoot(): void {
  if (process.platform !== "linux") throw new SandboxError("A sandbox needs Linux: it is made of namespaces.");
  if (process.getuid?.() !== 0)
    throw new SandboxError("A sandbox needs root, for its namespaces and its libvirtd: run this with sudo.");
}

/** Throws one sentence when a sandbox of this root filesystem could not be. */
export function requireSandbox(root: string): void {
  requirePrograms(NEEDED, "A sandbox");
  requirePrograms(NEEDED_IN_ROOT, "A sandbox", root);
}
