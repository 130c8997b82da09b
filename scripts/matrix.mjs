// Runs the sandbox tests against several generations of libvirtd, with each firewall backend they have, and ends with one line:
// "N passed, N failed, N skipped". Not part of `npm test`: a cell takes minutes. Needs root.
//
//   npm run test:matrix                             what a daemon has a say in, in every cell
//   npm run test:matrix -- --list                   the cells, and what runs in them
//   npm run test:matrix -- --only 12.8/nftables     one cell; also "12.8", "sid", "nftables"; several with commas
//   npm run test:matrix -- --files network,paths    these files of test/sandbox only
//   npm run test:matrix -- --grep "nat"             tests whose title matches
//   npm run test:matrix -- --all                    every file of test/sandbox
//   npm run test:matrix -- --fresh                  makes the root file systems anew: Debian sid moves on
//   npm run test:matrix -- --record                 writes the counts into docs/daemons.md
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { counts, runMocha } from "./lib/mocha.mjs";
import { Sentence } from "./lib/run.mjs";
import { cachedRoot, ensureRoot, versionOf } from "./matrix/roots.mjs";
import { ensureAll, root } from "./setup.mjs";

/** Where a daemon comes from: this machine, or a suite of Debian, with what is `expected` until its root is there to be asked. */
const generations = [
  { suite: "machine" },
  { suite: "trixie", expected: "11.3.0" },
  { suite: "sid", expected: "12.8.0" },
];
const backends = ["iptables", "nftables"];
/** Before it there was iptables only (libvirt's NEWS). */
const NFTABLES_SINCE = [10, 4];
/** Of test/sandbox, without --all: not what is about connections and the command line of sandboxes, and what takes long. */
const leftOut = ["far", "sandbox-cli", "ssh", "faults", "vminterface-faults"];
const testTimeoutMs = 600_000;
const page = join(root, "docs", "daemons.md");

async function main() {
  const options = readArguments(process.argv.slice(2));
  const files = filesFor(options);
  const wanted = () =>
    generations
      .map(({ suite, expected }) => ({ suite, libvirt: knownVersion(suite) ?? expected }))
      .filter(({ suite, libvirt }) => isWanted(options, suite, libvirt));
  if (options.list) {
    for (const daemon of wanted())
      for (const { name, suite } of cellsOf(daemon, options))
        console.log(`${name} (${suite === "machine" ? "this machine" : `Debian ${suite}`})`);
    console.log(files.map((file) => `test/sandbox/${file}.test.ts`).join("\n"));
    return undefined;
  }
  const { node } = await ensureAll({ guests: true, pulumi: false });
  const daemons = [];
  for (const { suite } of wanted()) daemons.push(await daemonOf(suite, options));
  const cells = daemons.flatMap((daemon) => cellsOf(daemon, options));
  if (cells.length === 0) throw new Sentence(`No cell is ${options.only.join(" or ")}: npm run test:matrix -- --list`);

  const results = [];
  for (const cell of cells) {
    const { VIRTNET_TEST_ROOT: _, VIRTNET_TEST_FIREWALL: __, ...own } = process.env;
    const environment = {
      ...own,
      PATH: [join(root, "node_modules", ".bin"), process.env.PATH].join(delimiter),
      ...(cell.dir && { VIRTNET_TEST_ROOT: cell.dir }),
      ...(cell.choice && { VIRTNET_TEST_FIREWALL: cell.backend }),
    };
    const paths = files.map((file) => `dist/test/sandbox/${file}.test.js`);
    const { grep } = options;
    const found = await runMocha({
      root,
      node,
      name: cell.name,
      files: paths,
      timeoutMs: testTimeoutMs,
      grep,
      environment,
    });
    for (const problem of found.problems) found.failed.push({ name: "the run itself", error: problem });
    const result = { ...found, cell };
    results.push(result);
    if (options.record) record(result);
  }
  return summarize(results);
}

function readArguments(given) {
  const options = { only: [], files: undefined, grep: undefined, all: false, list: false, fresh: false, record: false };
  for (let i = 0; i < given.length; i++) {
    const [option, inline] = given[i].split(/=(.*)/s);
    const name = option.replace(/^--/, "");
    const kind = option.startsWith("--") ? typeof options[name] : undefined;
    if (kind === "boolean" && inline === undefined && Object.hasOwn(options, name)) options[name] = true;
    else {
      const value = inline ?? given[++i];
      if (value === undefined || !["--only", "--files", "--grep"].includes(option))
        throw new Sentence(
          `test:matrix knows --only, --files, --grep TEXT, --all, --list, --fresh and --record, not "${option}".`,
        );
      options[name] = name === "grep" ? value : value.split(",");
    }
  }
  if (options.record && (options.files || options.grep || options.all))
    throw new Sentence("--record writes down what the default files gave: leave out --files, --grep and --all.");
  return options;
}

