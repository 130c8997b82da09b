/** `virtnet disown KIND NAME`: removes the owner mark, so that another stack can adopt the object. */
import type { Command } from "commander";
import { defaultUri, type HostOptions, uriOption } from "../host.js";
import { kindArgument, kindOfWord } from "../kinds/index.js";

export function registerDisown(program: Command): void {
  program
    .command("disown")
    .summary("remove the mark that says which stack owns an object")
    .description(
      "Removes the owner mark of an object and nothing else: another stack can then adopt it. Without a mark nothing is changed.",
    )
    .addArgument(kindArgument())
    .argument("<name>", "its name on the host; of a vm-interface, the VM's name or UUID")
    .argument("[mac]", "of a vm-interface: which NIC")
    .addOption(uriOption())
    .addHelpText("after", "\nExample:\n  virtnet disown network dev --uri qemu+ssh://root@host1/system")
    .action(async (word: string, name: string, mac: string | undefined, { uri }: HostOptions) => {
      console.log(await kindOfWord(word).disown(uri ?? defaultUri(), name, mac));
    });
}
