/** The guests' kernel and initrd, kept outside the tree and shared by all sandboxes. */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { gzipSync } from "node:zlib";
import { type CpioFile, cpio } from "./cpio.js";
import { agentFiles } from "./guest-agent.js";
import { cacheDir, requirePrograms, SandboxError } from "./index.js";
import { must } from "./process.js";

/** Scripts of the guests. */
export const SOURCE = path.join(__dirname, "../../sandbox");

export interface GuestImage {
  kernel: string;
  initrd: string;
}

const MODULES = ["virtio_pci", "virtio_console", "virtio_net"];

export interface GuestImageOptions {
  /** With QEMU's guest agent. */
  agent?: boolean;
}

const images = new Map<boolean, Promise<GuestImage>>();

/** Builds the guests' kernel and initrd, unless that was done before; downloads the kernel (27 MB) with apt the first time. */
export function buildGuestImage({ agent = false }: GuestImageOptions = {}): Promise<GuestImage> {
  const image =
    images.get(agent) ??
    build(agent).catch((error: unknown) => {
      images.delete(agent);
      throw error;
    });
  images.set(agent, image);
  return image;
}

async function build(agent: boolean): Promise<GuestImage> {
  if (process.arch !== "x64") throw new SandboxError("Guests are built for x86-64 only.");
  requirePrograms({ busybox: "busybox-static" }, "A guest");
  const busybox = fs.readFileSync(await which("busybox"));
  if (busybox.includes("/ld-linux"))
    throw new SandboxError("A guest needs a static busybox: apt-get install busybox-static");
  const dir = await kernelDir();
  const files: CpioFile[] = [
    { name: "bin/busybox", mode: 0o100755, data: busybox },
    { name: "bin/guest-shell.sh", mode: 0o100755, data: fs.readFileSync(path.join(SOURCE, "guest-shell.sh")) },
    { name: "bin/udhcpc.sh", mode: 0o100755, data: fs.readFileSync(path.join(SOURCE, "udhcpc.sh")) },
    { name: "init", mode: 0o100755, data: fs.readFileSync(path.join(SOURCE, "guest-init.sh")) },
  ];
  for (const module of fs.readdirSync(path.join(dir, "modules")).sort()) {
    files.push({ name: `modules/${module}`, mode: 0o100644, data: fs.readFileSync(path.join(dir, "modules", module)) });
  }
  if (agent) files.push(...(await agentFiles()));
  const archive = cpio(["bin", "modules", "dev", ...(agent ? ["lib", "lib64"] : [])], files);
  const hash = createHash("sha256").update(archive).digest("hex").slice(0, 12);
  const initrd = path.join(dir, `initrd-${hash}.gz`);
  if (!fs.existsSync(initrd)) {
    const temporary = `${initrd}.${process.pid}`;
    fs.writeFileSync(temporary, gzipSync(archive, { level: 6 }));
    fs.renameSync(temporary, initrd);
  }
  return { kernel: path.join(dir, "vmlinuz"), initrd };
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

export async function which(program: string): Promise<string> {
  return (await must(["sh", "-c", `command -v ${program}`])).trim();
}
