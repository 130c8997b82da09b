/** Bridge, Bond and Vlan by libvirt's own interfaces, over its test driver; looked at by a connection of the test's own. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { Inputs } from "../../provider/handler.js";
import { closeHosts, hostAt } from "../../provider/host/hosts.js";
import type { Kind } from "../../provider/hostlink/args.js";
import { backendOf } from "../../provider/hostlink/backends/index.js";
import { linkHandler } from "../../provider/hostlink/handler.js";
import { forgetLinks } from "../../provider/hostlink/run.js";
import { type Connection, open } from "../../provider/libvirt/index.js";
import { run } from "../../sandbox/index.js";
import { type Driver, driveHandler } from "../support/drive.js";

const URI = "test:///default";

describe("host links by libvirt's own interfaces", () => {
  let c: Connection;
  const drivers: Driver[] = [];
  const drive = (kind: Kind, name: string, more: Inputs = {}): Driver => {
    const owner = { project: "p", stack: "s", key: name };
    const d = driveHandler(linkHandler(kind), (args) => ({ name, uri: URI, owner, ...more, ...args }));
    drivers.push(d);
    return d;
  };
  const xml = async (name: string): Promise<string> => (await c.interfaces.get(name))?.xml ?? "";
  const active = async (name: string): Promise<boolean | undefined> => (await c.interfaces.get(name))?.active;
  const actives = async (): Promise<string[]> =>
    (await c.interfaces.list())
      .filter((i) => i.active)
      .map((i) => i.name)
      .sort();
  /** Nobody has a change open. */
  const assertClosed = async (): Promise<void> => {
    await c.interfaces.changeBegin();
    await c.interfaces.changeCommit();
  };

  before(async () => {
    c = await open(URI);
    for (const { name, active } of await c.interfaces.list()) if (!active) await c.interfaces.start(name);
  });
  beforeEach("is a new run", forgetLinks);
  afterEach("leaves the host as it was", async () => {
    for (const d of drivers.splice(0).reverse()) if (d.state) await d.destroy();
    assert.deepEqual(
      (await c.interfaces.list()).map((i) => [i.name, i.active]),
      [["eth1", true]],
    );
    await assertClosed();
  });
  after(async () => {
    await closeHosts();
    await c.close();
  });

  /** Fails where it is not as libvirt's schema says: by virsh, in a test driver of its own process. */
  async function assertValid(text: string): Promise<void> {
    const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "virtnet-iface-")), "interface.xml");
    try {
      fs.writeFileSync(file, text);
      const { code, stderr } = await run(["virsh", "-c", URI, "iface-define", "--validate", file]);
      assert.equal(code, 0, stderr);
    } finally {
      fs.rmSync(path.dirname(file), { recursive: true, force: true });
    }
  }

  it("make a bridge, see no difference afterwards, and remove it", async () => {
    const d = drive("bridge", "br0");
    const args = {
      ports: ["eth8", "eth7"],
      ...{ stp: true, forwardDelay: 12, mtu: 1400, autoconnect: false },
      addresses: {
        ipv6: "auto",
        addresses: ["192.0.2.5/24", "192.0.2.6/32", "2001:db8::5/64"],
        ...{ gateway: "192.0.2.1", gateway6: "fe80::1" },
      },
    };
    assert.equal(await d.up(args), true);
    const text = await xml("br0");
    await assertValid(text);
    for (const piece of [
      /<interface type='bridge' name='br0'>/,
      /<start mode='none'\/>/,
      /<mtu size='1400'\/>/,
      /<protocol family='ipv4'>\s*<ip address='192.0.2.5' prefix='24'\/>\s*<ip address='192.0.2.6' prefix='32'\/>\s*<route gateway='192.0.2.1'\/>/,
      /<protocol family='ipv6'>\s*<autoconf\/>\s*<dhcp\/>\s*<ip address='2001:db8::5' prefix='64'\/>\s*<route gateway='fe80::1'\/>/,
      /<bridge stp='on' delay='12'>\s*<interface type='ethernet' name='eth8'>\s*<\/interface>\s*<interface type='ethernet' name='eth7'>/,
    ])
      assert.match(text, piece);
    assert.equal(await active("br0"), true);
    assert.equal(d.state?.id, "libvirt:br0");
    assert.deepEqual(await d.refresh().then((r) => r?.drift), false);
    assert.equal(await d.up(args), false);
    await d.destroy();
    assert.equal(await c.interfaces.get("br0"), undefined);
    assert.equal(await d.state, undefined);
  });

  it("make a bond of each kind of monitoring, and a VLAN on it", async () => {
    const d = drive("bond", "bond0");
    await d.up({ mode: 1, ports: ["eth7", "eth8"] });
    await assertValid(await xml("bond0"));
    assert.match(
      await xml("bond0"),
      /<bond mode='active-backup'>\s*<miimon freq='100'\/>\s*<interface type='ethernet' name='eth7'>/,
    );
    const mii = { mode: 1, ports: ["eth7", "eth8"], miimon: 50, updelay: 100, downdelay: 150, useCarrier: false };
    await d.up(mii);
    assert.match(await xml("bond0"), /<miimon freq='50' downdelay='150' updelay='100' carrier='ioctl'\/>/);
    assert.equal((await d.refresh())?.drift, false);
    await d.up({ mode: 1, ports: ["eth7"], arpInterval: 200, arpIpTargets: ["192.0.2.1"], arpValidate: "backup" });
    await assertValid(await xml("bond0"));
    assert.match(await xml("bond0"), /<arpmon interval='200' target='192.0.2.1' validate='backup'\/>/);
    assert.doesNotMatch(await xml("bond0"), /miimon|eth8/);
    assert.equal((await d.refresh())?.drift, false);
    await d.up({ mode: 1, ports: ["eth7"] });
    assert.match(await xml("bond0"), /<miimon freq='100'\/>/);
    assert.doesNotMatch(await xml("bond0"), /arpmon/);
    const vlan = drive("vlan", "bond0.20");
    await vlan.up({ parent: "bond0", vlanId: 20, addresses: "dhcp" });
    await assertValid(await xml("bond0.20"));
    assert.match(await xml("bond0.20"), /<vlan tag='20'>\s*<interface name='bond0'\/>/);
    assert.match(await xml("bond0.20"), /<protocol family='ipv4'>\s*<dhcp\/>/);
    assert.equal((await vlan.refresh())?.drift, false);
    await assert.rejects(d.destroy(), /bond "bond0" is in use by bond0\.20/);
    assert.equal(await active("bond0"), true);
  });

  it("change a link in place, keep what no field says, and set back what is no longer set", async () => {
    const d = drive("bridge", "br0");
    await d.up({ ports: ["eth7"], addresses: "dhcp", mtu: 1300, stp: true, forwardDelay: 12 });
    await d.up({ ports: ["eth7"], addresses: "dhcp", mtu: 1400, stp: true, forwardDelay: 12 });
    assert.ok(
      d.log.some((l) => /info: bridge br0: mtu: taken down and up again \(libvirt takes the link down/.test(l)),
      d.log.join("\n"),
    );
    // By another program: no field says it.
    await c.interfaces.define((await xml("br0")).replace("<dhcp/>", "<dhcp peerdns='no'/>"));
    assert.equal(await d.up({ ports: ["eth7", "eth8"], addresses: "dhcp" }), true);
    const text = await xml("br0");
    assert.match(text, /<dhcp peerdns='no'\/>/);
    assert.match(
      text,
      /<bridge stp='off'>\s*<interface type='ethernet' name='eth7'>\s*<\/interface>\s*<interface[^>]*'eth8'>/,
    );
    assert.doesNotMatch(text, /mtu|delay/);
    assert.equal((await d.refresh())?.drift, false);
  });

  it("take nothing down where only the next start of the host changes", async () => {
    const d = drive("bridge", "br0");
    await d.up({ ports: ["eth7"] });
    const pool = hostAt(URI).pool;
    const before = (await pool.callCounts()).virInterfaceDestroy ?? 0;
    await d.up({ ports: ["eth7"], autoconnect: false });
    assert.match(await xml("br0"), /<start mode='none'\/>/);
    assert.equal((await pool.callCounts()).virInterfaceDestroy ?? 0, before);
    await d.up({ ports: ["eth8"], autoconnect: false });
    assert.equal((await pool.callCounts()).virInterfaceDestroy, before + 1);
  });

  it("show as drift what is taken down or changed behind our back, by its path, and repair it", async () => {
    const d = drive("bridge", "br0");
    const args = { ports: ["eth7"], mtu: 1400 };
    await d.up(args);
    await c.interfaces.destroy("br0");
    await c.interfaces.define((await xml("br0")).replace("1400", "1300").replace("eth7", "eth9"));
    const found = await d.refresh();
    assert.equal(found?.drift, true);
    assert.deepEqual([found?.inputs.up, found?.inputs.mtu, found?.inputs.ports], [false, 1300, ["eth9"]]);
    assert.equal(await d.up(args), true);
    assert.match(await xml("br0"), /<mtu size='1400'\/>[\s\S]*eth7/);
    assert.equal(await active("br0"), true);
    assert.equal((await d.refresh())?.drift, false);
  });

  it("are gone for refresh when somebody has undefined them, and are made again", async () => {
    const d = drive("bridge", "br0");
    await d.up({ ports: ["eth7"] });
    await c.interfaces.destroy("br0");
    await c.interfaces.undefine("br0");
    assert.equal(await d.refresh(), undefined);
    await d.up({ ports: ["eth7"] });
    assert.equal(await active("br0"), true);
  });

  it("take a change back when a call of it fails, with what was up up again", async () => {
    const d = drive("bridge", "br0");
    await d.up({ ports: ["eth7"], mtu: 1400 });
    const before = await xml("br0");
    await c.interfaces.define(
      "<interface type='ethernet' name='eth9'><start mode='none'/><protocol family='ipv4'><ip address='192.0.2.9' prefix='24'/></protocol></interface>",
    );
    try {
      await assert.rejects(
        d.up({ ports: ["eth7", "eth9"], mtu: 1300 }),
        /bridge "br0": writing its settings failed: eth9 has addresses by a definition of its own.*everything is as it was/,
      );
      assert.equal(await xml("br0"), before);
      assert.deepEqual(await actives(), ["br0", "eth1"]);
      await assertClosed();
    } finally {
      await c.interfaces.undefine("eth9");
    }
  });

  it("roll back where each call of a change fails, and finish it in the next run", async () => {
    const d = drive("bridge", "br0");
    await d.up({ ports: ["eth7"], mtu: 1400 });
    const backend = await backendOf({ host: hostAt(URI) });
    const proto = Object.getPrototypeOf(backend) as Record<string, (...args: unknown[]) => Promise<unknown>>;
    for (const step of ["checkpoint", "configure", "activate", "settled", "letGo"]) {
      const before = await xml("br0");
      const real = proto[step] as (typeof proto)[string];
      const mtu = /1400/.test(before) ? 1300 : 1400;
      proto[step] = async function (...args) {
        if (step === "letGo") throw new Error("cut off");
        await real.apply(this, args);
        throw new Error("cut off");
      };
      try {
        await assert.rejects(d.up({ ports: ["eth7"], mtu }), /cut off/);
      } finally {
        proto[step] = real;
      }
      if (step !== "checkpoint") {
        assert.equal(await xml("br0"), before, step);
        assert.deepEqual(await actives(), ["br0", "eth1"], step);
        await assertClosed();
      }
      assert.equal(await d.up({ ports: ["eth7"], mtu }), true);
      assert.match(await xml("br0"), new RegExp(`<mtu size='${mtu}'/>`), step);
    }
    const real = proto.strip as (typeof proto)[string];
    proto.strip = async function (...args) {
      await real.apply(this, args);
      throw new Error("cut off");
    };
    try {
      await assert.rejects(d.destroy(), /taking its addresses away failed: cut off; everything is as it was/);
    } finally {
      proto.strip = real;
    }
    assert.equal(await active("br0"), true);
  });

  it("take back the open change of a run that died, and then do their own; a refresh meanwhile is an error", async () => {
    const d = drive("bridge", "br0");
    await d.up({ ports: ["eth7"], mtu: 1400 });
    const other = drive("bridge", "br1");
    await other.up({ ports: ["eth8"] });
    const die = async () => {
      // What a run does, up to where it dies.
      const dead = await backendOf({ host: hostAt(URI) });
      const link = { id: "libvirt:br0", kind: "bridge" as const, name: "br0" };
      await dead.checkpoint(link, ["br0"], 60);
      await dead.configure(link, { values: { name: "br0", ports: ["eth9"], mtu: 1300 }, was: { mtu: 1400 } }, "change");
      await dead.activate(link);
      assert.match(await xml("br0"), /1300[\s\S]*eth9/);
    };
    await die();
    await assert.rejects(
      d.refresh(),
      /bridge "br0" is being changed, or a run that changed it died in the middle.*run up/,
    );
    await d.up({ ports: ["eth7"], mtu: 1400, stp: true });
    assert.match(await xml("br0"), /1400[\s\S]*stp='on'[\s\S]*eth7/);
    assert.deepEqual(await actives(), ["br0", "br1", "eth1"]);
    // Also where the next run is about another link.
    await die();
    await other.up({ ports: ["eth8"], mtu: 1280 });
    assert.match(await xml("br0"), /1400[\s\S]*eth7/);
    assert.match(await xml("br1"), /1280/);
    assert.deepEqual(await actives(), ["br0", "br1", "eth1"]);
    assert.equal((await d.refresh())?.drift, false);
  });

  it("leave alone a change that another program has open, and name the commands that end it", async () => {
    const d = drive("bridge", "br0");
    await c.interfaces.changeBegin();
    try {
      await assert.rejects(
        d.up({ ports: ["eth7"] }),
        /another program has a change of the host's interfaces open.*virsh iface-commit.*everything is as it was/,
      );
    } finally {
      await c.interfaces.changeCommit();
    }
    assert.equal(await c.interfaces.get("br0"), undefined);
  });

  it("are not taken over unasked, are adopted as they are, and released when the resource goes", async () => {
    await c.interfaces.define(
      "<interface type='bridge' name='br0'><start mode='onboot'/><mtu size='1400'/><bridge/></interface>",
    );
    await c.interfaces.start("br0");
    const before = await xml("br0");
    const d = drive("bridge", "br0");
    await assert.rejects(d.up({}), /bridge "br0" exists already on .*: set adopt: true/);
    await d.up({ adopt: true });
    assert.equal(await xml("br0"), before);
    assert.equal((await d.refresh())?.drift, false);
    await d.up({ adopt: true, mtu: 1300 });
    assert.match(await xml("br0"), /1300/);
    await d.destroy();
    assert.equal(await active("br0"), true);
    forgetLinks();
    await assert.rejects(
      drive("bond", "br0").up({ mode: 1, ports: ["eth7"] }),
      /a device of this name is on the host already, a bridge by libvirt's definition/,
    );
    await c.interfaces.destroy("br0");
    await c.interfaces.undefine("br0");
  });

  it("stay when another resource of the program has the name by then: there is no mark that tells", async () => {
    const d = drive("bridge", "br0");
    await d.up({ ports: ["eth7"] });
    forgetLinks();
    const owner = { project: "p", stack: "s", key: "renamed" };
    const renamed = drive("bridge", "br0", { owner });
    await renamed.up({ ports: ["eth7"], adopt: true, deleteAdopted: true });
    await d.destroy();
    assert.equal(await active("br0"), true);
  });

  it("stay when their resource comes under another URN with the same key, in that run and in the next one", async () => {
    const [old, now] = [drive("bridge", "br0"), drive("bridge", "br0")];
    await old.up({ ports: ["eth7"] });
    forgetLinks();
    // There is no mark that tells whose it is.
    await now.up({ ports: ["eth7"], adopt: true, deleteAdopted: true });
    await old.deleteFormer();
    assert.equal(await active("br0"), true);
    forgetLinks();
    assert.equal(await now.up({ ports: ["eth7"], adopt: true, deleteAdopted: true }), false);
    await old.deleteFormer();
    assert.equal(await active("br0"), true);
    old.state = undefined;
  });

  it("are refused at preview with their path where the interface XML has no place for a field", async () => {
    const d = drive("bridge", "br0");
    const paths = async (args: Inputs) => (await d.check(args)).map((f) => f.property);
    assert.deepEqual(
      await paths({
        ...{ vlanFiltering: true, mac: "52:54:00:00:00:01" },
        addresses: { addresses: ["192.0.2.2/24"], dns: ["192.0.2.53"] },
      }),
      ["addresses.dns", "mac", "vlanFiltering"],
    );
    const [inherit] = await d.check({ ports: ["eth7"], addresses: "inherit" });
    assert.match(inherit?.reason ?? "", /libvirt keeps nowhere what the port had.*give the addresses in full/);
    assert.deepEqual(await paths({ ports: ["eth7"] }), []);
  });

  it("are not changed where that is dearer than maxImpact, at preview", async () => {
    const d = drive("bridge", "br0");
    await d.up({ ports: ["eth7"] });
    await assert.rejects(
      d.preview({ ports: ["eth8"], maxImpact: "live" }),
      /bridge "br0": .*maxImpact is "live", but this is "restart" \(libvirt takes the link down/,
    );
    assert.equal(await d.preview({ ports: ["eth8"], maxImpact: "restart" }), true);
    assert.match(await xml("br0"), /eth7/);
  });

  it("are not taken down under a VM where nothing could plug it in again", async () => {
    const d = drive("bridge", "br0");
    await d.up({ ports: ["eth7"], mtu: 1400 });
    const domain = await c.domains.createXml(
      "<domain type='test'><name>web</name><memory>1024</memory><os><type>hvm</type></os><devices><interface type='bridge'><source bridge='br0'/></interface></devices></domain>",
    );
    try {
      const refusal = /web would be cut off, and cannot be plugged in again.*virtnet:command.*everything is as it was/;
      await assert.rejects(d.up({ ports: ["eth7"], mtu: 1300 }), refusal);
      assert.match(await xml("br0"), /1400/);
      await assert.rejects(d.destroy(), refusal);
      assert.deepEqual(await actives(), ["br0", "eth1"]);
    } finally {
      await c.domains.destroy({ uuid: domain.uuid });
    }
  });

  it("stay with what has made them: another backend would find them gone", async () => {
    const d = drive("bridge", "br0");
    await d.up({ ports: ["eth7"] });
    await assert.rejects(
      d.preview({ ports: ["eth7"], backend: "networkmanager" }),
      /"br0": backend: was made by "libvirt", and is not handed over to "networkmanager"/,
    );
    assert.equal(await d.up({ ports: ["eth7"], backend: "libvirt" }), true);
    assert.equal((await d.refresh())?.drift, false);
  });

  it("by backend networkmanager are refused where no command can be run, with what the host lacks", async () => {
    await assert.rejects(
      drive("bridge", "br0").up({ backend: "networkmanager" }),
      /cannot be managed by backend "networkmanager": no command can be run there, as NetworkManager needs: use a local uri/,
    );
  });

  it("cannot be asked to prove by an address that nobody can ask there", async () => {
    await assert.rejects(
      drive("bridge", "br0").up({ ports: ["eth7"], probe: "192.0.2.1" }),
      /probe: 192.0.2.1 cannot be asked for an answer, for no command can be run/,
    );
  });
});
