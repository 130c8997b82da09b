/** Which changes of host links are proven, by what, and what the preview says of it. */
import assert from "node:assert/strict";
import type { Inputs } from "../../../provider/handler.js";
import type { Addressing } from "../../../provider/hostlink/addressing.js";
import type { Kind } from "../../../provider/hostlink/args.js";
import type { LinkFact } from "../../../provider/hostlink/facts.js";
import { plan, planDelete, rollbackAfter } from "../../../provider/hostlink/plan.js";
import { strayed } from "../../../provider/hostlink/proof.js";
import { priceLine } from "../../../provider/hostlink/say.js";
import type { HostProof, Lent, Observed, ObservedLink, Plan } from "../../../provider/hostlink/steps.js";

const host = (carriers: string[] = ["br0", "eth1"]): Observed["host"] => ({
  ...{ links: new Map(), management: carriers.slice(0, 1), carriers, hops: [], ways: [], sessions: [] },
});
const observed = (link?: ObservedLink): Observed => ({ host: host(), ports: new Map(), ...(link ? { link } : {}) });
const there = (name: string, values: Inputs, more: Partial<ObservedLink> = {}): ObservedLink => ({
  ...{ id: "1", name, up: true, saved: true, values: { name, addresses: "none", autoconnect: true, ...values } },
  ...more,
});
const proofOf = (p: Plan): HostProof | undefined =>
  p.steps.flatMap((s) => s.actions.flatMap((a) => (a.do === "prove" && a.host ? [a.host] : [])))[0];
const change = (kind: Kind, desired: Inputs, was?: Inputs, link?: ObservedLink): HostProof | undefined =>
  proofOf(plan({ kind, desired, ...(was ? { was } : {}) }, observed(link)));
const FIXED = { addresses: ["192.0.2.2/24"], gateway: "192.0.2.1" };
const beside = (...brings: string[]): HostProof => ({ managed: false, brings, to: [] });

