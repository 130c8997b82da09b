/** Bridge, Bond and Vlan: check, diff, create, read, update, delete; one flow, observe → plan → apply → verify. */
import type { Context, Diff, Failure, Handler, Inputs } from "../handler.js";
import { isLookup, PartialFailure, textOf, VirtnetError } from "../handler.js";
import { channelOf } from "../host/channel.js";
import { deviceMade, linkOwner } from "../host/devices.js";
import { proveHost, proveWhereReached, uriOf } from "../host/hosts.js";
import { goesOn, isKept, making, objectOn } from "../kept.js";
import { bridgeOf, interfacesOf, targetOf } from "../network/nics.js";
import { priceOf } from "../network/prices.js";
import { mayTake, type Owner, sameOwner } from "../ownership.js";
import { differing, hasUnknown } from "../schema/differences.js";
import { same } from "../schema/tree.js";
import { type Addresses, isBare } from "./addressing.js";
import { apply } from "./apply.js";
import { CONTROL_FIELDS, fieldsOf, type Kind, kinds, STATE_FIELDS } from "./args.js";
import { checkLink } from "./check.js";
import { losses } from "./losses.js";
import { observe } from "./observe.js";
import { plan, planDelete, rollbackAfter, type Wish } from "./plan.js";
import { each } from "./rules/common.js";
import type { Surroundings } from "./rules/rule.js";
import { changed, leaves, movedOn, neighbours, sawInCheck, seen } from "./run.js";
import { caution, priceLine, tooCostly } from "./say.js";
import { argsOf, argsOnHost, computed } from "./state.js";
import type { Observed, ObservedLink, Plan } from "./steps.js";
import { alone, reachHost, refuseMove, type There } from "./there.js";
import { refuseUnsafe } from "./unsafe.js";
import { devicesOn, portOf } from "./users.js";
import { verify } from "./verify.js";

/** Devices of a running VM's NICs that are on a bridge, by libvirt's own word. */
const tapsOn = (domainXml: string, bridge: string): string[] =>
  domainXml === ""
    ? []
    : interfacesOf(domainXml)
        .filter((nic) => bridgeOf(nic) === bridge)
        .flatMap((nic) => targetOf(nic) ?? []);

