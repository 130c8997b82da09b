/** Entries of a network that have the same name or address: libvirt holds them, and its live call does not tell them apart. */
import assert from "node:assert/strict";
import type { Inputs } from "../../../provider/handler.js";
import { fieldsOf, readNetwork, writeNetwork } from "../../../provider/network/document.js";
import { plan } from "../../../provider/network/plan.js";
import type { Plan } from "../../../provider/network/steps.js";
import { compare } from "../../../provider/schema/compare.js";

const net = (dns: Inputs): Inputs => ({ mode: "isolated", name: "n", ips: [{ address: "10.0.1.1/24" }], dns });
const xmlOf = (dns: Inputs): string => writeNetwork(net(dns), undefined, undefined, undefined);
const there = (inner: string): string => xmlOf({}).replace("</network>", `<dns>${inner}</dns></network>`);
const changes = (dns: Inputs, xml: string) =>
  compare(fieldsOf("isolated"), net(dns), readNetwork(xml).values, undefined).map((c) => [c.op, c.path]);

function planOn(xml: string, dns: Inputs): Plan {
  const network = { uuid: "u", name: "n", persistent: true, autostart: true, xml, liveXml: xml };
  return plan({ desired: net(dns), was: net(dns) }, { daemon: 9_000_000, nics: [], network });
}
const kinds = (p: Plan) => p.steps.map((s) => [s.kind, s.changes]);

const SPF = { name: "lab", value: "v=spf1 -all" };
const PROOF = { name: "lab", value: "proof=1" };
const NOTE = { name: "note", value: "n" };

describe("entries that have the same name or address", () => {
  it("of TXT records are all kept; one that changes is one change, whatever their order", () => {
    const xml = xmlOf({ txts: [SPF, PROOF, NOTE] });
    assert.deepEqual(changes({ txts: [NOTE, PROOF, SPF] }, xml), []);
    const wanted = { txts: [{ ...PROOF, value: "proof=2" }, SPF, NOTE] };
    assert.deepEqual(changes(wanted, xml), [["set", "dns.txts[0]"]]);
    const after = writeNetwork(net(wanted), undefined, xml, undefined);
    assert.deepEqual(changes(wanted, after), []);
    assert.equal(after.match(/<txt /g)?.length, 3);
  });

  it("a foreign record before ours of the same name is drift, and goes", () => {
    const xml = there(`<txt name="lab" value="theirs"/><txt name="lab" value="${SPF.value}"/>`);
    assert.deepEqual(changes({ txts: [SPF] }, xml), [["remove", "dns.txts[1]"]]);
    const after = writeNetwork(net({ txts: [SPF] }), undefined, xml, undefined);
    assert.ok(!after.includes("theirs"), after);
  });

  it("a second <host> of an address is drift, and goes, and ours stays as it was", () => {
    const ours = `<host ip="10.0.1.9"><hostname>ours</hostname></host>`;
    const dns = { hosts: [{ ip: "10.0.1.9", hostnames: ["ours"] }] };
    for (const all of [`<host ip="10.0.1.9"><hostname>theirs</hostname></host>${ours}`, ours + ours]) {
      assert.deepEqual(changes(dns, there(all)), [["remove", "dns.hosts[1]"]]);
      const after = writeNetwork(net(dns), undefined, there(all), undefined);
      assert.deepEqual(after.match(/<host .*?<\/host>/g), [ours]);
    }
  });

  it("of TXT records of one name, before or after, restart the network where one changes; of others not", () => {
    const two = { txts: [SPF, PROOF, NOTE] };
    for (const [before, after] of [
      [two, { txts: [SPF, { ...PROOF, value: "proof=2" }, NOTE] }],
      [two, { txts: [SPF, NOTE] }],
      [{ txts: [SPF, NOTE] }, two],
    ] as const) {
      const p = planOn(xmlOf(before), after);
      assert.deepEqual([p.impact, p.steps.map((s) => s.kind)], ["restart", ["restart"]]);
      assert.match(p.steps[0]?.why ?? "", /does not tell some of these apart/);
    }
    const others = planOn(xmlOf(two), { txts: [SPF, PROOF, { ...NOTE, value: "m" }] });
    assert.deepEqual([others.impact, kinds(others)], ["live", [["update", ["dns.txts[2]"]]]]);
    const one = planOn(xmlOf({ txts: [SPF] }), { txts: [PROOF] });
    assert.deepEqual([one.impact, kinds(one)], ["live", [["update", ["dns.txts[0]"]]]]);
  });

  it("of addresses that share a host name, too, where one goes: libvirt finds it by any of its names", () => {
    const v4 = { ip: "10.0.1.9", hostnames: ["web"] };
    const v6 = { ip: "fd00::9", hostnames: ["web"] };
    assert.equal(planOn(xmlOf({ hosts: [v4, v6] }), { hosts: [v4] }).impact, "restart");
    assert.equal(planOn(xmlOf({ hosts: [v4, v6] }), { hosts: [v4, { ...v6, ip: "fd00::8" }] }).impact, "restart");
    assert.equal(planOn(xmlOf({ hosts: [v4] }), { hosts: [v4, v6] }).impact, "live");
    assert.equal(planOn(xmlOf({ hosts: [v4] }), { hosts: [v6] }).impact, "live");
    const other = { ...v6, hostnames: ["web6"] };
    assert.equal(planOn(xmlOf({ hosts: [v4, other] }), { hosts: [v4] }).impact, "live");
  });

  it("of SRV records of which one says no more than another, too: libvirt compares only what it is given", () => {
    const any = { service: "ldap", protocol: "tcp" };
    const one = { ...any, domain: "a.test" };
    assert.equal(planOn(xmlOf({ srvs: [one] }), { srvs: [one, any] }).impact, "restart");
    assert.equal(planOn(xmlOf({ srvs: [any, one] }), { srvs: [one] }).impact, "restart");
    assert.equal(planOn(xmlOf({ srvs: [any] }), { srvs: [any, one] }).impact, "live");
    assert.equal(planOn(xmlOf({ srvs: [any, one] }), { srvs: [any] }).impact, "live");
  });
});
