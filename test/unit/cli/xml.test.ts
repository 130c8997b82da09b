import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { readNetwork } from "../../../provider/network/document.js";
import { virtnet } from "../../support/virtnet.js";

const dev = { kind: "Network", name: "dev", mode: "nat", ips: [{ address: "192.168.100.1/24" }] };
const xml = (value: unknown) =>
  virtnet(["xml", "-"], { input: typeof value === "string" ? value : JSON.stringify(value) });

describe("virtnet xml", () => {
  it("prints the XML, one element a line", async () => {
    const { stdout, stderr, code } = await xml({ ...dev, title: "a & b" });
    assert.deepEqual([stderr, code], ["", 0]);
    const lines = stdout.split("\n");
    assert.equal(lines[0], "<network>");
    assert.ok(lines.includes('  <ip address="192.168.100.1" prefix="24"/>'), stdout);
    assert.ok(lines.includes("  <name>dev</name>"), stdout);
    assert.ok(lines.includes("  <title>a &amp; b</title>"), stdout);
    assert.deepEqual(readNetwork(stdout).values.ips, dev.ips);
  });

  it("takes a field that is null for one that is not set", async () => {
    const plain = await xml(dev);
    const [ip] = dev.ips;
    assert.deepEqual(await xml({ ...dev, title: null, bridge: { name: null }, ips: [{ ...ip, dhcp: null }] }), plain);
    assert.match((await xml({ ...dev, ips: [null] })).stderr, /ips\[0\]/);
  });

  it("leaves the text of metadata as it is", async () => {
    const metadata = [
      { namespace: "urn:a", prefix: "a", element: { name: "r", children: [{ name: "t", text: "x  y" }] } },
    ];
    const { stdout } = await xml({ ...dev, metadata });
    assert.deepEqual(readNetwork(stdout).values.metadata, metadata);
  });

  it("reads a file, and an array", async () => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), "virtnet-xml-"));
    try {
      const file = path.join(dir, "net.json");
      fs.writeFileSync(file, JSON.stringify([dev, { kind: "Network", name: "lan", mode: "bridge", bridge: "br0" }]));
      const { stdout, code } = await virtnet(["xml", file]);
      assert.equal(code, 0);
      assert.deepEqual(
        [...stdout.matchAll(/<name>(.*)<\/name>/g)].map((m) => m[1]),
        ["dev", "lan"],
      );
    } finally {
      fs.rmSync(dir, { recursive: true, force: true });
    }
  });

  const faults: Record<string, { input: unknown; says: RegExp[] }> = {
    "text that is no JSON": { input: "{", says: [/^stdin is no JSON: /] },
    "a number": { input: 1, says: [/^stdin: is no object: write \{"kind": "Network", …\}$/] },
    "no kind": {
      input: { name: "a" },
      says: [/^stdin: kind: is missing: use "Network", "VmInterface", "Bridge", "Bond", "Vlan"$/],
    },
    "an unknown kind": {
      input: [dev, { kind: "Net" }],
      says: [/^stdin: \[1\]: kind: "Net" is no kind: use "Network", "VmInterface", "Bridge", "Bond", "Vlan"$/],
    },
    "no name": { input: { kind: "Network", mode: "isolated" }, says: [/^stdin: name: is missing/] },
    "a field of another mode": {
      input: { ...dev, mode: "isolated", nat: {} },
      says: [/^stdin: nat: is no field of mode "isolated"/],
    },
    "several faults of several objects, all at once": {
      input: [
        { ...dev, ips: [{ address: "192.168.100.1/33" }], mtu: 1 },
        { ...dev, name: "b", ips: [{ address: "10.0.0.1/24", dhcp: { hosts: [{ mac: "x" }] } }] },
      ],
      says: [
        /^stdin: \[0\]\.ips\[0\]\.address: "192\.168\.100\.1\/33" /,
        /^stdin: \[0\]\.mtu: 1 /,
        /^stdin: \[1\]\.ips\[0\]\.dhcp\.hosts\[0\]\.mac: "x" /,
      ],
    },
  };
  for (const [what, { input, says }] of Object.entries(faults)) {
    it(`refuses ${what}`, async () => {
      const { stdout, stderr, code } = await xml(input);
      assert.deepEqual([stdout, code], ["", 1]);
      const lines = stderr.trimEnd().split("\n");
      for (const line of lines) assert.match(line, /^virtnet: /);
      for (const said of says)
        assert.ok(
          lines.some((l) => said.test(l.slice("virtnet: ".length))),
          `${said} in:\n${stderr}`,
        );
      if (says.length === 1) assert.equal(lines.length, 1, stderr);
    });
  }

  it("refuses a file that is not there", async () => {
    const { stderr, code } = await virtnet(["xml", "/nonexistent.json"]);
    assert.equal(code, 1);
    assert.match(stderr, /^virtnet: \/nonexistent\.json cannot be read: ENOENT[^\n]*\n$/);
  });
});
