// Runs the tests, by level, and ends with one line: "N passed, N failed, N skipped". Makes the machine ready first.
//
//   node scripts/test.mjs                        everything
//   node scripts/test.mjs --level unit,driver    these levels only
//   node scripts/test.mjs --grep "nat"           tests whose title matches
//   VIRTNET_NODE=/path/to/node node scripts/test.mjs    all that the tests run, by another Node
import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { delimiter, dirname, join, relative } from "node:path";
import { output, Sentence, seconds, sleep } from "./lib/run.mjs";
import { ensureAll, filesBelow, root } from "./setup.mjs";

/**
 * From quick to slow. Levels of the same turn run side by side where there are two cores.
 * `needs` is what the set-up must bring beyond node packages and the build.
 */
const levels = [
  { name: "unit", folder: "test/unit", turn: 1, timeoutMs: 30_000, needs: {} },
  { name: "driver", folder: "test/libvirt", turn: 1, timeoutMs: 120_000, needs: { system: true } },
  { name: "sandbox", folder: "test/sandbox", turn: 2, timeoutMs: 300_000, needs: { system: true, guests: true } },
  {
    name: "stack",
    folder: "test/stack",
    turn: 2,
    timeoutMs: 300_000,
    needs: { system: true, guests: true, pulumi: true },
  },
];
/** A level that takes longer hangs: it is ended, and counted as a failure. */
const levelBoundMs = Number(process.env.VIRTNET_LEVEL_BOUND_MS) || 25 * 60_000;
/** A process that lives on after its last test has left something open: that is a failure too. */
const lingerBoundMs = 30_000;
const progressMs = 30_000;

const scratch = mkdtempSync(join(tmpdir(), "virtnet-test-"));
const children = new Set();
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, async () => {
    for (const child of children) endGroup(child, "SIGTERM");
    await Promise.race([sleep(10_000), Promise.all([...children].map((child) => child.ended))]);
    for (const child of children) endGroup(child, "SIGKILL");
    rmSync(scratch, { recursive: true, force: true });
    process.exit(130);
  });
}

async function main() {
  const { chosen, grep } = readArguments(process.argv.slice(2));
  const present = chosen.filter(({ folder }) => existsSync(join(root, folder)));
  for (const { name, folder } of chosen.filter((level) => !present.includes(level))) {
    console.log(`Level ${name}: there is no ${folder}, so nothing runs.`);
  }
  const needs = (what) => present.some((level) => level.needs[what]);
  const { node: own, pulumiDir } = await ensureAll({
    system: needs("system"),
    pulumi: needs("pulumi"),
    guests: needs("guests"),
  });

  const node = process.env.VIRTNET_NODE || own;
  const version = output(node, ["--version"])?.trim();
  if (version === undefined) throw new Sentence(`VIRTNET_NODE=${node} is no Node that runs.`);
  console.log(`Node: ${version}.`);
  const path = [dirname(node), join(root, "node_modules", ".bin"), pulumiDir, process.env.PATH]
    .filter(Boolean)
    .join(delimiter);
  const environment = { ...process.env, PATH: path, ...(pulumiDir && { VIRTNET_PULUMI_DIR: pulumiDir }) };
  const results = [];
  for (const turn of new Set(present.map((level) => level.turn))) {
    const abreast = present.filter((level) => level.turn === turn);
    if (availableParallelism() >= 2) {
      results.push(...(await Promise.all(abreast.map((level) => runLevel(level, { node, grep, environment })))));
    } else {
      for (const level of abreast) results.push(await runLevel(level, { node, grep, environment }));
    }
  }
  return summarize(results, grep);
}

function readArguments(given) {
  let names = levels.map(({ name }) => name);
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
  return { chosen: levels.filter(({ name }) => names.includes(name)), grep };
}

