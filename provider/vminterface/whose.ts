/** Whose a NIC is, and whether a resource may take it, change it, unplug it. */
import { type Inputs, VirtnetError } from "../handler.js";
import { isKept } from "../kept.js";
import { isForeignAlias } from "../nic-mark.js";
import { type Mark, mayTake, type Owner, sameOwner, sameStack } from "../ownership.js";
import { same } from "../schema/tree.js";
import { ownerNow, resourceOf, tookOver } from "./run.js";
import { idOf, label } from "./say.js";
import { argsOf } from "./state.js";
import type { ObservedVm } from "./steps.js";

/** For {@link isKept}: as what it is kept. */
export const KIND = "NIC";

/** The stored definition says it, since a running device keeps its alias. */
const markOf = (vm: ObservedVm): Mark | undefined => (vm.config ?? vm.live)?.mark;

/** Whether the mark that this resource left is gone: there is no alias any more, or another program's, or libvirt's own. */
function wasReleased(vm: ObservedVm, olds: Inputs): boolean {
  if (olds.owner === undefined || argsOf(olds).alias !== undefined || markOf(vm)) return false;
  // A NIC that was there before keeps an alias that another program gave it, and any while it runs.
  if (olds.adopted === true) return vm.config !== undefined && !isForeignAlias(vm.config.alias);
  // One that runs and is not stored any more keeps the alias that it had when it was taken over.
  return vm.config !== undefined || (vm.live !== undefined && (!vm.persistent || isForeignAlias(vm.live.alias)));
}

/** Whether a run that gave the NIC another mark, or an alias, may have ended before or after its second call: the first takes the alias away. */
const inChange = (alias: string | undefined, olds: Inputs, news: Inputs): boolean =>
  news.alias === undefined
    ? alias === undefined && !same(olds.owner, news.owner)
    : alias === undefined || alias === news.alias;

/** Whether a NIC that is there may be taken; throws where not. @returns whether it counts as adopted. */
export function takeOver(vm: ObservedVm, inputs: Inputs, hostName: string): boolean {
  const nic = vm.config ?? vm.live;
  if (!nic) return false;
  const owner = inputs.owner as Owner | undefined;
  const mark = markOf(vm);
  if (mark && owner && sameStack(mark, owner)) {
    if (mark.key !== owner.key && resourceOf(inputs.uri, mark)?.mac === inputs.mac)
      throw new VirtnetError(
        `${label(inputs)} is that of resource ${JSON.stringify(mark.key)} of this program: give each NIC its own mac`,
      );
    tookOver(idOf(vm, inputs.mac), owner.key);
  }
  return mayTake(mark, inputs, {
    what: `${label(inputs)} exists already on ${hostName}`,
    or: "mac",
    release: `virtnet disown vm-interface ${vm.name} ${nic.mac}`,
  });
}

/** Whether the NIC of a resource that is there may be changed; throws where not. @returns whether it counts as adopted. */
export function stillOurs(vm: ObservedVm, olds: Inputs, news: Inputs, hostName: string): boolean {
  const nic = vm.config ?? vm.live;
  const known =
    nic !== undefined && idOf(vm, news.mac) === idOf({ uuid: String(olds.domainUuid) }, olds.mac) && !markOf(vm);
  if (!known) return takeOver(vm, { ...news, former: olds.owner }, hostName);
  if (!news.adopt && wasReleased(vm, olds) && !inChange(nic.alias, olds, news))
    throw new VirtnetError(
      `${label(news)} on ${hostName} no longer carries the mark of its owner${isForeignAlias(nic.alias) ? `, but alias ${JSON.stringify(nic.alias)}` : ""} ("virtnet disown", or another tool wrote it): set adopt: true to take it back, or let go of it with "pulumi state delete"`,
    );
  return olds.adopted === true;
}

/** Why a NIC is not this resource's to unplug. `told`: a sentence for the user; empty: another resource has it, and nobody misses anything. */
export function notOurs(vm: ObservedVm, olds: Inputs): { told: string } | undefined {
  const mark = markOf(vm);
  const owner = olds.owner as Owner | undefined;
  if (isKept(KIND, olds, idOf(vm, olds.mac), idOf({ uuid: vm.name }, olds.mac))) return { told: "" };
  if (owner !== undefined) {
    // Moved to another resource of the program, or to another stack.
    const now = ownerNow(idOf(vm, olds.mac));
    if (now !== undefined ? now !== owner.key : mark !== undefined && !sameOwner(mark, owner)) return { told: "" };
  }
  // Of a VM that was made anew with a NIC of this MAC by somebody else, nothing is ours.
  if (vm.uuid !== olds.domainUuid && !sameOwner(mark, owner)) return { told: "" };
  const { alias } = argsOf(olds);
  const there = (vm.config ?? vm.live)?.alias;
  const released = wasReleased(vm, olds);
  if (released && !isForeignAlias(there))
    return { told: `${label(olds)} no longer carries the mark of its owner (disowned): it is left as it is` };
  return !released && (alias === undefined || alias === there)
    ? undefined
    : {
        told: `${label(olds)} belongs to another program: its alias is ${JSON.stringify(there) ?? "gone"} now: it is left as it is`,
      };
}
