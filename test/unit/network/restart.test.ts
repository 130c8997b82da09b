/** What a change of a running network plans, as data: the order of its actions, and what is said of who is on its bridge. */
import assert from "node:assert/strict";
import type { Inputs } from "../../../provider/handler.js";
import { plan } from "../../../provider/network/plan.js";
import { priceLine } from "../../../provider/network/say.js";
import type { Observed } from "../../../provider/network/steps.js";

const was: Inputs = { mode: "nat", name: "dev", bridge: { name: "br-dev" }, ips: [{ address: "10.0.0.1/24" }] };
const xml =
  "<network><name>dev</name><uuid>u</uuid><forward mode='nat'/><bridge name='br-dev' stp='on' delay='0'/><ip address='10.0.0.1' prefix='24'/></network>";
const network = { uuid: "u", name: "dev", persistent: true, autostart: true, xml, liveXml: xml };
const web = {
  domain: "d",
  domainName: "web",
  mac: "52:54:00:00:00:01",
  by: "network",
  on: "tap",
  device: "vnet0",
  parked: false,
  xml: "<interface type='network'><mac address='52:54:00:00:00:01'/><source network='dev'/></interface>",
} as const;

const planOf = (more: Inputs, seen: Partial<Observed> = {}) =>
  plan({ desired: { ...was, ...more }, was }, { daemon: 9_000_000, nics: [], network, ...seen });
const actions = (more: Inputs, seen: Partial<Observed> = {}) =>
  planOf(more, seen).steps.map((s) => [s.kind, s.actions.map((a) => a.do).join(" ")]);

describe("the plan of a restart", () => {
  it("writes the journal first, moves NICs aside before the network stops, and back when it runs", () => {
    assert.deepEqual(actions({ mtu: 9000 }, { nics: [web] }), [["restart", "journal define park destroy start home"]]);
  });

  it("renames by taking the network away and defining it anew, with the journal first", () => {
    assert.deepEqual(actions({ name: "prod" }, { nics: [web] }), [
      ["rename", "journal park destroy undefine define start home"],
    ]);
  });

  it("says what the spanning tree costs only where it cannot be turned off meanwhile", () => {
    assert.match(priceLine(planOf({ mtu: 9000 }, { nics: [web] })) ?? "", /web: lose each other for about 4.0 s/);
    const there = priceLine(planOf({ mtu: 9000 }, { nics: [web], channel: true })) ?? "";
    assert.match(there, /web: stay connected to each other and lose the gateway for about 0.6 s/);
  });
});

describe("the plan of a live change", () => {
  it("names the VMs whose NICs keep what their port group gave them", () => {
    const inGroup = { ...web, domainName: "db", xml: web.xml.replace("'dev'", "'dev' portgroup='g'") };
    const withGroup = xml.replace("<ip ", "<portgroup name='g'/><ip ");
    const seen = { nics: [web, inGroup], network: { ...network, xml: withGroup, liveXml: withGroup } };
    const groups = (more: Inputs) => ({ portGroups: [{ name: "g", ...more }] });
    const p = planOf(groups({ bandwidth: { inbound: { average: 1000 } } }), seen);
    assert.deepEqual(
      p.steps.map((s) => [s.kind, s.impact, s.affects]),
      [["update", "live", ["db"]]],
    );
    assert.match(priceLine(p) ?? "", /; db: keep what it gave their NICs until these are plugged anew$/);
    assert.deepEqual(planOf(groups({ default: true }), { ...seen, nics: [web] }).steps[0]?.affects, ["web"]);
  });

  it("takes a device out of a macvtap network live only where no NIC is on it", () => {
    const pool = (...devices: string[]): Inputs => ({
      ...{ mode: "bridge", name: "dev", bridge: undefined, ips: undefined },
      macvtap: { mode: "bridge", interfaces: devices },
    });
    const there = `<network><name>dev</name><uuid>u</uuid><forward dev='up0' mode='bridge'><interface dev='up0'/><interface dev='up1'/></forward></network>`;
    const on = (device: string) => ({
      ...{ ...web, on: "macvtap" as const },
      xml: `<interface type='direct'><source network='dev' dev='${device}' mode='bridge'/></interface>`,
    });
    const stepOf = (device: string) => {
      const seen = { nics: [on(device)], network: { ...network, xml: there, liveXml: there } };
      const wish = { desired: pool("up0"), was: pool("up0", "up1") };
      const [step, ...more] = plan(wish, { daemon: 9_000_000, ...seen }).steps;
      assert.deepEqual(more, []);
      return step;
    };
    assert.deepEqual([stepOf("up0")?.kind, stepOf("up0")?.impact], ["update", "live"]);
    assert.deepEqual(
      [stepOf("up1")?.kind, stepOf("up1")?.impact, stepOf("up1")?.affects],
      ["restart", "replug", ["web"]],
    );
    assert.match(stepOf("up1")?.why ?? "", /NICs of web are on up1/);
  });
});

