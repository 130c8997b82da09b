import assert from "node:assert/strict";
import type { Inputs } from "../../../provider/handler.js";
import { priceOf } from "../../../provider/network/prices.js";
import { canonOf, paths, same as sameValue } from "../../../provider/schema/tree.js";
import { sources } from "../../../provider/vminterface/args.js";
import { fieldsOf, nicsOf, readNic, writeNic } from "../../../provider/vminterface/document.js";
import { changesOf, plan } from "../../../provider/vminterface/plan.js";
import { SOURCES } from "../../../provider/vminterface/source.js";
import type { Observed, Plan } from "../../../provider/vminterface/steps.js";
import { fullNics, neverValid } from "../../support/full-nics.js";
import { another, get, put, type Spot, spots } from "../../support/paths.js";

const nicOf = (args: Inputs) => {
  const [nic] = nicsOf(`<domain><devices>${writeNic(args, undefined, undefined)}</devices></domain>`);
  assert.ok(nic);
  return nic;
};

/** @param there the NIC in the stored definition and in the running VM; undefined: it is not in that one. */
function planFor(desired: Inputs, was: Inputs, there: { config?: Inputs; live?: Inputs }): Plan {
  const observed: Observed = {
    daemon: 9_000_000,
    carriers: { one: "tap", onf: "tap", one1: "tap" },
    trees: {},
    vm: {
      uuid: "u",
      name: "full",
      active: true,
      persistent: true,
      ...(there.config ? { config: nicOf(there.config) } : {}),
      ...(there.live ? { live: nicOf(there.live) } : {}),
    },
  };
  return plan({ desired, was }, observed);
}

/** One step in each definition that differs. */
function planOne(desired: Inputs, was: Inputs, there: { config: Inputs; live: Inputs }, what: string): void {
  const { steps } = planFor(desired, was, there);
  const said = `${what}: ${JSON.stringify(steps.map((s) => [s.kind, s.changes]))}`;
  assert.equal(steps.filter((s) => s.kind === "define").length, 1, said);
  assert.ok(steps.length <= 2, said);
  for (const s of steps) assert.ok(s.changes.length > 0, said);
}

for (const kind of SOURCES) {
  describe(`every schema path of source ${kind}`, () => {
    const { prices } = sources[kind];
    it("has a row in the price table, and each row a path", () => {
      const all = paths(fieldsOf(kind));
      assert.deepEqual(
        all.filter((p) => priceOf(prices, p).why === "nothing is known of this field"),
        [],
      );
      assert.deepEqual(
        Object.keys(prices).filter(
          (row) => !all.some((p) => p === row || p.startsWith(`${row}.`) || p.startsWith(`${row}[`)),
        ),
        [],
      );
    });

    it("is set by one of the full examples", () => {
      const set = new Set(
        fullNics[kind].flatMap(({ args }) => spots(fieldsOf(kind), args).map((s) => s.text.replace(/\[\d+\]/g, "[]"))),
      );
      assert.deepEqual(
        paths(fieldsOf(kind)).filter((p) => !set.has(p) && !neverValid(kind, p)),
        [],
      );
    });

    for (const { args } of fullNics[kind]) {
      const name = `${kind} ${String(args.mac)}`;
      const every: Spot[] = spots(fieldsOf(kind), args).filter((s) => s.text !== "mac");
      const same = { config: args, live: args };
      const equal = (a: Inputs, b: Inputs) => sameValue(canonOf(fieldsOf(kind), a), canonOf(fieldsOf(kind), b));

      it(`${name}: is read back as it was written, and plans nothing`, () => {
        const { model, ...read } = readNic(nicOf(args).xml, kind);
        // A new NIC is made virtio where nothing else is said.
        if (args.model === undefined) assert.equal(model, kind === "hostdev" ? undefined : "virtio");
        assert.ok(equal(args.model === undefined ? read : { ...read, model }, args));
        assert.deepEqual(planFor(args, args, same).steps, []);
      });

      it(`${name}: a changed value is one step, from the program and from the host`, () => {
        for (const spot of every) {
          const changed = put(args, spot.path, another(spot, get(args, spot.path)));
          if (equal(changed, args)) continue;
          planOne(changed, args, same, `${spot.text} changed in the program`);
          planOne(args, args, { config: changed, live: changed }, `${spot.text} changed on the host`);
          assert.deepEqual(
            planFor(args, args, { config: changed, live: args }).steps.map((s) => [s.kind, s.impact]),
            [["define", "none"]],
            `${spot.text} changed in the stored definition`,
          );
          const written = nicsOf(`<domain><devices>${writeNic(changed, args, nicOf(args).xml)}</devices></domain>`)[0];
          assert.deepEqual(written && changesOf(changed, written, args), [], spot.text);
        }
      });

      it(`${name}: a removed value is one step, a value added again is one step`, () => {
        for (const spot of every) {
          const gone = spot.required
            ? spot.item
              ? put(args, spot.item, undefined)
              : undefined
            : put(args, spot.path, undefined);
          if (gone === undefined) continue;
          if (spot.node.generated || equal(gone, args)) {
            assert.deepEqual(planFor(gone, args, same).steps, [], `${spot.text} removed costs nothing`);
            continue;
          }
          if (gone[kind] === undefined) continue;
          planOne(gone, args, same, `${spot.text} removed from the program`);
          planOne(args, gone, { config: gone, live: gone }, `${spot.text} added to the program`);
          const written = nicsOf(`<domain><devices>${writeNic(gone, args, nicOf(args).xml)}</devices></domain>`)[0];
          assert.deepEqual(written && changesOf(gone, written, args), [], spot.text);
        }
      });
    }
  });
}

describe("a NIC of another source", () => {
  for (const from of SOURCES)
    for (const to of SOURCES.filter((s) => s !== from)) {
      it(`${from} → ${to}: one step each, and nothing of the old source is left`, () => {
        const [old, wish] = [fullNics[from][0]?.args as Inputs, { ...(fullNics[to].at(-1)?.args as Inputs) }];
        wish.mac = old.mac;
        const p = planFor(wish, old, { config: old, live: old });
        assert.deepEqual(
          p.steps.map((s) => s.kind),
          ["define", p.impact === "live" ? "update" : "replug"],
        );
        const [written] = nicsOf(`<domain><devices>${writeNic(wish, old, nicOf(old).xml)}</devices></domain>`);
        assert.equal(written?.kind, to);
        assert.deepEqual(written && changesOf(wish, written, old), []);
      });
    }

  it("is planned where it is not plugged: into both definitions at once, or into the one that lacks it", () => {
    const args = fullNics.network[0]?.args as Inputs;
    const calls = (there: { config?: Inputs; live?: Inputs }) =>
      planFor(args, args, there).steps.flatMap((s) =>
        s.actions.map((a) => `${a.do} ${a.do === "join" ? "" : a.affect}`),
      );
    assert.deepEqual(calls({}), ["attach both"]);
    assert.deepEqual(calls({ live: args }), ["attach config"]);
    assert.deepEqual(calls({ config: args }), ["attach live"]);
  });
});
