/** The rules across fields, driven by the table in rules.cases.ts, and what must hold for any network. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type Failure, type Inputs, Unknown } from "../../../provider/handler.js";
import { modes } from "../../../provider/network/args.js";
import { checkNetwork, rulesOf } from "../../../provider/network/check.js";
import { MODES } from "../../../provider/network/parts/forward.js";
import type { Surroundings } from "../../../provider/network/rules/rule.js";
import { formatIp, parseCidr } from "../../../provider/schema/net.js";
import { canonOf, paths, readTree, writeTree } from "../../../provider/schema/tree.js";
import { children, type Element, newDocument, parseXml, printXml } from "../../../provider/schema/xml.js";
import { fullArgs, neverValid } from "../../support/full-args.js";
import { needless } from "../../support/needless.js";
import { cases } from "./rules.cases.js";

const told = (failures: Failure[]): string => failures.map((f) => `${f.property}: ${f.reason}`).join("\n");

describe("network rules", () => {
  describe("break where they say, and let the nearest valid network pass", () => {
    for (const [says, list] of Object.entries(cases)) {
      it(says, () => {
        for (const c of list) {
          const found = checkNetwork(c.breaks, c.around);
          assert.ok(
            found.some((f) => f.property === c.path && f.reason.includes(c.reason)),
            `expected ${c.path}: …${c.reason}…, got\n${told(found)}`,
          );
          assert.equal(found.filter((f) => f.property === c.path).length, 1, `one fault, one failure:\n${told(found)}`);
          const rule = rulesOf(c.breaks.mode as never).find((r) => r.says === says);
          assert.ok(rule, `no rule of mode ${String(c.breaks.mode)} says so`);
          assert.equal(told(checkNetwork(c.twin, c.twinAround ?? c.around)), "");
        }
      });
    }
  });

  it("has a case for each rule of each mode", () => {
    const missing = MODES.flatMap((mode) => rulesOf(mode).map((r) => r.says)).filter((says) => !cases[says]);
    assert.deepEqual([...new Set(missing)], []);
  });

  it("needs each rule of each mode: without it, a case that it stands for passes", () => {
    const broken = (mode: (typeof MODES)[number], says: string) =>
      (cases[says] ?? []).filter((c) =>
        checkNetwork({ ...c.breaks, mode }, c.around).some((f) => f.property === c.path && f.reason.includes(c.reason)),
      ).length;
    assert.deepEqual(needless(new Map(MODES.map((mode) => [mode, rulesOf(mode)])), broken), []);
  });

  it("says each thing once in a mode", () => {
    for (const mode of MODES) {
      const all = rulesOf(mode).map((r) => r.says);
      assert.deepEqual(
        all.filter((s, i) => all.indexOf(s) !== i),
        [],
        mode,
      );
    }
  });

  it("tells all faults at once, in the order of the program", () => {
    const found = checkNetwork({
      mode: "nat",
      mtu: "big",
      ips: [
        {
          address: "10.0.1.1/24",
          dhcp: { ranges: Array.from({ length: 11 }, (_, i) => ({ start: `10.9.1.${i}`, end: `10.9.1.${i}` })) },
        },
      ],
    });
    assert.equal(found.length, 23);
    assert.deepEqual([found[4]?.property, found[22]?.property], ["ips[0].dhcp.ranges[2].end", "mtu"]);
  });

  it("survives a faulty item: the others keep their index", () => {
    const found = checkNetwork({
      mode: "nat",
      ips: [{ address: "10.0.1.1/24", dhcp: { hosts: ["nonsense", { mac: "52:54:00:00:00:01", ip: "10.9.1.1" }] } }],
    });
    assert.deepEqual(
      found.map((f) => f.property),
      ["ips[0].dhcp.hosts[0]", "ips[0].dhcp.hosts[1].ip"],
    );
  });

  it("says faults of shape in its own words", () => {
    const of = (more: Inputs) => told(checkNetwork({ mode: "isolated", name: "net", ...more }));
    assert.equal(of({ adopt: 5 }), "adopt: 5 must be a boolean or an object");
    assert.equal(of({ adopt: { from: "x" } }), 'adopt.from: "x" must be "project/stack"');
    assert.equal(of({ mtu: 1.5 }), "mtu: 1.5 must be a whole number");
    assert.equal(of({ mtu: 1 }), "mtu: 1 is too small: must be at least 68");
    assert.equal(of({ title: "" }), 'title: "" must not be empty');
    assert.equal(of({ title: [] }), "title: [] must be a string");
    assert.equal(of({ bridge: [] }), "bridge: [] must be an object");
    assert.equal(of({ routes: {} }), "routes: {} must be an array");
    assert.equal(
      of({ bridge: { macTableManager: "me" } }),
      'bridge.macTableManager: "me" must be one of "kernel", "libvirt"',
    );
    assert.deepEqual(
      checkNetwork({ mode: "isolated", bridge: { a: 1, b: Unknown, stp: Unknown } }).map((f) => f.property),
      ["bridge.a", "bridge.b"],
    );
    assert.match(of({ nat: {} }), /^nat: is no field of mode "isolated"; it belongs to "nat"/);
  });

  it("judges a thousand hosts in no time", () => {
    const hosts = Array.from({ length: 1000 }, (_, i) => ({
      mac: `52:54:00:00:${hex(i >> 8)}:${hex(i)}`,
      name: `h${i}`,
      ip: formatIp(0x0a000100n + BigInt(i), "ipv4"),
    }));
    const start = performance.now();
    assert.equal(told(checkNetwork({ mode: "nat", ips: [{ address: "10.0.0.1/16", dhcp: { hosts } }] })), "");
    assert.ok(performance.now() - start < 2000);
  });
});

const hex = (n: number): string => (n & 0xff).toString(16).padStart(2, "0");

describe("full examples of the modes", () => {
  for (const mode of MODES) {
    it(`${mode}: each is valid on the daemon that it names`, () => {
      for (const { args, since } of fullArgs[mode])
        assert.equal(told(checkNetwork(args, { daemon: since ?? 9_000_000 })), "", String(args.name));
    });

    it(`${mode}: together they set every field`, () => {
      const set = new Set(fullArgs[mode].flatMap(({ args }) => leaves(args).map(({ pattern }) => pattern)));
      // metadata is one scalar of the schema, whatever its value holds.
      const missing = paths(modes[mode].fields).filter(
        (p) => !neverValid(mode, p) && ![...set].some((s) => s === p || s.startsWith(`${p}.`)),
      );
      assert.deepEqual(missing, []);
    });

    it(`${mode}: a value that is not known yet is no fault, wherever it stands`, () => {
      for (const { args, since } of fullArgs[mode]) {
        for (const { path, name } of spots(args)) {
          if (name === "mode") continue;
          const found = checkNetwork(replaced(args, path, Unknown) as Inputs, around(since));
          assert.equal(told(found), "", `${String(args.name)}: ${name} unknown`);
        }
      }
    });

    it(`${mode}: comes back from XML as it went in`, () => {
      for (const { args } of fullArgs[mode]) {
        const el = newDocument("network");
        writeTree(modes[mode].fields, el, args, undefined);
        assert.deepEqual(
          canonOf(modes[mode].fields, readTree(modes[mode].fields, parseXml(printXml(el)))),
          canonOf(modes[mode].fields, args),
          String(args.name),
        );
      }
    });
  }

  it("do not clash with each other", () => {
    const all = MODES.flatMap((m) => fullArgs[m]);
    const others = all.map(({ args }) => ({
      name: String(args.name),
      from: "this program",
      bridge: typeof args.bridge === "object" ? (args.bridge as { name: string }).name : undefined,
      subnets: ((args.ips ?? []) as { address: string }[]).map((i) => i.address),
    }));
    for (const { args, since } of all)
      assert.equal(told(checkNetwork(args, { daemon: since ?? 9_000_000, others: others as never })), "");
  });
});

const around = (since: number | undefined): Surroundings => ({
  daemon: since ?? 9_000_000,
  others: [{ name: "other", from: "the host", bridge: "virbr9", subnets: ["192.168.122.1/24"] }],
  hostAddresses: [{ device: "uplink", address: "203.0.113.2/24" }],
  hostDevices: ["br0", "br1", "ovsbr0", "mido0", ...Array.from({ length: 9 }, (_, i) => `eth${i}`)],
});

type Path = (string | number)[];
interface Leaf {
  path: Path;
  name: string;
  pattern: string;
}

function leaves(value: unknown, path: Path = []): Leaf[] {
  if (typeof value !== "object" || value === null) return [leaf(path)];
  return Object.entries(value).flatMap(([k, v]) => leaves(v, [...path, Array.isArray(value) ? Number(k) : k]));
}

/** Every place at any depth, leaves and what holds them. */
function spots(value: unknown, path: Path = []): Leaf[] {
  const own = path.length > 0 ? [leaf(path)] : [];
  if (typeof value !== "object" || value === null) return own;
  return [
    ...own,
    ...Object.entries(value).flatMap(([k, v]) => spots(v, [...path, Array.isArray(value) ? Number(k) : k])),
  ];
}