export function linkHandler(kind: Kind): Handler {
  const label = (inputs: Inputs): string => `${kind} ${JSON.stringify(inputs.name)}`;
  const nameOn = (of: Inputs): string | undefined =>
    typeof of.name === "string" ? objectOn(uriOf(of), of.name) : undefined;
  const look = ({ backend }: There, ref: { id?: string; name: string }, wanted?: Inputs): Promise<Observed> =>
    observe(backend, kind, ref, wanted);
  /** What the plan is to reach, on this host. */
  const wish = ({ backend }: There, desired: Inputs, was: Inputs | undefined, adopted = false): Wish => ({
    ...{ kind, desired, was, adopted, restarts: backend.restarts },
    ...(backend.keepsMarks ? { owner: desired.owner as Owner | undefined } : {}),
  });

  async function check(ctx: Context, olds: Inputs, news: Inputs): Promise<{ inputs: Inputs; failures: Failure[] }> {
    goesOn(kind, olds, news, nameOn);
    const inputs: Inputs = { ...news };
    for (const k of STATE_FIELDS) if (inputs[k] === undefined) inputs[k] = true;
    const twin = sawInCheck(kind, inputs);
    if (twin) return { inputs, failures: [twin] };
    // A network or NIC over it may be judged before it is there.
    if (typeof inputs.name === "string") deviceMade(uriOf(inputs), inputs.name, linkOwner(inputs.name));
    const unchanged = same(argsOf(olds), inputs);
    if (typeof olds.name === "string" && olds.name !== inputs.name) leaves(uriOf(olds), olds.name);
    const around = unchanged ? {} : await neighbours(ctx, inputs);
    const failures = checkLink(kind, inputs, around);
    if (!unchanged && failures.length === 0) failures.push(...(await unfitPorts(ctx, inputs, around, argsOf(olds))));
    if (failures.length > 0) return { inputs, failures };
    if (Object.keys(olds).length === 0) await tellCreate(ctx, inputs, around);
    for (const loss of losses(inputs, around, argsOf(olds)))
      ctx.log("warning", `${kind} ${String(inputs.name)}: ${loss}`);
    return { inputs, failures };
  }

  /** New ports that what manages the host's links could not take, or not give back. */
  async function unfitPorts(ctx: Context, inputs: Inputs, around: Surroundings, was: Inputs): Promise<Failure[]> {
    const { links, program, manager } = around;
    const had = Array.isArray(was.ports) ? was.ports : [];
    const fresh = each(Array.isArray(inputs.ports) ? (inputs.ports as string[]) : [], "ports").filter(
      ({ item }) =>
        links?.get(item)?.master === undefined && links?.has(item) && !program?.has(item) && !had.includes(item),
    );
    if (manager === undefined || fresh.length === 0) return [];
    try {
      const { backend } = await reachHost(inputs);
      const unfit = await backend.unfitPorts?.(fresh.map(({ item }) => item));
      return fresh.flatMap(({ item, path }) => {
        const reason = unfit?.get(item);
        return reason === undefined ? [] : [{ property: path, reason }];
      });
    } catch (e) {
      ctx.log("warning", `${label(inputs)}: whether its ports can be taken is not known: ${textOf(e)}`);
      return [];
    }
  }

  /** One that is there already is changed in place, once it is adopted. */
  async function tellCreate(ctx: Context, inputs: Inputs, around: Surroundings): Promise<void> {
    if (!around.links?.has(String(inputs.name))) warn(ctx, inputs, around);
    else if (inputs.adopt && !hasUnknown(inputs)) await priced(ctx, inputs, {});
  }

  /** Of a link that is made: what a change in place tells with its price. */
  function warn(ctx: Context, inputs: Inputs, { links, carriers = [], manager }: Surroundings, was: Inputs = {}): void {
    if (!links || manager === "libvirt") return;
    const { name, addresses } = inputs;
    const touched = [inputs, was].flatMap((args) => [args.name, ...(Array.isArray(args.ports) ? args.ports : [])]);
    const what = {
      carriers: carriers.filter((device) => touched.includes(device)),
      brings: isBare(addresses as Addresses | undefined) ? [] : [String(name)],
    };
    const by = channelOf(uriOf(inputs))?.by ?? "local";
    for (const line of caution(what, rollbackAfter(inputs, links), by))
      ctx.log("info", `${kind} ${String(name)}: ${line}`);
  }

  async function diff(ctx: Context, id: string, olds: Inputs, news: Inputs): Promise<Diff> {
    const was = argsOf(olds);
    const handled: readonly string[] = [...CONTROL_FIELDS, ...STATE_FIELDS];
    const { rows, known } = differing(was, news, () => fieldsOf(kind), handled);
    if (rows.length === 0) return { changes: false, replaces: [], deleteBeforeReplace: true };
    if (seen(news)) refuseMove(news, id);
    const replaces = rows.filter(
      (r) => r in known && !handled.includes(r) && priceOf(kinds[kind].prices, r).impact === "replace",
    );
    // refresh asks too, without check.
    if (seen(news) && replaces.length > 0 && news.maxImpact !== undefined)
      throw new VirtnetError(
        `${label(was)}: ${replaces.join(", ")}: maxImpact is ${JSON.stringify(news.maxImpact)}, but this takes the ${kind} away and makes another one (replace): remove maxImpact, or take the change back`,
      );
    // One that is replaced is deleted where it is.
    const at = replaces.length > 0 ? olds : news;
    if (seen(news) && !hasUnknown(at.uri)) await proveWhereReached(olds, at, label(news));
    const unknown = rows.some((r) => hasUnknown(news[r.replace(/[[.].*$/, "")]));
    if (seen(news) && replaces.length > 0) warn(ctx, news, await neighbours(ctx, news), was);
    else if (seen(news) && !unknown) await tellPrice(ctx, id, was, news);
    return { changes: true, replaces, deleteBeforeReplace: true };
  }

  async function tellPrice(ctx: Context, id: string, was: Inputs, news: Inputs): Promise<void> {
    const p = await priced(ctx, news, { id, was });
    if (p) refuseCostly(p, news);
  }

  /** What the change does, and says what it costs; undefined where that is not known. */
  async function priced(
    ctx: Context,
    news: Inputs,
    { id, was }: { id?: string; was?: Inputs },
  ): Promise<Plan | undefined> {
    try {
      const there = await reachHost(news, id);
      const ref = { ...(id === undefined ? {} : { id }), name: String(news.name) };
      const p = plan(wish(there, news, was), await look(there, ref, news));
      const line = priceLine(p, there.channel?.by ?? "local", there.backend.takesBack);
      if (line !== undefined) ctx.log("info", line);
      return p;
    } catch (e) {
      ctx.log("warning", `${label(news)}: the price of this change is not known: ${textOf(e)}`);
      return undefined;
    }
  }

  function refuseCostly(p: Plan, news: Inputs): void {
    const why = tooCostly(p, news);
    if (why !== undefined) throw new VirtnetError(`${label(news)}: ${why}`);
  }

  const create = (ctx: Context, inputs: Inputs): Promise<{ id: string; outs: Inputs }> =>
    making(kind, inputs, () => makeOrTake(ctx, inputs));

  async function makeOrTake(ctx: Context, inputs: Inputs): Promise<{ id: string; outs: Inputs }> {
    const there = await reachHost(inputs);
    const identity = await there.host.identity();
    return alone(there, async () => {
      const observed = await lookAfresh(there, { name: String(inputs.name) }, inputs);
      const adopted = observed.link ? takeOver(observed.link, inputs, identity.hostname) : false;
      const link = await reach(ctx, there, inputs, undefined, observed, adopted);
      return { id: link.id, outs: { ...inputs, ...computed(link, identity, adopted) } };
    });
  }

  /** What a run left that died in the middle is swept first, and what the host is taking back is waited for. For who changes something. */
  async function lookAfresh(there: There, ref: { id?: string; name: string }, wanted?: Inputs): Promise<Observed> {
    let observed = await look(there, ref, wanted);
    if (observed.leftover) {
      await run(there, plan({ kind, desired: { name: ref.name } }, observed));
      observed = await look(there, ref, wanted);
    }
    if (observed.busy && observed.link) {
      await there.backend.calm({ id: observed.link.id, kind, name: ref.name });
      observed = await look(there, ref, wanted);
    }
    return withOrphans(there, observed, ref.name);
  }

  async function withOrphans({ host }: There, observed: Observed, name: string): Promise<Observed> {
    if (kind !== "bridge") return observed;
    const { links } = observed.host;
    const taps = (await host.read((c) => c.domains.list({ active: true }))).flatMap((d) =>
      tapsOn(d.liveXml ?? "", name),
    );
    return { ...observed, orphans: taps.filter((tap) => links.has(tap) && links.get(tap)?.master === undefined) };
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
    const p = plan(wish(there, desired, was, adopted), observed);
    refuseCostly(p, desired);
    if (ctx.signal?.aborted) throw new VirtnetError(`${label(desired)}: stopped before anything was changed`);
    const id = await run(there, p, ctx);
    const after = await look(there, { id, name: String(desired.name) });
    try {
      return verify(kind, after.link, desired, was);
    } catch (e) {
      if (!after.link) throw e;
      const outs = {
        ...argsOnHost(kind, desired, after.link),
        ...computed(after.link, await there.host.identity(), adopted),
      };
      throw new PartialFailure(after.link.id, outs, [textOf(e)]);
    }
  }

  async function run({ backend, channel, host }: There, p: Plan, ctx?: Context): Promise<string> {
    const asks = channel !== undefined;
    // A host of the test driver is none that could be lost.
    refuseUnsafe(p, backend, { asks, known: asks || (await host.identity()).driver === "TEST" });
    try {
      return await apply(backend, channel, p, { signal: ctx?.signal });
    } finally {
      changed(host.uri);
    }
  }

  async function read(
    _ctx: Context,
    id: string,
    olds: Inputs,
  ): Promise<{ id: string; outs: Inputs; inputs: Inputs } | undefined> {
    const there = await reachHost(olds, id);
    const identity = await there.host.identity();
    const proof = proveHost(olds, identity, label(olds));
    const { link, leftover } = own(await look(there, { id, name: String(olds.name) }), id, olds);
    if (leftover)
      throw new VirtnetError(
        `${label(olds)} is being changed, or a run that changed it died in the middle and the host is about to take it back: run up`,
      );
    if (!link) {
      if (isLookup(olds))
        throw new VirtnetError(
          `no ${kind} with the id ${id} is on ${identity.hostname}: "nmcli -g connection.uuid connection show NAME" tells that of a link`,
        );
      if (proof === "proven") return undefined;
      throw notCertain(olds, identity.hostname);
    }
    const args = argsOnHost(kind, argsOf(olds), link);
    return { id: link.id, outs: { ...args, ...computed(link, identity, olds.adopted === true) }, inputs: args };
  }

  /** Without a link that only has the same name: somebody else has made it since. */
  const own = (observed: Observed, id: string, olds: Inputs): Observed => {
    const { link, ...rest } = observed;
    return !link || link.id === id || sameOwner(link.mark, olds.owner as Owner | undefined) ? observed : rest;
  };

  const notCertain = (olds: Inputs, hostname: string) =>
    new VirtnetError(
      `${label(olds)} is not on ${hostname}, but that this is the host of the state is not certain: set host_uuid in libvirtd.conf, or use "pulumi state delete"`,
    );

  async function update(ctx: Context, id: string, olds: Inputs, news: Inputs): Promise<{ outs: Inputs }> {
    const there = await reachHost(news, id);
    const identity = await there.host.identity();
    const proof = proveHost(olds, identity, label(news));
    return alone(there, async () => {
      const observed = await lookAfresh(there, { id, name: String(news.name) }, news);
      const { link } = observed;
      if (!link && proof !== "proven") throw notCertain(olds, identity.hostname);
      const adopted = link ? stillOurs(there, link, id, olds, news, identity.hostname) : false;
      const after = await reach(ctx, there, news, argsOf(olds), observed, adopted);
      return { outs: { ...news, ...computed(after, identity, adopted) } };
    });
  }

  /** Whether the link that is there may be changed; throws where not. @returns whether it counts as adopted. */
  function stillOurs(
    { backend }: There,
    link: ObservedLink,
    id: string,
    olds: Inputs,
    news: Inputs,
    hostname: string,
  ): boolean {
    // Its name is all that tells.
    if (!backend.keepsMarks) return olds.adopted === true;
    if (link.id !== id || link.mark) return takeOver(link, { ...news, former: olds.owner }, hostname);
    if (olds.owner === undefined || news.adopt) return olds.adopted === true;
    throw new VirtnetError(
      `${label(news)} on ${hostname} no longer carries the mark of its owner ("virtnet disown", or another tool wrote its profile): set adopt: true to take it back, or let go of it with "pulumi state delete"`,
    );
  }

  async function remove(ctx: Context, id: string, olds: Inputs): Promise<void> {
    const there = await reachHost(olds, id);
    const identity = await there.host.identity();
    const proof = proveHost(olds, identity, label(olds));
    await alone(there, async () => {
      const observed = own(await lookAfresh(there, { id, name: String(olds.name) }), id, olds);
      const { link } = observed;
      if (!link) {
        if (proof === "proven") return;
        throw notCertain(olds, identity.hostname);
      }
      const { mark } = link;
      const owner = olds.owner as Owner | undefined;
      // Moved to another resource of the program, or to another stack: not ours to delete any more.
      if (mark && owner && !sameOwner(mark, owner)) return;
      if (!there.backend.keepsMarks && movedOn(kind, olds)) return;
      if (isKept(kind, olds, objectOn(identity.uuid, link.id), objectOn(there.host.uri, link.name))) return;
      if (there.backend.keepsMarks && !mark && owner) {
        ctx.log("warning", `${label(olds)} no longer carries the mark of its owner (disowned): it is left as it is`);
        return;
      }
      if (olds.adopted === true && olds.deleteAdopted !== true) {
        await there.backend.mark({ id: link.id, kind, name: link.name }, null);
        return;
      }
      await refuseInUse(there, olds, link, observed);
      if (ctx.signal?.aborted) throw new VirtnetError(`${label(olds)}: stopped before anything was changed`);
      await run(there, planDelete(kind, olds, observed, link), ctx);
    });
  }

  /** VMs and others would be cut off, and nothing would plug them in again. */
  async function refuseInUse(
    { host }: There,
    olds: Inputs,
    link: ObservedLink,
    { host: { links } }: Observed,
  ): Promise<void> {
    const above = portOf(link, links);
    if (above !== undefined)
      throw new VirtnetError(
        `${label(olds)} is a port of ${above}, which would be cut off: take it out of the ports of ${above} first, or have ${above} replaced as well ("pulumi up --replace" with its URN)`,
      );
    const users = devicesOn(link, links);
    if (users.length === 0) return;
    const domains = await host.read((c) => c.domains.list({ active: true }));
    const who = users.map(
      (device) =>
        domains.find((d) => d.liveXml?.match(/<target dev=(['"]).*?\1/g)?.some((t) => t.slice(13, -1) === device))
          ?.name ?? device,
    );
    throw new VirtnetError(
      `${label(olds)} is in use by ${[...new Set(who)].join(", ")}: move or remove their NICs first`,
    );
  }

  return { check, diff, create, read, update, delete: remove };
}
