// Runs the tests, by level, and ends with one line: "N passed, N failed, N skipped". Makes the machine ready first.
//
//   node scripts/test.mjs                        everything but the lab
//   node scripts/test.mjs --level unit,driver    these levels only
//   node scripts/test.mjs --grep "nat"           tests whose title matches
//   VIRTNET_NODE=/path/to/node node scripts/test.mjs    all that the tests run, by another Node
import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, delimiter, dirname, join, relative } from "node:path";
import { counts, runMocha, scratch } from "./lib/mocha.mjs";
import { output, Sentence } from "./lib/run.mjs";
import { ensureAll, filesBelow, root } from "./setup.mjs";

/** Faults are enumerated from the runs themselves, which takes as long as all else of that folder. */
const isOfFaults = (file) => /\/(vminterface-)?faults\.test\.ts$/.test(file);
/** They wait for the most part, for a NetworkManager that takes a change back. */
const isOfLinks = (file) => /\/hostlink[^/]*\.test\.ts$/.test(file);
/** In the lab VM, the NIC by which the host is managed, and bonds of each mode; all else there takes several times as long. */
const isOfLab = (file) => /(management|bonds)\.test\.ts$/.test(file);

/** Files that are jobs of their own, and how long each takes by itself, in s: the longest begins first. */
const LONG = { faults: 1250, "hostlink-faults": 1000, "vminterface-faults": 490, "vminterface-alone": 250 };
const secondsOf = (file) => (file.includes("/sandbox/") ? LONG[basename(file, ".test.ts")] : undefined);
/** Much of them is waiting, for a host that takes a change back, say. */
const ABREAST = availableParallelism() >= 2 ? 4 : 1;

/**
 * From quick to slow. Levels of the same turn run side by side where there are two cores, as jobs that whoever is free takes; `seconds`:
 * how long one takes without its long files. `needs` is what the set-up must bring beyond node packages and the build.
 */
const levels = [
  { name: "unit", folder: "test/unit", turn: 1, timeoutMs: 120_000, needs: {} },
  { name: "driver", folder: "test/libvirt", turn: 1, timeoutMs: 120_000, needs: { system: true } },
  {
    name: "sandbox",
    folder: "test/sandbox",
    has: (file) => !isOfFaults(file) && !isOfLinks(file),
    turn: 2,
    seconds: 1700,
    timeoutMs: 300_000,
    needs: { system: true, guests: true },
  },
  {
    name: "stack",
    folder: "test/stack",
    turn: 2,
    seconds: 1600,
    timeoutMs: 300_000,
    needs: { system: true, guests: true, pulumi: true },
  },
  {
    name: "faults",
    folder: "test/sandbox",
    has: isOfFaults,
    turn: 2,
    timeoutMs: 300_000,
    needs: { system: true, guests: true },
  },
  {
    name: "links",
    folder: "test/sandbox",
    has: isOfLinks,
    turn: 2,
    seconds: 1100,
    timeoutMs: 300_000,
    needs: { system: true, guests: true },
  },
  // By themselves: a host that takes a change back does so after some seconds of the wall clock.
  {
    name: "lab",
    folder: "test/lab",
    has: isOfLab,
    turn: 3,
    asked: "a VM without KVM takes some minutes and a machine that does nothing else: npm test -- --level lab",
    timeoutMs: 300_000,
    needs: { system: true, pulumi: true, lab: true },
  },
  {
    name: "lab-long",
    folder: "test/lab",
    has: (file) => !isOfLab(file),
    turn: 4,
    asked: "a VM without KVM takes a quarter of an hour for it: npm run test:lab",
    timeoutMs: 300_000,
    needs: { system: true, pulumi: true, lab: true },
  },
];
async function main() {
  const { chosen, left, grep, named } = readArguments(process.argv.slice(2));
  const present = chosen.filter(({ folder }) => existsSync(join(root, folder)));
  for (const { name, folder } of chosen.filter((level) => !present.includes(level))) {
    console.log(`Level ${name}: there is no ${folder}, so nothing runs.`);
  }
  const needs = (what) => present.some((level) => level.needs[what]);
  const {
    node: own,
    pulumiDir,
    noPulumi,
  } = await ensureAll({
    system: needs("system"),
    // Whoever asks for such a level, and CI, wants it to run.
    pulumi: needs("pulumi") && (named || process.env.CI ? true : "if possible"),
    guests: needs("guests"),
    lab: needs("lab"),
  });

  const node = process.env.VIRTNET_NODE || own;
  const version = output(node, ["--version"])?.trim();
  if (version === undefined) throw new Sentence(`VIRTNET_NODE=${node} is no Node that runs.`);
  console.log(`Node: ${version}.`);
  const path = [dirname(node), join(root, "node_modules", ".bin"), pulumiDir, process.env.PATH]
    .filter(Boolean)
    .join(delimiter);
  // Each pulumi of a test starts two processes that load its SDK: half a second less of a core for each run.
  const NODE_COMPILE_CACHE = process.env.NODE_COMPILE_CACHE || join(scratch, "compiled");
  const environment = {
    ...process.env,
    PATH: path,
    NODE_COMPILE_CACHE,
    ...(pulumiDir && { VIRTNET_PULUMI_DIR: pulumiDir }),
  };
  const results = [];
  const runnable = present.filter((level) => noPulumi === undefined || !level.needs.pulumi);
  for (const turn of new Set(runnable.map((level) => level.turn))) {
    const jobs = runnable.filter((level) => level.turn === turn).flatMap(jobsOf);
    jobs.sort((a, b) => b.seconds - a.seconds);
    const found = [];
    const work = async () => {
      for (let job = jobs.shift(); job; job = jobs.shift()) {
        found.push({ name: job.level.name, ...(await runJob(job, { node, grep, environment })) });
      }
    };
    await Promise.all(Array.from({ length: ABREAST }, work));
    for (const { name } of runnable.filter((level) => level.turn === turn))
      results.push(
        merged(
          name,
          found.filter((result) => result.name === name),
        ),
      );
  }
  const lacking = present.filter((level) => !runnable.includes(level));
  for (const { name, asked } of grep ? [] : [...lacking.map(({ name }) => ({ name, asked: noPulumi })), ...left]) {
    const skipped = [{ name: "the whole level", reason: asked }];
    results.push({ name, passed: [], failed: [], skipped, problems: [] });
  }
  return summarize(results, grep);
}

