/** Every schema path of Bridge, Bond and Vlan: changed, added, removed, in the program and on the host, each is one step or one refusal. */
import assert from "node:assert/strict";
import type { Inputs } from "../../../provider/handler.js";
import { fieldsOf, type Kind, kinds } from "../../../provider/hostlink/args.js";
import type { Settings } from "../../../provider/hostlink/backends/networkmanager/bus.js";
import { readProfile, writeProfile } from "../../../provider/hostlink/backends/networkmanager/profile.js";
import { plan } from "../../../provider/hostlink/plan.js";
import type { Observed, Step } from "../../../provider/hostlink/steps.js";
import { priceOf } from "../../../provider/network/prices.js";
import { compare } from "../../../provider/schema/compare.js";
import { canonOf, same } from "../../../provider/schema/tree.js";
import { fullLinks } from "../../support/full-links.js";
import { another, get, put, type Spot, spots } from "../../support/paths.js";

const NAME = "link0";
/** VLANs and ports stand in the profiles of the ports. */
const beside = ({ ports = [], vlans }: Inputs): Inputs => ({ ports, ...(vlans === undefined ? {} : { vlans }) });

function settingsOf(kind: Kind, args: Inputs): Settings {
  const settings: Settings = {};
  writeProfile(kind, settings, args, {}, { fresh: true });
  return settings;
}

const read = (kind: Kind, settings: Settings, args: Inputs): Inputs => ({
  ...{ ...readProfile(kind, settings), ...beside(args), name: NAME },
});

function stepsFor(kind: Kind, desired: Inputs, was: Inputs, there: Inputs): Step[] {
  const values = read(kind, settingsOf(kind, there), there);
  const host = { links: new Map(), management: [], carriers: [], hops: [], ways: [], sessions: [] };
  const observed: Observed = { host, ports: new Map(), link: { id: "1", name: NAME, up: true, saved: true, values } };
  return plan({ kind, desired: { ...desired, up: true }, was }, observed).steps;
}

/** Of VLANs and addresses `another` knows nothing: one more, each part left out, and the short words. */
function others(spot: Spot, value: unknown): unknown[] {
  if (Array.isArray(value)) return [[...value, 4000]];
  if (spot.text !== "addresses") return [another(spot, value)];
  const full = typeof value === "object" ? (value as Inputs) : {};
  // Without an address of the family, a rule refuses the rest.
  const parts = Object.keys(full).map((part) => put(full, part === "addresses" ? [part, 1] : [part], undefined));
  return [...parts, "none", "dhcp"].filter(
    (other) => !same(canonOf(spot.node as never, other), canonOf(spot.node as never, value)),
  );
}

for (const kind of Object.keys(kinds) as Kind[]) {
  const fields = fieldsOf(kind);
  const rowOf = (spot: Spot) => spot.text.replace(/\[\d+\]/g, "[]");
  const priced = (spot: Spot) => priceOf(kinds[kind].prices, rowOf(spot)).impact;

  /** One step that changes it, or where it is not changed in place, a refusal by its path. */
  function one(desired: Inputs, was: Inputs, there: Inputs, spot: Spot, what: string): void {
    const where = `${spot.text} ${what}`;
    if (priced(spot) === "replace") {
      const top = String(spot.path[0]);
      assert.throws(
        () => stepsFor(kind, desired, was, there),
        (e: Error) => e.message.includes(`${top} (`) && /cannot be changed in place/.test(e.message),
        where,
      );
      return;
    }
    const steps = stepsFor(kind, desired, was, there);
    assert.deepEqual(
      steps.map((s) => s.kind),
      ["change"],
      where,
    );
    assert.ok(
      steps[0]?.changes.every((path) => path.split(/[.[]/)[0] === spot.path[0]),
      `${where}: ${steps[0]?.changes}`,
    );
  }

  describe(`every schema path of a ${kind}`, () => {
    for (const [i, given] of fullLinks[kind].entries()) {
      const args: Inputs = { ...given, name: NAME };
      const every = spots(fields, args).filter((s) => s.text !== "name");
      const equal = (a: Inputs, b: Inputs) => same(canonOf(fields, a), canonOf(fields, b));
      const title = `example ${i}${args.mode === undefined ? "" : `, mode ${args.mode}`}`;

      it(`${title}: is read back as it was written, and plans nothing`, () => {
        assert.deepEqual(stepsFor(kind, args, args, args), []);
      });

      it(`${title}: a changed value is one step, from the program and from the host, and is written`, () => {
        for (const spot of every)
          for (const other of others(spot, get(args, spot.path))) {
            assert.notEqual(other, undefined, `no other value for ${spot.text}`);
            const changed = put(args, spot.path, other);
            if (equal(changed, args)) continue;
            one(changed, args, args, spot, "changed in the program");
            one(args, args, changed, spot, "changed on the host");
            const settings = settingsOf(kind, args);
            writeProfile(kind, settings, changed, args);
            assert.deepEqual(compare(fields, changed, read(kind, settings, changed), args), [], spot.text);
          }
      });

      it(`${title}: a removed value is one step, a value added again is one step`, () => {
        for (const spot of every) {
          const at = spot.required ? spot.item : spot.path;
          if (at === undefined) continue;
          const gone = put(args, at, undefined);
          if (spot.node.generated || equal(gone, args)) {
            assert.deepEqual(stepsFor(kind, gone, args, args), [], `${spot.text} removed costs nothing`);
            continue;
          }
          one(gone, args, args, spot, "removed from the program");
          one(args, gone, gone, spot, "added to the program");
          one(args, args, gone, spot, "removed on the host");
          const settings = settingsOf(kind, args);
          writeProfile(kind, settings, gone, args);
          assert.deepEqual(compare(fields, gone, read(kind, settings, gone), args), [], spot.text);
        }
      });
    }
  });
}
