/** After a step that failed: what was there is there again, looked at rather than assumed. */
import type { Connection, NetworkInfo } from "../libvirt/api.js";
import { readNetwork, sameMark } from "./document.js";
import { sameDefinition } from "./settle.js";
import { startNetwork } from "./starting.js";
import type { Action, ObservedNetwork } from "./steps.js";

/** @returns what could not be restored, in words; empty: all is as it was. */
export async function restore(
  c: Connection,
  name: string,
  before: ObservedNetwork | undefined,
  done: readonly Action[],
): Promise<string[]> {
  return before ? await asBefore(c, before, done) : await nothing(c, name, done);
}

/** It did not exist: what we made goes, also where libvirt's answer was lost. */
async function nothing(c: Connection, name: string, done: readonly Action[]): Promise<string[]> {
  const made = done.find((a) => a.do === "define");
  const there = await c.networks.get({ name });
  if (!there || !made) return [];
  const ours = readNetwork(made.xml);
  const theirs = readNetwork(there.inactiveXml);
  const isOurs = ours.mark ? sameMark(ours.mark, theirs.mark) : sameDefinition(made.xml, there.inactiveXml);
  if (!isOurs) return [];
  const ref = { uuid: there.uuid };
  if (there.active) await c.networks.destroy(ref);
  await c.networks.undefine(ref);
  return [];
}

async function asBefore(c: Connection, before: ObservedNetwork, done: readonly Action[]): Promise<string[]> {
  const ref = { uuid: before.uuid };
  const now = await c.networks.get(ref);
  // A stored definition that we did not write is somebody else's by now.
  const wrote = done.some(
    (a) => a.do === "define" || a.do === "undefine" || (a.do === "update" && a.affect !== "live"),
  );
  if (!now || (wrote && !sameText(now.inactiveXml, before.xml)))
    await c.networks.define(before.xml, { validate: false });
  // A live update that failed in the middle: its answer may be lost, so each is taken back where it is found.
  for (const a of [...done].reverse()) if (a.do === "update") await takeBack(c, before, a);
  const running = before.liveXml !== undefined;
  const then = await c.networks.get(ref);
  if (then && then.active !== running) await (running ? startNetwork(c, ref) : c.networks.destroy(ref));
  if (then?.persistent && then.autostart !== before.autostart) await c.networks.setAutostart(ref, before.autostart);
  if (!before.persistent && then?.persistent) await c.networks.undefine(ref);
  return differs(before, await c.networks.get(ref));
}

const sameText = (a: string, b: string) =>
  a === b || (sameDefinition(a, b) && sameMark(readNetwork(a).mark, readNetwork(b).mark));

async function takeBack(c: Connection, before: ObservedNetwork, a: Action & { do: "update" }): Promise<void> {
  const inverse = a.command === "delete" ? "add-last" : "delete";
  // The stored copy has been restored as a whole.
  if (a.affect === "config" || before.liveXml === undefined) return;
  const now = await c.networks.get({ uuid: before.uuid });
  if (now?.liveXml === undefined || sameDefinition(now.liveXml, before.liveXml)) return;
  await c.networks
    .update({ uuid: before.uuid }, inverse, a.section, a.parentIndex, a.xml, "live")
    .catch(() => undefined); // it was not done; what is left shows below
}

function differs(before: ObservedNetwork, now: NetworkInfo | undefined): string[] {
  if (!now) return ["the network (it is gone)"];
  const wrong: string[] = [];
  if (!sameDefinition(now.inactiveXml, before.xml)) wrong.push("its stored definition");
  if (now.active !== (before.liveXml !== undefined)) wrong.push(now.active ? "it runs" : "it does not run");
  else if (now.liveXml !== undefined && !sameDefinition(now.liveXml, before.liveXml as string))
    wrong.push("its running definition");
  if (now.autostart !== before.autostart) wrong.push("autostart");
  return wrong;
}
