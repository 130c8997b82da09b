// Makes a machine ready to build, try and test this repository. Run it as often as you like: what is there already is
// left alone. It needs Node 18 or newer and npm, and nothing from node_modules.
//
//   node scripts/setup.mjs            system packages, node packages, build, Pulumi CLI
//   node scripts/setup.mjs --guests   the same, and the image of the small virtual machines used by tests and demo
//   node scripts/setup.mjs --lab      the same, and the disk of the virtual machine that tests of the host's own links run on
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { delimiter, dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { cacheDir, locked, output, run, Sentence, seconds, which } from "./lib/run.mjs";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const inRoot = (...path) => join(root, ...path);

/** The Pulumi CLI is not there, nor what builds it. */
class NoPulumi extends Sentence {}

/**
 * Everything that is wanted, in order. Parts can be left out: unit tests need neither Pulumi nor libvirt. `pulumi` may be "if possible".
 * Returns the node to run our code with and the folder of the Pulumi CLI (undefined when left out), or `noPulumi`, why there is none.
 */
export async function ensureAll({ system = true, build = true, pulumi = true, guests = false, lab = false } = {}) {
  const started = Date.now();
  const key = createHash("sha256").update(root).digest("hex").slice(0, 12);
  const ready = await locked(join(tmpdir(), `virtnet-setup-${key}.lock`), async () => {
    if (system) await ensureSystemPackages();
    const node = await ensureNodePackages();
    if (build) await ensureBuild(node);
    const found = pulumi ? await findPulumi(pulumi === "if possible") : {};
    if (guests) await ensureGuests(node);
    if (lab) await ensureLab(node);
    return { node, ...found };
  });
  console.log(`Set-up is complete (${seconds(started)}).`);
  return ready;
}

// --- System packages -------------------------------------------------------------------------------------------------

/** Debian's package → a file or program that shows it is there, for distributions with other names. */
const systemPackages = {
  "libvirt-daemon-system": "libvirtd",
  "libvirt-clients": "virsh",
  "libvirt-dev": "/usr/include/libvirt/libvirt.h",
  "dnsmasq-base": "dnsmasq",
  "qemu-system-x86": "qemu-system-x86_64",
  nftables: "nft",
  iptables: "iptables",
  iproute2: "ip",
  "iputils-ping": "ping",
  kmod: "modprobe",
  "busybox-static": "busybox",
  cpio: "cpio",
  tcpdump: "tcpdump",
  debootstrap: "debootstrap",
  e2fsprogs: "mke2fs",
  gcc: "gcc",
  "libc6-dev": "/usr/include/stdio.h",
  procps: "ps",
};
/**
 * Services of a host's own links, for their tests. Only on a machine of CI: elsewhere they would start with the machine and
 * take its network over, so there the tests say what is missing.
 */
const packagesOfCi = {
  "network-manager": "NetworkManager",
  "openssh-server": "/usr/sbin/sshd",
  "openssh-client": "ssh",
  dbus: "dbus-daemon",
};
const packages = process.env.CI === "true" ? { ...systemPackages, ...packagesOfCi } : systemPackages;

async function ensureSystemPackages() {
  const missing = which("dpkg-query") ? missingDebianPackages() : missingPrograms();
  if (missing.length === 0) return console.log(`System packages: all ${Object.keys(packages).length} are there.`);
  if (!which("apt-get")) {
    throw new Sentence(
      "System packages: this machine has no apt-get, so nothing is installed for you. Please install what your distribution " +
        `calls ${missing.join(", ")} (the names are Debian's), then run this again.`,
    );
  }
  const asRoot = process.getuid?.() === 0 ? [] : which("sudo") ? ["sudo"] : undefined;
  const command = `apt-get install --no-install-recommends ${missing.join(" ")}`;
  if (!asRoot)
    throw new Sentence(`System packages: missing, and neither root nor sudo to install them. As root, run: ${command}`);
  console.log(`System packages: installing ${missing.join(", ")}. No service is started by this.`);
  const started = Date.now();
  const [first, ...rest] = [...asRoot, "sh", "-c", installScript, "install", ...missing];
  await run("apt-get", first, rest);
  console.log(`System packages: ${missing.length} installed (${seconds(started)}).`);
}

/**
 * policy-rc.d answers 101 ("not allowed") while packages are unpacked, so that a libvirtd we only want the files of does
 * not start on this machine. One that exists already is the owner's: it is neither changed nor removed.
 */
const installScript = `
policy=/usr/sbin/policy-rc.d
if (set -C; printf '#!/bin/sh\\nexit 101\\n' > "$policy") 2>/dev/null; then
  trap 'rm -f "$policy"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
apt-get -o DPkg::Lock::Timeout=300 update || echo "apt-get update failed: trying with the lists at hand"
apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@"
`;

function missingDebianPackages() {
  const names = Object.keys(packages);
  const listed = output("sh", [
    "-c",
    `dpkg-query -W -f '\${Package} \${db:Status-Status}\\n' "$@" 2>/dev/null; true`,
    "query",
    ...names,
  ]);
  const installed = new Set((listed ?? "").split("\n").filter((line) => line.endsWith(" installed")));
  return names.filter((name) => !installed.has(`${name} installed`));
}

function missingPrograms() {
  const there = (sign) => (sign.startsWith("/") ? existsSync(sign) : which(sign, ["/usr/sbin", "/sbin"]));
  return Object.keys(packages).filter((name) => !there(packages[name]));
}

// --- Node packages ---------------------------------------------------------------------------------------------------

async function ensureNodePackages() {
  const stamp = inRoot("node_modules", ".virtnet-lock-hash");
  const hash = createHash("sha256")
    .update(readFileSync(inRoot("package-lock.json")))
    .digest("hex");
  const stamped = existsSync(stamp) ? readFileSync(stamp, "utf8") : undefined;
  if (stamped === hash || installedAsLocked()) {
    console.log("Node packages: as package-lock.json says.");
  } else {
    const started = Date.now();
    console.log(
      `Node packages: running npm ci (${existsSync(inRoot("node_modules")) ? "package-lock.json changed" : "none yet"}).`,
    );
    await run("npm ci", "npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
      cwd: root,
      env: envWithoutLocalBin(),
    });
    console.log(`Node packages: installed (${seconds(started)}).`);
  }
  if (stamped !== hash) writeFileSync(stamp, hash);
  return await ensureNode();
}

