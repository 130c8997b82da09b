/** The rules across fields, driven by the table in rules.cases.ts, and what must hold for any NIC. */
import assert from "node:assert/strict";
import { type Failure, type Inputs, Unknown } from "../../../provider/handler.js";
import { checkVmInterface, rulesOf } from "../../../provider/vminterface/check.js";
import type { Surroundings } from "../../../provider/vminterface/rules/rule.js";
import { SOURCES, sourcesIn } from "../../../provider/vminterface/source.js";
import { fullNics } from "../../support/full-nics.js";
import { needless } from "../../support/needless.js";
import { cases } from "./rules.cases.js";

const told = (failures: Failure[]): string => failures.map((f) => `${f.property}: ${f.reason}`).join("\n");

describe("the rules of a NIC", () => {
  describe("break where they say, and let the nearest valid NIC pass", () => {
    for (const [says, list] of Object.entries(cases)) {
      it(says, () => {
        for (const c of list) {
          const found = checkVmInterface(c.breaks, c.around);
          assert.ok(
            found.some((f) => f.property === c.path && f.reason.includes(c.reason)),
            `expected ${c.path}: …${c.reason}…, got\n${told(found)}`,
          );
          assert.equal(found.filter((f) => f.property === c.path).length, 1, `one fault, one failure:\n${told(found)}`);
          const [kind = "network"] = sourcesIn(c.breaks);
          assert.ok(
            rulesOf(kind).some((r) => r.says === says),
            `no rule of source ${kind} says so`,
          );
          assert.equal(told(checkVmInterface(c.twin, c.twinAround ?? c.around)), "");
        }
      });
    }
  });

  it("have a case each, and say each thing once in a kind of source", () => {
    for (const kind of SOURCES) {
      const all = rulesOf(kind).map((r) => r.says);
      assert.deepEqual(
        all.filter((s) => !cases[s]),
        [],
      );
      assert.deepEqual(
        all.filter((s, i) => all.indexOf(s) !== i),
        [],
      );
    }
  });

  it("are needed, each, in each kind of source: without it, a case that it stands for passes", () => {
    const onto = (args: Inputs, kind: (typeof SOURCES)[number]): Inputs => {
      const rest = Object.fromEntries(
        Object.entries(args).filter(([k]) => !(SOURCES as readonly string[]).includes(k)),
      );
      return { ...rest, [kind]: fullNics[kind][0]?.args[kind] };
    };
    const broken = (kind: (typeof SOURCES)[number], says: string) =>
      (cases[says] ?? []).filter((c) => {
        const args = sourcesIn(c.breaks)[0] === kind ? c.breaks : onto(c.breaks, kind);
        return checkVmInterface(args, c.around).some((f) => f.property === c.path && f.reason.includes(c.reason));
      }).length;
    assert.deepEqual(needless(new Map(SOURCES.map((kind) => [kind, rulesOf(kind)])), broken), []);
  });

  it("say faults of shape in words, several at once", () => {
    const of = (args: Inputs) => told(checkVmInterface(args));
    assert.match(
      of({ domain: "web" }),
      /^network: is missing: say what the NIC is plugged into, by one of network, bridge,/,
    );
    assert.match(
      of({ domain: "web", network: "a", user: {} }),
      /^network: stands beside user: a NIC is plugged into one of them/,
    );
    assert.equal(of({ network: "a" }), "domain: is missing");
    assert.match(
      of({ domain: "web", user: {}, mtu: 1400 }),
      /^mtu: is no field of a NIC with source user; it belongs to network, bridge/,
    );
    assert.equal(
      of({ domain: "web", bridge: "br0", alias: "eth1" }),
      'alias: "eth1" must begin with "ua-" and have letters, digits, "_" and "-" only',
    );
    assert.equal(
      of({ domain: "web", bridge: "br0", mtu: 9, linkState: "on" }),
      'linkState: "on" must be one of "up", "down"\nmtu: 9 is too small: must be at least 68',
    );
  });
});

describe("the full examples of NICs", () => {
  const around: Surroundings = {
    daemon: 9_000_000,
    networks: [{ name: "one", portGroups: ["groupa"] }],
    nics: [{ domain: "other", mac: "52:54:00:79:01:01", from: "the host" }],
    hostDevices: ["br0", "ovsbr0", "mido0", "eth0", "eth1"],
    vm: { name: "full", running: true, plugged: false, hotplug: true, freeSlots: 3, bootsByKind: false },
  };
  for (const kind of SOURCES) {
    it(`${kind}: each is valid`, () => {
      for (const { args } of fullNics[kind]) assert.equal(told(checkVmInterface(args, around)), "");
    });

    it(`${kind}: a value that is not known yet is no fault, wherever it stands`, () => {
      for (const { args } of fullNics[kind])
        for (const path of places(args))
          assert.equal(told(checkVmInterface(replaced(args, path) as Inputs, around)), "", path.join("."));
    });
  }
});

type Path = (string | number)[];
/** Every place at any depth, leaves and what holds them. */
function places(value: unknown, path: Path = []): Path[] {
  const own = path.length > 0 ? [path] : [];
  if (typeof value !== "object" || value === null) return own;
  return [
    ...own,
    ...Object.entries(value).flatMap(([k, v]) => places(v, [...path, Array.isArray(value) ? Number(k) : k])),
  ];
}
function replaced(value: unknown, [head, ...rest]: Path): unknown {
  if (head === undefined) return Unknown;
  if (Array.isArray(value)) return value.map((v, i) => (i === head ? replaced(v, rest) : v));
  return { ...(value as Inputs), [head]: replaced((value as Inputs)[head], rest) };
}
