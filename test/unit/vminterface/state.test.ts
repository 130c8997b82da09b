import assert from "node:assert/strict";
import type { Inputs } from "../../../provider/handler.js";
import { nicsOf, writeNic } from "../../../provider/vminterface/document.js";
import { plan } from "../../../provider/vminterface/plan.js";
import { argsWithin } from "../../../provider/vminterface/state.js";
import type { ObservedVm } from "../../../provider/vminterface/steps.js";

const [old, renamed] = ["nic", "renamed"].map((key) => ({ project: "p", stack: "s", key }));
const base: Inputs = { domain: "web", network: "one", mac: "52:54:00:00:00:01", owner: old };
const nicOf = (args: Inputs) => {
  const mark = args.owner === undefined ? undefined : { ...(args.owner as typeof old), adopted: false };
  const [nic] = nicsOf(`<domain><devices>${writeNic(args, undefined, undefined, mark as never)}</devices></domain>`);
  assert.ok(nic);
  return nic;
};
const vm = (config: Inputs, live: Inputs): ObservedVm => ({
  ...{ uuid: "u", name: "web", active: true, persistent: true },
  ...{ config: nicOf(config), live: nicOf(live) },
});
/** What the state has after a change that failed, where the NIC is like this. */
const stateAfter = (was: Inputs, desired: Inputs, there: ObservedVm): Inputs => argsWithin({ was, desired }, there);
const stepsFrom = (state: Inputs, desired: Inputs, there: ObservedVm): string[] =>
  plan({ desired, was: state }, { daemon: 11_000_000, carriers: {}, trees: {}, vm: there }).steps.map((s) => s.kind);

describe("the state of a NIC whose change did not come to its end", () => {
  it("has what shall go for as long as it is there, also within a setting that stays, so that the next run takes it away", () => {
    const was = { ...base, driver: { name: "vhost", queues: 4 }, mtu: 1400 };
    const desired = { ...base, driver: { name: "vhost" } };
    const untouched = vm(was, was);
    assert.deepEqual(stateAfter(was, desired, untouched), { ...was });
    assert.deepEqual(stepsFrom(stateAfter(was, desired, untouched), desired, untouched), ["define", "replug"]);
    const done = vm(desired, desired);
    assert.deepEqual(stateAfter(was, desired, done), desired);
    // Of the two definitions the stored one is as wanted already.
    const half = vm(desired, was);
    assert.deepEqual(stepsFrom(stateAfter(was, desired, half), desired, half), ["replug"]);
  });

  it("has the source that it is on, and no other", () => {
    const desired = { ...base, network: undefined, bridge: "br0" };
    assert.equal(stateAfter(base, desired, vm(base, base)).bridge, undefined);
    assert.equal(stateAfter(base, desired, vm(base, base)).network, "one");
    assert.equal(stateAfter(base, desired, vm(desired, desired)).network, undefined);
  });

  it("has the owner whose mark is there", () => {
    const desired = { ...base, owner: renamed };
    assert.deepEqual(stateAfter(base, desired, vm(base, base)).owner, old);
    assert.deepEqual(stateAfter(base, desired, vm({ ...base, owner: undefined }, base)).owner, old);
    assert.deepEqual(stateAfter(base, desired, vm(desired, base)).owner, renamed);
  });
});
