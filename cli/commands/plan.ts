/** `virtnet plan FILE`: what `pulumi up` would do to the host, and what it would cost. */
import type { Command } from "commander";
import { Faults } from "../errors.js";
import { defaultUri, type HostOptions, onHost, uriOption } from "../host.js";
import { checkAll, readInput } from "../input.js";
import type { PlanReport } from "../kinds/report.js";

export function registerPlan(program: Command): void {
  program
    .command("plan")
    .summary("print what would be done, and what it costs, as JSON")
    .description(
      "Prints as JSON which steps would bring the host to what is given, what each costs and which running VMs notice. Changes nothing.",
    )
    .argument("<file>", "JSON, one object or an array of them; -: stdin")
    .addOption(uriOption())
    .addHelpText(
      "after",
      `
An object's own "uri" counts where --uri is not given. An array is answered by an array. Only fields that are set are
compared. No steps: the host is as wanted. Exit code 1, after the JSON, where "maxImpact" forbids the plan.

  {
    "kind": "Network", "name": "dev",
    "host": { "uri": "qemu:///system", "name": "host1", "uuid": "…" },
    "exists": true,
    "owner": { "project": "…", "stack": "…", "key": "…", "adopted": false },   or null
    "impact": "live",             none, live, replug, restart or replace: the costliest step
    "refused": null,              or why maxImpact forbids it
    "steps": [{
      "kind": "update",           create, define, mark, update, restart, rename, rejoin, start, stop or autostart
      "impact": "live",
      "why": "…",
      "changes": ["ips[0].dhcp.hosts[1]"],
      "affects": [],              names of running VMs that notice
      "actions": [{ "do": "update", … }]     the calls to libvirt; for people, may change
    }]
  }

Examples:
  virtnet plan net.json | jq .impact
  virtnet import network dev --format json | virtnet plan -`,
    )
    .action(async (file: string, options: HostOptions) => {
      const input = readInput(file);
      for (const { args } of input.objects) args.uri = options.uri ?? args.uri ?? defaultUri();
      // A host that does not answer is a failure here, where check would only warn.
      const uris = input.objects.map((o) => String(o.args.uri));
      for (const uri of new Set(uris.filter(Boolean))) // an empty one is check's to refuse
        await onHost(uri, (host) => host.identity());
      const objects = await checkAll(input, ({ kind, args }) => kind.check(args));
      const plans: PlanReport[] = [];
      for (const { kind, args } of objects) plans.push(await kind.plan(args));
      console.log(JSON.stringify(input.many ? plans : plans[0], undefined, 2));
      const refused = plans.flatMap((p) => p.refused ?? []);
      if (refused.length > 0) throw new Faults(refused);
    });
}
