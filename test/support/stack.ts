/**
 * Pulumi programs run by the real CLI, as a user runs them: a folder outside the repository, with a state and a Pulumi
 * home of its own, all gone afterwards.
 *
 * @example
 * describe("a network", () => {
 *   const program = withProgram();
 *   it("comes up", async () => {
 *     const dev = program().stack("dev", { "virtnet:uri": uri });
 *     program().write("index.js", `new (require("pulumi-virtnet").Network)("a", { mode: "isolated" });`);
 *     await dev.up();
 *   });
 * });
 */
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { skip } from "../skip.js";
import { repository } from "./repository.js";

const VERSION = "3.259.0";

/** Where the CLI is: as scripts/setup.mjs has found or built it. */
export function pulumiDir(): string | undefined {
  const cache = process.env.VIRTNET_CACHE || process.env.XDG_CACHE_HOME || path.join(os.homedir(), ".cache");
  const dir = process.env.VIRTNET_PULUMI_DIR || path.join(cache, "pulumi-virtnet", `pulumi-${VERSION}`);
  return ["pulumi", "pulumi-language-nodejs", "pulumi-resource-pulumi-nodejs"].every((f) =>
    fs.existsSync(path.join(dir, f)),
  )
    ? dir
    : undefined;
}

/** The CLI ended with something else than 0; the whole output is in the message. */
export class PulumiFailed extends Error {
  override name = "PulumiFailed";
}

export interface Run {
  code: number;
  stdout: string;
  stderr: string;
  /** stdout and stderr, as a user sees them. */
  text: string;
}

export interface StateResource {
  urn: string;
  type: string;
  id?: string;
  inputs?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
  initErrors?: string[];
  external?: boolean;
}

export interface State {
  version: number;
  deployment: { resources?: StateResource[]; [key: string]: unknown };
}

export interface PreviewStep {
  op: string;
  urn: string;
  diffReasons?: string[];
  replaceReasons?: string[];
  detailedDiff?: Record<string, unknown> | null;
}

export interface ProgramOptions {
  /** Project name. Default: random. */
  project?: string;
  /** "module" makes an ESM program. Default: CommonJS. */
  type?: "commonjs" | "module";
  /** Entry. Default: index.js. */
  main?: string;
  /** A folder whose node_modules are used, in place of links to the repository: for packages that are installed. */
  modules?: string;
}

export class Program {
  readonly dir: string;
  readonly project: string;
  readonly #home: string;
  readonly #cli: string;

  constructor(cli: string, options: ProgramOptions = {}) {
    this.#cli = cli;
    this.#home = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "virtnet-stack-")));
    this.dir = path.join(this.#home, "program");
    this.project = options.project ?? `p${path.basename(this.#home).slice(-6).toLowerCase()}`;
    for (const dir of ["program", "state", "pulumi"]) fs.mkdirSync(path.join(this.#home, dir));
    this.#linkModules(options.modules);
    const type = options.type ?? "commonjs";
    this.write(
      "package.json",
      JSON.stringify({ name: this.project, private: true, type, main: options.main ?? "index.js" }),
    );
    this.write("Pulumi.yaml", `name: ${this.project}\nruntime: nodejs\n`);
    if (options.main?.endsWith("ts")) {
      const compilerOptions = {
        module: "nodenext",
        target: "es2022",
        strict: true,
        skipLibCheck: true,
        types: ["node"],
      };
      this.write("tsconfig.json", JSON.stringify({ compilerOptions, files: [options.main] }));
    }
  }

  #linkModules(modules: string | undefined): void {
    const target = path.join(this.dir, "node_modules");
    if (modules !== undefined) {
      fs.symlinkSync(modules, target);
      return;
    }
    fs.mkdirSync(path.join(target, "@pulumi"), { recursive: true });
    fs.symlinkSync(repository, path.join(target, "pulumi-virtnet"));
    for (const name of ["@pulumi/pulumi", "typescript", "@types"]) {
      fs.symlinkSync(path.join(repository, "node_modules", name), path.join(target, name));
    }
  }

  write(file: string, text: string): void {
    fs.writeFileSync(path.join(this.dir, file), text);
  }

  /** The CLI's environment: a state in files, and nothing that reaches out. */
  get env(): NodeJS.ProcessEnv {
    const { LIBVIRT_DEFAULT_URI: _, ...own } = process.env;
    const programs = [
      path.dirname(process.execPath),
      path.join(repository, "node_modules", ".bin"),
      this.#cli,
      process.env.PATH,
    ];
    return {
      ...own,
      PATH: programs.join(path.delimiter),
      PULUMI_HOME: path.join(this.#home, "pulumi"),
      PULUMI_BACKEND_URL: `file://${path.join(this.#home, "state")}`,
      PULUMI_CONFIG_PASSPHRASE: "",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      PULUMI_DISABLE_REGISTRY_RESOLVE: "true",
      NO_COLOR: "1",
    };
  }

  /** Runs the CLI, whatever it answers. */
  run(argv: string[], env: NodeJS.ProcessEnv = {}): Promise<Run> {
    return new Promise((resolve, reject) => {
      const child = spawn(path.join(this.#cli, "pulumi"), [...argv, "--non-interactive", "--color", "never"], {
        cwd: this.dir,
        env: { ...this.env, ...env },
        stdio: ["ignore", "pipe", "pipe"],
      });
      let [stdout, stderr, text] = ["", "", ""];
      child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
        stdout += chunk;
        text += chunk;
      });
      child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
        stderr += chunk;
        text += chunk;
      });
      child.on("error", reject);
      child.on("close", (code) => resolve({ code: code ?? 1, stdout, stderr, text }));
    });
  }

  /** A new stack with its configuration; stacks of one program are independent. */
  stack(name: string, config: Record<string, unknown> = {}): Stack {
    const quoted = Object.entries(config).map(([key, value]) => `  ${key}: ${JSON.stringify(value)}\n`);
    this.write(`Pulumi.${name}.yaml`, `config:\n${quoted.join("") || "  {}\n"}`);
    return new Stack(this, name);
  }

  remove(): void {
    fs.rmSync(this.#home, { recursive: true, force: true });
  }
}

