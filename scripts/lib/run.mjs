// Runs commands and says in plain lines what is going on. No dependencies: it works before node_modules exists.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

/** A fault that is the machine's or the user's, not ours: printed as one sentence, without a stack. */
export class Sentence extends Error {}

/** What is slow to make and kept between runs; may be deleted at any time. */
export const cacheDir = join(
  process.env.VIRTNET_CACHE || process.env.XDG_CACHE_HOME || join(homedir(), ".cache"),
  "pulumi-virtnet",
);

export const seconds = (sinceMs) => `${((Date.now() - sinceMs) / 1000).toFixed(1)} s`;
export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** The output of a short command, or undefined when it is missing or fails. */
export function output(command, args, options = {}) {
  const result = spawnSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], ...options });
  return result.status === 0 ? result.stdout : undefined;
}

/** The absolute path of a program on PATH (or in one of the folders given after it). */
export function which(name, further = []) {
  for (const folder of [...(process.env.PATH ?? "").split(delimiter), ...further]) {
    const path = join(folder || ".", name);
    const found = statSync(path, { throwIfNoEntry: false });
    if (found?.isFile() && found.mode & 0o111) return path;
  }
  return undefined;
}

/**
 * Runs a long command. Every ten seconds a line tells the elapsed time and the last line of its output;
 * the whole output is shown only when the command fails.
 */
export function run(label, command, args, options = {}) {
  return new Promise((done, fail) => {
    const started = Date.now();
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
    let text = "";
    const keep = (chunk) => {
      text = (text + chunk).slice(-200_000);
    };
    child.stdout.setEncoding("utf8").on("data", keep);
    child.stderr.setEncoding("utf8").on("data", keep);
    const progress = setInterval(() => {
      const last = text
        .trimEnd()
        .split(/[\r\n]/)
        .pop()
        .slice(0, 100);
      console.log(`  ${label}: ${seconds(started)} so far${last ? `, last: ${last}` : ""}`);
    }, 10_000);
    const forward = (signal) => child.kill(signal);
    process.on("SIGINT", forward).on("SIGTERM", forward);
    const settle = (error) => {
      clearInterval(progress);
      process.off("SIGINT", forward).off("SIGTERM", forward);
      error ? fail(error) : done(text);
    };
    child.on("error", (error) => settle(new Sentence(`${label}: ${command} cannot be run: ${error.message}`)));
    child.on("close", (code, signal) => {
      if (code === 0) return settle();
      const how = signal ? `ended by ${signal}` : `ended with status ${code}`;
      const sentence = `${label} failed after ${seconds(started)} (${command} ${how}):\n${shortened(text)}`;
      settle(Object.assign(new Sentence(sentence), { signal }));
    });
  });
}

/** The cause stands at the beginning (npm, tsc) or at the end (apt, go); the middle is left out. */
function shortened(text, half = 40) {
  const lines = text.trimEnd().split("\n");
  if (lines.length <= 2 * half) return lines.join("\n");
  return [...lines.slice(0, half), `… ${lines.length - 2 * half} lines …`, ...lines.slice(-half)].join("\n");
}

/** Runs `work` while no other process holds the same lock; a lock whose owner is dead is taken over. */
export async function locked(folder, work) {
  const owner = join(folder, "pid");
  for (let told = false; ; ) {
    try {
      mkdirSync(folder);
      writeFileSync(owner, String(process.pid));
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    const pid = readPid(owner);
    const age = Date.now() - (statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (pid ? !alive(pid) : age > 5000) {
      rmSync(folder, { recursive: true, force: true });
      continue;
    }
    if (!told) console.log(`  waiting for another set-up (process ${pid ?? "unknown"}) to finish`);
    told = true;
    await sleep(500);
  }
  try {
    return await work();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readPid(path) {
  try {
    return Number(readFileSync(path, "utf8")) || undefined;
  } catch {
    return undefined;
  }
}

function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}
