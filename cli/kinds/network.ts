/** Networks, for the commands. */
import { type Context, type Failure, type Inputs, VirtnetError } from "../../provider/handler.js";
import type { Host } from "../../provider/host/hosts.js";
import type { Connection, NetworkInfo } from "../../provider/libvirt/api.js";
import { readNetwork, writeNetwork } from "../../provider/network/document.js";
import { daemonOf } from "../../provider/network/facts.js";
import { judge } from "../../provider/network/handler.js";
import { observe } from "../../provider/network/observe.js";
import { plan, refusal } from "../../provider/network/plan.js";
import type { Impact } from "../../provider/network/prices.js";
import { redefine } from "../../provider/network/redefine.js";
import { note } from "../errors.js";
import { onHost } from "../host.js";
import { importNetwork } from "../import/network.js";
import { disowned } from "./disowned.js";
import type { Imported, Kind } from "./kind.js";
import type { PlanReport } from "./report.js";

const ctx: Context = { log: (_level, message) => note(message) };

function check(args: Inputs): Promise<{ inputs: Inputs; failures: Failure[] }> {
  return judge(ctx, {}, args);
}

const importFrom = (uri: string, name: string, part?: string): Promise<Imported[]> =>
  onHost(uri, (host) =>
    host.pool.use(
      async (c) => {
        refusePart(part);
        const info = await existing(host, c, name);
        const { args, notes } = importNetwork(info, await observe(c, { uuid: info.uuid }, { nics: false }));
        // Held against the other networks of the host, as preview will do.
        const { failures } = await check({ ...args, uri });
        const refused = failures.map((f) => `preview will refuse ${f.property}: ${f.reason}`);
        return [{ resource: name, args, notes: [...notes, ...refused] }];
      },
      { readOnly: true },
    ),
  );

function planOn(args: Inputs): Promise<PlanReport> {
  const name = String(args.name);
  return onHost(String(args.uri), async (host) => {
    const { hostname, uuid } = await host.identity();
    const how = { nics: true, ...(await daemonOf(host)), desired: args, vitals: () => host.vitals() };
    const observed = await host.pool.use((c) => observe(c, { name }, how), { readOnly: true });
    const owner = args.owner as { project: string; stack: string; key: string } | undefined;
    const p = plan(
      { desired: args, owner, adopted: observed.network?.mark?.adopted ?? observed.network !== undefined },
      observed,
    );
    const refused = observed.network ? refusal(p, args.maxImpact as Impact | undefined) : undefined;
    return {
      kind: "Network",
      name,
      host: { uri: host.uri, name: hostname, uuid },
      exists: observed.network !== undefined,
      owner: observed.network?.mark ?? null,
      impact: p.impact,
      refused: refused ?? null,
      steps: p.steps,
    };
  });
}

/** A network is adopted and released as a whole. */
function refusePart(part: string | undefined): void {
  if (part !== undefined) throw new VirtnetError(`a network has no NICs of its own: leave ${JSON.stringify(part)} out`);
}

function disown(uri: string, name: string, part?: string): Promise<string> {
  refusePart(part);
  return onHost(uri, (host) =>
    host.use(`network:${name}`, async (c) => {
      const info = await existing(host, c, name);
      const { hostname } = await host.identity();
      const what = `network ${JSON.stringify(name)} on ${hostname}`;
      const { mark, mode } = readNetwork(info.inactiveXml);
      if (!mark) return `${what} carries no owner mark: nothing was changed`;
      if (!info.persistent)
        throw new VirtnetError(
          `${what} is transient, so its owner mark cannot be changed: it goes when the network is stopped`,
        );
      await redefine(c, writeNetwork({ mode }, undefined, info.inactiveXml, null), info.inactiveXml);
      const left = readNetwork((await existing(host, c, name)).inactiveXml).mark;
      if (left)
        throw new VirtnetError(
          `${what} still carries the mark of stack ${left.project}/${left.stack}: somebody else wrote it meanwhile, run this again`,
        );
      return disowned(what, mark);
    }),
  );
}

async function existing(host: Host, c: Connection, name: string): Promise<NetworkInfo> {
  const info = await c.networks.get({ name });
  if (info) return info;
  const { hostname } = await host.identity();
  throw new VirtnetError(
    `network ${JSON.stringify(name)} is not on ${hostname} (${host.uri}): "virsh -c '${host.uri}' net-list --all" shows what is`,
  );
}

export const network: Kind = {
  word: "network",
  type: "Network",
  named: true,
  import: importFrom,
  check,
  xml: (args) => writeNetwork(args, undefined, undefined, undefined),
  plan: planOn,
  disown,
};
