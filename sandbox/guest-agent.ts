/** QEMU's guest agent for guests, kept outside the tree; few want it, so it is fetched for those that do. */
import * as fs from "node:fs";
import * as path from "node:path";
import type { CpioFile } from "./cpio.js";
import { cacheDir, requirePrograms, SandboxError } from "./index.js";
import { must } from "./process.js";

const PACKAGE = "qemu-guest-agent";

/** It and its libraries, as files of an initrd; downloads the package (0.3 MB) with apt the first time. */
export async function agentFiles(): Promise<CpioFile[]> {
  const dir = path.join(cacheDir(), PACKAGE);
  if (!fs.existsSync(dir)) await fetchInto(dir);
  const at = fs.readFileSync(path.join(dir, "places"), "utf8").trim().split("\n");
  return at.map((name) => ({ name, mode: 0o100755, data: fs.readFileSync(path.join(dir, path.basename(name))) }));
}

async function fetchInto(dir: string): Promise<void> {
  requirePrograms({ "apt-get": "apt", "dpkg-deb": "dpkg", ldd: "libc-bin" }, "A guest's agent");
  fs.mkdirSync(path.dirname(dir), { recursive: true });
  const work = fs.mkdtempSync(`${dir}-`);
  try {
    await must(["sh", "-c", 'cd "$0" && apt-get download -q "$1"', work, PACKAGE], `Downloading ${PACKAGE}`);
    const [deb = ""] = fs.readdirSync(work).filter((file) => file.endsWith(".deb"));
    await must(["dpkg-deb", "-x", path.join(work, deb), path.join(work, "root")]);
    const program = path.join(work, "root/usr/sbin/qemu-ga");
    // Its libraries are the machine's: QEMU itself, of the same release, uses them too.
    const listed = await must(["ldd", program]);
    const missing = /(\S+) => not found/.exec(listed)?.[1];
    if (missing !== undefined) throw new SandboxError(`A guest's agent needs ${missing}: apt-get install ${PACKAGE}`);
    const libraries = [...listed.matchAll(/(\/\S+) \(0x/g)].map(([, file = ""]) => file);
    const out = path.join(work, "out");
    fs.mkdirSync(out);
    for (const file of [program, ...libraries]) fs.copyFileSync(file, path.join(out, path.basename(file)));
    // Where the loader looks by itself; it is named by its whole path in the program.
    const places = libraries.map((file) => (file.includes("/ld-linux") ? file.slice(1) : `lib/${path.basename(file)}`));
    fs.writeFileSync(path.join(out, "places"), `${["bin/qemu-ga", ...places].join("\n")}\n`);
    try {
      fs.renameSync(out, dir);
    } catch (error) {
      if (!fs.existsSync(path.join(dir, "places"))) throw error; // Else another process was faster.
    }
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}
