import assert from "node:assert/strict";
import { addressOn, channelOf, type HostAddress, prefixOf } from "../../../provider/host/channel.js";
import type { HostIdentity, NetworkInfo } from "../../../provider/libvirt/api.js";
import { addressesBeside, type HostFacts } from "../../../provider/network/facts.js";
import { computed, type Via } from "../../../provider/network/state.js";
import { skip } from "../../skip.js";

const addresses: HostAddress[] = [
  { device: "lo", address: "127.0.0.1/8", family: 4, scope: "host" },
  { device: "lo", address: "192.0.2.9/32", family: 4, scope: "global" },
  { device: "eno1", address: "fe80::1/64", family: 6, scope: "link" },
  { device: "eno1", address: "203.0.113.2/24", family: 4, scope: "global" },
  { device: "eno1", address: "2001:db8::2/64", family: 6, scope: "global" },
  { device: "virbr0", address: "192.168.100.1/24", family: 4, scope: "global" },
  { device: "virbr1", address: "192.168.101.1/24", family: 4, scope: "global" },
];

describe("the channel to a host", () => {
  it("enters the namespaces that a sandbox's socket names", () => {
    assert.deepEqual(prefixOf("qemu+unix:///system?socket=/proc/4711/root/run/libvirt/libvirt-sock"), [
      ...["nsenter", "-t", "4711", "-n", "-m", "-p", "-r", "--"],
    ]);
  });

  for (const uri of [
    "test:///default",
    "test+ssh://host/default",
    "qemu+ssh:///system",
    "qemu+tls://host/system",
    "qemu://host/system",
    "qemu+unix:///system?socket=/proc/self/cwd/sock",
    "qemu+unix:///system?socket=/proc/1x/root/sock",
    "",
  ]) {
    it(`does not exist for "${uri}"`, () => assert.equal(channelOf(uri), undefined));
  }

  it("tells output and exit code, runs no shell, and tells of programs that are not there", async function () {
    if (process.getuid?.() !== 0) skip(this, "entering namespaces needs root");
    const here = channelOf(`qemu+unix:///system?socket=/proc/${process.pid}/root/run/libvirt/libvirt-sock`);
    assert.ok(here);
    assert.deepEqual(await here.run(["echo", "$HOME; exit 3"]), { stdout: "$HOME; exit 3\n", stderr: "", code: 0 });
    assert.equal((await here.run(["sh", "-c", "echo bad >&2; exit 3"])).stderr, "bad\n");
    assert.equal((await here.run(["sh", "-c", "exit 3"])).code, 3);
    assert.equal((await here.run(["no-such-program"])).code, 127);
    assert.ok((await here.devices()).masters.has("lo"));
  });
});

describe("what a host tells of itself", () => {
  const via: Via = (family, device) => addressOn(addresses, device ?? "eno1", family);
  const facts: HostFacts = {
    addresses,
    devices: ["lo", "eno1", "virbr0", "virbr1"],
    bridges: new Set(["virbr0"]),
    via: async () => via,
    unfitBridge: async () => undefined,
    firewall: async () => undefined,
  };

  it("leaves out the loopback, link-local addresses and bridges of networks, old and new", () => {
    assert.deepEqual(addressesBeside(facts, new Set(["virbr1"])), [
      { device: "eno1", address: "203.0.113.2/24" },
      { device: "eno1", address: "2001:db8::2/64" },
    ]);
  });

  const host: HostIdentity = {
    ...{
      hostname: "server",
      uuid: "09b11c53-8b5c-4eeb-8f00-d84eaa0aaa4f",
      libVersion: 9_000_000,
      clientVersion: 9_000_000,
    },
    ...{ uri: "qemu:///system", driver: "QEMU" },
  };
  const network = (forward: string): NetworkInfo => ({
    ...{ name: "dmz", uuid: host.uuid, active: false, persistent: true, autostart: true },
    inactiveXml: `<network><name>dmz</name>${forward}<bridge name='virbr5'/><ip address='198.51.100.1' netmask='255.255.255.0'/><ip family='ipv6' address='2001:db8:51::1' prefix='64'/></network>`,
  });
  const vias = (forward: string, known?: Via) =>
    computed(network(forward), host, false, {}, known).upstreamRoutes.map(({ via }) => via);

  it("makes upstream routes name its address on the default route", () => {
    assert.deepEqual(vias("<forward mode='route'/>", via), ["203.0.113.2", "2001:db8::2"]);
  });

  it("makes upstream routes name its address on the only device that traffic may leave by", () => {
    assert.deepEqual(vias("<forward mode='route' dev='virbr1'/>", via), ["192.168.101.1", "server"]);
  });

  it("makes upstream routes name the host where nothing is known", () => {
    assert.deepEqual(vias("<forward mode='route'/>"), ["server", "server"]);
  });

  it("adds no upstream routes to other modes", () => {
    assert.deepEqual(vias("<forward mode='nat'/>", via), []);
  });
});
