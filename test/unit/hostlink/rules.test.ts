/** The rules across fields, driven by the table in rules.cases.ts. */
import assert from "node:assert/strict";
import { type Failure, type Inputs, Unknown } from "../../../provider/handler.js";
import { fieldsOf, type Kind, kinds } from "../../../provider/hostlink/args.js";
import { checkLink } from "../../../provider/hostlink/check.js";
import type { Rule } from "../../../provider/hostlink/rules/rule.js";
import { priceOf } from "../../../provider/network/prices.js";
import { paths } from "../../../provider/schema/tree.js";
import { cases } from "./rules.cases.js";

const told = (failures: Failure[]): string => failures.map((f) => `${f.property}: ${f.reason}`).join("\n");
/** What a link of each kind must have. */
const BASE: Record<Kind, Inputs> = { bridge: {}, bond: { mode: "active-backup" }, vlan: { parent: "eth1", vlanId: 5 } };
const KINDS = Object.keys(kinds) as Kind[];

describe("rules of host links break where they say, and let the nearest valid link pass", () => {
  for (const [says, list] of Object.entries(cases)) {
    it(says, () => {
      for (const c of list) {
        const found = checkLink(c.kind, c.breaks, c.around);
        assert.ok(
          found.some((f) => f.property === c.path && f.reason.includes(c.reason)),
          `expected ${c.path}: …${c.reason}…, got\n${told(found)}`,
        );
        assert.equal(found.filter((f) => f.property === c.path).length, 1, `one fault, one failure:\n${told(found)}`);
        const rule = kinds[c.kind].rules.find((r) => r.says === says);
        assert.ok(rule, `no rule of ${c.kind} says so`);
        assert.equal(told(checkLink(c.kind, c.twin, c.twinAround ?? c.around)), "");
      }
    });
  }

  it("have a case for each rule of each kind", () => {
    const missing = KINDS.flatMap((kind) => kinds[kind].rules.map((r) => r.says)).filter((says) => !cases[says]);
    assert.deepEqual([...new Set(missing)], []);
  });

  for (const kind of KINDS)
    it(`of ${kind} are needed, each: without it, a case that it stands for passes`, () => {
      const rules = kinds[kind].rules as Rule[];
      const needless = rules.flatMap(({ says }, i) => {
        const [taken] = rules.splice(i, 1);
        try {
          const all = cases[says] ?? [];
          const mine = all.filter((c) => c.kind === kind);
          // A rule that several kinds have is shown by a case of one of them.
          const shown = mine.length > 0 ? mine : all.map((c) => ({ ...c, breaks: { ...BASE[kind], ...c.breaks } }));
          const broken = shown.filter(
            (c) =>
              !checkLink(kind, c.breaks, c.around).some((f) => f.property === c.path && f.reason.includes(c.reason)),
          );
          return broken.length > 0 ? [] : [says];
        } finally {
          rules.splice(i, 0, taken as Rule);
        }
      });
      assert.deepEqual(needless, []);
    });

  it("take a value that is not known yet for no fault", () => {
    for (const c of Object.values(cases).flat()) {
      for (const field of Object.keys(c.twin).filter((f) => f !== "name")) {
        const unknown: Inputs = { ...c.twin, [field]: Unknown };
        assert.equal(
          told(checkLink(c.kind, unknown, c.twinAround ?? c.around)),
          "",
          `${field} of ${JSON.stringify(c.twin)}`,
        );
      }
    }
  });
});

describe("addresses that are not known yet", () => {
  it("are none that are missing where the host is managed", () => {
    for (const addresses of [{ ipv4: Unknown }, { addresses: Unknown }, { addresses: [Unknown] }])
      assert.equal(
        told(checkLink("bridge", { name: "br0", ports: ["eth1"], addresses }, { management: ["eth1"] })),
        "",
      );
  });
});

describe("every field of a host link", () => {
  for (const kind of KINDS)
    it(`${kind}: has a row in the price table, and every row a field`, () => {
      const all = paths(fieldsOf(kind));
      const { prices } = kinds[kind];
      assert.deepEqual(
        all.filter((p) => priceOf(prices, p).why === "nothing is known of this field"),
        [],
      );
      assert.deepEqual(
        Object.keys(prices).filter((row) => !all.some((p) => p === row || p.startsWith(`${row}[`))),
        [],
      );
    });
});