/** True when npm's own record of node_modules has every package of the lock in its version (somebody ran npm install). */
function installedAsLocked() {
  const record = inRoot("node_modules", ".package-lock.json");
  if (!existsSync(record)) return false;
  const packagesOf = (path) => JSON.parse(readFileSync(path, "utf8")).packages;
  const installed = packagesOf(record);
  const locked = Object.entries(packagesOf(inRoot("package-lock.json"))).filter(([path]) => path !== "");
  return locked.every(([path, { version, optional }]) =>
    installed[path] ? installed[path].version === version : optional,
  );
}

/** npm ci removes node_modules first, so neither npm nor an install script may run by the node inside it. */
function envWithoutLocalBin() {
  const path = (process.env.PATH ?? "").split(delimiter).filter((folder) => !folder.includes("node_modules"));
  return { ...process.env, PATH: path.join(delimiter) };
}

/** The node from the registry (Pulumi's SDK wants 22 or newer); npm's `node` fetches it in an install script. */
async function ensureNode() {
  const node = inRoot("node_modules", ".bin", "node");
  const wanted = `v${JSON.parse(readFileSync(inRoot("node_modules", "node", "package.json"), "utf8")).version}`;
  const works = () => output(node, ["--version"])?.trim() === wanted;
  if (works()) return node;
  console.log(`Node ${wanted}: its install script has not run; running it now.`);
  await run("npm rebuild node", "npm", ["rebuild", "node", "--ignore-scripts=false"], {
    cwd: root,
    env: envWithoutLocalBin(),
  });
  if (!works())
    throw new Sentence(`node_modules/.bin/node does not run as ${wanted}. Remove node_modules and run this again.`);
  return node;
}

// --- Build -----------------------------------------------------------------------------------------------------------