describe("devices on a network's bridge that are no VM's", () => {
  const ports = ["veth9", "eno2"];

  it("are named, and put back where commands can be run on the host", () => {
    const p = planOf({ mtu: 9000 }, { ports, channel: true });
    assert.match(priceLine(p) ?? "", /veth9, eno2 on bridge br-dev, no VM's .*, put back when it runs again/);
    const [journal] = p.steps[0]?.actions ?? [];
    assert.ok(journal?.do === "journal");
    assert.deepEqual(journal.journal.ports, ports);
  });

  it("are said to be unknown where nobody can tell", () => {
    assert.match(priceLine(planOf({ mtu: 9000 })) ?? "", /no VM's are on bridge br-dev is not known here/);
    assert.doesNotMatch(priceLine(planOf({ mtu: 9000 }, { ports: [] })) ?? "", /no VM's/);
  });

  const refused: [what: string, more: Inputs, seen: Partial<Observed>, text: RegExp][] = [
    [
      "a restart",
      { mtu: 9000 },
      { ports },
      /cuts off veth9, eno2 on bridge br-dev.*no command can be run on the host.*virtnet:command.*force: true/,
    ],
    ["a rename", { name: "prod" }, { ports }, /network "dev": this change stops its bridge and cuts off veth9, eno2/],
    ["a repair", {}, { ports, broken: ["its dnsmasq does not run"] }, /cuts off veth9, eno2/],
    [
      "a change to a bridge of the host",
      { mode: "bridge", bridge: { name: "br0" }, ips: undefined },
      { ports, channel: true },
      /it has no bridge of its own then\. Take them off the bridge first, or set force: true/,
    ],
  ];
  for (const [what, more, seen, text] of refused) {
    it(`stop ${what} where they cannot be put back`, () => assert.throws(() => planOf(more, seen), text));
    it(`are cut off by ${what} with force, and named`, () =>
      assert.match(
        priceLine(planOf({ ...more, force: true }, seen)) ?? "",
        /veth9, eno2 on bridge br-dev.*, cut off: /,
      ));
  }

  it("are no obstacle to what does not stop the bridge, nor to a stop that is asked for", () => {
    planOf({ dns: { hosts: [{ ip: "10.0.0.9", hostnames: ["x"] }] } }, { ports });
    assert.match(priceLine(planOf({ running: false }, { ports })) ?? "", /veth9, eno2 on its bridge, no VM's, cut off/);
    const renamed = planOf({ name: "prod", running: false }, { ports, channel: true });
    assert.match(priceLine(renamed) ?? "", /veth9, eno2 on bridge br-dev.*, cut off: it does not run then/);
    planOf({ name: "prod" }, { ports, network: { ...network, liveXml: undefined } as never });
  });
});

describe("a live change of DHCP", () => {
  const dhcp = { ips: [{ address: "10.0.0.1/24", dhcp: { ranges: [{ start: "10.0.0.10", end: "10.0.0.20" }] } }] };

  it("keeps the firewall's rules where commands can be run on the host, and costs nothing", () => {
    const p = planOf(dhcp, { nics: [web], channel: true });
    assert.equal(p.steps[0]?.actions[0]?.do, "hold");
    assert.doesNotMatch(priceLine(p) ?? "", /lose/);
  });

  it("holds none where nobody is on the bridge, and that was seen", () => {
    const held = (seen: Partial<Observed>) =>
      planOf(dhcp, { channel: true, ports: [], broken: [], ...seen }).steps.some((s) =>
        s.actions.some((a) => a.do === "hold"),
      );
    assert.equal(held({}), false);
    assert.ok(held({ nics: [web] }));
    assert.ok(held({ ports: ["veth9"] }));
    assert.ok(held({ ports: undefined } as never), "not known");
    // A bridge that is not to be seen has no ports either.
    const unseen = { ...dhcp, intact: false };
    const p = planOf(unseen, { channel: true, ports: [], broken: ["its bridge br-dev is gone"] });
    assert.equal(p.steps[0]?.actions[0]?.do, "hold");
  });

  it("has its price where none can be run, and says so", () => {
    const p = planOf(dhcp, { nics: [web] });
    assert.ok(p.steps.every((s) => s.actions.every((a) => a.do !== "hold")));
    assert.match(priceLine(p) ?? "", /web: lose what they send to outside for some tenths of a second/);
  });
});
