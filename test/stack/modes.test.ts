import assert from "node:assert/strict";
import { virsh, withSandbox } from "../support/sandbox.js";
import { type Stack, withProgram } from "../support/stack.js";

/** A program with these networks: name → arguments. */
const networks = (all: Record<string, object>) => `
  const virtnet = require("pulumi-virtnet");
  for (const [name, args] of Object.entries(${JSON.stringify(all)})) exports[name] = new virtnet.Network(name, args);
`;

const ip = (n: number, dhcp = true) => ({
  address: `10.20.${n}.1/24`,
  ...(dhcp ? { dhcp: { ranges: [{ start: `10.20.${n}.10`, end: `10.20.${n}.99` }] } } : {}),
});

const all = {
  "m-nat": { mode: "nat", ips: [ip(1)] },
  "m-route": { mode: "route", ips: [ip(2)], domain: { name: "m.test" } },
  "m-open": { mode: "open", ips: [ip(3)] },
  "m-isolated": { mode: "isolated", ips: [ip(4)] },
  "m-bridge": { mode: "bridge", bridge: "br-there" },
};

describe("a program with a network of each mode", () => {
  const host = withSandbox();
  const program = withProgram();
  const listed = async () => (await virsh(host(), ["net-list", "--all", "--name"])).split("\n").filter(Boolean).sort();
  const xml = (name: string) => virsh(host(), ["net-dumpxml", name]);
  let stack: Stack;

  before(async () => {
    await host().exec(["ip", "link", "add", "br-there", "type", "bridge"]);
    stack = program().stack("dev", { "virtnet:uri": host().uri });
    program().write("index.js", networks(all));
  });

  it("is made by one up, as libvirt itself says", async () => {
    await stack.up();
    assert.deepEqual(await listed(), Object.keys(all).sort());
    assert.match(await xml("m-nat"), /<forward mode='nat'>/);
    assert.match(await xml("m-route"), /<forward mode='route'\/>/);
    assert.match(await xml("m-open"), /<forward mode='open'\/>/);
    assert.doesNotMatch(await xml("m-isolated"), /<forward/);
    assert.match(await xml("m-bridge"), /<bridge name='br-there'\/>/);
    assert.match(await xml("m-nat"), /<range start='10.20.1.10' end='10.20.1.99'\/>/);
    const info = await virsh(host(), ["net-info", "m-route"]);
    assert.match(info, /Active: +yes\nPersistent: +yes\nAutostart: +yes/);
  });

  it("has outputs that say what libvirt says", async () => {
    const {
      "m-nat": nat,
      "m-route": route,
      "m-bridge": bridge,
    } = (await stack.outputs()) as Record<string, Record<string, unknown>>;
    assert.equal(nat?.uuid, await virsh(host(), ["net-uuid", "m-nat"]));
    assert.ok((await xml("m-nat")).includes(`<bridge name='${nat?.bridgeName}'`));
    assert.ok((await xml("m-nat")).includes(`<mac address='${nat?.macAddress}'`));
    assert.deepEqual([nat?.name, nat?.mode, nat?.active, nat?.uri], ["m-nat", "nat", true, host().uri]);
    assert.equal(nat?.hostUuid, host().hostUuid);
    assert.equal(nat?.hostName, (await host().exec(["hostname"])).stdout.trim());
    assert.deepEqual(nat?.upstreamRoutes, []);
    assert.deepEqual(route?.upstreamRoutes, [{ destination: "10.20.2.0/24", via: host().hostAddress.v4 }]);
    assert.equal(bridge?.bridgeName, "br-there");
  });

  it("is quiet afterwards: preview --refresh shows nothing", async () => {
    assert.deepEqual(await stack.drift(), {});
  });

  it("is changed in place, and the price of each change is said", async () => {
    const uuids = await Promise.all(Object.keys(all).map((n) => virsh(host(), ["net-uuid", n])));
    const shorter = (n: number) => [{ ...ip(n), dhcp: { ranges: [{ start: `10.20.${n}.10`, end: `10.20.${n}.50` }] } }];
    const changed = {
      "m-nat": { ...all["m-nat"], ips: shorter(1) },
      "m-route": { ...all["m-route"], ips: shorter(2) },
      "m-open": { ...all["m-open"], ips: shorter(3) },
      "m-isolated": { ...all["m-isolated"], mtu: 1400 },
      "m-bridge": { ...all["m-bridge"], portGroups: [{ name: "g" }] },
    };
    program().write("index.js", networks(changed));
    const preview = await stack.preview();
    assert.match(preview.text, /~ 5 to update\n/);
    assert.match(preview.text, /network m-nat: ips\[0\]\.dhcp.*: changed live/);
    assert.match(preview.text, /network m-isolated: mtu: restarts it in place .*no running VM is on it/);
    assert.match(await xml("m-nat"), /end='10.20.1.99'/, "a preview changes nothing");
    await stack.up();
    assert.match(await xml("m-nat"), /<range start='10.20.1.10' end='10.20.1.50'\/>/);
    assert.match(await xml("m-route"), /<range start='10.20.2.10' end='10.20.2.50'\/>/);
    assert.match(await xml("m-open"), /<range start='10.20.3.10' end='10.20.3.50'\/>/);
    assert.match(await xml("m-isolated"), /<mtu size='1400'\/>/);
    assert.match(await xml("m-bridge"), /<portgroup name='g'/);
    assert.deepEqual(await Promise.all(Object.keys(all).map((n) => virsh(host(), ["net-uuid", n]))), uuids);
    assert.deepEqual(await stack.drift(), {});
  });

  it("leaves nothing behind after destroy", async () => {
    await stack.destroy();
    assert.deepEqual(await listed(), []);
    assert.deepEqual(await stack.resources(), {});
    const links = (await host().exec(["ip", "-o", "link"])).stdout;
    assert.doesNotMatch(links, /virbr|vnet/);
  });
});