const sourceFolders = ["provider", "sdk", "cli", "sandbox", "test", "bench"];

async function ensureBuild(node) {
  const stamp = inRoot("dist", ".virtnet-sources");
  const sources = sourceFolders.flatMap((folder) => filesBelow(inRoot(folder), ".ts"));
  const state = createHash("sha256");
  for (const path of [inRoot("tsconfig.json"), inRoot("package-lock.json"), ...sources]) {
    const { size, mtimeMs } = statSync(path);
    state.update(`${relative(root, path)} ${size} ${mtimeMs}\n`);
  }
  const digest = state.digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === digest) return console.log("Build: dist is up to date.");
  const started = Date.now();
  removeOrphans(new Set(sources.map((path) => relative(root, path).replace(/\.ts$/, ""))));
  await run("tsc", node, [inRoot("node_modules", "typescript", "bin", "tsc"), "-p", "."], { cwd: root });
  writeFileSync(stamp, digest);
  console.log(`Build: ${sources.length} TypeScript files compiled to dist (${seconds(started)}).`);
}

/** What was compiled from a source that is gone would still run, a deleted test among them. */
function removeOrphans(sources) {
  for (const path of filesBelow(inRoot("dist"), "")) {
    const compiled = /^(.*?)(\.d\.ts|\.js|\.js\.map)$/.exec(relative(inRoot("dist"), path));
    if (compiled && !sources.has(compiled[1])) {
      rmSync(path);
      rmSync(inRoot("dist", ".tsbuildinfo"), { force: true });
    }
  }
}

export function filesBelow(folder, ending) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return entry.name === "node_modules" ? [] : filesBelow(path, ending);
      return entry.name.endsWith(ending) ? [path] : [];
    });
}

// --- Pulumi CLI ------------------------------------------------------------------------------------------------------

const pulumiVersion = "3.259.0";
/** The last release of the SDK's Go module that still carried the Node.js language host; it works with newer engines. */
const languageHostVersion = "3.68.0";
const oldestPulumi = [3, 200];
const pulumiFiles = ["pulumi", "pulumi-language-nodejs", "pulumi-resource-pulumi-nodejs"];

const complete = (folder) =>
  pulumiFiles.every((name) => (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0) > 0);

async function findPulumi(mayLack) {
  try {
    return { pulumiDir: await ensurePulumi() };
  } catch (error) {
    if (!mayLack || !(error instanceof NoPulumi)) throw error;
    console.log(error.message);
    return { noPulumi: error.message.split("\n")[0] };
  }
}

async function ensurePulumi() {
  const installed = pulumiOnPath();
  if (installed) {
    console.log(`Pulumi CLI: ${installed.version}, in ${installed.folder} (on PATH).`);
    return installed.folder;
  }
  const folder = join(cacheDir, `pulumi-${pulumiVersion}`);
  if (!complete(folder)) await buildPulumi(folder);
  console.log(`Pulumi CLI: ${pulumiVersion}, in ${folder} (built from source).`);
  return folder;
}

function pulumiOnPath() {
  const path = which("pulumi");
  if (!path || !complete(dirname(path))) return undefined;
  const version = output(path, ["version"])?.trim();
  const [major, minor] = (/^v?(\d+)\.(\d+)/.exec(version ?? "") ?? []).slice(1).map(Number);
  const recent = major > oldestPulumi[0] || (major === oldestPulumi[0] && minor >= oldestPulumi[1]);
  return recent ? { version, folder: dirname(path) } : undefined;
}