function filesFor({ files, all }) {
  const present = readdirSync(join(root, "test", "sandbox"))
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => name.slice(0, -".test.ts".length));
  const unknown = (files ?? []).filter((name) => !present.includes(name));
  if (unknown.length > 0)
    throw new Sentence(`test/sandbox has no ${unknown.join(", ")}; it has ${present.join(", ")}.`);
  return files ?? present.filter((name) => all || !leftOut.includes(name));
}

/** Whether `--only` asks for a daemon, whatever the backend. */
function isWanted({ only }, suite, version) {
  return only.length === 0 || only.some((wanted) => matches(wanted.split("/"), suite, version, backends));
}

function matches(parts, suite, version, those) {
  return parts.every(
    (part) => part === suite || those.includes(part) || version === part || version.startsWith(`${part}.`),
  );
}

const knownVersion = (suite) => (suite === "machine" ? versionOf("libvirtd") : cachedRoot(suite)?.libvirt);

async function daemonOf(suite, options) {
  if (suite !== "machine") return await ensureRoot(suite, options);
  return { suite, libvirt: versionOf("libvirtd"), qemu: versionOf("qemu-system-x86_64") };
}

function cellsOf(daemon, { only }) {
  const [major, minor] = daemon.libvirt.split(".").map(Number);
  const choice = major > NFTABLES_SINCE[0] || (major === NFTABLES_SINCE[0] && minor >= NFTABLES_SINCE[1]);
  return backends
    .filter((backend) => choice || backend === "iptables")
    .filter((b) => only.length === 0 || only.some((w) => matches(w.split("/"), daemon.suite, daemon.libvirt, [b])))
    .map((backend) => ({ ...daemon, backend, choice, name: `${major}.${minor}/${backend}` }));
}

function summarize(results) {
  const all = (kind) =>
    results.flatMap((result) => result[kind].map((event) => ({ ...event, cell: result.cell.name })));
  const total = { passed: all("passed"), failed: all("failed"), skipped: all("skipped") };
  if (total.skipped.length > 0) console.log("Skipped:");
  for (const { name, reason, where } of merged(total.skipped))
    console.log(`  ${where.join(", ")}: ${name}: ${reason ?? "no reason given"}`);
  if (total.failed.length > 0) console.log("Failed:");
  for (const { cell, name, error } of total.failed)
    console.log(`  ${cell}: ${name}\n${error.replace(/^/gm, "      ")}`);
  const rows = results.map(({ cell, passed, failed, skipped, ms }) => [
    cell.name,
    `libvirt ${cell.libvirt}, QEMU ${cell.qemu}`,
    ...[passed, failed, skipped].map((events) => String(events.length)),
    `${Math.round(ms / 1000)} s`,
  ]);
  console.log(table([["cell", "daemon", "passed", "failed", "skipped", "time"], ...rows]));
  return total;
}

/** One line a test, with the cells that skipped it. */
function merged(events) {
  const lines = new Map();
  for (const event of events) {
    const key = `${event.name}\n${event.reason}`;
    lines.set(key, { ...event, where: [...(lines.get(key)?.where ?? []), event.cell] });
  }
  return [...lines.values()];
}

function table(rows) {
  const width = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(width[column]))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** The row of this cell in the page's table; those of others stay. */
function record({ cell, passed, failed, skipped }) {
  const text = readFileSync(page, "utf8");
  const [before, inside, after] = text.split(/(?<=<!-- cells -->\n)|(?=<!-- \/cells -->)/);
  if (after === undefined)
    throw new Sentence("docs/daemons.md has no table between <!-- cells --> and <!-- /cells -->.");
  const [head, rule, ...rows] = inside.trimEnd().split("\n");
  const kept = new Map(rows.map((row) => [row.split("|")[1].trim(), row]));
  const day = new Date().toISOString().slice(0, 10);
  const values = [cell.name, cell.libvirt, cell.qemu, passed.length, failed.length, skipped.length, day];
  kept.set(cell.name, `| ${values.join(" | ")} |`);
  const byVersion = (a, b) => a[0].localeCompare(b[0], "en", { numeric: true });
  const lines = [head, rule, ...[...kept].sort(byVersion).map(([, row]) => row)];
  writeFileSync(page, `${before}${lines.join("\n")}\n${after}`);
}

let total;
try {
  total = await main();
} catch (error) {
  const text = error instanceof Sentence ? error.message : String(error?.stack ?? error);
  console.log(`The matrix could not be run.\n${text}`);
  total = { passed: [], failed: [{}], skipped: [] };
}
if (total) {
  console.log(counts(total));
  process.exitCode = total.failed.length > 0 ? 1 : 0;
}
