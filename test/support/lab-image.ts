/** The lab VM's disk, kernel and key: made once by scripts/lab/make-image.sh and kept in the cache. */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { cacheDir, requirePrograms, run, SandboxError } from "../../sandbox/index.js";
import { repository } from "./repository.js";

const recipe = path.join(repository, "scripts/lab/make-image.sh");
const shell = path.join(repository, "sandbox/guest-shell.sh");
const SUITE = "bookworm";

/** Program → Debian package. */
const NEEDED = {
  "apt-get": "apt",
  debootstrap: "debootstrap",
  depmod: "kmod",
  busybox: "busybox-static",
  cpio: "cpio",
  mke2fs: "e2fsprogs",
  "ssh-keygen": "openssh-client",
  ssh: "openssh-client",
  "qemu-system-x86_64": "qemu-system-x86",
};

/** What is in the cache under its final name is whole. */
export function labImageDir(): string {
  const hash = createHash("sha256");
  for (const file of [recipe, shell]) hash.update(fs.readFileSync(file));
  return path.join(cacheDir(), `lab-${hash.digest("hex").slice(0, 12)}`);
}

/** Why there can be no lab VM here; undefined: nothing speaks against it. */
export function labImpossible(): string | undefined {
  if (process.platform !== "linux" || process.arch !== "x64") return "the lab VM is made for x86-64 Linux";
  if (process.getuid?.() !== 0) return "the lab VM needs root, for its namespace and its disk";
  try {
    requirePrograms(NEEDED, "The lab VM");
  } catch (error) {
    return (error as Error).message;
  }
  return undefined;
}

/** Makes it, unless that was done before. */
export async function buildLabImage(): Promise<string> {
  const dir = labImageDir();
  if (fs.existsSync(dir)) return dir;
  const impossible = labImpossible();
  if (impossible !== undefined) throw new SandboxError(impossible);
  fs.mkdirSync(cacheDir(), { recursive: true });
  const work = fs.mkdtempSync(path.join(cacheDir(), ".lab-"));
  try {
    // In namespaces of its own: nothing that it mounts or starts outlives it.
    const inside = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "/bin/sh", recipe, SUITE, work, shell];
    const { stdout, stderr, code } = await run(inside, { timeoutMs: 20 * 60_000 });
    if (code !== 0) throw new SandboxError(`Making the lab VM failed: ${`${stdout}\n${stderr}`.trim().slice(-4000)}`);
    fs.renameSync(work, dir);
  } catch (error) {
    fs.rmSync(work, { recursive: true, force: true });
    // Another process may have been faster.
    if (!fs.existsSync(dir)) throw error;
  }
  return dir;
}
