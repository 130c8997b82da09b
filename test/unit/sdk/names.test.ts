/** Names that a resource's arguments cannot have. */
import assert from "node:assert/strict";
import { kinds } from "../../../provider/hostlink/args.js";
import { modes } from "../../../provider/network/args.js";
import { sources } from "../../../provider/vminterface/args.js";

/** Pulumi's SDK leaves these inputs out, without a word (serializeResourceProperties, runtime/rpc.ts). */
const KEPT = ["id", "urn"];

describe("the arguments of a resource", () => {
  const rooms = { link: kinds, network: modes, nic: sources };
  const all = Object.entries(rooms).flatMap(([room, of]) =>
    Object.entries(of).map(([name, { fields }]) => ({ what: `${room} ${name}`, fields })),
  );
  for (const { what, fields } of all)
    it(`are not named as what Pulumi keeps for itself: ${what}`, () => {
      const names = Object.keys(fields.fields);
      assert.ok(names.length > 1);
      assert.deepEqual(
        names.filter((field) => KEPT.includes(field)),
        [],
      );
    });
});