export interface RunOptions {
  /** Further arguments of the command: `["--target", urn]`. */
  args?: string[];
  env?: NodeJS.ProcessEnv;
}

export class Stack {
  readonly name: string;
  readonly #program: Program;
  #made = false;

  constructor(program: Program, name: string) {
    this.#program = program;
    this.name = name;
  }

  /** The command as it is, whatever it answers. */
  async run(argv: string[], options: RunOptions = {}): Promise<Run> {
    if (!this.#made) {
      this.#made = true;
      // Keeps the configuration that stands in the file, and adds the salt to it.
      const made = await this.#program.run(["stack", "init", this.name, "--no-select"]);
      if (made.code !== 0) throw new PulumiFailed(made.text);
    }
    return this.#program.run([...argv, "--stack", this.name, ...(options.args ?? [])], options.env);
  }

  async #succeed(argv: string[], options?: RunOptions): Promise<Run> {
    const run = await this.run(argv, options);
    if (run.code !== 0) throw new PulumiFailed(`pulumi ${argv.join(" ")} ended with ${run.code}:\n${run.text}`);
    return run;
  }

  async #fail(argv: string[], options?: RunOptions): Promise<Run> {
    const run = await this.run(argv, options);
    if (run.code === 0) throw new Error(`pulumi ${argv.join(" ")} succeeded, which it should not:\n${run.text}`);
    return run;
  }

  /** `up` without asking; an error when it fails. */
  up(options?: RunOptions): Promise<Run> {
    return this.#succeed(["up", "--yes", "--skip-preview"], options);
  }
  /** `up` that must fail. */
  upFails(options?: RunOptions): Promise<Run> {
    return this.#fail(["up", "--yes", "--skip-preview"], options);
  }
  preview(options?: RunOptions): Promise<Run> {
    return this.#succeed(["preview", "--diff"], options);
  }
  previewFails(options?: RunOptions): Promise<Run> {
    return this.#fail(["preview", "--diff"], options);
  }
  refresh(options?: RunOptions): Promise<Run> {
    return this.#succeed(["refresh", "--yes", "--skip-preview"], options);
  }
  destroy(options?: RunOptions): Promise<Run> {
    return this.#succeed(["destroy", "--yes", "--skip-preview"], options);
  }

  /** Steps of `preview --json` for resources of this package: `{ dev: "update" }`. */
  async plannedSteps(options: RunOptions = {}): Promise<Record<string, string>> {
    const { stdout } = await this.#succeed(["preview", "--json"], options);
    const { steps } = JSON.parse(stdout) as { steps: PreviewStep[] };
    const ours = steps.filter((s) => s.urn.includes("dynamic/virtnet:"));
    return Object.fromEntries(ours.map((s) => [s.urn.split("::").pop(), s.op]));
  }
  /** What `preview --refresh` would do: `{}` when reality, state and program agree. */
  async drift(options: RunOptions = {}): Promise<Record<string, string>> {
    const steps = await this.plannedSteps({ ...options, args: ["--refresh", ...(options.args ?? [])] });
    return Object.fromEntries(Object.entries(steps).filter(([, op]) => !["same", "refresh", "read"].includes(op)));
  }

  async outputs(): Promise<Record<string, unknown>> {
    return JSON.parse((await this.#succeed(["stack", "output", "--json", "--show-secrets"])).stdout) as Record<
      string,
      unknown
    >;
  }
  async state(): Promise<State> {
    return JSON.parse((await this.#succeed(["stack", "export"])).stdout) as State;
  }
  /** Resources of this package in the state, by name. */
  async resources(): Promise<Record<string, StateResource>> {
    const { resources = [] } = (await this.state()).deployment;
    const ours = resources.filter((r) => r.type.includes("dynamic/virtnet:"));
    return Object.fromEntries(ours.map((r) => [r.urn.split("::").pop(), r]));
  }
  /** Changes the state behind the engine's back. */
  async editState(change: (resources: StateResource[]) => void): Promise<void> {
    const state = await this.state();
    change(state.deployment.resources ?? []);
    this.#program.write("state.json", JSON.stringify(state));
    await this.#succeed(["stack", "import", "--file", "state.json"]);
  }
}

/** A program for the tests of the enclosing `describe`; they are skipped where there is no CLI. */
export function withProgram(options: ProgramOptions = {}): () => Program {
  let program: Program | undefined;
  before("makes a program folder", function () {
    const cli = pulumiDir();
    if (cli === undefined) skip(this, "there is no Pulumi CLI: npm run setup builds it");
    program = new Program(cli, options);
  });
  after("removes the program folder", () => {
    program?.remove();
    program = undefined;
  });
  return () => {
    if (program === undefined) throw new Error("The program is there in tests and hooks only.");
    return program;
  };
}
