// A copy of an example in a folder of its own, with the state and the home of Pulumi beside it, run by the real CLI.
import { spawn } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { root } from "../setup.mjs";

export class Program {
  #home = realpathSync(mkdtempSync(join(tmpdir(), "virtnet-demo-")));
  #pulumiDir;

  constructor(example, pulumiDir) {
    this.#pulumiDir = pulumiDir;
    cpSync(join(root, "examples", example), this.dir, {
      recursive: true,
      filter: (path) => !path.endsWith("node_modules"),
    });
    for (const folder of ["state", "pulumi", "tmp", "program/node_modules/@pulumi"])
      mkdirSync(join(this.#home, folder), { recursive: true });
    const link = (name, target) => symlinkSync(target, join(this.dir, "node_modules", name));
    link("pulumi-virtnet", root);
    for (const name of ["@pulumi/pulumi", "@types", "typescript"]) link(name, join(root, "node_modules", name));
  }

  get dir() {
    return join(this.#home, "program");
  }

  /** Adds a line after the first that has `after`. */
  edit(file, after, line) {
    const path = join(this.dir, file);
    const lines = readFileSync(path, "utf8").split("\n");
    const at = lines.findIndex((text) => text.includes(after));
    if (at < 0) throw new Error(`${file} of the demo's program has no line with "${after}"`);
    lines.splice(at + 1, 0, line);
    writeFileSync(path, lines.join("\n"));
  }

  /** Runs the CLI to its end. Answers its exit code and what it printed, whatever that is. */
  pulumi(...args) {
    const { LIBVIRT_DEFAULT_URI: _, ...own } = process.env;
    const env = {
      ...own,
      PATH: [join(root, "node_modules", ".bin"), this.#pulumiDir, process.env.PATH].join(delimiter),
      TMPDIR: join(this.#home, "tmp"), // The language host leaves pipes there, and ts-node its cache.
      PULUMI_HOME: join(this.#home, "pulumi"),
      PULUMI_BACKEND_URL: `file://${join(this.#home, "state")}`,
      PULUMI_CONFIG_PASSPHRASE: "",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      PULUMI_DISABLE_REGISTRY_RESOLVE: "true",
    };
    const child = spawn(join(this.#pulumiDir, "pulumi"), [...args, "--non-interactive", "--color", "never"], {
      cwd: this.dir,
      env,
      detached: true, // Ctrl-C reaches us alone: `end` ends it.
      stdio: ["ignore", "pipe", "pipe"],
    });
    let text = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (chunk) => {
        text += chunk;
      });
    return new Promise((done, fail) => {
      child.on("error", fail);
      child.on("close", (code) => done({ code: code ?? 1, text }));
    });
  }

  /** Process ids of the CLI, its language host and its provider: those that were told of this home. */
  processes() {
    return processesWhere((pid) =>
      readFileSync(`/proc/${pid}/environ`, "latin1").includes(`PULUMI_HOME=${this.#home}`),
    );
  }

  /** Ends what runs, and removes everything. */
  end() {
    for (const pid of this.processes()) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // Gone meanwhile.
      }
    }
    rmSync(this.#home, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Processes in the same pid namespace as `pid`. */
export function namespaceOf(pid) {
  const own = readlinkSync(`/proc/${pid}/ns/pid`);
  return () => processesWhere((other) => readlinkSync(`/proc/${other}/ns/pid`) === own);
}

function processesWhere(condition) {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return condition(pid);
      } catch {
        return false; // Gone, or not ours to look at.
      }
    });
}
