// One mocha process after another, or beside each other: followed while it runs, ended when it hangs, and read event by event.
import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seconds, sleep } from "./run.mjs";

/** A run that takes longer hangs: it is ended, and counted as a failure. On a slow machine the longest takes 50 minutes; CI has 90 for all. */
const boundMs = Number(process.env.VIRTNET_LEVEL_BOUND_MS) || 70 * 60_000;
/** A process that lives on after its last test has left something open: that is a failure too. */
const lingerBoundMs = 30_000;
const progressMs = 30_000;

/** For files of one run; gone at its end. */
export const scratch = mkdtempSync(join(tmpdir(), "virtnet-test-"));
process.once("exit", () => rmSync(scratch, { recursive: true, force: true }));
const children = new Set();
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, async () => {
    for (const child of children) endGroup(child, "SIGTERM");
    await Promise.race([sleep(10_000), Promise.all([...children].map((child) => child.ended))]);
    for (const child of children) endGroup(child, "SIGKILL");
    process.exit(130);
  });
}

export const counts = ({ passed, failed, skipped }) =>
  `${passed.length} passed, ${failed.length} failed, ${skipped.length} skipped`;

/**
 * One mocha process over compiled test files (paths or globs below `root`). Its readable output goes to a log, printed in one piece
 * at its end. `name` stands in the lines that tell how it goes. Returns events by kind, and `problems`: what no test can tell.
 */
export async function runMocha({ root, node, name, files, timeoutMs, grep, environment }) {
  const started = Date.now();
  const file = join(scratch, name.replace(/[^\w.-]+/g, "-"));
  const [events, logPath] = [`${file}.events`, `${file}.log`];
  const problems = [];
  console.log(`${name}: started.`);
  const log = openSync(logPath, "w");
  const mocha = join(root, "node_modules", "mocha", "bin", "mocha.js");
  const reporter = join(root, "scripts", "lib", "reporter.cjs");
  const args = ["--enable-source-maps", mocha, "--no-config", "--timeout", String(timeoutMs), "--reporter", reporter];
  args.push("--reporter-option", `events=${events}`, ...(grep ? ["--grep", grep] : []), ...files);
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
    const hangs = Date.now() - started > boundMs;
    const lingers = lastTestAt && Date.now() - lastTestAt > lingerBoundMs;
    if (!over && (hangs || lingers)) {
      problems.push(
        lingers
          ? `its process was still alive ${lingerBoundMs / 1000} s after the last test: something was left open`
          : `it took longer than ${boundMs / 60_000} minutes and was ended, while running: ${now.running ?? "nothing"}`,
      );
      killed = true;
      endGroup(child, "SIGTERM");
      await Promise.race([child.ended, sleep(10_000)]);
      endGroup(child, "SIGKILL");
      await child.ended;
    } else if (!over && Date.now() - toldAt > progressMs) {
      toldAt = Date.now();
      console.log(`${name}: ${counts(now)} after ${seconds(started)}${now.running ? `, running: ${now.running}` : ""}`);
    }
  }
  children.delete(child);
  closeSync(log);
  const { passed, failed, skipped, ended } = readEvents(events);
  if (!killed && !ended) problems.push(`mocha ${over.why} before its end; its output is above`);
  else if (!killed && over.code !== 0 && failed.length === 0) problems.push(`mocha ${over.why}, though no test failed`);
  console.log(`\n===== ${name} (${seconds(started)}) =====\n${readFileSync(logPath, "utf8").trimEnd()}\n`);
  if (passed.length + failed.length + skipped.length === 0 && !grep && problems.length === 0)
    problems.push("no test was found");
  return { name, passed, failed, skipped, problems, ms: Date.now() - started };
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
