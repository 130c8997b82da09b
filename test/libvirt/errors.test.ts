import assert from "node:assert/strict";
import { classify } from "../../provider/libvirt/errors.js";
import { type Connection, LibvirtError, open } from "../../provider/libvirt/index.js";

describe("errors", () => {
  let c: Connection;
  before(async () => {
    c = await open("test:///default");
  });
  after(() => c.close());

  const cases: [string, () => Promise<unknown>, { class: string; code: number; function: string }][] = [
    [
      "a network that is not there",
      () => c.networks.start({ name: "nope" }),
      { class: "not-found", code: 43, function: "virNetworkLookupByName" },
    ],
    [
      "a domain that is not there",
      () => c.domains.start({ uuid: "00000000-0000-4000-8000-000000000000" }),
      { class: "not-found", code: 42, function: "virDomainLookupByUUIDString" },
    ],
    [
      "an interface that is not there",
      () => c.interfaces.start("nope"),
      { class: "not-found", code: 57, function: "virInterfaceLookupByName" },
    ],
    [
      "text that is no UUID",
      () => c.networks.get({ uuid: "xyz" }),
      { class: "invalid-input", code: 8, function: "virNetworkLookupByUUIDString" },
    ],
    [
      "text that is no XML",
      () => c.networks.define("<network"),
      { class: "invalid-input", code: 27, function: "virNetworkDefineXML" },
    ],
    [
      "an active network started again",
      () => c.networks.start({ name: "default" }),
      { class: "invalid-state", code: 55, function: "virNetworkCreate" },
    ],
    [
      "a name taken by another UUID",
      () => c.networks.define("<network><name>default</name></network>"),
      { class: "exists", code: 9, function: "virNetworkDefineXML" },
    ],
  ];
  for (const [what, call, expected] of cases) {
    it(`gives ${what} as data: ${expected.class}`, async () => {
      await assert.rejects(call(), (e: LibvirtError) => {
        assert.ok(e instanceof LibvirtError);
        assert.equal(e.class, expected.class);
        assert.ok(e.code === expected.code || (expected.code === 27 && e.code === 35), `code ${e.code}`);
        assert.ok(e.function.startsWith(expected.function));
        assert.equal(e.level, 2);
        assert.ok(e.text.length > 0 && e.message.includes(e.text) && e.message.includes(e.function));
        assert.deepEqual([e.sent, e.retryable], [true, false]);
        return true;
      });
    });
  }

  it("gives the error of the call that failed, not of one before it", async () => {
    const results = await Promise.allSettled([
      c.networks.start({ name: "first" }),
      c.networks.get({ name: "default" }),
      c.interfaces.start("second"),
      c.networks.start({ name: "third" }),
    ]);
    const texts = results.map((r) => (r.status === "rejected" ? (r.reason as LibvirtError).text : "fine"));
    assert.match(texts[0]!, /first/);
    assert.equal(texts[1], "fine");
    assert.match(texts[2]!, /second/);
    assert.match(texts[3]!, /third/);
  });

  it("refuses text with a NUL character, which C would cut", async () => {
    await assert.rejects(
      c.networks.get({ name: "default\0x" }),
      (e: LibvirtError) => e.class === "invalid-input" && !e.sent,
    );
  });

  it("refuses writes over a read-only connection with class auth", async () => {
    const readOnly = await open("test:///default", { readOnly: true });
    await assert.rejects(
      readOnly.networks.destroy({ name: "default" }),
      (e: LibvirtError) => e.class === "auth" && e.code === 29,
    );
    assert.equal((await readOnly.networks.get({ name: "default" }))?.active, true);
    await readOnly.close();
  });

  it("tells a host that cannot be reached from a URI that is wrong", async () => {
    await assert.rejects(
      open("qemu+tcp://127.0.0.1:1/system"),
      (e: LibvirtError) => e.class === "transport" && e.retryable,
    );
    await assert.rejects(
      open("test:///nowhere.xml"),
      (e: LibvirtError) => e.class === "invalid-input" || e.class === "internal", // by version
    );
  });

  it("classes by code, and by domain or function where the code is too general", () => {
    for (const [code, domain, fn, expected] of [
      [38, 7, "virConnectOpen", "transport"],
      [38, 19, "virNetworkCreate", "internal"],
      [1, 7, "virNetworkGetXMLDesc", "transport"],
      [1, 19, "virNetworkCreate", "internal"],
      [9, 19, "virNetworkDefineXML", "exists"],
      [9, 10, "virDomainDetachDeviceFlags", "invalid-state"],
      [99, 20, "virDomainUpdateDeviceFlags", "not-found"],
      [68, 10, "virDomainCreate", "busy"],
      [86, 10, "virDomainInterfaceAddresses", "busy"],
      [45, 7, "virConnectOpen", "auth"],
      [84, 19, "virNetworkUpdate", "unsupported"],
    ] as const)
      assert.equal(classify(code, domain, fn, ""), expected, `${code}/${domain} ${fn}`);
    assert.equal(
      classify(8, 12, "virNetworkGetXMLDesc", "unsupported flags (0x1) in function testNetworkGetXMLDesc"),
      "unsupported",
    );
  });
});
