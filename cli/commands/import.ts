/** `virtnet import KIND NAME [PART]`: a program that adopts what exists. */
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
    .argument("<name>", "its name on the host; of a vm-interface, the VM's name or UUID")
    .argument("[mac]", "of a vm-interface: which NIC; all where it is not said")
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
  virtnet import vm-interface web 52:54:00:12:34:56 > index.ts
  virtnet import bridge br0 > index.ts
  virtnet import network dev --uri qemu+ssh://root@host1/system --format json`,
    )
    .action(async (word: string, name: string, mac: string | undefined, { uri, format }: ImportOptions) => {
      const kind = kindOfWord(word);
      const imported = (await kind.import(uri ?? defaultUri(), name, mac)).map(({ resource, args, notes }) => {
        for (const text of notes) note(text);
        return { resource, args: uri === undefined ? args : { ...args, uri } };
      });
      if (format !== "json") {
        process.stdout.write(programOf(kind.type, imported));
        return;
      }
      const objects = imported.map(({ args }) => ({ kind: kind.type, ...args }));
      console.log(JSON.stringify(objects.length === 1 ? objects[0] : objects, undefined, 2));
    });
}