/** Each file is built beside its place and renamed, so that a build cut short leaves nothing that looks whole. */
async function buildPulumi(folder) {
  const go = which("go", ["/usr/local/go/bin", "/usr/lib/go/bin"]);
  const version = go && /go(\d+)\.(\d+)/.exec(output(go, ["version"]) ?? "");
  if (!version || (Number(version[1]) === 1 && Number(version[2]) < 21)) {
    throw new NoPulumi(
      `Pulumi CLI: not on PATH (version ${oldestPulumi.join(".")} or newer with its Node.js language host), and building it needs ` +
        `Go 1.21 or newer, ${version ? `while ${go} is ${version[0]}` : "which is not installed either"}. ` +
        "Please install one of the two and run this again.",
    );
  }
  mkdirSync(folder, { recursive: true });
  const into = async (name, make) => {
    if (statSync(join(folder, name), { throwIfNoEntry: false })?.size) return;
    const temporary = join(folder, `.${name}.${process.pid}`);
    try {
      await make(temporary);
      chmodSync(temporary, 0o755);
      renameSync(temporary, join(folder, name));
    } finally {
      rmSync(temporary, { force: true });
    }
  };
  const build = (label, expected, module, target, version) => async (file) => {
    const started = Date.now();
    console.log(`Pulumi CLI: building ${label} with Go (${expected}).`);
    const flags = `-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${version}`;
    const args = ["build", "-trimpath", "-ldflags", flags, "-o", file, target];
    const env = { ...process.env, GOWORK: "off", HOME: homedir() };
    await run(`go build (${label})`, go, args, { cwd: inRoot("tools", module), env }).catch((error) => {
      // Whoever ends it wants nothing else either.
      throw error.signal ? error : new NoPulumi(`Pulumi CLI: ${label} could not be built. ${error.message}`);
    });
    console.log(`Pulumi CLI: ${label} built (${seconds(started)}).`);
  };
  const modules = "github.com/pulumi/pulumi";
  const engine = build(
    "the engine",
    "about five minutes the first time",
    "pulumi",
    `${modules}/pkg/v3/cmd/pulumi`,
    pulumiVersion,
  );
  const languageHost = `${modules}/sdk/v3/nodejs/cmd/pulumi-language-nodejs`;
  await into("pulumi", engine);
  await into(
    "pulumi-language-nodejs",
    build("the language host", "about one minute the first time", "language-host", languageHost, languageHostVersion),
  );
  const script = inRoot("node_modules", "@pulumi", "pulumi", "pulumi-resource-pulumi-nodejs");
  await into("pulumi-resource-pulumi-nodejs", async (file) => copyFileSync(script, file));
}

// --- Guest image -----------------------------------------------------------------------------------------------------

async function ensureGuests(node) {
  if (!existsSync(inRoot("dist", "sandbox", "guests.js")))
    return console.log("Guest image: nothing to build in this version.");
  const started = Date.now();
  const call = 'Promise.resolve(require("./dist/sandbox/guests.js").buildGuestImage()).then(() => process.exit(0))';
  await run("guest image", node, ["-e", call], { cwd: root });
  console.log(`Guest image: ready (${seconds(started)}).`);
}

// --- Lab VM ----------------------------------------------------------------------------------------------------------

/** Where there can be none, its tests are skipped and say why. */
async function ensureLab(node) {
  const started = Date.now();
  const at = "./dist/test/support/lab-image.js";
  const why = output(node, ["-p", `require("${at}").labImpossible() ?? ""`], { cwd: root })?.trim();
  if (why) return console.log(`Lab VM: none here, for ${why}.`);
  const call = `require("${at}").buildLabImage().then((dir) => console.log(dir), (e) => { console.error(e.message); process.exit(1); })`;
  const dir = (await run("lab VM (2 to 4 minutes the first time)", node, ["-e", call], { cwd: root })).trim();
  console.log(`Lab VM: its disk is in ${dir} (${seconds(started)}).`);
}

// --- As a command ----------------------------------------------------------------------------------------------------

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    const asked = process.argv.slice(2);
    const unknown = asked.filter((argument) => !["--guests", "--lab"].includes(argument));
    if (unknown.length > 0) throw new Sentence(`setup knows --guests and --lab, not ${unknown.join(" ")}.`);
    const { pulumiDir } = await ensureAll({ guests: asked.includes("--guests"), lab: asked.includes("--lab") });
    if (!process.env.PATH?.split(delimiter).includes(pulumiDir))
      console.log(`To run this Pulumi CLI yourself: export PATH=${pulumiDir}:$PATH`);
  } catch (error) {
    console.error(error instanceof Sentence ? error.message : error);
    process.exitCode = 1;
  }
}
