import assert from "node:assert/strict";
import { vmInterface } from "../../cli/kinds/vm-interface.js";
import { closeHosts } from "../../provider/host/hosts.js";
import { forgetNics } from "../../provider/vminterface/handler.js";
import { startNetwork, virsh, withSandbox } from "../support/sandbox.js";
import { type RunOptions, virtnet } from "../support/virtnet.js";
import { driveNic } from "../support/vminterface.js";
import { natXml, nicsIn, nicXml, vmXml } from "../support/vms.js";

/** As people write them by hand, and programs write them: what is spelt, and what libvirt makes of it. */
const BY_HAND = [
  "<interface type='network'><mac address='52:54:00:82:00:01'/><source network='one'/><model type='virtio'/><link state='up'/></interface>",
  "<interface type='network'><mac address='52:54:00:82:00:02'/><source network='one' portgroup='g'/><target dev='vnet9'/></interface>",
  "<interface type='bridge'><mac address='52:54:00:82:00:03'/><source bridge='br0'/><model type='e1000e'/><driver/><mtu size='1400'/></interface>",
  "<interface type='bridge'><source bridge='ovsbr0'/><mac address='52:54:00:82:00:04'/><vlan><tag id='42'/></vlan><virtualport type='openvswitch'/></interface>",
  "<interface type='direct' trustGuestRxFilters='no'><mac address='52:54:00:82:00:05'/><source dev='up0' mode='bridge'/><model type='virtio'/><driver name='vhost' queues='4'/></interface>",
  "<interface type='user'><mac address='52:54:00:82:00:06'/><model type='virtio'/><ip address='10.0.2.15' family='ipv4' prefix='24'/></interface>",
  "<interface type='network'><mac address='52:54:00:82:00:07'/><source network='one'/><bandwidth><inbound average='1000'/></bandwidth><filterref filter='clean-traffic'><parameter name='IP' value='10.0.0.1'/></filterref></interface>",
];

