/** The commands `virtnet sandbox up | down | exec | uri | list`. */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { type Command, Option } from "commander";
import {
  enter,
  environment,
  listSandboxes,
  openSandbox,
  SandboxError,
  SandboxNameError,
  type SandboxOptions,
  startSandbox,
  stopSandbox,
} from "./index.js";

const DEFAULT_NAME = "default";

interface NameOption {
  name: string;
}

interface UpOptions extends NameOption {
  root?: string;
  firewallBackend?: SandboxOptions["firewallBackend"];
  uplink: boolean;
  hostUuid?: string;
}

/** Adds the commands to a program. Failures are told on stderr and leave exit code 1, a name that cannot be one leaves 2. */
export function registerSandbox(program: Command): void {
  const sandbox = program
    .command("sandbox")
    .description("throwaway hosts: a real libvirtd in namespaces of its own, on this machine")
    .enablePositionalOptions();
  const command = (name: string, description: string) =>
    sandbox.command(name).description(description).option("-n, --name <name>", "which sandbox", DEFAULT_NAME);

  command("up", "start a sandbox that lives until `down`, and print its libvirt URI")
    .option("--root <directory>", "another root filesystem, to run its libvirtd")
    .addOption(
      new Option("--firewall-backend <backend>", "for libvirt 10.4 and newer").choices(["iptables", "nftables"]),
    )
    .option("--no-uplink", "without the way to a network outside")
    .option("--host-uuid <uuid>", "what libvirt tells as the host's UUID")
    .action((options: UpOptions) =>
      guarded(async () => {
        const { uri } = await startSandbox({ ...options, detached: true });
        console.log(uri);
      }),
    );

  command("down", "end a sandbox and everything in it")
    .option("--all", "all of them")
    .action((options: NameOption & { all?: boolean }) =>
      guarded(async () => {
        const names = options.all ? (await listSandboxes()).map(({ name }) => name) : [options.name];
        for (const name of names) {
          if (!(await stopSandbox(name)) && !options.all) throw new SandboxError(`There is no sandbox "${name}".`);
        }
      }),
    );

  command("exec", "run a command on the sandboxed host: exec -- COMMAND")
    .argument("<command...>")
    .passThroughOptions()
    .action((argv: string[], options: NameOption) =>
      guarded(async () => {
        const { pid, root } = await openSandbox(options.name);
        process.exitCode = await runInside(pid, argv, root === "/");
      }),
    );

  command("uri", "print a sandbox's libvirt URI").action((options: NameOption) =>
    guarded(async () => {
      const { uri } = await openSandbox(options.name);
      console.log(uri);
    }),
  );

  sandbox
    .command("list")
    .description("the sandboxes of this user")
    .action(() =>
      guarded(async () => {
        const rows = (await listSandboxes()).map(({ name, pid, started, uri, alive }) => [
          name,
          pid === 0 ? "-" : String(pid),
          age(started),
          alive ? "yes" : "no",
          uri || "-",
        ]);
        printTable([["NAME", "PID", "AGE", "ALIVE", "URI"], ...rows]);
      }),
    );
}

async function guarded(action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof SandboxError)) throw error;
    console.error(`virtnet: ${error.message}`);
    process.exitCode = error instanceof SandboxNameError ? 2 : 1;
  }
}

/** With this process's stdin, stdout and stderr, and in its directory where the sandbox has that. */
function runInside(pid: number, argv: string[], sameFiles: boolean): Promise<number> {
  const inDirectory = sameFiles ? ["sh", "-c", 'cd "$0" 2> /dev/null; exec "$@"', process.cwd()] : [];
  const [program = "", ...args] = enter(pid, [...inDirectory, ...argv]);
  const { LC_ALL } = process.env;
  const child = spawn(program, args, { stdio: "inherit", env: { ...environment(), LC_ALL } });
  // The terminal sends these to the command as well: what they do is the command's to decide.
  const ignore = () => {};
  process.on("SIGINT", ignore);
  process.on("SIGQUIT", ignore);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      process.off("SIGINT", ignore);
      process.off("SIGQUIT", ignore);
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

function age(since: Date): string {
  const seconds = Math.max(0, Math.round((Date.now() - since.getTime()) / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

function printTable(rows: string[][]): void {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  for (const row of rows) {
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    );
  }
}
