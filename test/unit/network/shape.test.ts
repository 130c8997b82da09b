/** What the schema itself demands, beside the rules across fields: each demand is found in the schema, none by hand. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import * as path from "node:path";
import type { Failure, Inputs } from "../../../provider/handler.js";
import { FIELD_SINCE } from "../../../provider/network/abilities.js";
import { CONTROL_FIELDS, controlShape, modes, STATE_FIELDS } from "../../../provider/network/args.js";
import { checkNetwork } from "../../../provider/network/check.js";
import { MODES, type Mode } from "../../../provider/network/parts/forward.js";
import { given, placesOf, version } from "../../../provider/network/rules/known.js";
import { checkShape } from "../../../provider/network/shape.js";
import { fullArgs } from "../../support/full-args.js";
import { put, type Spot, spots } from "../../support/paths.js";
import { repository } from "../../support/repository.js";
import { shapeCases } from "./shape.cases.js";

const told = (failures: Failure[]): string => failures.map((f) => `${f.property}: ${f.reason}`).join("\n");
const pathOf = (text: string): (string | number)[] =>
  text
    .replaceAll("]", "")
    .split(/[.[]/)
    .map((k) => (/^\d+$/.test(k) ? Number(k) : k));
const daemons = readFileSync(path.join(repository, "docs", "daemons.md"), "utf8");
const BEFORE_ALL = 5_000_000;

describe("the shape of a network", () => {
  describe("is refused where a value is none of its field, and its nearest valid twin passes", () => {
    for (const [says, list] of Object.entries(shapeCases)) {
      it(says, () => {
        assert.ok(list.length > 0);
        for (const { breaks, path, twin } of list) {
          const found = checkNetwork(breaks).filter((f) => f.property === path);
          assert.equal(found.length, 1, `one fault at ${path}:\n${told(checkNetwork(breaks))}`);
          assert.ok(found[0]?.reason.endsWith(says), told(found));
          assert.equal(told(checkNetwork(twin)), "");
        }
      });
    }
  });

  it("has a case for each thing that the schema says in words of its own", () => {
    const said = new Set<string>();
    const seen = new Set<object>();
    for (const mode of MODES) wordsOf(modes[mode].fields.shape, said, seen);
    for (const shape of Object.values(controlShape)) wordsOf(shape, said, seen);
    assert.deepEqual([...said].sort(), Object.keys(shapeCases).sort());
  });

  it("holds every number to its bounds, and every choice to its values", () => {
    const tried = new Set<string>();
    for (const { args, spot } of everySpot()) {
      const { text, node } = spot;
      for (const [wrong, right, reason] of edges(node.shape)) {
        const at = (value: unknown) => checkShape(put(args, spot.path, value)).failures;
        const found = at(wrong).filter((f) => f.property === text);
        assert.equal(found.length, 1, `${String(args.mode)}: ${text} of ${String(wrong)}`);
        assert.ok(found[0]?.reason.includes(reason), told(found));
        assert.equal(told(at(right)), "", `${String(args.mode)}: ${text} of ${String(right)}`);
        tried.add(`${text.replace(/\[\d+\]/g, "[]")} ${reason.replace(/[-\d].*/, "")}`);
      }
    }
    for (const one of [
      "mtu is too small: must be at least ",
      "ips[].dhcp.ranges[].lease.expiry is too big: must be at most ",
      "vlan.tags[].id is too big: must be at most ",
      'bridge.macTableManager must be one of "kernel"',
    ])
      assert.ok(tried.has(one), `${one}\n${[...tried].join("\n")}`);
  });

  for (const mode of MODES) {
    it(`${mode}: a field of another mode is refused by name, and passes in the mode that has it`, () => {
      const own: ReadonlySet<string> = new Set([
        ...Object.keys(modes[mode].fields.fields),
        ...STATE_FIELDS,
        ...CONTROL_FIELDS,
      ]);
      const foreign = new Set(MODES.flatMap((m) => Object.keys(modes[m].fields.fields)).filter((k) => !own.has(k)));
      const tried = new Set<string>();
      for (const other of MODES.filter((m) => m !== mode)) {
        for (const { args, since } of fullArgs[other]) {
          const mine = Object.keys(args).filter((k) => foreign.has(k));
          for (const field of mine) {
            const rest = Object.fromEntries(Object.entries(args).filter(([k]) => k === field || own.has(k)));
            const found = checkShape({ ...rest, mode }).failures.filter((f) => f.reason.startsWith("is no field"));
            assert.deepEqual(
              found.map((f) => f.property),
              [field],
            );
            assert.match(found[0]?.reason as string, new RegExp(`^is no field of mode "${mode}"; .*"${other}"`));
            tried.add(field);
          }
          assert.equal(told(checkNetwork(args, { daemon: since ?? 9_000_000 })), "", "the twin");
        }
      }
      assert.deepEqual([...tried].sort(), [...foreign].sort());
    });
  }

  for (const [pattern, since] of Object.entries(FIELD_SINCE)) {
    it(`${pattern} is refused by a daemon before ${version(since)}, and passes there`, () => {
      const has = MODES.filter((m) => fullArgs[m].some(({ args }) => placesOf(args as never, pattern).length > 0));
      assert.ok(has.length > 0, "no full network sets it");
      const field = pattern.split(/[.\]]/).pop() as string;
      assert.match(
        daemons,
        new RegExp(`\\| ${version(since)} \\|.*${field}|\`.*${field}\`[^,;)]* ${version(since)}\\b`),
        "docs/daemons.md",
      );
      for (const mode of has) {
        for (const { args: full } of fullArgs[mode]) {
          const places = placesOf(full as never, pattern);
          if (places.length === 0) continue;
          // Alone: what else is as new would be refused too.
          const args = Object.keys(FIELD_SINCE)
            .filter((p) => p !== pattern)
            .flatMap((p) => placesOf(full as never, p))
            .concat(mode === "bridge" && since < 11_000_000 ? ["vlan", "portGroups"] : [])
            .filter((p) => given(full as never, p) !== undefined)
            .reduce<Inputs>((a, p) => put(a, pathOf(p), undefined), full);
          const before = checkNetwork(args, { daemon: since - 1 });
          assert.deepEqual(
            before.filter((f) => f.reason.includes("needs libvirt")).map((f) => f.property),
            [...places].sort(),
            mode,
          );
          assert.ok(
            before.every((f) => f.reason.startsWith(`needs libvirt ${version(since)}; the host has `)),
            told(before),
          );
          assert.equal(told(checkNetwork(args, { daemon: since })), "", mode);
          assert.equal(told(checkNetwork(args)), "", "a daemon that is not known refuses nothing");
          for (const path of places)
            assert.notEqual(
              checkNetwork(args, { daemon: BEFORE_ALL }).find((f) => f.property === path),
              undefined,
            );
        }
      }
    });
  }
});

