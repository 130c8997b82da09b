import assert from "node:assert/strict";
import type { Inputs } from "../../../provider/handler.js";
import { fieldsOf, type Kind, kinds } from "../../../provider/hostlink/args.js";
import { readDocument, unsaid, writeDocument } from "../../../provider/hostlink/backends/libvirt/document.js";
import { linksOf } from "../../../provider/hostlink/backends/libvirt/facts.js";
import { checkLink } from "../../../provider/hostlink/check.js";
import { compare } from "../../../provider/schema/compare.js";
import { parseXml, printXml } from "../../../provider/schema/xml.js";
import { fullLinks } from "../../support/full-links.js";

const KINDS = Object.keys(kinds) as Kind[];
const NAMES: Record<Kind, (args: Inputs) => string> = {
  bridge: () => "bridge0",
  bond: () => "bond0",
  vlan: ({ parent, vlanId }) => `${parent}.${vlanId}`,
};
/** Beside the full ones, of which a rule leaves less. */
const MORE: Partial<Record<Kind, Inputs[]>> = { bridge: [{ stp: true, forwardDelay: 12, ports: ["eth2", "eth3"] }] };

/** What preview lets through on such a host, and the fields that it refuses. */
function allowed(kind: Kind, full: Inputs): { args: Inputs; refused: string[] } {
  let args: Inputs = structuredClone({ name: NAMES[kind](full), ...full });
  const refused = new Set<string>();
  for (let n = 0; ; n++) {
    assert.ok(n < 100, JSON.stringify(args));
    const [fault] = checkLink(kind, args, { manager: "libvirt" });
    if (!fault) return { args, refused: [...refused] };
    const [top = "", inner] = fault.property.split(/[.[\]]+/);
    const value = args[top];
    if (inner && Array.isArray(value)) args = { ...args, [top]: value.filter((_, i) => String(i) !== inner) };
    else if (inner && typeof value === "object")
      args = { ...args, [top]: { ...(value as Inputs), [inner]: undefined } };
    else {
      delete args[top];
      refused.add(top);
    }
  }
}
const differs = (kind: Kind, args: Inputs, xml: string, was?: Inputs): string[] =>
  compare(fieldsOf(kind), args, readDocument(parseXml(xml)), was).map((c) => c.path);

describe("a host interface of libvirt", () => {
  for (const kind of KINDS)
    it(`has a place for each field of a ${kind}, set and removed again, or preview refuses the field`, () => {
      const covered = new Set(["name"]);
      for (const full of [...fullLinks[kind], ...(MORE[kind] ?? [])]) {
        const { args, refused } = allowed(kind, full);
        const xml = printXml(writeDocument(kind, undefined, args));
        assert.deepEqual(differs(kind, args, xml), [], xml);
        assert.deepEqual(unsaid(kind, parseXml(xml)), []);
        for (const field of [...Object.keys(args), ...refused]) covered.add(field);
        for (const field of Object.keys(args).filter((f) => !["name", "mode", "parent", "vlanId"].includes(f))) {
          const { [field]: _, ...without } = args;
          if (checkLink(kind, without, { manager: "libvirt" }).length > 0) continue;
          const after = printXml(writeDocument(kind, xml, without, args));
          assert.deepEqual(differs(kind, without, after, args), [], `without ${field}: ${after}`);
          if (field !== "ports") assert.notEqual(after, xml, `${field} is not removed`);
        }
      }
      assert.deepEqual([...covered].sort(), Object.keys(kinds[kind].fields.fields).sort());
    });

  it("keeps what nobody set, and tells of what no field says", () => {
    const there =
      "<interface type='bridge' name='br0'><start mode='hotplug'/><mtu size='1400'/><protocol family='ipv4'><dhcp peerdns='no'/></protocol>" +
      "<bridge stp='on' delay='12'><interface type='ethernet' name='eth1'><mac address='52:54:00:00:00:01'/></interface></bridge></interface>";
    assert.deepEqual(unsaid("bridge", parseXml(there)), [
      "start mode=hotplug",
      "protocol[ipv4]/dhcp peerdns=no",
      "bridge/interface[eth1]/mac[52:54:00:00:00:01]",
      "bridge/interface[eth1]/mac[52:54:00:00:00:01] address=52:54:00:00:00:01",
    ]);
    const after = printXml(
      writeDocument("bridge", there, { name: "br0", ports: ["eth1", "eth2"], addresses: "dhcp" }, {}),
    );
    for (const piece of [/hotplug/, /size="1400"/, /stp="on" delay="12"/, /52:54:00:00:00:01/, /name="eth2"/])
      assert.match(after, piece);
    // By DHCP for IPv6 as well, and so written anew.
    assert.match(after, /<autoconf\/>/);
  });

  it("of a bond is monitored every 100 ms unless that is turned off", () => {
    const bond = { name: "bond0", mode: 1, ports: ["eth1"] };
    assert.match(printXml(writeDocument("bond", undefined, bond)), /<miimon freq="100"\/>/);
    const off = printXml(writeDocument("bond", undefined, { ...bond, miimon: 0 }));
    assert.doesNotMatch(off, /miimon/);
    assert.equal(readDocument(parseXml(off)).miimon, 0);
    // One that was there without, and is adopted, stays so.
    assert.doesNotMatch(printXml(writeDocument("bond", off, { ...bond, mtu: 1400 })), /miimon/);
  });
});

describe("what libvirt tells of a host's links", () => {
  it("names ports of active links only, with what they are plugged into, and VLANs with their parent", () => {
    const told = (name: string, active: boolean, xml: string) => ({ name, active, mac: "", xml });
    const { links, management } = linksOf([
      told("eth1", true, "<interface type='ethernet' name='eth1'><mtu size='9000'/></interface>"),
      told(
        "br0",
        true,
        "<interface type='bridge' name='br0'><protocol family='ipv4'><ip address='192.0.2.5' prefix='24'/></protocol><bridge><interface type='ethernet' name='eth1'/><interface type='ethernet' name='eth2'/></bridge></interface>",
      ),
      told(
        "br1",
        false,
        "<interface type='bridge' name='br1'><bridge><interface type='ethernet' name='eth3'/></bridge></interface>",
      ),
      told(
        "br0.5",
        true,
        "<interface type='vlan' name='br0.5'><vlan tag='5'><interface name='br0'/></vlan></interface>",
      ),
    ]);
    assert.deepEqual([...links.keys()].sort(), ["br0", "br0.5", "br1", "eth1", "eth2"]);
    assert.deepEqual(
      [links.get("eth1")?.master, links.get("eth1")?.mtu, links.get("eth2")?.master],
      ["br0", 9000, "br0"],
    );
    assert.deepEqual([links.get("br0")?.kind, links.get("br0")?.addresses], ["bridge", ["192.0.2.5/24"]]);
    assert.deepEqual([links.get("br1")?.up, links.get("br0.5")?.parent], [false, "br0"]);
    assert.deepEqual(management, []);
  });
});
