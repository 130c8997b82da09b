/** `virtnet xml FILE`: the XML that libvirt is given. */
import type { Command } from "commander";
import { indentXml } from "../indent.js";
import { checkAll, readInput } from "../input.js";

export function registerXml(program: Command): void {
  program
    .command("xml")
    .summary("print libvirt's XML of an object")
    .description(
      "Prints libvirt's XML of an object that is given as JSON, after the checks of shape and rules. Asks no host.",
    )
    .argument("<file>", "JSON, one object or an array of them; -: stdin")
    .addHelpText(
      "after",
      `
Examples:
  echo '{"kind": "Network", "name": "dev", "mode": "nat", "ips": [{"address": "192.168.100.1/24"}]}' | virtnet xml -
  virtnet xml net.json | virsh net-define /dev/stdin`,
    )
    .action(async (file: string) => {
      // Without a host: what is given is held against itself only.
      const objects = await checkAll(readInput(file), ({ kind, args }) => kind.check({ ...args, uri: undefined }));
      for (const { kind, args } of objects) console.log(indentXml(kind.xml(args)));
    });
}
