/** After a step that failed: what was there is there again, looked at rather than assumed, since libvirt's answer may be lost. */
import { textOf } from "../handler.js";
import type { Connection } from "../libvirt/api.js";
import { type UnplugOptions, unplug } from "../unplug.js";
import { asOwn, asPlugged, findNic, withoutAlias } from "./document.js";
import { vanished } from "./explain.js";
import { toObserved } from "./observe.js";
import type { Action, ObservedVm } from "./steps.js";

export interface Restored {
  /** What became of the VM meanwhile, in words. */
  vm?: string;
  /** What is as it was again, in words. */
  restored: string[];
  /** What could not be restored, and why; empty: all is as it was. */
  left: string[];
}

interface Looked {
  c: Connection;
  /** The VM as it was, with the NIC. */
  before: ObservedVm;
  now: ObservedVm;
  done: readonly Action[];
  options: UnplugOptions;
  mac: string;
}

/** @param done what was begun; the last one failed, and may be done all the same. */
export async function restore(
  c: Connection,
  before: ObservedVm,
  mac: string,
  done: readonly Action[],
  options: UnplugOptions,
): Promise<Restored> {
  const info = await c.domains.get({ uuid: before.uuid });
  if (!info) return { vm: vanished("is not on this host any more"), restored: [], left: [] };
  const found = toObserved(info, mac, before.givers);
  // What of it is the NIC's own was told by the stored one as it was.
  const live = before.config && asOwn(findNic(info.liveXml, mac, info.name), before.config, before.givers);
  const looked: Looked = { c, before, now: live ? { ...found, live } : found, done, options, mac };
  const out: Restored = { restored: [], left: [] };
  // The running VM first: its guest waits.
  for (const part of [running, stored]) await part(looked, out);
  if (before.active && !info.active && touches(done, "live")) out.vm = vanished("does not run here any more");
  return out;
}

const touches = (done: readonly Action[], copy: "live" | "config"): boolean =>
  done.some((a) => a.do !== "join" && (a.affect === copy || a.affect === "both"));

async function attempt(out: Restored, what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
    out.restored.push(what);
  } catch (e) {
    out.left.push(`${what} (${textOf(e)})`);
  }
}

async function running({ c, before, now, done, options, mac }: Looked, out: Restored): Promise<void> {
  if (!now.active || !touches(done, "live")) return;
  const ref = { uuid: before.uuid, name: before.name };
  const [was, is] = [before.live, now.live];
  const plugBack = (xml: string) => c.domains.attachDevice(ref, asPlugged(xml), "live");
  if (!was) {
    if (is) await attempt(out, "unplugged", () => unplug(c, ref, mac, is.xml, options));
  } else if (!is) await attempt(out, "the old NIC", () => plugBack(was.xml));
  else if (asPlugged(was.xml) !== asPlugged(is.xml)) {
    if (done.some((a) => a.do === "detach"))
      await attempt(out, "the old NIC", async () => {
        await unplug(c, ref, mac, is.xml, options);
        await plugBack(was.xml);
      });
    else await attempt(out, "the running NIC", () => c.domains.updateDevice(ref, was.xml, "live"));
  }
}

async function stored({ c, before, now, done }: Looked, out: Restored): Promise<void> {
  if (!now.persistent || !touches(done, "config")) return;
  const ref = { uuid: before.uuid };
  const [was, is] = [before.config, now.config];
  const what = "the stored definition";
  if (!was) {
    if (is) await attempt(out, what, () => c.domains.detachDevice(ref, is.xml, "config"));
  } else if (!is) await attempt(out, what, () => c.domains.attachDevice(ref, was.xml, "config"));
  else if (was.xml !== is.xml)
    await attempt(out, what, async () => {
      // An update finds the device by its alias too, unless it says none.
      if (is.alias !== was.alias && is.alias !== undefined)
        await c.domains.updateDevice(ref, withoutAlias(is.xml), "config");
      await c.domains.updateDevice(ref, was.xml, "config");
    });
}
