/** `virtnet import KIND NAME`: a program that adopts what exists. */
import { type Command, Option } from "commander";
import { note } from "../errors.js";
import { defaultUri, type HostOptions, uriOption } from "../host.js";
import { programOf } from "../import/program.js";
import { kindArgument, kindOfWord } from "../kinds/index.js";

interface ImportOptions extends HostOptions {
  format: "ts" | "json";
}

export function registerImport(program: Command): void {
  program
    .command("import")
    .summary("print a program that adopts what exists")
    .description(
      "Prints a Pulumi program, or JSON, that adopts an object of the host as it is: nothing changes on the first up but the owner mark. Changes nothing itself.",
    )
    .addArgument(kindArgument())
    .argument("<name>", "its name on the host")
    .addOption(uriOption())
    .addOption(
      new Option("--format <format>", "a TypeScript program, or JSON for xml and plan")
        .choices(["ts", "json"])
        .default("ts"),
    )
    .addHelpText(
      "after",
      `
Left out is what libvirt makes or means anyway: defaults, the MAC, a bridge name virbrN. It is kept as it is. With --uri
the program names the host. What no field can say is noted on stderr, and kept on the host.

Examples:
  virtnet import network default > index.ts && pulumi up
  virtnet import network dev --uri qemu+ssh://root@host1/system --format json`,
    )
    .action(async (word: string, name: string, { uri, format }: ImportOptions) => {
      const kind = kindOfWord(word);
      const imported = await kind.import(uri ?? defaultUri(), name);
      const args = uri === undefined ? imported.args : { ...imported.args, uri };
      for (const text of imported.notes) note(text);
      if (format === "json") console.log(JSON.stringify({ kind: kind.type, ...args }, undefined, 2));
      else process.stdout.write(programOf(kind.type, args));
    });
}
