import assert from "node:assert/strict";
import type { Inputs } from "../../../provider/handler.js";
import { differences } from "../../../provider/vminterface/differences.js";
import { nicsOf, writeNic } from "../../../provider/vminterface/document.js";
import { plan } from "../../../provider/vminterface/plan.js";
import { argsFound, argsOfBoth, argsWithin, everSet } from "../../../provider/vminterface/state.js";
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

describe("the state of a NIC that a refresh found to differ in its two definitions", () => {
  const found = (outs: Inputs, there: ObservedVm): Inputs => {
    const { args, ...otherwise } = argsFound(outs, there);
    return { ...args, ...otherwise };
  };
  const rows = (outs: Inputs, news: Inputs) => argsOfBoth(outs).flatMap((was) => differences(was, news, {}));
  const whole = { ...base, plugged: true, connected: true };
  const both: [what: string, old: Inputs, wish: Inputs, row: string][] = [
    ["a setting that shall go", { ...whole, mtu: 1400 }, whole, "mtu"],
    [
      "a setting within one that stays",
      { ...whole, driver: { name: "vhost", queues: 4 } },
      { ...whole, driver: { name: "vhost" } },
      "driver.queues",
    ],
    ["a value", { ...whole, mtu: 1400 }, { ...whole, mtu: 1300 }, "mtu"],
    ["a network", whole, { ...whole, network: "two" }, "network"],
    ["a source", whole, { ...whole, network: undefined, bridge: "br0" }, "bridge"],
  ];
  for (const [what, old, wish, row] of both)
    it(`${what}: a run that was cut off between the two is ended, or taken back, after one refresh or two`, () => {
      const half = vm(wish, old);
      let state = found(old, half);
      for (const time of ["one refresh", "two"]) {
        assert.ok(rows(state, wish).includes(row), `${time}: the program still wants it`);
        assert.deepEqual(stepsFrom(everSet(state), wish, half), stepsFrom(old, wish, half), time);
        assert.ok(rows(state, old).length > 0, `${time}: the program takes it back`);
        state = found(state, half);
      }
      assert.deepEqual(found(state, vm(wish, wish)).otherwise, undefined, "both are alike again");
      assert.deepEqual(rows(found(state, vm(wish, wish)), wish), []);
      assert.deepEqual(rows(found(state, vm(old, old)), old), []);
    });

  it("tells what one has lost beside what both have otherwise, after one refresh as after two", () => {
    const known = { ...whole, mtu: 1400 };
    const drifted = { ...whole, network: "two", mtu: 1400 };
    const without = { ...whole, network: "two" };
    for (const half of [vm(drifted, without), vm(without, drifted)]) {
      const once = found(known, half);
      assert.deepEqual(rows(once, drifted), ["mtu"], "the program takes what both have");
      assert.deepEqual(found(once, half), once);
    }
  });

  it("a new setting is still the program's to add", () => {
    const wish = { ...whole, mtu: 1400 };
    const state = found(whole, vm(wish, whole));
    assert.deepEqual(rows(state, wish), ["mtu"]);
    assert.deepEqual(stepsFrom(everSet(state), wish, vm(wish, whole)), ["replug"]);
  });

  it("is quiet where they do not, and where one of them has no such NIC", () => {
    assert.deepEqual(found(whole, vm(whole, whole)), whole);
    const { live: _, ...stored } = vm(whole, whole);
    assert.deepEqual(found(whole, { ...stored, active: false }), whole);
    assert.deepEqual(found(whole, stored), { ...whole, plugged: false });
  });
});