/** One mocha process. Its readable output goes to a log, printed in one piece when the level ends. */
async function runLevel({ name, folder, timeoutMs }, { node, grep, environment }) {
  const started = Date.now();
  const events = join(scratch, `${name}.events`);
  const logPath = join(scratch, `${name}.log`);
  const problems = [];
  const sources = filesBelow(join(root, folder), ".ts").filter((path) => !relative(root, path).includes("/fixtures/"));
  const unseen = sources.filter(
    (path) => !path.endsWith(".test.ts") && /^describe\(/m.test(readFileSync(path, "utf8")),
  );
  for (const path of unseen) problems.push(`${relative(root, path)} has tests, but only files named *.test.ts are run`);
  if (!sources.some((path) => path.endsWith(".test.ts"))) {
    problems.push(`${folder} has no *.test.ts`);
    return { name, passed: [], failed: [], skipped: [], problems };
  }

  console.log(`Level ${name}: started.`);
  const log = openSync(logPath, "w");
  const mocha = join(root, "node_modules", "mocha", "bin", "mocha.js");
  const reporter = join(root, "scripts", "lib", "reporter.cjs");
  const args = ["--enable-source-maps", mocha, "--no-config", "--timeout", String(timeoutMs), "--reporter", reporter];
  args.push("--reporter-option", `events=${events}`, ...(grep ? ["--grep", grep] : []), `dist/${folder}/**/*.test.js`);
  const child = spawn(node, args, { cwd: root, env: environment, stdio: ["ignore", log, log], detached: true });
  children.add(child);
  child.ended = new Promise((done) => {
    child.once("error", (error) => done({ code: null, why: error.message }));
    child.once("close", (code, signal) =>
      done({ code, why: signal ? `ended by ${signal}` : `ended with status ${code}` }),
    );
  });

  let over;
  child.ended.then((how) => {
    over = how;
  });
  let killed = false;
  let toldAt = Date.now();
  let lastTestAt;
  while (!over) {
    await Promise.race([child.ended, sleep(500)]);
    const now = readEvents(events);
    if (now.ended) lastTestAt ??= Date.now();
    const hangs = Date.now() - started > levelBoundMs;
    const lingers = lastTestAt && Date.now() - lastTestAt > lingerBoundMs;
    if (!over && (hangs || lingers)) {
      problems.push(
        lingers
          ? `its process was still alive ${lingerBoundMs / 1000} s after the last test: something was left open`
          : `it took longer than ${levelBoundMs / 60_000} minutes and was ended, while running: ${now.running ?? "nothing"}`,
      );
      killed = true;
      endGroup(child, "SIGTERM");
      await Promise.race([child.ended, sleep(10_000)]);
      endGroup(child, "SIGKILL");
      await child.ended;
    } else if (!over && Date.now() - toldAt > progressMs) {
      toldAt = Date.now();
      console.log(
        `Level ${name}: ${counts(now)} after ${seconds(started)}${now.running ? `, running: ${now.running}` : ""}`,
      );
    }
  }
  children.delete(child);
  closeSync(log);
  const { passed, failed, skipped, ended } = readEvents(events);
  if (!killed && !ended) problems.push(`mocha ${over.why} before its end; its output is above`);
  else if (!killed && over.code !== 0 && failed.length === 0) problems.push(`mocha ${over.why}, though no test failed`);
  console.log(`\n===== Level ${name} (${seconds(started)}) =====\n${readFileSync(logPath, "utf8").trimEnd()}\n`);
  if (passed.length + failed.length + skipped.length === 0 && !grep && problems.length === 0)
    problems.push("no test was found");
  return { name, passed, failed, skipped, problems };
}

function endGroup(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has ended already.
  }
}

function readEvents(path) {
  const seen = { passed: [], failed: [], skipped: [], running: undefined, ended: false };
  const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(0, -1) : [];
  for (const line of lines) {
    const event = JSON.parse(line);
    seen.running = event.event === "start" ? event.name : undefined;
    if (event.event === "pass") seen.passed.push(event);
    else if (event.event === "fail") seen.failed.push(event);
    else if (event.event === "skip") seen.skipped.push(event);
    else if (event.event === "end") seen.ended = true;
  }
  return seen;
}

const counts = ({ passed, failed, skipped }) =>
  `${passed.length} passed, ${failed.length} failed, ${skipped.length} skipped`;

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
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
console.log(counts(total));
process.exitCode = total.failed.length > 0 ? 1 : 0;
