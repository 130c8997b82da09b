import assert from "node:assert/strict";
import type { Inputs } from "../../../provider/handler.js";
import { modes } from "../../../provider/network/args.js";
import { fieldsOf, readNetwork, writeNetwork } from "../../../provider/network/document.js";
import type { Mode } from "../../../provider/network/parts/forward.js";
import { plan } from "../../../provider/network/plan.js";
import { priceOf } from "../../../provider/network/prices.js";
import type { Observed, Plan } from "../../../provider/network/steps.js";
import { compare } from "../../../provider/schema/compare.js";
import { canonOf, paths, same as sameValue } from "../../../provider/schema/tree.js";
import { fullArgs } from "../../support/full-args.js";
import { another, get, keyed, put, type Spot, spots } from "../../support/paths.js";

const OLDEST = 9_000_000;
const write = (args: Inputs): string => writeNetwork(args, undefined, undefined, undefined);

interface Seen {
  config: Inputs;
  live: Inputs;
}

function planFor(desired: Inputs, was: Inputs, there: Seen): Plan {
  const observed: Observed = {
    daemon: OLDEST,
    nics: [],
    network: {
      uuid: "u",
      name: String(desired.name),
      persistent: true,
      autostart: false,
      xml: write(there.config),
      liveXml: write(there.live),
    },
  };
  return plan({ desired: { ...desired, running: true, autostart: false }, was }, observed);
}

function planOne(desired: Inputs, was: Inputs, there: Seen, what: string): void {
  const p = planFor(desired, was, there);
  assert.equal(p.steps.length, 1, `${what}: ${JSON.stringify(p.steps.map((s) => [s.kind, s.changes]))}`);
}

const reconciled = (desired: Inputs, was: Inputs, xml: string): unknown[] =>
  compare(
    fieldsOf(desired.mode as Mode),
    desired,
    readNetwork(writeNetwork(desired, was, xml, undefined), desired.mode as Mode).values,
    was,
  );

for (const mode of Object.keys(modes) as Mode[]) {
  describe(`every schema path of mode ${mode}`, () => {
    it("has a row in the price table", () => {
      const without = paths(fieldsOf(mode)).filter(
        (p) => priceOf(modes[mode].prices, p).why === "nothing is known of this field",
      );
      assert.deepEqual(without, []);
    });

    it("every row of the price table names a path of the schema", () => {
      const all = paths(fieldsOf(mode));
      const stray = Object.keys(modes[mode].prices).filter(
        (row) => !all.some((p) => p === row || p.startsWith(`${row}.`) || p.startsWith(`${row}[`)),
      );
      assert.deepEqual(stray, []);
    });

    for (const { args } of fullArgs[mode]) {
      const every: Spot[] = spots(fieldsOf(mode), args).filter((s) => s.text !== "mode" && s.text !== "name");
      const same = { config: args, live: args };

      // Two spellings of one wish (the default said or not, a trunk that several tags imply).
      const equal = (a: Inputs, b: Inputs) => sameValue(canonOf(fieldsOf(mode), a), canonOf(fieldsOf(mode), b));

      it(`${String(args.name)}: is read back as it was written, and plans nothing`, () => {
        assert.deepEqual(planFor(args, args, same).steps, []);
      });

      it(`${String(args.name)}: a changed value is one step, from the program and from the host`, () => {
        for (const spot of every) {
          const other = another(spot, get(args, spot.path));
          assert.notEqual(other, undefined, `no other value for ${spot.text}`);
          const changed = put(args, spot.path, other);
          if (equal(changed, args)) continue;
          planOne(changed, args, same, `${spot.text} changed in the program`);
          planOne(args, args, { config: changed, live: changed }, `${spot.text} changed on the host`);
          planOne(args, args, { config: changed, live: args }, `${spot.text} changed in the stored definition`);
          assert.deepEqual(reconciled(changed, args, write(args)), [], spot.text);
        }
      });

      it(`${String(args.name)}: a removed value is one step, a value added again is one step`, () => {
        for (const spot of every) {
          const gone = spot.required
            ? spot.item
              ? put(args, spot.item, undefined)
              : undefined
            : put(args, spot.path, undefined);
          if (gone === undefined) continue;
          if (!spot.required && (spot.node.generated || equal(gone, args))) {
            assert.deepEqual(planFor(gone, args, same).steps, [], `${spot.text} removed costs nothing`);
            continue;
          }
          planOne(gone, args, same, `${spot.text} removed from the program`);
          planOne(args, gone, { config: gone, live: gone }, `${spot.text} added to the program`);
          planOne(args, args, { config: gone, live: gone }, `${spot.text} removed on the host`);
          assert.deepEqual(reconciled(gone, args, write(args)), [], spot.text);
        }
      });

      it(`${String(args.name)}: an item that is there twice is one step, and once afterwards`, () => {
        for (const path of keyed(fieldsOf(mode), args)) {
          const list = get(args, path) as unknown[];
          list.forEach((item, i) => {
            const twice = put(args, path, [item, ...list]);
            planOne(args, args, { config: twice, live: twice }, `${path.join(".")}.${i} twice on the host`);
            assert.deepEqual(reconciled(args, args, write(twice)), [], path.join("."));
          });
        }
      });
    }
  });
}
