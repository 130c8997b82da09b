import assert from "node:assert/strict";
import { type Connection, LibvirtError, type NetworkListOptions, open } from "../../provider/libvirt/index.js";

const xml = (name: string, inner = "") =>
  `<network><name>${name}</name><forward mode='nat'/><bridge name='v-${name}'/>${inner}</network>`;
const ip = "<ip address='10.9.0.1' prefix='24'><dhcp><range start='10.9.0.2' end='10.9.0.99'/></dhcp></ip>";

describe("networks over the test driver", () => {
  let c: Connection;
  before(async () => {
    c = await open("test:///default");
  });
  after(() => c.close());

  it("lists the driver's network with both definitions, although the driver refuses the INACTIVE flag", async () => {
    const [network] = await c.networks.list();
    assert.equal(network?.name, "default");
    assert.match(network?.uuid ?? "", /^[0-9a-f-]{36}$/);
    assert.deepEqual([network?.active, network?.persistent, network?.autostart], [true, true, false]);
    assert.match(network?.inactiveXml ?? "", /<name>default<\/name>/);
    assert.match(network?.liveXml ?? "", /<name>default<\/name>/);
  });

  it("takes a network through define, start, autostart, destroy and undefine", async () => {
    const ref = await c.networks.define(xml("life", ip));
    assert.equal(ref.name, "life");
    assert.equal((await c.networks.get(ref))?.active, false);
    assert.equal((await c.networks.get(ref))?.liveXml, undefined);
    await c.networks.start(ref);
    await c.networks.setAutostart({ name: "life" }, true);
    const running = await c.networks.get({ name: "life" });
    assert.deepEqual(
      [running?.uuid, running?.active, running?.autostart, running?.persistent],
      [ref.uuid, true, true, true],
    );
    assert.equal(await c.networks.bridgeName(ref), "v-life");
    await c.networks.setAutostart(ref, false);
    assert.equal((await c.networks.get(ref))?.autostart, false);
    await c.networks.destroy(ref);
    await c.networks.undefine(ref);
    assert.equal(await c.networks.get(ref), undefined);
  });

  it("reads the definition that counts now, and nothing else: the running one, else the stored one", async () => {
    const ref = await c.networks.define(xml("now", ip));
    const stored = await c.networks.xml({ name: "now" });
    assert.equal(stored, (await c.networks.get(ref))?.inactiveXml);
    await c.networks.start(ref);
    assert.equal(await c.networks.xml(ref), (await c.networks.get(ref))?.liveXml);
    await c.networks.destroy(ref);
    await c.networks.undefine(ref);
    assert.equal(await c.networks.xml(ref), undefined);
    assert.equal(await c.networks.xml({ name: "now" }), undefined);
  });

  it("creates a transient network, which is gone once destroyed", async () => {
    const ref = await c.networks.createXml(xml("passing", ip));
    const network = await c.networks.get(ref);
    assert.deepEqual([network?.active, network?.persistent, network?.autostart], [true, false, false]);
    await c.networks.destroy(ref);
    assert.equal(await c.networks.get(ref), undefined);
  });

  it("lists the same as it gets, with and without XML", async () => {
    const made = [await c.networks.define(xml("one", ip)), await c.networks.createXml(xml("two", ip))];
    try {
      const list = await c.networks.list();
      assert.equal(list.length, 3);
      for (const network of list) assert.deepEqual(network, await c.networks.get({ uuid: network.uuid }));
      const bare = await c.networks.list({ xml: false });
      assert.deepEqual(
        bare.map(({ inactiveXml: _, ...rest }) => rest),
        list.map(({ inactiveXml: _, liveXml: __, ...rest }) => rest),
      );
      assert.ok(bare.every((network) => network.inactiveXml === ""));
    } finally {
      await c.networks.undefine(made[0]!);
      await c.networks.destroy(made[1]!);
    }
  });

  it("lists with four listings, whatever the number of networks", async () => {
    const made = await Promise.all(["a", "b", "c", "d"].map((name) => c.networks.define(xml(name, ip))));
    const before = await c.callCounts();
    await c.networks.list();
    const after = await c.callCounts();
    const cost = (name: string) => (after[name] ?? 0) - (before[name] ?? 0);
    assert.equal(cost("virConnectListAllNetworks"), 4);
    assert.equal(cost("virNetworkGetXMLDesc"), 5); // here one each, for want of the INACTIVE flag
    for (const name of ["virNetworkIsActive", "virNetworkIsPersistent", "virNetworkGetAutostart"])
      assert.equal(cost(name), 0, name);
    for (const ref of made) await c.networks.undefine(ref);
  });

  it("lists only what passes the filters, with fewer listings, and tells the same of it", async () => {
    const off = await c.networks.define(xml("off", ip));
    const on = await c.networks.define(xml("on", ip));
    await c.networks.start(on);
    await c.networks.setAutostart(on, true);
    const passing = await c.networks.createXml(xml("passing", ip));
    try {
      const all = await c.networks.list();
      const found = async (options: NetworkListOptions) => {
        const list = await c.networks.list(options);
        for (const network of list)
          assert.deepEqual(
            network,
            all.find(({ uuid }) => uuid === network.uuid),
          );
        return list.map(({ name }) => name).sort();
      };
      assert.deepEqual(await found({}), ["default", "off", "on", "passing"]);
      assert.deepEqual(await found({ active: true }), ["default", "on", "passing"]);
      assert.deepEqual(await found({ active: false }), ["off"]);
      assert.deepEqual(await found({ persistent: true }), ["default", "off", "on"]);
      assert.deepEqual(await found({ persistent: false }), ["passing"]);
      assert.deepEqual(await found({ autostart: true }), ["on"]);
      assert.deepEqual(await found({ active: true, persistent: true, autostart: false }), ["default"]);
      assert.deepEqual(await found({ active: true, uuids: [on.uuid, off.uuid] }), ["on"]);
      assert.deepEqual(await found({ active: false, autostart: true }), []);
      const listings = async () => (await c.callCounts()).virConnectListAllNetworks ?? 0;
      const before = await listings();
      await found({ active: true, persistent: true });
      assert.equal((await listings()) - before, 2); // itself, and which of them start with the daemon
    } finally {
      await c.networks.destroy(on);
      await c.networks.destroy(passing);
      for (const ref of [off, on]) await c.networks.undefine(ref);
    }
  });

  it("updates sections in place: command and section in the header's order", async () => {
    const ref = await c.networks.createXml(xml("upd", ip));
    const live = async () => (await c.networks.get(ref))?.liveXml ?? "";
    await c.networks.update(
      ref,
      "add-last",
      "ip-dhcp-host",
      -1,
      "<host mac='52:54:00:00:00:01' ip='10.9.0.5'/>",
      "live",
    );
    assert.match(await live(), /<host mac='52:54:00:00:00:01' ip='10.9.0.5'\/>/);
    await c.networks.update(ref, "modify", "ip-dhcp-host", -1, "<host mac='52:54:00:00:00:01' ip='10.9.0.6'/>", "live");
    assert.match(await live(), /ip='10.9.0.6'/);
    await c.networks.update(ref, "delete", "ip-dhcp-host", 0, "<host mac='52:54:00:00:00:01'/>", "live");
    assert.doesNotMatch(await live(), /<host/);
    await c.networks.update(ref, "add-first", "dns-txt", -1, "<txt name='a' value='b'/>", "live");
    await c.networks.update(
      ref,
      "add-last",
      "dns-host",
      -1,
      "<host ip='10.9.0.7'><hostname>h</hostname></host>",
      "live",
    );
    await c.networks.update(ref, "add-last", "dns-srv", -1, "<srv service='ldap' protocol='tcp'/>", "live");
    await c.networks.update(ref, "add-last", "portgroup", -1, "<portgroup name='p'/>", "live");
    await c.networks.update(
      ref,
      "add-last",
      "ip-dhcp-range",
      -1,
      "<range start='10.9.0.200' end='10.9.0.210'/>",
      "live",
    );
    for (const expected of [
      /<txt name='a' value='b'\/>/,
      /<hostname>h/,
      /<srv service='ldap'/,
      /<portgroup name='p'/,
      /end='10.9.0.210'/,
    ])
      assert.match(await live(), expected);
    for (const section of ["bridge", "domain", "ip", "forward", "forward-pf"] as const)
      await assert.rejects(
        c.networks.update(ref, "modify", section, -1, "<x/>", "live"),
        (e: LibvirtError) =>
          e.class === "unsupported" && e.text.includes(section.replace("-", " ").replace("forward pf", "forward")),
        section,
      );
    await c.networks.destroy(ref);
  });

  it("refuses an unknown element, and drops it with validate: false", async () => {
    const bad = xml("strict", `${ip}<colour/>`);
    await assert.rejects(c.networks.define(bad), (e: LibvirtError) => e.class === "invalid-input" && e.code === 92);
    const ref = await c.networks.define(bad, { validate: false });
    assert.doesNotMatch((await c.networks.get(ref))?.inactiveXml ?? "", /colour/);
    await c.networks.undefine(ref);
  });

  it("says class unsupported for what the test driver lacks", async () => {
    for (const call of [() => c.networks.leases({ name: "default" }), () => c.networks.ports({ name: "default" })])
      await assert.rejects(
        call(),
        (e: LibvirtError) => e instanceof LibvirtError && e.class === "unsupported" && e.code === 3,
      );
  });

  it("reads metadata, undefined where there is none, or says which client library can", async () => {
    const { clientVersion } = await c.identity();
    const inner = `<title>Lab &amp; co</title><metadata><v:m xmlns:v="urn:v" a="1">text</v:m></metadata>`;
    const ref = await c.networks.define(xml("noted", `${inner}${ip}`), { validate: false });
    try {
      if (clientVersion >= 9_007_000) {
        assert.equal(await c.networks.getMetadata(ref, "title", null), "Lab & co");
        assert.equal(await c.networks.getMetadata(ref, "title", null, "config"), "Lab & co");
        assert.match((await c.networks.getMetadata(ref, "element", "urn:v")) ?? "", /^<m a=["']1["']>text<\/m>/);
        assert.equal(await c.networks.getMetadata(ref, "description", null), undefined);
        assert.equal(await c.networks.getMetadata(ref, "element", "urn:other"), undefined);
        await assert.rejects(
          c.networks.getMetadata({ name: "nope" }, "title", null),
          (e: LibvirtError) => e.class === "not-found" && e.code === 43,
        );
      } else
        await assert.rejects(
          c.networks.getMetadata(ref, "title", null),
          (e: LibvirtError) =>
            e.class === "unsupported" &&
            /^virNetworkGetMetadata needs a libvirt client library 9\.7 or newer/.test(e.text),
        );
    } finally {
      await c.networks.undefine(ref);
    }
  });

  it("sets metadata, or says which client library can", async () => {
    const { clientVersion } = await c.identity();
    const call = c.networks.setMetadata({ name: "default" }, "title", "Lab", null, null, "live");
    if (clientVersion >= 9_007_000) {
      await call;
      assert.match((await c.networks.get({ name: "default" }))?.liveXml ?? "", /<title>Lab<\/title>/);
      await c.networks.setMetadata({ name: "default" }, "element", "<m a='1'/>", "v", "urn:v", "live");
      assert.match(
        (await c.networks.get({ name: "default" }))?.liveXml ?? "",
        /<v:m xmlns:v=["']urn:v["'] a=["']1["']\/>/,
      );
      await c.networks.setMetadata({ name: "default" }, "title", null, null, null, "live");
      assert.doesNotMatch((await c.networks.get({ name: "default" }))?.liveXml ?? "", /<title>/);
    } else
      await assert.rejects(
        call,
        (e: LibvirtError) =>
          e.class === "unsupported" && /needs a libvirt client library 9\.7 or newer; .* is \d+\.\d+\.\d+/.test(e.text),
      );
  });

  it("keeps text beyond ASCII intact", async () => {
    const ref = await c.networks.define(
      `<network><name>réseau</name><metadata><v:m xmlns:v="urn:v">häß → 網</v:m></metadata></network>`,
      { validate: false },
    );
    assert.equal(ref.name, "réseau");
    assert.match((await c.networks.get({ name: "réseau" }))?.inactiveXml ?? "", /häß → 網/);
    await c.networks.undefine(ref);
  });

  it("reads a definition of two megabytes whole", async () => {
    const long = "x".repeat(2_000_000);
    const ref = await c.networks.define(
      `<network><name>long</name><metadata><v:m xmlns:v="urn:v">${long}</v:m></metadata></network>`,
      { validate: false },
    );
    assert.ok((await c.networks.get(ref))?.inactiveXml.includes(long));
    await c.networks.undefine(ref);
  });
});
