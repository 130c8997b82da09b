/** `virtnet heal`: finishes or undoes what runs that died have left on a host. */
import { type Command, Option } from "commander";
import { healAll } from "../../provider/network/heal.js";
import { notPutBack } from "../../provider/network/say.js";
import { Faults } from "../errors.js";
import { defaultUri, type HostOptions, onHost, uriOption } from "../host.js";

const SETTLED = {
  after: "finished: it is as the run wanted it",
  before: "undone: it is as it was before the run",
} as const;

export function registerHeal(program: Command): void {
  program
    .command("heal")
    .summary("finish or undo what a run that died has left on a host")
    .description(
      "A run that restarts a network writes down on the host first what it does. Where it died in the middle, this finishes or undoes it, and brings all NICs home. Needs neither Pulumi nor the stack.",
    )
    .addOption(uriOption())
    .addOption(new Option("--force", "also where the run may still go on, on another machine"))
    .addHelpText(
      "after",
      `
A watchdog does the same within seconds where only the run has died, and so does the next "pulumi up" that changes the
network. This is for the rest: the machine of the run is gone, or the host was. Nothing left: says so, exit code 0.

Example:
  virtnet heal --uri qemu+ssh://root@host1/system`,
    )
    .action(async ({ uri = defaultUri(), force = false }: HostOptions & { force?: boolean }) => {
      const { healed, failed } = await onHost(uri, (host) => host.use("heal", (c) => healAll(c, force)));
      for (const { network, settled } of healed) {
        console.log(`network ${JSON.stringify(network)}: ${SETTLED[settled.as]}`);
        const said = notPutBack(settled.off);
        if (said !== undefined) console.error(said);
      }
      if (failed.length > 0) throw new Faults(failed);
      if (healed.length === 0) console.log("nothing is left to heal");
    });
}
