/** Bridge, Bond and Vlan: check, diff, create, read, update, delete; one flow, observe → plan → apply → verify. */
import type { Context, Diff, Failure, Handler, Inputs } from "../handler.js";
import { ApplyError, PartialFailure, VirtnetError } from "../handler.js";
import { type Channel, channelOf } from "../host/channel.js";
import { deviceMade, linkOwner } from "../host/devices.js";
import { type Host, hostAt, proveHost } from "../host/hosts.js";
import { priceOf } from "../network/prices.js";
import { mayTake, type Owner, sameOwner } from "../ownership.js";
import { differing } from "../schema/differences.js";
import { same } from "../schema/tree.js";
import { apply } from "./apply.js";
import { CONTROL_FIELDS, fieldsOf, type Kind, kinds, STATE_FIELDS } from "./args.js";
import type { Backend } from "./backends/backend.js";
import { backendOf } from "./backends/index.js";
import { checkLink } from "./check.js";
import { observe } from "./observe.js";
import { plan, planDelete, rollbackAfter } from "./plan.js";
import { changed, neighbours, sawInCheck, seen } from "./run.js";
import { caution, priceLine } from "./say.js";
import { argsOf, argsOnHost, computed } from "./state.js";
import type { Observed, ObservedLink, Plan } from "./steps.js";
import { verify } from "./verify.js";

const uriOf = (inputs: Inputs): string => (typeof inputs.uri === "string" ? inputs.uri : "qemu:///system");
const text = (e: unknown): string => (e instanceof Error ? e.message : String(e));

interface There {
  host: Host;
  channel: Channel;
  backend: Backend;
}

async function reachHost(inputs: Inputs): Promise<There> {
  const uri = uriOf(inputs);
  const channel = channelOf(uri);
  if (!channel)
    throw new VirtnetError(
      `the links of host ${uri} cannot be managed, for no command can be run there: use a local uri, or qemu+ssh://`,
    );
  return { host: hostAt(uri), channel, backend: await backendOf(channel, inputs.backend as string | undefined, uri) };
}