function everySpot(): { args: Inputs; spot: Spot }[] {
  return MODES.flatMap((mode: Mode) =>
    fullArgs[mode].flatMap(({ args }) => spots(modes[mode].fields, args).map((spot) => ({ args, spot }))),
  );
}

interface Part {
  type?: string;
  message?: unknown;
  requirement?: unknown;
  pipe?: Part[];
  entries?: Record<string, Part>;
  wrapped?: Part;
  item?: Part;
  key?: Part;
  value?: Part;
  options?: unknown[];
  rest?: Part;
}

/** The messages that stand in a schema of valibot, wherever in it. */
function wordsOf(shape: unknown, into: Set<string>, seen: Set<object>): void {
  if (typeof shape !== "object" || shape === null || seen.has(shape)) return;
  seen.add(shape);
  const part = shape as Part;
  if (typeof part.message === "string") into.add(part.message);
  for (const inner of [
    ...(part.pipe ?? []).filter((p) => p !== part),
    ...Object.values(part.entries ?? {}),
    ...[part.wrapped, part.item, part.key, part.value, part.rest],
    ...(part.type === "union" ? (part.options ?? []) : []),
  ])
    wordsOf(inner, into, seen);
}

/** A value just outside of what the shape allows, the nearest within, and how it is told. */
function edges(shape: unknown): [unknown, unknown, string][] {
  const part = shape as Part;
  if (part.type === "picklist")
    return [
      [`${String(part.options?.[0])}x`, part.options?.[0], `must be one of ${JSON.stringify(part.options?.[0])}`],
    ];
  return (part.pipe ?? []).flatMap((p): [unknown, unknown, string][] => {
    const edge = p.requirement as number;
    if (p.type === "min_value") return [[edge - 1, edge, `is too small: must be at least ${edge}`]];
    if (p.type === "max_value") return [[edge + 1, edge, `is too big: must be at most ${edge}`]];
    return [];
  });
}