describe("virtnet and NICs on a real host", () => {
  const host = withSandbox();
  const run = (args: string[], options: RunOptions = {}) =>
    virtnet(args, { ...options, env: { LIBVIRT_DEFAULT_URI: host().uri } });
  before(async () => {
    await startNetwork(host(), "one", natXml("one", "vc1", 82).replace("<ip ", "<portgroup name='g'/><ip "));
    await host().exec(["sh", "-c", "ip link add br0 type bridge; ip link add ovsbr0 type bridge"]);
    await virsh(host(), ["define", "/dev/stdin"], vmXml("hand", { slots: 12, devices: BY_HAND.join("") }));
  });
  after(closeHosts);
  beforeEach(forgetNics);
  const stored = (mac: string) => nicsIn(host(), "hand", mac, "--inactive");

  it("imports NICs as they are spelt by hand, adopts them without a difference but the mark, and is quiet", async () => {
    const imported = await vmInterface.import(host().uri, "hand");
    assert.equal(imported.length, BY_HAND.length);
    assert.equal(new Set(imported.map((i) => i.resource)).size, BY_HAND.length);
    for (const { resource, args, notes } of imported) {
      assert.deepEqual(notes, [], resource);
      const mac = String(args.mac);
      // Another process.
      forgetNics();
      const before = await stored(mac);
      const d = driveNic(host().uri, resource);
      await d.up(args);
      assert.equal((await stored(mac))[0]?.replace(/\s*<alias name='ua-virtnet__[^>]*>/, ""), before[0]);
      assert.equal(await d.up(args), false);
      assert.equal((await d.refresh())?.drift, false, resource);
      await d.destroy();
      assert.deepEqual(await stored(mac), before, "released as it was");
    }
  });

  it("imports of a VM that is not stored what is the NIC's own, not what its network gives it", async () => {
    const given = natXml("given", "vc2", 81).replace("<ip ", "<port isolated='yes'/><ip ");
    await startNetwork(host(), "given", given);
    await virsh(
      host(),
      ["create", "/dev/stdin"],
      vmXml("fleeting", { devices: nicXml("52:54:00:81:00:01", "network", "network='given'") }),
    );
    assert.match((await nicsIn(host(), "fleeting", "52:54:00:81"))[0] ?? "", /isolated='yes'/);
    await closeHosts(); // another run
    const [imported] = await vmInterface.import(host().uri, "fleeting");
    const { domain, network, mac, model, ...rest } = imported?.args ?? {};
    assert.deepEqual([domain, network, mac, model], ["fleeting", "given", "52:54:00:81:00:01", "virtio"]);
    assert.deepEqual([Object.keys(rest), imported?.notes], [["adopt"], []]);
    await virsh(host(), ["destroy", "fleeting"]);
  });

  it("prints a program for one NIC, and says what is not there", async () => {
    const { stdout, stderr, code } = await run(["import", "vm-interface", "hand", "52:54:00:82:00:03"]);
    assert.deepEqual([stderr, code], ["", 0]);
    assert.equal(
      stdout,
      `import * as virtnet from "pulumi-virtnet";

const handBr0 = new virtnet.VmInterface("hand-br0", {
  domain: "hand",
  bridge: "br0",
  mac: "52:54:00:82:00:03",
  model: "e1000e",
  mtu: 1400,
  adopt: true,
});
`,
    );
    const no = await run(["import", "vm-interface", "hand", "52:54:00:82:ff:ff"]);
    assert.match(
      no.stderr,
      /VM "hand" on \S+ has no NIC 52:54:00:82:ff:ff: "virsh .* domiflist hand" shows those it has/,
    );
    assert.match((await run(["import", "vm-interface", "nosuch"])).stderr, /VM "nosuch" is not on/);
    assert.match((await run(["import", "network", "one", "x"])).stderr, /a network has no NICs of its own/);
  });

  it("plans a NIC as JSON, prints its XML, and releases it", async () => {
    const args = { kind: "VmInterface", domain: "hand", network: "one", mac: "52:54:00:82:00:03", model: "e1000e" };
    const planned = await run(["plan", "-"], { input: JSON.stringify(args) });
    assert.deepEqual([planned.stderr, planned.code], ["", 0]);
    const report = JSON.parse(planned.stdout) as {
      name: string;
      exists: boolean;
      impact: string;
      steps: { kind: string; changes: string[] }[];
    };
    assert.deepEqual([report.name, report.exists, report.impact], ["hand/52:54:00:82:00:03", true, "none"]);
    assert.deepEqual(
      report.steps.map((s) => [s.kind, s.changes]),
      [["define", ["network"]]],
    );
    const xml = await run(["xml", "-"], { input: JSON.stringify(args) });
    assert.match(
      xml.stdout,
      /<interface type="network">\s*<source network="one"\/>\s*<mac address="52:54:00:82:00:03"\/>/,
    );
    const d = driveNic(host().uri, "mine");
    await d.up({ domain: "hand", network: "one", mac: "52:54:00:82:00:01", adopt: true });
    assert.match((await stored("52:54:00:82:00:01"))[0] ?? "", /ua-virtnet/);
    const disowned = await run(["disown", "vm-interface", "hand", "52:54:00:82:00:01"]);
    assert.match(
      disowned.stdout,
      /NIC 52:54:00:82:00:01 of VM "hand" no longer belongs to stack p\/s \(its resource "mine"\)/,
    );
    assert.doesNotMatch((await stored("52:54:00:82:00:01"))[0] ?? "", /<alias/);
    const own = driveNic(host().uri, "own");
    await own.up({ domain: "hand", network: "one", mac: "52:54:00:82:00:11" });
    await run(["disown", "vm-interface", "hand", "52:54:00:82:00:11"]);
    await assert.rejects(
      own.up({ domain: "hand", network: "one", mac: "52:54:00:82:00:11", mtu: 1400 }),
      /no longer carries the mark of its owner .*set adopt: true to take it back/,
    );
    await own.destroy();
    assert.match(own.log.at(-1) ?? "", /\(disowned\): it is left as it is/);
    assert.equal((await stored("52:54:00:82:00:11")).length, 1);
    assert.match((await run(["disown", "vm-interface", "hand"])).stderr, /which NIC of VM "hand": say its MAC/);
  });
});
