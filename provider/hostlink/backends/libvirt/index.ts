/**
 * Links by libvirt's own interfaces (virInterface), where its daemon writes them: netcf, and the test driver. Most daemons only read.
 *
 * A link and its ports are one definition: `configure` writes it whole, `activate` takes the link down and up with it. All of that
 * stands between virInterfaceChangeBegin and Commit, and is taken back by Rollback, which puts the definitions back; what was active
 * is started here (the test driver leaves everything stopped, netcf what has changed). Nobody rolls back by himself when a run dies,
 * so a {@link Note} is left first, by which the next run knows an open change for its own kind's.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { classOf, type Inputs, textOf, VirtnetError } from "../../../handler.js";
import type { Connection } from "../../../libvirt/api.js";
import { bridgeOf, interfacesOf } from "../../../network/nics.js";
import { same } from "../../../schema/tree.js";
import { parseXml, printXml } from "../../../schema/xml.js";
import type { Addresses, Addressing } from "../../addressing.js";
import type { Kind, Mark } from "../../args.js";
import { type HostLinks, type LinkFact, present } from "../../facts.js";
import { forgetReadings, recentLinks } from "../../readings.js";
import type { Access, Backend, Found, LinkRef } from "../backend.js";
import { libvirtId } from "../ids.js";
import { membersOf, plugInto } from "../members.js";
import { kindOf, portsIn, readDocument, unsaid, writeDocument } from "./document.js";
import { linksOf, type Told } from "./facts.js";
import { type Notes, notesOf } from "./note.js";
import { inProtocols } from "./protocols.js";

const CHANGE = "change";
const WAIT_MS = 500;
const START_MS = 120_000;

/** Why it cannot be used there; undefined: it can. No document is written: one that no driver takes is offered. @public */
export async function unusable({ host }: Access): Promise<string | undefined> {
  try {
    await host.pool.use((c) => c.interfaces.define("<interface/>"));
  } catch (e) {
    if (classOf(e) === "invalid-input") return undefined;
    return classOf(e) === "unsupported"
      ? `libvirt only reads interfaces there (${textOf(e)})`
      : `libvirt does not let its interfaces be written there (${textOf(e)})`;
  }
  return undefined;
}

/** @public Loaded when it is looked for. */
export class LibvirtInterfaces implements Backend {
  readonly name = "libvirt";
  readonly keepsMarks = false;
  readonly takesBack = false;
  readonly restarts = "libvirt takes the link down and up again: what is on it is cut off for that moment";
  readonly shows = "virsh iface-list --all";
  readonly #access: Access;
  readonly #notes: Notes;
  /** What runs is not as defined any more. */
  #stale = false;
  /** The change has taken something down or up. */
  #touched = false;

  constructor(access: Access) {
    this.#access = access;
    this.#notes = notesOf(access);
  }

