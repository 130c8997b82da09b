/** What libvirt shows of a running NIC, told apart from what is its own. Bandwidths here, since not every kernel can shape them. */
import assert from "node:assert/strict";
import { ownNic, withOwn } from "../../../provider/network/own.js";
import { parseXml, printXml } from "../../../provider/schema/xml.js";

const rate = (average: number) => `<bandwidth>\n  <inbound average='${average}'/>\n</bandwidth>`;
const nic = (inner: string, { group = "", attributes = "" } = {}) =>
  `<interface type='network'${attributes}><source network='n'${group}/>${inner}</interface>`;
const network = `<network trustGuestRxFilters='yes'><bandwidth><inbound average='9'/></bandwidth><port isolated='yes'/>
  <portgroup name='g'>${rate(1000)}<vlan><tag id='7'/></vlan></portgroup></network>`;
const own = (running: string, stored: string | undefined, of: string | undefined = network): string =>
  printXml(ownNic(parseXml(running), stored === undefined ? undefined : parseXml(stored), of));
const inGroup = { group: " portgroup='g'" };

describe("a running NIC's own settings", () => {
  it("are without its port group's and its network's, where its stored definition has none", () => {
    const running = nic(`${rate(1000)}<vlan><tag id='7'/></vlan><port isolated='yes'/>`, {
      ...inGroup,
      attributes: " trustGuestRxFilters='yes'",
    });
    assert.doesNotMatch(own(running, nic("", inGroup), "<network/>"), /vlan|isolated|trust/); // whatever it gives now
    assert.equal(own(running, nic("", inGroup)), own(nic("", inGroup), undefined));
  });

  it("are those that its stored definition has too, as they run", () => {
    const running = nic(`${rate(500)}<port isolated="yes"/>`, inGroup);
    const stored = nic(`${rate(300)}<port isolated='yes'/>`, inGroup);
    assert.match(own(running, stored), /average="500"[\s\S]*isolated="yes"/);
  });

  it("keep a bandwidth that was given to the running NIC alone, where no port group can have given it", () => {
    assert.match(own(nic(rate(500)), nic("")), /average="500"/);
    assert.doesNotMatch(own(nic(rate(500), inGroup), nic("", inGroup)), /average/);
  });

  it("are all that its network does not give, where no definition tells", () => {
    const given = nic(`${rate(1000)}<port isolated='yes'/>`, inGroup);
    assert.equal(own(given, undefined), own(nic("", inGroup), undefined));
    assert.match(own(nic(rate(500), inGroup), undefined), /average="500"/);
    assert.match(own(given, undefined, "<network/>"), /average="1000"[\s\S]*isolated="yes"/);
  });

  it("are those that it is in the middle of losing, but for what its network gives", () => {
    const running = nic(`<vlan><tag id='7'/></vlan><port isolated='yes'/>`, {
      attributes: " trustGuestRxFilters='yes'",
    });
    const had = (xml: string, of: string | undefined, ...names: string[]) =>
      printXml(ownNic(parseXml(xml), parseXml(nic("")), of, (name) => names.includes(name)));
    assert.doesNotMatch(had(running, "<network/>"), /vlan|isolated|trust/);
    assert.match(had(running, "<network/>", "vlan"), /vlan/);
    assert.doesNotMatch(had(running, "<network/>", "vlan"), /isolated|trust/);
    assert.match(had(running, network, "vlan", "port", "trustGuestRxFilters"), /vlan/);
    assert.doesNotMatch(had(running, network, "vlan", "port", "trustGuestRxFilters"), /isolated|trust/);
    assert.match(had(running, undefined, "port"), /isolated/);
    const port = (parameters: string) => `<virtualport type='openvswitch'>${parameters}</virtualport>`;
    const made = nic(port("<parameters interfaceid='09b11c53-8b5c-4eeb-8f00-d84eaa0aaa4f'/>"));
    assert.doesNotMatch(had(made, `<network>${port("")}</network>`, "virtualport"), /virtualport/);
    assert.match(had(made, "<network/>", "virtualport"), /virtualport/);
  });

  it("are without the bandwidth of the default port group, whose name libvirt leaves out", () => {
    const of = `<network><portgroup name='g' default='yes'>${rate(1000)}</portgroup></network>`;
    assert.doesNotMatch(own(nic(rate(1000)), nic(""), of), /average/);
    assert.doesNotMatch(own(nic(rate(500)), nic(""), of), /average/);
    assert.match(own(nic(rate(500)), nic(rate(500)), of), /average="500"/);
  });

  it("go with it when it comes back, and nothing else of that kind does", () => {
    const parked = parseXml(nic(`${rate(1000)}<port isolated='yes'/>`, { attributes: " trustGuestRxFilters='yes'" }));
    const home = printXml(withOwn(parked, parseXml(nic(rate(300)))));
    assert.match(home, /average="300"/);
    assert.doesNotMatch(home, /average="1000"|isolated|trustGuestRxFilters/);
  });
});