const leaf = (path: Path): Leaf => {
  const text = (index: (n: number) => string) =>
    path.map((p, i) => (typeof p === "number" ? `[${index(p)}]` : i === 0 ? p : `.${p}`)).join("");
  return { path, name: text(String), pattern: text(() => "") };
};

function replaced(value: unknown, [head, ...rest]: Path, by: unknown): unknown {
  if (head === undefined) return by;
  if (Array.isArray(value)) return value.map((v, i) => (i === head ? replaced(v, rest, by) : v));
  return { ...(value as Inputs), [head]: replaced((value as Inputs)[head], rest, by) };
}

describe("any network", () => {
  const subnet = fc.record({
    v6: fc.boolean(),
    net: fc.integer({ min: 1, max: 200 }),
    prefix: fc.integer({ min: 16, max: 27 }),
    ranges: fc.integer({ min: 1, max: 3 }),
    hosts: fc.integer({ min: 1, max: 4 }),
  });
  type Subnet = typeof subnet extends fc.Arbitrary<infer T> ? T : never;

  /** The host's address, then ranges of two, then fixed addresses, one after the other from the subnet's start. */
  function build({ v6, net, prefix, ranges, hosts }: Subnet) {
    const cidr = v6 ? `fd00:${net}::1/64` : `10.${net}.0.1/${prefix}`;
    const c = parseCidr(cidr) as NonNullable<ReturnType<typeof parseCidr>>;
    let next = c.first + 2n;
    const take = () => formatIp(next++, c.family);
    const ip = {
      address: cidr,
      dhcp: {
        ranges: Array.from({ length: ranges }, () => ({ start: take(), end: take() })),
        hosts: Array.from({ length: hosts }, (_, i) => ({ name: `h${i}`, ip: take() })),
      },
    };
    return { c, args: { mode: "nat", name: "net", ips: [ip] } };
  }

  it("with ranges and hosts inside its subnet passes", () => {
    fc.assert(fc.property(subnet, (s) => assert.equal(told(checkNetwork(build(s).args)), "")));
  });

  it("breaks exactly where one address is moved outside", () => {
    fc.assert(
      fc.property(subnet, fc.nat(), fc.boolean(), fc.integer({ min: 1, max: 1000 }), (s, pick, below, by) => {
        const { c, args } = build(s);
        const places = spots(args).filter(({ pattern }) => /(start|end|hosts\[\]\.ip)$/.test(pattern));
        const { path, name } = places[pick % places.length] as Leaf;
        const moved = formatIp(below ? c.first - BigInt(by) : c.last + BigInt(by), c.family);
        const found = checkNetwork(replaced(args, path, moved) as Inputs);
        assert.ok(
          found.some((f) => f.property === name && f.reason.includes("is outside")),
          told(found),
        );
        // A range that is moved at one end may also be too large or reversed: the same range, nothing else.
        const range = name.replace(/\.(start|end)$/, "");
        for (const f of found)
          assert.ok(
            f.property === name || f.property === range || f.property === `${range}.end` || /overlaps/.test(f.reason),
            told(found),
          );
      }),
    );
  });

  it("keeps its structure whatever its texts hold", () => {
    const nasty = fc
      .array(
        fc.constantFrom(
          "<",
          ">",
          "&",
          '"',
          "'",
          "]]>",
          "<!--",
          "-->",
          "</name>",
          "&amp;",
          "&#10;",
          "<?x?>",
          "a",
          " ",
          "é",
          "\u{1F600}",
        ),
        { minLength: 1, maxLength: 8 },
      )
      .map((parts) => `a${parts.join("")}z`);
    fc.assert(
      fc.property(nasty, nasty, nasty, (a, b, c) => {
        const build = (x: string, y: string, z: string) => ({
          mode: "isolated",
          name: "net",
          title: x,
          description: y,
          dns: { txts: [{ name: "t", value: z }] },
          dnsmasqOptions: [x, y],
          metadata: [{ namespace: "urn:a", prefix: "p", element: { name: "e", attributes: { k: z }, text: x } }],
          ips: [{ address: "10.0.1.1/24", tftp: { root: y }, dhcp: { bootp: { file: z } } }],
        });
        const tree = (args: Inputs): Element => {
          const el = newDocument("network");
          writeTree(modes.isolated.fields, el, args, undefined);
          return parseXml(printXml(el));
        };
        const args = build(a, b, c);
        const el = tree(args);
        assert.deepEqual(readTree(modes.isolated.fields, el), args);
        assert.equal(count(el), count(tree(build("x", "y", "z"))));
      }),
    );
  });
});

const count = (el: Element): number => 1 + children(el).reduce((n, c) => n + count(c), 0);
