/** Which backend a host's links have: a host without NetworkManager, whose libvirtd only reads interfaces, as Debian's does. */
import assert from "node:assert/strict";
import { channelOf } from "../../provider/host/channel.js";
import { closeHosts, hostAt } from "../../provider/host/hosts.js";
import { backendOf } from "../../provider/hostlink/backends/index.js";
import { linkHandler } from "../../provider/hostlink/handler.js";
import { withLock } from "../../provider/hostlink/lock.js";
import { forgetLinks } from "../../provider/hostlink/run.js";
import { type Connection, open } from "../../provider/libvirt/index.js";
import { driveHandler } from "../support/drive.js";
import { on } from "../support/networkmanager.js";
import { withSandbox } from "../support/sandbox.js";

const NOTE = "/var/lib/libvirt/virtnet-links.change";

describe("links of a host without a backend", function () {
  this.timeout(60_000);
  const host = withSandbox();
  const drive = (more = {}) =>
    driveHandler(linkHandler("bridge"), (args) => ({
      ...{ name: "br0", uri: host().uri, owner: { project: "p", stack: "s", key: "br0" } },
      ...{ ...more, ...args },
    }));
  beforeEach("is a new run", forgetLinks);
  after(closeHosts);
  const interfaces = async () => (await host().exec(["virsh", "-q", "iface-list", "--all"])).stdout;

  it("are refused, with what the host lacks, and what it has", async () => {
    const before = await interfaces();
    const ifupdown = (await host().exec(["test", "-s", "/etc/network/interfaces"])).code === 0;
    await assert.rejects(drive().up({}), (e: Error) => {
      assert.match(
        e.message,
        /the links of host .* cannot be managed: NetworkManager does not run there, and libvirt only reads interfaces there \(.*virInterfaceDefineXML.*\); .*: install and start NetworkManager, or make the link by hand/,
      );
      assert.equal(/it has .*ifupdown/.test(e.message), ifupdown, e.message);
      return true;
    });
    assert.equal(await interfaces(), before);
    assert.doesNotMatch(await on(host(), ["ip", "-o", "link"]), /br0/);
  });

  it("are refused by a backend that is asked for by name, and no other one is taken", async () => {
    await assert.rejects(
      drive({ backend: "libvirt" }).up({}),
      /cannot be managed by backend "libvirt": libvirt only reads interfaces there \(.*\); .*leave backend out, or use "networkmanager"/,
    );
    forgetLinks();
    await assert.rejects(
      drive({ backend: "networkmanager" }).up({}),
      (e: Error) =>
        /cannot be managed by backend "networkmanager": NetworkManager does not run there;/.test(e.message) &&
        !/libvirt only reads/.test(e.message),
    );
  });

  it("are judged at preview by the backend that is asked for", async () => {
    const failures = await drive({ backend: "libvirt" }).check({
      ports: ["up0"],
      addresses: "inherit",
      mac: "52:54:00:00:00:01",
    });
    const of = (path: string) =>
      failures
        .filter((f) => f.property === path)
        .map((f) => f.reason)
        .join("\n");
    assert.match(of("mac"), /no place in libvirt's interface XML/);
    assert.match(of("addresses"), /libvirt keeps nowhere/);
    // The sandbox is managed through its uplink.
    assert.match(of("ports[0]"), /"up0" carries the host's own connection, and libvirt takes no change back by itself/);
  });
});

describe("an open change of libvirt's interfaces on a host where commands can be run", function () {
  this.timeout(60_000);
  const host = withSandbox();
  let c: Connection;
  // Interfaces of the test driver, which writes them; files, devices and locks of the sandbox.
  const access = () => ({ host: hostAt("test:///default"), channel: channelOf(host().uri) });
  const link = { id: "libvirt:br0", kind: "bridge" as const, name: "br0" };
  before(async () => {
    c = await open("test:///default");
  });
  after(async () => {
    await closeHosts();
    await c.close();
  });

  it("is known by a note there to the next run, which takes it back", async () => {
    const dead = await backendOf(access(), "libvirt");
    await dead.checkpoint(link, ["br0"], 60);
    assert.deepEqual(JSON.parse(await on(host(), ["cat", NOTE])), { link: "br0", active: ["eth1"] });
    await dead.configure(link, { values: { name: "br0", ports: ["eth7"] }, was: {} }, "change");
    await dead.activate(link);
    const next = await backendOf(access(), "libvirt");
    assert.deepEqual(await next.find("bridge", { name: "br0" }, await next.links()), {
      leftover: { id: "libvirt:br0", checkpoint: "change" },
    });
    await withLock(access().channel as NonNullable<ReturnType<typeof channelOf>>, "test", next, () =>
      next.sweep(link, "change"),
    );
    assert.equal((await host().exec(["test", "-e", NOTE])).code, 1);
    assert.deepEqual(
      (await c.interfaces.list()).map((i) => [i.name, i.active]),
      [["eth1", true]],
    );
    await assert.rejects(c.interfaces.changeRollback(), /no transaction/);
  });

  it("that had ended when the run died leaves a note only, and that goes", async () => {
    const dead = await backendOf(access(), "libvirt");
    await dead.checkpoint(link, ["br0"], 60);
    await c.interfaces.changeCommit();
    const next = await backendOf(access(), "libvirt");
    await next.sweep(link, "change");
    assert.equal((await host().exec(["test", "-e", NOTE])).code, 1);
  });

  it("puts back onto a bridge what others had on it, and a definition as it was", async () => {
    const backend = await backendOf(access(), "libvirt");
    await c.interfaces.define("<interface type='bridge' name='br0'><start mode='none'/><bridge/></interface>");
    await c.interfaces.start("br0");
    await on(host(), [
      "sh",
      "-c",
      "ip link add br0 type bridge && ip tuntap add vnet7 mode tap && ip link set vnet7 master br0",
    ]);
    await backend.checkpoint(link, ["br0"], 60);
    await backend.configure(link, { values: { name: "br0", mtu: 1400 }, was: {} }, "change");
    await backend.activate(link);
    await on(host(), ["ip", "link", "set", "vnet7", "nomaster"]);
    await backend.plug(link, ["vnet7"]);
    assert.match(await on(host(), ["ip", "-o", "link", "show", "vnet7"]), /master br0/);
    await backend.rollback(link, "change", false);
    assert.doesNotMatch((await c.interfaces.get("br0"))?.xml ?? "", /1400/);
    await c.interfaces.destroy("br0");
    await c.interfaces.undefine("br0");
  });
});