export function linkHandler(kind: Kind): Handler {
  const label = (inputs: Inputs): string => `${kind} ${JSON.stringify(inputs.name)}`;
  const look = ({ backend, channel }: There, ref: { id?: string; name: string }, wanted?: Inputs): Promise<Observed> =>
    observe(backend, channel, kind, ref, wanted);

  async function check(ctx: Context, olds: Inputs, news: Inputs): Promise<{ inputs: Inputs; failures: Failure[] }> {
    const inputs: Inputs = { ...news };
    for (const k of STATE_FIELDS) if (inputs[k] === undefined) inputs[k] = true;
    sawInCheck(kind, inputs);
    // A network or NIC over it may be judged before it is there.
    if (typeof inputs.name === "string") deviceMade(uriOf(inputs), inputs.name, linkOwner(inputs.name));
    const unchanged = same(argsOf(olds), inputs);
    const around = unchanged ? {} : await neighbours(ctx, inputs);
    const failures = checkLink(kind, inputs, around);
    const ports = Array.isArray(inputs.ports) ? inputs.ports : [];
    const managing = (around.management ?? []).filter((device) => ports.includes(device));
    if (failures.length === 0 && managing.length > 0 && Object.keys(olds).length === 0) {
      const by = channelOf(uriOf(inputs))?.by ?? "local";
      ctx.log("info", `${kind} ${String(inputs.name)}: ${caution(managing, rollbackAfter(inputs), by)}`);
    }
    return { inputs, failures };
  }

  async function diff(ctx: Context, id: string, olds: Inputs, news: Inputs): Promise<Diff> {
    const was = argsOf(olds);
    const handled: readonly string[] = [...CONTROL_FIELDS, ...STATE_FIELDS];
    const { rows, known } = differing(was, news, () => fieldsOf(kind), handled);
    if (rows.length === 0) return { changes: false, replaces: [], deleteBeforeReplace: true };
    const replaces = rows.filter(
      (r) => r in known && !handled.includes(r) && priceOf(kinds[kind].prices, r).impact === "replace",
    );
    // refresh asks too, without check.
    if (seen(news) && replaces.length === 0 && rows.every((r) => known[r.replace(/\[\]$/, "")] !== undefined))
      await tellPrice(ctx, id, was, news);
    return { changes: true, replaces, deleteBeforeReplace: true };
  }

  async function tellPrice(ctx: Context, id: string, was: Inputs, news: Inputs): Promise<void> {
    try {
      const there = await reachHost(news);
      const observed = await look(there, { id, name: String(news.name) }, news);
      const p = plan({ kind, desired: news, was, owner: news.owner as Owner | undefined }, observed);
      const line = priceLine(p, there.channel.by);
      if (line !== undefined) ctx.log("info", line);
    } catch (e) {
      ctx.log("warning", `${label(news)}: the price of this change is not known: ${text(e)}`);
    }
  }

  async function create(ctx: Context, inputs: Inputs): Promise<{ id: string; outs: Inputs }> {
    const there = await reachHost(inputs);
    const identity = await there.host.identity();
    return there.host.serial("links", async () => {
      const observed = await look(there, { name: String(inputs.name) }, inputs);
      const adopted = observed.link ? takeOver(observed.link, inputs, identity.hostname) : false;
      const link = await reach(ctx, there, inputs, undefined, observed, adopted);
      return { id: link.id, outs: { ...inputs, ...computed(link, identity, adopted) } };
    });
  }

  /** Whether an existing link may be taken; throws where not. @returns whether it counts as adopted. */
  const takeOver = ({ mark }: ObservedLink, inputs: Inputs, hostname: string): boolean =>
    mayTake(mark, inputs, { what: `${label(inputs)} exists already on ${hostname}`, or: "name" });

  /** Plan, apply, verify. */
  async function reach(
    ctx: Context,
    there: There,
    desired: Inputs,
    was: Inputs | undefined,
    observed: Observed,
    adopted: boolean,
  ): Promise<ObservedLink> {
    if (observed.foreign !== undefined)
      throw new VirtnetError(
        `${label(desired)}: a device of this name is on the host already, ${observed.foreign}: choose another name, or remove it`,
      );
    const p = plan({ kind, desired, was, owner: desired.owner as Owner | undefined, adopted }, observed);
    if (ctx.signal?.aborted) throw new VirtnetError(`${label(desired)}: stopped before anything was changed`);
    const id = await run(there, p);
    const after = await look(there, { id, name: String(desired.name) });
    try {
      return verify(kind, after.link, desired, was);
    } catch (e) {
      if (!after.link) throw e;
      const outs = {
        ...argsOnHost(kind, desired, after.link),
        ...computed(after.link, await there.host.identity(), adopted),
      };
      throw new PartialFailure(id, outs, [text(e)]);
    }
  }

  async function run({ backend, channel, host }: There, p: Plan): Promise<string> {
    try {
      return await apply(backend, channel, p);
    } catch (e) {
      if (e instanceof ApplyError && !e.restored && p.id !== undefined) throw new VirtnetError(e.message);
      throw e;
    } finally {
      changed(host.uri);
    }
  }

  async function read(
    _ctx: Context,
    id: string,
    olds: Inputs,
  ): Promise<{ id: string; outs: Inputs; inputs: Inputs } | undefined> {
    const there = await reachHost(olds);
    const identity = await there.host.identity();
    const proof = proveHost(olds, identity, label(olds));
    const { link } = await look(there, { id, name: String(olds.name) });
    if (!link) {
      if (proof === "proven") return undefined;
      throw notCertain(olds, identity.hostname);
    }
    const args = argsOnHost(kind, argsOf(olds), link);
    return { id: link.id, outs: { ...args, ...computed(link, identity, olds.adopted === true) }, inputs: args };
  }

  const notCertain = (olds: Inputs, hostname: string) =>
    new VirtnetError(
      `${label(olds)} is not on ${hostname}, but that this is the host of the state is not certain: set host_uuid in libvirtd.conf, or use "pulumi state delete"`,
    );

  async function update(ctx: Context, id: string, olds: Inputs, news: Inputs): Promise<{ outs: Inputs }> {
    const there = await reachHost(news);
    const identity = await there.host.identity();
    proveHost(olds, identity, label(news));
    return there.host.serial("links", async () => {
      const observed = await look(there, { id, name: String(news.name) }, news);
      const { link } = observed;
      const adopted = link
        ? link.id === id && !link.mark
          ? olds.adopted === true
          : takeOver(link, news, identity.hostname)
        : false;
      const after = await reach(ctx, there, news, argsOf(olds), observed, adopted);
      return { outs: { ...news, ...computed(after, identity, adopted) } };
    });
  }

  async function remove(ctx: Context, id: string, olds: Inputs): Promise<void> {
    const there = await reachHost(olds);
    const identity = await there.host.identity();
    const proof = proveHost(olds, identity, label(olds));
    await there.host.serial("links", async () => {
      const observed = await look(there, { id, name: String(olds.name) });
      const { link } = observed;
      if (!link) {
        if (proof === "proven") return;
        throw notCertain(olds, identity.hostname);
      }
      const { mark } = link;
      const owner = olds.owner as Owner | undefined;
      // Moved to another resource of the program, or to another stack: not ours to delete any more.
      if (mark && owner && !sameOwner(mark, owner)) return;
      if (olds.adopted === true && olds.deleteAdopted !== true) {
        await there.backend.mark({ id: link.id, kind, name: link.name }, null);
        return;
      }
      await refuseInUse(there, olds, observed);
      if (ctx.signal?.aborted) throw new VirtnetError(`${label(olds)}: stopped before anything was changed`);
      await run(there, planDelete(kind, olds, observed, link));
    });
  }

  /** VMs would be cut off, and nothing would plug them in again. */
  async function refuseInUse({ host }: There, olds: Inputs, { host: { links } }: Observed): Promise<void> {
    const taps = [...links.values()].filter((l) => l.master === olds.name && l.kind === "tun").map((l) => l.name);
    if (taps.length === 0) return;
    const domains = await host.read((c) => c.domains.list({ active: true }));
    const users = domains.filter((d) =>
      taps.some((tap) => new RegExp(`<target dev=['"]${tap}['"]`).test(d.liveXml ?? "")),
    );
    const who = users.length > 0 ? users.map((d) => d.name).join(", ") : taps.join(", ");
    throw new VirtnetError(`${label(olds)} is in use by ${who}: move or remove their NICs first`);
  }

  return { check, diff, create, read, update, delete: remove };
}
