import assert from "node:assert/strict";
import { type Inputs, PartialFailure } from "../../provider/handler.js";
import { forgetKept, goesOn, isKept, making, objectOn } from "../../provider/kept.js";

const KIND = "network";
const owner = { project: "p", stack: "s", key: "n" };
const args: Inputs = { name: "n", uri: "u", owner };
const nameOf = (of: Inputs): string => objectOn(of.uri, of.name);
const byName = objectOn("u", "n");
const byId = objectOn("host", "id");
const made = { id: "id", outs: { ...args, hostUuid: "host" } };

describe("what a run goes on with", () => {
  beforeEach(forgetKept);

  it("is what it has made, by id on the host, however often it is asked", async () => {
    await making(KIND, args, async () => made);
    for (const _ of [1, 2]) assert.ok(isKept(KIND, made.outs, byId));
    assert.ok(!isKept(KIND, made.outs, objectOn("host", "other")));
    assert.ok(!isKept(KIND, made.outs, objectOn("elsewhere", "id")));
    assert.ok(!isKept("bridge", made.outs, byId));
    assert.ok(!isKept(KIND, { ...made.outs, owner: { ...owner, key: "other" } }, byId));
  });

  it("is not what could not be made, but what was made otherwise than wanted", async () => {
    await assert.rejects(making(KIND, args, () => Promise.reject(new Error("no"))));
    assert.ok(!isKept(KIND, args, byId));
    await assert.rejects(making(KIND, args, () => Promise.reject(new PartialFailure("id", made.outs, ["half"]))));
    assert.ok(isKept(KIND, args, byId));
  });

  it("is what the state has, under its name before and now, until it is checked to be made anew", () => {
    goesOn(KIND, args, { ...args, name: "m" }, nameOf);
    assert.ok(isKept(KIND, args, byName));
    assert.ok(isKept(KIND, args, objectOn("u", "m")));
    goesOn(KIND, {}, { ...args, name: "m" }, nameOf);
    for (const name of ["n", "m"]) assert.ok(!isKept(KIND, args, objectOn("u", name)));
  });

  it("is nothing that has no owner", () => {
    const { owner: _, ...unowned } = args;
    goesOn(KIND, unowned, unowned, nameOf);
    assert.ok(!isKept(KIND, unowned, byName));
  });
});
