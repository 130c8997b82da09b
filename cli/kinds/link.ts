/** The host's own links, for the commands. */
import { type Context, type Failure, type Inputs, VirtnetError } from "../../provider/handler.js";
import type { Kind as LinkKind } from "../../provider/hostlink/args.js";
import { linkHandler } from "../../provider/hostlink/handler.js";
import { observe } from "../../provider/hostlink/observe.js";
import { plan } from "../../provider/hostlink/plan.js";
import { tooCostly } from "../../provider/hostlink/say.js";
import type { ObservedLink } from "../../provider/hostlink/steps.js";
import { alone, reachHost, type There } from "../../provider/hostlink/there.js";
import type { Owner } from "../../provider/ownership.js";
import { note } from "../errors.js";
import { onHost } from "../host.js";
import { importLink } from "../import/link.js";
import { disowned } from "./disowned.js";
import type { Imported, Kind } from "./kind.js";
import type { PlanReport } from "./report.js";

const ctx: Context = { log: (_level, message) => note(message) };

function linkOf(kind: LinkKind): Kind {
  const type = `${kind[0]?.toUpperCase()}${kind.slice(1)}`;
  const check = (args: Inputs): Promise<{ inputs: Inputs; failures: Failure[] }> =>
    linkHandler(kind).check(ctx, {}, args);

  const importFrom = (uri: string, name: string, part?: string): Promise<Imported[]> =>
    onHost(uri, async () => {
      refusePart(part);
      const there = await reachHost({ uri });
      const observed = await observe(there.backend, kind, { name });
      const link = await existing(there, name, observed);
      const beyond = await there.backend.beyond({ id: link.id, kind, name });
      const { args, notes } = importLink(kind, link, observed, beyond);
      // Held against the host, as preview will do.
      const { failures } = await check({ ...args, uri });
      return [
        {
          resource: name,
          args,
          notes: [...notes, ...failures.map((f) => `preview will refuse ${f.property}: ${f.reason}`)],
        },
      ];
    });

  function planOn(args: Inputs): Promise<PlanReport> {
    const name = String(args.name);
    return onHost(String(args.uri), async (host) => {
      const { hostname, uuid } = await host.identity();
      const { backend } = await reachHost(args);
      const observed = await observe(backend, kind, { name }, args);
      if (observed.foreign !== undefined)
        throw new VirtnetError(
          `${kind} ${JSON.stringify(name)}: a device of this name is on the host already, ${observed.foreign}`,
        );
      const { link } = observed;
      const adopted = link?.mark?.adopted ?? link !== undefined;
      const owner = backend.keepsMarks ? (args.owner as Owner | undefined) : undefined;
      const p = plan({ kind, desired: args, owner, adopted, restarts: backend.restarts }, observed);
      return {
        ...{ kind: type, name, host: { uri: host.uri, name: hostname, uuid }, exists: link !== undefined },
        ...{ owner: link?.mark ?? null, impact: p.impact, refused: tooCostly(p, args) ?? null },
        // VMs stay connected: what would cut them off is refused.
        steps: p.steps.map((s) => ({ ...s, affects: [] })),
      };
    });
  }

  function disown(uri: string, name: string, part?: string): Promise<string> {
    refusePart(part);
    return onHost(uri, async (host) => {
      const { hostname } = await host.identity();
      const what = `${kind} ${JSON.stringify(name)} on ${hostname}`;
      const there = await reachHost({ uri });
      return alone(there, async () => {
        const look = () => observe(there.backend, kind, { name });
        const link = await existing(there, name, await look());
        if (!link.mark) return `${what} carries no owner mark: nothing was changed`;
        await there.backend.mark({ id: link.id, kind, name }, null);
        if ((await look()).link?.mark)
          throw new VirtnetError(`${what} still carries a mark: somebody else wrote it meanwhile, run this again`);
        return disowned(what, link.mark);
      });
    });
  }

  async function existing(
    { host, backend }: There,
    name: string,
    { link, foreign, leftover }: { link?: ObservedLink; foreign?: string; leftover?: unknown },
  ): Promise<ObservedLink> {
    if (link) return link;
    const what = `${kind} ${JSON.stringify(name)}`;
    if (leftover)
      throw new VirtnetError(
        `${what} is being changed, or a run that changed it died in the middle: run up, and this again`,
      );
    const { hostname } = await host.identity();
    const is = foreign === undefined ? "" : `: a device of this name is there, ${foreign}`;
    throw new VirtnetError(`${what} is not on ${hostname} (${host.uri})${is}: "${backend.shows}" there shows what is`);
  }

  /** A link is adopted and released as a whole. */
  function refusePart(part: string | undefined): void {
    if (part !== undefined)
      throw new VirtnetError(`a ${kind} is no VM and has no NICs to choose from: leave ${JSON.stringify(part)} out`);
  }

  return {
    ...{ word: kind, type, named: true, import: importFrom, check, plan: planOn, disown },
    xml: () => {
      throw new VirtnetError(
        `a ${kind} is made by what manages the host's links, and no XML of libvirt's networks: "virtnet plan" shows what is done`,
      );
    },
  };
}

export const bridge = linkOf("bridge");
export const bond = linkOf("bond");
export const vlan = linkOf("vlan");