function readArguments(given) {
  let names = levels.filter(({ asked }) => !asked).map(({ name }) => name);
  let grep;
  for (let i = 0; i < given.length; i++) {
    const [option, inline] = given[i].split(/=(.*)/s);
    const value = inline ?? given[++i];
    if (value === undefined || !["--level", "--grep"].includes(option)) {
      throw new Sentence(
        `test knows --level NAMES and --grep TEXT, not "${given.slice(Math.max(0, i - 1)).join(" ")}".`,
      );
    }
    if (option === "--grep") grep = value;
    else names = value.split(",");
  }
  const unknown = names.filter((name) => !levels.some((level) => level.name === name));
  if (unknown.length > 0)
    throw new Sentence(`No such level: ${unknown.join(", ")}. There are ${levels.map(({ name }) => name).join(", ")}.`);
  const named = given.some((option) => option.startsWith("--level"));
  const left = named ? [] : levels.filter(({ name }) => !names.includes(name));
  return { chosen: levels.filter(({ name }) => names.includes(name)), left, grep, named };
}

/** Of a level: its long files each, and the rest. */
function jobsOf(level) {
  const { folder, has = () => true, seconds = 0 } = level;
  const problems = [];
  const sources = filesBelow(join(root, folder), ".ts").filter((path) => !relative(root, path).includes("/fixtures/"));
  const unseen = sources.filter(
    (path) => !path.endsWith(".test.ts") && /^describe\(/m.test(readFileSync(path, "utf8")),
  );
  for (const path of unseen) problems.push(`${relative(root, path)} has tests, but only files named *.test.ts are run`);
  const tests = sources.filter((path) => path.endsWith(".test.ts") && has(path));
  if (tests.length === 0) problems.push(`${folder} has no *.test.ts`);
  const long = tests.filter(secondsOf);
  const rest = tests.filter((path) => !secondsOf(path));
  const job = (name, files, seconds) => ({ level, title: `Level ${level.name}${name}`, files, seconds, problems: [] });
  const jobs = [
    ...long.map((path) => job(`, ${basename(path)}`, [path], secondsOf(path))),
    ...(rest.length > 0 || long.length === 0 ? [job("", rest, seconds)] : []),
  ];
  jobs[0].problems = problems;
  return jobs;
}

async function runJob({ level, title, files, problems }, { node, grep, environment }) {
  if (files.length === 0) return { passed: [], failed: [], skipped: [], problems };
  const compiled = files.map((file) => `dist/${relative(root, file).replace(/\.ts$/, ".js")}`);
  const { timeoutMs } = level;
  const found = await runMocha({ root, node, name: title, files: compiled, timeoutMs, grep, environment });
  return { ...found, name: level.name, problems: [...problems, ...found.problems] };
}

const merged = (name, found) => ({
  name,
  ...Object.fromEntries(
    ["passed", "failed", "skipped", "problems"].map((kind) => [kind, found.flatMap((result) => result[kind])]),
  ),
});

function summarize(results, grep) {
  const all = (kind) => results.flatMap((result) => result[kind].map((event) => ({ ...event, level: result.name })));
  const total = { passed: all("passed"), failed: all("failed"), skipped: all("skipped") };
  for (const { name, problems } of results) {
    for (const problem of problems) total.failed.push({ level: name, name: `level ${name}`, error: problem });
  }
  if (total.passed.length + total.failed.length + total.skipped.length === 0) {
    total.failed.push({
      level: "all",
      name: "all levels",
      error: grep ? `no test matches "${grep}"` : "no test was found",
    });
  }
  if (total.skipped.length > 0) console.log("Skipped:");
  for (const { level, name, reason } of total.skipped)
    console.log(`  ${level}: ${name}: ${reason ?? "no reason given"}`);
  if (total.failed.length > 0) console.log("Failed:");
  for (const { level, name, error } of total.failed)
    console.log(`  ${level}: ${name}\n${error.replace(/^/gm, "      ")}`);
  if (results.length > 1) for (const result of results) console.log(`Level ${result.name}: ${counts(result)}`);
  return total;
}

let total;
try {
  total = await main();
} catch (error) {
  const text = error instanceof Sentence ? error.message : String(error?.stack ?? error);
  console.log(`The tests could not be run.\n${text}`);
  total = { passed: [], failed: [{}], skipped: [] };
}
console.log(counts(total));
process.exitCode = total.failed.length > 0 ? 1 : 0;
