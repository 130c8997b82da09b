/** What people and libvirt spell in several ways is one thing; what only looks alike is not. */
import assert from "node:assert/strict";
import type { Inputs } from "../../../provider/handler.js";
import { differences } from "../../../provider/network/differences.js";
import { readNetwork, writeNetwork } from "../../../provider/network/document.js";
import { plan } from "../../../provider/network/plan.js";

const lease = (lease: Inputs): Inputs => ({
  mode: "nat",
  name: "dev",
  ips: [
    {
      address: "10.0.1.1/24",
      dhcp: {
        ranges: [{ start: "10.0.1.10", end: "10.0.1.20", lease }],
        hosts: [{ mac: "52:54:00:0a:0b:0c", name: "a", ip: "10.0.1.5", lease }],
      },
    },
  ],
});
const element = (element: Inputs): Inputs => ({
  mode: "isolated",
  name: "dev",
  metadata: [{ namespace: "urn:x", prefix: "x", element }],
});
const forwarders = (...addresses: string[]): Inputs => ({
  mode: "nat",
  name: "dev",
  ips: [{ address: "10.0.1.1/24" }],
  dns: { forwarders: addresses.map((address) => ({ address })) },
});

const changes = (desired: Inputs, xml: string): string[] =>
  plan(
    { desired, was: desired },
    {
      daemon: 9_000_000,
      nics: [],
      network: { uuid: "u", name: "dev", persistent: true, autostart: true, xml, liveXml: xml },
    },
  ).steps.flatMap((s) => s.changes);
const write = (args: Inputs): string => writeNetwork(args, undefined, undefined, undefined);

describe("spellings of one network", () => {
  const rewritten: [string, Inputs, RegExp, string][] = [
    ["an hour in minutes", lease({ expiry: 60 }), /<lease [^>]*>/g, "<lease expiry='1' unit='hours'/>"],
    [
      "an hour in seconds",
      lease({ expiry: 1, unit: "hours" }),
      /<lease [^>]*>/g,
      "<lease expiry='3600' unit='seconds'/>",
    ],
    ["for ever", lease({ expiry: 0 }), /<lease [^>]*>/g, "<lease expiry='0' unit='seconds'/>"],
    // virMacAddrParse takes a group of one digit, and a reservation keeps its MAC as it was written.
    ["a MAC with short groups", lease({ expiry: 60 }), /52:54:00:0a:0b:0c/, "52:54:0:A:b:C"],
    ["blanks around a text of metadata", element({ name: "e", text: " a " }), /> a </, ">a<"],
    ["an empty text of metadata", element({ name: "e", text: "  " }), />\s*<\/x:e>/, "/>"],
    ["no attributes and no children of metadata", element({ name: "e", attributes: {}, children: [] }), /$/, ""],
  ];
  for (const [what, args, from, to] of rewritten)
    it(`are no difference: ${what}`, () => {
      const xml = write(args);
      assert.match(xml, from);
      assert.deepEqual(changes(args, xml.replace(from, to)), []);
    });

  it("keep U+2028 and U+0085, which end a line in XML 1.1 only", () => {
    const value = "a\u2028b\u0085c";
    const args = { mode: "isolated", name: "dev", dns: { txts: [{ name: "t", value }] }, ips: [] };
    const xml = write(args);
    assert.deepEqual((readNetwork(xml).values.dns as Inputs).txts, [{ name: "t", value }]);
    assert.ok(writeNetwork(args, undefined, xml, undefined).includes(value));
  });

  it("are a difference where the value is another", () => {
    const xml = write(lease({ expiry: 60 }));
    assert.deepEqual(changes(lease({ expiry: 61 }), xml), ["ips[0].dhcp.ranges[0]", "ips[0].dhcp.hosts[0]"]);
    assert.deepEqual(changes(element({ name: "e", text: "b" }), write(element({ name: "e", text: "a" }))), [
      "metadata[0]",
    ]);
  });

  // dnsmasq is started with strict-order (networkDnsmasqConfContents).
  it("hold the order in which name servers are asked, which is one change where it is another", () => {
    const [one, two] = [forwarders("192.0.2.1", "192.0.2.2"), forwarders("192.0.2.2", "192.0.2.1")];
    assert.ok(differences(one, two).includes("dns.forwarders"));
    assert.ok(!differences(one, one).includes("dns.forwarders"));
    assert.deepEqual(changes(two, write(one)), ["dns.forwarders"]);
    const after = writeNetwork(two, one, write(one), undefined);
    assert.deepEqual(readNetwork(after).values.dns, two.dns);
  });

  it("keep the blanks of a name and a description", () => {
    const args: Inputs = { mode: "isolated", name: " dev ", description: " a\n  b " };
    assert.deepEqual(changes(args, write(args)), []);
    assert.equal(readNetwork(write(args)).values.name, " dev ");
  });
});