  /** Always on connections that may write: of a private test driver, each connection has interfaces of its own. */
  #use<T>(fn: (interfaces: Connection["interfaces"]) => Promise<T>): Promise<T> {
    return this.#access.host.pool.use((c) => fn(c.interfaces));
  }

  /** By the list: netcf answers a name that it does not know with an error like any other (measured with 0.2.8). */
  async #told(name: string): Promise<Told | undefined> {
    return (await this.#use((i) => i.list())).find((i) => i.name === name);
  }

  /** Where the driver tells it apart from what is there (netcf); else that. */
  async #stored(name: string): Promise<string | undefined> {
    const link = await this.#use((i) => i.get(name, { inactive: true }));
    return link?.inactiveXml ?? link?.xml;
  }

  async #definition(name: string): Promise<string | undefined> {
    return (await this.#told(name)) && (await this.#stored(name));
  }

  async links(): Promise<HostLinks> {
    const { channel } = this.#access;
    return channel ? recentLinks(this.#access.host.uri, channel) : linksOf(await this.#use((i) => i.list()));
  }

  /** Interfaces are asked for each time: that is one call. */
  forget(): void {
    forgetReadings(this.#access.host.uri);
  }

  async find(kind: Kind, { name }: { name: string }, host: HostLinks): Promise<Found> {
    const id = libvirtId(name);
    if ((await this.#notes.read())?.link === name) return { leftover: { id, checkpoint: CHANGE } };
    const told = await this.#told(name);
    const xml = told && (await this.#stored(name));
    const fact = host.links.get(name);
    if (!told || xml === undefined) {
      if (!fact) return {};
      return { foreign: `${fact.kind === undefined ? "a NIC" : `a ${fact.kind}`} that libvirt has no definition of` };
    }
    const root = parseXml(xml);
    const type = kindOf(root);
    if (type !== kind) return { foreign: `${type === "ethernet" ? "a NIC" : `a ${type}`} by libvirt's definition` };
    const values = readDocument(root);
    const { active: up } = told;
    return { link: { id, name, values: { ...values, ...(up ? onDevice(values, host, fact) : {}) }, up, saved: true } };
  }

  async beyond({ kind, name }: LinkRef): Promise<string[]> {
    const xml = await this.#definition(name);
    return xml === undefined ? [] : unsaid(kind, parseXml(xml));
  }

  async ownPorts(): Promise<string[]> {
    return (await this.#use((i) => i.list())).flatMap(({ xml }) => portsIn(parseXml(xml)).map((p) => p.name));
  }

  async addressing(devices: readonly string[]): Promise<Map<string, Addressing>> {
    const out = new Map<string, Addressing>();
    for (const name of devices) {
      const xml = await this.#definition(name);
      if (xml !== undefined) out.set(name, inProtocols(parseXml(xml)));
    }
    return out;
  }

  /** Nothing: what a link is made of stands in its definition, and that is written within the change. */
  async make(): Promise<void> {}

  async checkpoint(link: LinkRef): Promise<{ id: string; sinceMs: number }> {
    // One of another link, for this run alone changes links now.
    if (await this.#notes.read()) await this.sweep();
    const active = (await this.#use((i) => i.list())).filter((i) => i.active).map((i) => i.name);
    await this.#notes.write({ link: link.name, active });
    try {
      await this.#use((i) => i.changeBegin());
    } catch (e) {
      // A lost answer leaves it open, with the note to find it by.
      if (classOf(e) === "transport" || classOf(e) === "timeout") throw e;
      await this.#notes.clear();
      const open = classOf(e) === "invalid-state";
      throw new VirtnetError(
        open
          ? `another program has a change of the host's interfaces open (${textOf(e)}): end it there with "virsh iface-commit" or "virsh iface-rollback"`
          : `libvirt cannot begin a change that could be taken back (${textOf(e)}): use a host with NetworkManager, or make the link by hand`,
      );
    }
    return { id: CHANGE, sinceMs: Date.now() };
  }

  async configure(
    { kind, name }: LinkRef,
    { values, was }: { values: Inputs; was: Inputs; inherit?: string; mark?: Mark },
  ): Promise<void> {
    const there = await this.#definition(name);
    const root = writeDocument(kind, there, values, was);
    for (const port of portsIn(root))
      if (port.type === "ethernet") refuseAsPort(port.name, await this.#definition(port.name));
    await this.#use((i) => i.define(printXml(root)));
    this.#stale ||= there === undefined || !same(running(there), running(printXml(root)));
  }

  async strip(link: LinkRef): Promise<void> {
    await this.#down(link);
    await this.#use((i) => i.undefine(link.name));
  }

  /** Ports stand in the definition, which is written whole. */
  async attach(): Promise<void> {}
  async detach(): Promise<void> {}

  async activate(link: LinkRef): Promise<void> {
    const told = await this.#told(link.name);
    // It goes: nothing is left of it.
    if (!told || (told.active && !this.#stale)) return;
    const { channel } = this.#access;
    const members = channel && link.kind === "bridge" ? await membersOf(channel, link.name) : [];
    await this.#down(link);
    this.#touched = true;
    await this.#start(link.name);
    this.#stale = false;
    const own = portsIn(parseXml(told.xml)).map((p) => p.name);
    if (channel)
      await plugInto(
        channel,
        link.name,
        members.filter((m) => !own.includes(m)),
      );
  }

  /** netcf runs ifup, which waits for a DHCP server and for a bridge's ports: longer than a call may take, and goes on. */
  async #start(name: string): Promise<void> {
    await this.#use((i) => i.start(name)).catch((e: unknown) => {
      if (classOf(e) !== "timeout") throw e;
      return this.#reach(name, START_MS);
    });
  }

  async #down({ kind, name }: LinkRef): Promise<void> {
    if ((await this.#told(name))?.active !== true) return;
    if (kind === "bridge" && !this.#access.channel) await this.#refuseUnderVms(name);
    this.#touched = true;
    await this.#use((i) => i.destroy(name));
  }

  async #refuseUnderVms(name: string): Promise<void> {
    const domains = await this.#access.host.pool.use((c) => c.domains.list({ active: true }));
    const on = domains.filter((d) => interfacesOf(d.liveXml ?? "<domain/>").some((nic) => bridgeOf(nic) === name));
    if (on.length > 0)
      throw new VirtnetError(
        `${on.map((d) => d.name).join(", ")} would be cut off, and cannot be plugged in again, for no command can be run on the host: stop the VMs, or configure a command (virtnet:command)`,
      );
  }

  async plug({ name }: LinkRef, devices: readonly string[]): Promise<void> {
    if (this.#access.channel) await plugInto(this.#access.channel, name, devices);
  }

  /** There is no place for one. */
  async mark(): Promise<void> {}

  async settled({ name }: LinkRef, limitMs: number): Promise<void> {
    await this.#reach(name, limitMs);
  }

  /** Until it is active; a daemon that is starting it may answer nobody. */
  async #reach(name: string, limitMs: number): Promise<void> {
    for (const until = Date.now() + limitMs; ; await sleep(WAIT_MS)) {
      const told = await this.#told(name).catch((e: unknown) => {
        if (classOf(e) !== "timeout") throw e;
        return undefined;
      });
      if (told?.active) return;
      if (Date.now() > until) throw new VirtnetError(`libvirt has not brought ${name} up within ${limitMs / 1000} s`);
    }
  }

  async letGo(_checkpoint: string, endsMs: number): Promise<void> {
    for (let again = false; ; again = true) {
      try {
        await this.#use((i) => i.changeCommit());
        break;
      } catch (e) {
        // Of a commit whose answer was lost, nothing is open any more.
        if (again && classOf(e) === "invalid-state") break;
        if (classOf(e) !== "transport" || Date.now() > endsMs) throw e;
        await sleep(WAIT_MS);
      }
    }
    await this.#notes.clear();
  }

  /** A definition lasts. */
  async keep(): Promise<void> {}
  async calm(): Promise<void> {}

  async remove({ name }: LinkRef): Promise<void> {
    if (await this.#told(name))
      throw new VirtnetError(`libvirt still has a definition of ${name}: another program wrote it meanwhile`);
  }

  async sweep(): Promise<void> {
    const note = await this.#notes.read();
    if (note) await this.#takeBack(note, true);
  }

  async rollback(_link: LinkRef, checkpoint: string | undefined): Promise<void> {
    const note = checkpoint === undefined ? undefined : await this.#notes.read();
    if (note) await this.#takeBack(note, this.#touched);
  }

  /** @param touched the link may run as the definition says that goes. */
  async #takeBack({ link, active }: { link: string; active: string[] }, touched: boolean): Promise<void> {
    // By the definition that it was started with: with the one before, its ports would not be known.
    if (touched && (await this.#told(link))?.active) await this.#use((i) => i.destroy(link));
    try {
      await this.#use((i) => i.changeRollback());
    } catch (e) {
      // The run died before it was open, or after it was kept.
      if (classOf(e) !== "invalid-state") throw e;
    }
    for (const { name, active: up } of await this.#use((i) => i.list()))
      if (active.includes(name) && !up) await this.#start(name);
    await this.#notes.clear();
  }
}

/** A definition but for what counts at the host's next start only. */
function running(xml: string): string {
  const root = parseXml(xml);
  for (const el of [...root.childNodes]) if (el.nodeName === "start" || el.nodeType !== 1) root.removeChild(el);
  return printXml(root).replace(/>\s+</g, "><");
}

/** netcf drops a port's own definition, and nothing keeps it for the day that the link goes. */
function refuseAsPort(port: string, xml: string | undefined): void {
  if (xml === undefined || Object.keys(inProtocols(parseXml(xml))).length === 0) return;
  throw new VirtnetError(
    `${port} has addresses by a definition of its own, which could not be given back: take them away there first, with "virsh iface-edit ${port}"`,
  );
}

/** Ports that are not plugged in, and fixed addresses that the device has lost. */
function onDevice(values: Inputs, { links }: HostLinks, fact: LinkFact | undefined): Inputs {
  if (!fact) return {};
  const ports = (values.ports as string[] | undefined)?.filter((port) => links.get(port)?.master === fact.name);
  const { addresses } = values as { addresses: Addresses };
  const fixed = typeof addresses === "object" ? addresses.addresses : undefined;
  const there = fixed && present(fixed, fact);
  return {
    ...(ports ? { ports } : {}),
    ...(typeof addresses === "object" && there?.length !== fixed?.length
      ? { addresses: { ...addresses, addresses: there } }
      : {}),
    ...(fact.mac === undefined ? {} : { mac: fact.mac }),
  };
}
