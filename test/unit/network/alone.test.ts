import assert from "node:assert/strict";
import { lookingAgain } from "../../../provider/network/alone.js";
import { Outdated } from "../../../provider/network/apply.js";

describe("work on a network that somebody else has changed since it was looked at", () => {
  const failing = (times: number, error: Error) => {
    let n = 0;
    return { work: async () => (++n <= times ? Promise.reject(error) : n), tries: () => n };
  };

  it("is looked at and planned again", async () => {
    assert.equal(await lookingAgain(failing(2, new Outdated("they were faster")).work), 3);
  });

  it("ends with what happened where that goes on and on", async () => {
    const { work, tries } = failing(9, new Outdated("they were faster"));
    await assert.rejects(lookingAgain(work), /they were faster/);
    assert.equal(tries(), 3);
  });

  it("is not done twice where it failed for another reason", async () => {
    const { work, tries } = failing(1, new Error("no memory"));
    await assert.rejects(lookingAgain(work), /no memory/);
    assert.equal(tries(), 1);
  });
});
