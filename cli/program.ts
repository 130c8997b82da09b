/** The commands of `virtnet`; each is one file in commands/. */
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { Command } from "commander";
import { registerSandbox } from "../sandbox/cli.js";
import { registerDisown } from "./commands/disown.js";
import { registerHeal } from "./commands/heal.js";
import { registerImport } from "./commands/import.js";
import { registerPlan } from "./commands/plan.js";
import { registerXml } from "./commands/xml.js";
import { oneLine } from "./errors.js";

/** In the order of the help text. A new command is a new file and a row here. */
const commands = [registerImport, registerXml, registerPlan, registerDisown, registerHeal, registerSandbox];

const EPILOG = `
Where a command takes --uri, the host is that, else LIBVIRT_DEFAULT_URI, else qemu:///system.
Exit codes: 0 done, 1 failed (the reason is on stderr), 2 called wrongly.

Examples:
  virtnet import network default > index.ts      a program that adopts what exists
  virtnet plan net.json                          what a change would cost, as JSON
  virtnet xml net.json | virsh net-define /dev/stdin
  virtnet sandbox up                             a throwaway host to try things on`;

export function createProgram(): Command {
  const program = new Command("virtnet")
    .description("Networks of libvirt hosts: import, plan, look inside, try out. Needs no Pulumi.")
    .version(version(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .addHelpText("after", EPILOG)
    // Before the commands: they inherit these.
    .exitOverride()
    .enablePositionalOptions()
    .configureOutput({
      outputError: (text, write) =>
        write(`virtnet: ${oneLine(text.replace(/^error: /, "")).replace(/\.$/, "")}: see "virtnet --help"\n`),
    });
  for (const register of commands) register(program);
  return program;
}

/** From the package's own package.json: two folders up, from dist/cli. */
function version(): string {
  const file = path.resolve(__dirname, "../../package.json");
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
