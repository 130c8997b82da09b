/** NICs of VMs, for the commands. */
import { type Context, type Failure, type Inputs, VirtnetError } from "../../provider/handler.js";
import type { Host } from "../../provider/host/hosts.js";
import type { Connection, DomainInfo } from "../../provider/libvirt/api.js";
import type { Impact } from "../../provider/network/prices.js";
import type { Owner } from "../../provider/ownership.js";
import { nicsOf, withoutAlias, writeNic } from "../../provider/vminterface/document.js";
import { judge } from "../../provider/vminterface/handler.js";
import { observe, refOf, toObserved } from "../../provider/vminterface/observe.js";
import { plan, refusal } from "../../provider/vminterface/plan.js";
import { onVm } from "../../provider/vminterface/work.js";
import { note } from "../errors.js";
import { onHost } from "../host.js";
import { importNic, resourceName } from "../import/vm-interface.js";
import { disowned } from "./disowned.js";
import type { Imported, Kind } from "./kind.js";
import type { PlanReport } from "./report.js";

const ctx: Context = { log: (_level, message) => note(message) };

const check = (args: Inputs): Promise<{ inputs: Inputs; failures: Failure[] }> => judge(ctx, {}, args);

const importFrom = (uri: string, name: string, mac?: string): Promise<Imported[]> =>
  onHost(uri, async (host) => {
    const { libVersion } = await host.identity();
    const info = await host.read((c) => existing(host, c, name));
    const all = nicsOf(info.inactiveXml ?? info.ownXml ?? info.liveXml ?? "").filter(
      (n) => mac === undefined || n.mac === mac.toLowerCase(),
    );
    if (all.length === 0) throw await noNic(host, info, mac);
    const taken = new Set<string>();
    const imported: Imported[] = [];
    for (const nic of all) {
      const { args, notes } = importNic(toObserved(info, nic.mac), nic, libVersion);
      const resource = resourceName(args, taken);
      taken.add(resource);
      // Held against the other NICs and the networks of the host, as preview will do.
      const { failures } = await check({ ...args, uri });
      imported.push({
        resource,
        args,
        notes: [...notes, ...failures.map((f) => `preview will refuse ${f.property}: ${f.reason}`)],
      });
    }
    return imported;
  });

function planOn(args: Inputs): Promise<PlanReport> {
  return onHost(String(args.uri), async (host) => {
    const { hostname, uuid, libVersion } = await host.identity();
    const observed = await host.read(async (c) => {
      await existing(host, c, String(args.domain));
      return observe(c, args, libVersion);
    });
    const { vm } = observed;
    const nic = vm?.config ?? vm?.live;
    const owner = args.owner as Owner | undefined;
    const p = plan({ desired: args, owner, adopted: nic?.mark?.adopted ?? nic !== undefined }, observed);
    return {
      kind: "VmInterface",
      name: `${p.domainName}/${p.mac}`,
      host: { uri: host.uri, name: hostname, uuid },
      exists: nic !== undefined,
      owner: nic?.mark ?? null,
      impact: p.impact,
      refused: (nic && refusal(p, args.maxImpact as Impact | undefined)) ?? null,
      steps: p.steps,
    };
  });
}

function disown(uri: string, name: string, mac?: string): Promise<string> {
  if (mac === undefined)
    throw new VirtnetError(`which NIC of VM ${JSON.stringify(name)}: say its MAC ("virsh domiflist ${name}")`);
  return onHost(uri, (host) =>
    onVm(ctx, host, {
      inputs: [{ domain: name, mac }],
      look: async (c) => {
        const info = await existing(host, c, name);
        return { info, vm: toObserved(info, mac) };
      },
      work: async (c, { info, vm }) => {
        if (!vm.live && !vm.config) throw await noNic(host, info, mac);
        const what = `NIC ${mac} of VM ${JSON.stringify(vm.name)}`;
        const mark = (vm.config ?? vm.live)?.mark;
        if (!mark) return `${what} carries no owner mark: nothing was changed`;
        // A running device keeps its alias; where there is a stored definition, that one says whose NIC it is.
        if (!vm.config)
          throw new VirtnetError(
            `${what}: the VM is transient, so the owner mark cannot be changed: it goes with the NIC`,
          );
        await c.domains.updateDevice({ uuid: vm.uuid }, withoutAlias(vm.config.xml), "config");
        const running = vm.live?.mark ? "; the running one loses its mark when the VM stops" : "";
        return `${disowned(what, mark)}${running}`;
      },
    }),
  );
}

async function existing(host: Host, c: Connection, name: string): Promise<DomainInfo> {
  const info = await c.domains.get(refOf(name));
  if (info) return info;
  const { hostname } = await host.identity();
  throw new VirtnetError(
    `VM ${JSON.stringify(name)} is not on ${hostname} (${host.uri}): "virsh -c '${host.uri}' list --all" shows what is`,
  );
}

async function noNic(host: Host, info: DomainInfo, mac: string | undefined): Promise<VirtnetError> {
  const { hostname } = await host.identity();
  return new VirtnetError(
    `VM ${JSON.stringify(info.name)} on ${hostname} has no NIC${mac === undefined ? "" : ` ${mac}`}: "virsh -c '${host.uri}' domiflist ${info.name}" shows those it has`,
  );
}

export const vmInterface: Kind = {
  word: "vm-interface",
  type: "VmInterface",
  named: false,
  import: importFrom,
  check,
  xml: (args) => writeNic(args, undefined, undefined),
  plan: planOn,
  disown,
};