describe("a change of a link that the host is not managed through", () => {
  it("is proven where addresses come to the link", () => {
    const vlan = { name: "eth2.5", parent: "eth2", vlanId: 5 };
    assert.deepEqual(change("vlan", { ...vlan, addresses: FIXED }), beside("eth2.5"));
    const bond = { name: "bond0", mode: 1, ports: ["eth2", "eth3"] };
    assert.deepEqual(change("bond", { ...bond, addresses: "dhcp" }), beside("bond0"));
    const br1 = { name: "br1", addresses: "none" };
    assert.deepEqual(change("bridge", { ...br1, addresses: FIXED }, br1, there("br1", {})), beside("br1"));
    assert.deepEqual(
      change("bridge", { name: "br1", addresses: FIXED }, br1, there("br1", {}, { up: false })),
      beside("br1"),
    );
    // Another segment, with another DHCP server.
    const dhcp = { name: "br1", addresses: "dhcp", ports: ["eth2"] };
    const more = { ...dhcp, ports: ["eth2", "eth3"] };
    assert.deepEqual(change("bridge", more, dhcp, there("br1", dhcp)), beside("br1"));
    // Of an adopted one, which the program says nothing of.
    const adopted = there("br1", { addresses: "dhcp" }, { up: false });
    assert.deepEqual(change("bridge", { name: "br1", ageingTime: 5 }, {}, adopted), beside("br1"));
  });

  it("is proven where a port gets its own back", () => {
    const args = { name: "br1", ports: ["eth2", "eth3"] };
    const link = there("br1", args, { lenders: ["eth3"] });
    assert.deepEqual(change("bridge", { ...args, ports: ["eth2"] }, args, link), beside("eth3"));
    assert.equal(change("bridge", { ...args, ports: ["eth3"] }, args, link), undefined);
    assert.deepEqual(proofOf(planDelete("bridge", args, observed(), link)), beside("eth3"));
    assert.equal(proofOf(planDelete("bridge", args, observed(), there("br1", args))), undefined);
  });

  it("is not where neither can be", () => {
    assert.equal(change("bridge", { name: "br1", ports: ["eth2"] }), undefined);
    assert.equal(change("bridge", { name: "br1", addresses: {} }), undefined);
    const args = { name: "br1", addresses: FIXED };
    const link = there("br1", args);
    assert.equal(change("bridge", { ...args, ageingTime: 5 }, args, link), undefined);
    assert.equal(change("bridge", { ...args, addresses: "none" }, args, link), undefined);
    assert.equal(change("bridge", { name: "br1" }, args, link), undefined);
  });

  it("gives nothing back to a port whose addresses, or MAC, the link keeps", () => {
    const args = { name: "bond0", ports: ["eth2", "eth3"], addresses: "dhcp" };
    const dhcp = { ipv4: "dhcp" } as const;
    const lent = new Map<string, Lent>([
      ["eth2", { addressing: dhcp, mac: "52:54:00:00:00:02" }],
      ["eth3", { addressing: dhcp, mac: "52:54:00:00:00:03" }],
    ]);
    const rests = (desired: Inputs, more: Partial<ObservedLink> = {}) => {
      const link = there("bond0", args, { keepsMac: "52:54:00:00:00:02", lent, ...more });
      const p = plan({ kind: "bond", desired: { ...args, ...desired }, was: args }, observed(link));
      return p.steps.flatMap((s) => s.actions.flatMap((a) => (a.do === "detach" && a.rests ? [a.port] : [])));
    };
    assert.deepEqual(rests({ ports: ["eth3"] }), ["eth2"]);
    assert.deepEqual(rests({ ports: ["eth2"] }), []);
    assert.deepEqual(rests({ ports: ["eth3"] }, { keepsMac: "52:54:00:00:00:09" }), []);
    assert.deepEqual(rests({ ports: ["eth3"], addresses: "none" }), []);
    const fixed = new Map<string, Lent>([["eth3", { addressing: { addresses: ["192.0.2.2/24"] } }]]);
    assert.deepEqual(rests({ ports: ["eth2"], addresses: { addresses: ["192.0.2.2/32"] } }, { lent: fixed }), ["eth3"]);
    assert.deepEqual(rests({ ports: ["eth2"], addresses: { addresses: ["192.0.2.3/24"] } }, { lent: fixed }), []);
    const bond = new Map<string, Lent>([
      ["eth2", { addressing: dhcp, mac: "52:54:00:00:00:02", cannotRest: "set its own" }],
    ]);
    assert.throws(
      () => rests({ ports: ["eth3"] }, { lent: bond }),
      /bond "bond0": ports: "eth2" leaves it and gets its addresses back, but bond0 keeps its MAC 52:54:00:00:00:02, .*; set its own$/,
    );
  });

  it("gives those back what was theirs that wait for a link that goes", () => {
    const args = { name: "br1", ports: [] };
    const gone = planDelete("bridge", args, observed(there("br1", args, { resting: ["eth2"] })), there("br1", args));
    assert.equal(proofOf(gone), undefined);
    const link = there("br1", args, { resting: ["eth2", "eth9"] });
    const seen = observed(link);
    seen.host = { ...seen.host, links: new Map([["eth2", {} as LinkFact]]) };
    const p = planDelete("bridge", args, seen, link);
    assert.deepEqual(proofOf(p), beside("eth2"));
    assert.deepEqual(
      p.steps[0]?.actions.filter((a) => a.do === "detach"),
      [{ do: "detach", port: "eth2" }],
    );
  });

  it("says so with its price", () => {
    const was = { name: "br1", addresses: "none" };
    const p = plan({ kind: "bridge", desired: { name: "br1", addresses: FIXED }, was }, observed(there("br1", {})));
    assert.match(
      priceLine(p, "local") ?? "",
      /; br1 gets addresses, whose routes could take the host's own connection away: the host takes the change back by itself after 60 s unless its routes stay where they are and its gateway answers$/,
    );
  });
});

describe("a link that inherits only once it has its port", () => {
  const own = { addresses: ["192.0.2.2/24"], gateway: "192.0.2.1" };
  const before = { addresses: ["192.0.2.9/24"] };
  const desired = { name: "br0", ports: ["eth1"], addresses: "inherit" };
  const owner = { project: "p", stack: "s", key: "br0" };
  const configured = (link: ObservedLink, ports: Observed["ports"]) => {
    const p = plan({ kind: "bridge", desired, was: {}, owner }, { ...observed(link), ports });
    const [action] = p.steps.flatMap((s) => s.actions.flatMap((a) => (a.do === "configure" ? [a] : [])));
    return [action?.values.addresses, action?.inherit, action?.mark?.inherited];
  };
  const had = there("br0", { ports: ["eth1"], addresses: own });

  it("keeps what it has, as what was inherited", () => {
    const ports = new Map([
      ["br0", own],
      ["eth1", before],
    ]);
    assert.deepEqual(configured(had, ports), ["inherit", undefined, own]);
  });

  it("takes what the port had before where it has nothing", () => {
    const bare = there("br0", { ports: ["eth1"] });
    const ports: Observed["ports"] = new Map<string, Addressing>([
      ["br0", {}],
      ["eth1", before],
    ]);
    assert.deepEqual(configured(bare, ports), ["inherit", "eth1", before]);
  });

  it("takes those of a port that comes, where the host is managed by that one", () => {
    const ports = new Map([
      ["br0", own],
      ["eth2", before],
    ]);
    const p = plan(
      { kind: "bridge", desired: { ...desired, ports: ["eth1", "eth2"] }, was: {}, owner },
      { host: host(["eth2"]), link: had, ports },
    );
    assert.equal(p.steps[0]?.actions.find((a) => a.do === "configure")?.inherit, "eth2");
  });
});

