/** Take a NIC from its VM, or let go of it. */
import { isBusy } from "../busy.js";
import { type Context, classOf, type Inputs, VirtnetError } from "../handler.js";
import { type Host, hostAt, proveHost, uriOf } from "../host/hosts.js";
import type { Connection } from "../libvirt/api.js";
import { announce } from "../network/say.js";
import { NotReleased, unplug } from "../unplug.js";
import { unplugging } from "../unplugging.js";
import { withLinkDown, withoutAlias } from "./document.js";
import { refuseBusy, vanished } from "./explain.js";
import { refOf, toObserved } from "./observe.js";
import { movedTo } from "./place.js";
import { label } from "./say.js";
import { argsOf, isLetGo } from "./state.js";
import type { ObservedVm } from "./steps.js";
import { notOurs } from "./whose.js";
import { notProven, onVm, unplugOptions } from "./work.js";

export const remove = (ctx: Context, _id: string, olds: Inputs): Promise<void> =>
  unplugging(String(olds.mac), () => removeFollowing(ctx, olds));

/** Where the VM has moved to, too. */
async function removeFollowing(ctx: Context, olds: Inputs): Promise<void> {
  const at = hostAt(uriOf(olds));
  const identity = await at.identity();
  const proof = proveHost(olds, identity, label(olds));
  let left: Left | undefined;
  const here = await removeOn(ctx, at, olds).catch((e: unknown) => {
    if (!(e instanceof Left)) throw e;
    left = e;
    return undefined;
  });
  const moved = await movedTo(at, olds, here);
  if (moved) await removeOn(ctx, moved.host, olds);
  else if (left) throw left;
  else if (!here && proof !== "proven") throw notProven(olds, olds, identity);
}

/** The VM has left the host while its NIC was unplugged. */
class Left extends VirtnetError {
  override name = "Left";
}

/** @returns the VM, where the NIC was there. */
const removeOn = (ctx: Context, host: Host, olds: Inputs): Promise<ObservedVm | undefined> =>
  onVm(ctx, host, {
    inputs: [argsOf(olds)],
    uuid: olds.domainUuid,
    look: (c) => lookFor(c, olds),
    async work(c, seen) {
      let now: Found | undefined = seen;
      const again = async (on: Connection): Promise<ObservedVm | undefined> => {
        const there = now ?? (await lookFor(on, olds));
        now = undefined;
        return takeAway(ctx, on, olds, there);
      };
      try {
        // It looks first, so it can go on where an answer was lost.
        return await host.surely(c, again);
      } finally {
        host.changed();
      }
    },
  });

/** Somebody else was faster. */
function unlessGone(e: unknown): void {
  if (classOf(e) !== "not-found") throw e;
}

interface Found {
  vm?: ObservedVm;
  busy: boolean;
}

async function lookFor(c: Connection, olds: Inputs): Promise<Found> {
  const known = { uuid: String(olds.domainUuid) };
  const [byUuid, busy] = await Promise.all([c.domains.get(known), isBusy(c, known)]);
  const info = byUuid ?? (await c.domains.get(refOf(String(olds.domain))));
  if (!info) return { busy: false };
  return { vm: toObserved(info, String(olds.mac)), busy: byUuid ? busy : await isBusy(c, info) };
}

async function takeAway(
  ctx: Context,
  c: Connection,
  olds: Inputs,
  { vm, busy }: Found,
): Promise<ObservedVm | undefined> {
  if (!vm || (!vm.live && !vm.config)) return undefined;
  const others = notOurs(vm, olds);
  if (others) {
    if (others.told !== "") announce(ctx, "warning", others.told);
  } else if (isLetGo(olds)) await release(c, vm);
  else {
    if (vm.active) refuseBusy(vm, busy);
    await takeOut(ctx, c, vm, olds).catch(async (e: unknown) => {
      await refuseLeft(c, vm, olds);
      throw e;
    });
    if (vm.active) await refuseLeft(c, vm, olds);
  }
  return vm;
}

async function refuseLeft(c: Connection, vm: ObservedVm, olds: Inputs): Promise<void> {
  const there = await c.domains.get({ uuid: vm.uuid });
  if (!there) throw new Left(`${label(olds)}: unplugging it failed: ${vanished("is not on this host any more")}`);
}

/** The running VM first: where its guest does not release the NIC, nothing is changed. */
async function takeOut(ctx: Context, c: Connection, vm: ObservedVm, olds: Inputs): Promise<void> {
  if (vm.live) {
    try {
      const orElse = ", or delete with forceDetach: true";
      await unplug(c, vm, vm.live.mac, vm.live.xml, { ...unplugOptions(ctx, olds), orElse });
    } catch (e) {
      if (!(e instanceof NotReleased) || olds.forceDetach !== true) throw e;
      if (vm.live.kind !== "hostdev")
        await c.domains.updateDevice({ uuid: vm.uuid }, withLinkDown(vm.live.xml), "live");
      announce(
        ctx,
        "warning",
        `${label(olds)}: the guest did not release it; its link is down, and it is gone when the VM stops`,
      );
    }
  }
  if (vm.config) await c.domains.detachDevice({ uuid: vm.uuid }, vm.config.xml, "config").catch(unlessGone);
}

async function release(c: Connection, vm: ObservedVm): Promise<void> {
  if (vm.config?.mark) await c.domains.updateDevice({ uuid: vm.uuid }, withoutAlias(vm.config.xml), "config");
}
