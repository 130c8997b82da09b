// Root filesystems with other generations of libvirtd, made once by make-root.sh and kept in the cache. What is in the cache under its
// final name is whole: it is made beside that and renamed at the end.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheDir, locked, output, run, Sentence, seconds, which } from "../lib/run.mjs";

const recipe = join(dirname(fileURLToPath(import.meta.url)), "make-root.sh");
const folder = join(cacheDir, "roots");
const RECORD = ".virtnet-root.json";

/** The root of a suite as it lies in the cache: `{ suite, dir, libvirt, qemu, made }`; undefined where there is none. */
export function cachedRoot(suite) {
  const dir = dirOf(suite);
  const record = join(dir, RECORD);
  return existsSync(record) ? { suite, dir, ...JSON.parse(readFileSync(record, "utf8")) } : undefined;
}

/** The same, made if need be; with `fresh` made anew, since a suite like sid moves on. */
export async function ensureRoot(suite, { fresh = false } = {}) {
  if (process.getuid?.() !== 0)
    throw new Sentence("Another generation of libvirtd needs root, to make its file system and run it.");
  mkdirSync(folder, { recursive: true });
  return await locked(join(folder, `.lock-${suite}`), async () => {
    const present = fresh ? undefined : cachedRoot(suite);
    if (present) return present;
    for (const name of readdirSync(folder).filter((name) => name.startsWith(`.${suite}-`)))
      rmSync(join(folder, name), { recursive: true, force: true });
    return await make(suite);
  });
}

function dirOf(suite) {
  const hash = createHash("sha256").update(readFileSync(recipe)).digest("hex").slice(0, 12);
  return join(folder, `${suite}-${hash}`);
}

async function make(suite) {
  if (!which("debootstrap", ["/usr/sbin"]))
    throw new Sentence("A root file system is made by debootstrap: npm run setup installs it.");
  const started = Date.now();
  const dir = dirOf(suite);
  const unfinished = join(folder, `.${suite}-${process.pid}`);
  console.log(`Root ${suite}: making it in ${dir} (1 to 3 minutes, 450 MB, once).`);
  try {
    // In namespaces of its own: nothing that it mounts or starts outlives it, so nothing but its files is there to remove.
    const command = ["--mount", "--pid", "--fork", "--kill-child", "/bin/sh", recipe, suite, unfinished, mirror()];
    await run(`root ${suite}`, "unshare", command);
    const record = { libvirt: versionOf("libvirtd", unfinished), qemu: versionOf("qemu-system-x86_64", unfinished) };
    writeFileSync(join(unfinished, RECORD), JSON.stringify({ ...record, made: new Date().toISOString() }));
    rmSync(dir, { recursive: true, force: true });
    renameSync(unfinished, dir);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  const made = cachedRoot(suite);
  console.log(`Root ${suite}: libvirt ${made.libvirt}, QEMU ${made.qemu} (${seconds(started)}).`);
  return made;
}

/** Where apt on this machine gets Debian from; elsewhere, Debian's own. */
function mirror() {
  const { VIRTNET_DEBIAN_MIRROR } = process.env;
  if (VIRTNET_DEBIAN_MIRROR) return VIRTNET_DEBIAN_MIRROR;
  const format = ["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Origin: Debian", "Label: Debian"];
  return output("apt-get", format)?.split("\n")[0] || "http://deb.debian.org/debian";
}

/** `12.8.0`; of the machine's own program without a root. */
export function versionOf(program, root = "/") {
  const env = { ...process.env, PATH: `${process.env.PATH ?? ""}:/usr/sbin:/usr/bin:/sbin:/bin`, LC_ALL: "C" };
  const [command, ...args] = [...(root === "/" ? [] : ["chroot", root]), program, "--version"];
  const version = /\d+\.\d+(\.\d+)?/.exec(output(command, args, { env }) ?? "")?.[0];
  if (!version)
    throw new Sentence(`${root === "/" ? "This machine's" : `${root}'s`} ${program} does not tell its version.`);
  return version;
}