describe("a change of a link that the host is managed through", () => {
  it("is proven, and its routes may move to what changes", () => {
    assert.deepEqual(change("bridge", { name: "br1", ports: ["eth1"], addresses: FIXED }), {
      ...{ managed: true, brings: ["br1"], to: ["br1", "eth1"] },
    });
  });
});

describe("the routes of a host", () => {
  const by = (device: string, metric: number, family: "IPv4" | "IPv6" = "IPv4") => ({
    ...{ device, metric, family, to: "the default route" as const },
  });
  it("are told where they have gone to another device, by the least metric of each family", () => {
    assert.equal(strayed([by("br0", 425)], [by("br0", 425), by("bond0", 500)], []), undefined);
    assert.equal(
      strayed([by("br0", 425)], [by("br0", 425), by("bond0", 300)], []),
      "IPv4 for the default route goes by bond0 instead of br0",
    );
    assert.equal(strayed([by("br0", 425)], [by("bond0", 300)], ["bond0"]), undefined);
    assert.equal(strayed([by("br0", 425)], [by("br0", 425), by("bond0", 300, "IPv6")], []), undefined);
    // A session that came meanwhile, by another way, is none that has gone.
    const ssh = (device: string, peer: string) => ({
      ...{ device, peer, metric: 0, family: "IPv4" as const, to: "the ssh session" as const },
    });
    assert.equal(strayed([ssh("br0", "a")], [ssh("br0", "a"), ssh("eth1", "b")], []), undefined);
    assert.match(strayed([ssh("br0", "a")], [ssh("eth1", "a")], []) ?? "", /goes by eth1 instead of br0/);
    assert.match(strayed([by("br0", 0, "IPv6")], [by("eth3", 0, "IPv6")], []) ?? "", /^IPv6 for the default route/);
  });
});

describe("the time after which the host takes a change back", () => {
  const links = new Map(
    [
      ["bond0", { mode: "802.3ad" }],
      ["bond1", { mode: "active-backup" }],
    ].map(([name, bond]) => [
      name as string,
      {
        name,
        mtu: 1500,
        up: true,
        wireless: false,
        addresses: [],
        kind: "bond",
        bond: { miimon: 100, arpInterval: 0, failOverMac: "none", ...(bond as { mode: string }) },
      } as LinkFact,
    ]),
  );
  for (const [what, args, seconds] of [
    ["is a minute", { ports: ["eth1"] }, 60],
    ["is longer by the two delays of a spanning tree", { stp: true }, 90],
    ["goes by the forward delay that is set", { stp: true, forwardDelay: 4 }, 68],
    ["is no longer where the spanning tree is off", { stp: false, forwardDelay: 30 }, 60],
    ["is longer by what a slow LACP partner takes", { mode: "802.3ad" }, 150],
    ["is so for the mode's number", { mode: 4 }, 150],
    ["is so where a bond with LACP becomes a port, and starts anew", { ports: ["eth1", "bond0"] }, 150],
    ["is none the longer for another bond", { ports: ["bond1"] }, 60],
    ["is longer by both", { stp: true, ports: ["bond0"] }, 180],
    ["is what the program says", { stp: true, ports: ["bond0"], rollbackAfter: 15 }, 15],
  ] as const)
    it(what, () => {
      const desired = { name: "br0", ...args } as Inputs;
      assert.equal(rollbackAfter(desired, links), seconds);
      const p = plan({ kind: "bridge", desired }, { ...observed(), host: { ...host(), links } });
      const [, checkpoint] = p.steps.flatMap((s) => s.actions);
      assert.deepEqual(checkpoint, {
        do: "checkpoint",
        devices: ["br0", ...((desired.ports as string[]) ?? [])],
        seconds,
      });
    });
});
