/** `virtnet import`, `plan` and `disown` of a host's links that are libvirt's own interfaces: of a test driver with a file of its own. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { Inputs } from "../../provider/handler.js";
import { virtnet } from "../support/virtnet.js";

const INTERFACES = [
  "<interface type='bridge' name='br0'><start mode='onboot'/><mtu size='1400'/><protocol family='ipv4'><dhcp peerdns='no'/></protocol><bridge stp='off'><interface type='ethernet' name='eth7'/></bridge></interface>",
  "<interface type='bond' name='bond0'><start mode='none'/><bond mode='active-backup'><arpmon interval='200' target='192.0.2.1'/><interface type='ethernet' name='eth8'/><interface type='ethernet' name='eth9'/></bond></interface>",
  "<interface type='vlan' name='bond0.20'><start mode='onboot'/><protocol family='ipv6'><ip address='2001:db8::5' prefix='64'/></protocol><vlan tag='20'><interface name='bond0'/></vlan></interface>",
];

describe("virtnet and links that are libvirt's own interfaces", function () {
  this.timeout(60_000);
  let dir: string;
  let uri: string;
  before(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), "virtnet-links-"));
    const file = path.join(dir, "host.xml");
    fs.writeFileSync(file, `<node>${INTERFACES.join("\n")}</node>`);
    uri = `test://${file}`;
  });
  after(() => fs.rmSync(dir, { recursive: true, force: true }));
  const cli = (args: string[], input = "") => virtnet(args, { input, env: { LIBVIRT_DEFAULT_URI: uri } });
  const plan = async (args: Inputs) => {
    const { stdout, stderr, code } = await cli(["plan", "-"], JSON.stringify(args));
    return { ...(JSON.parse(stdout || "{}") as { steps: Inputs[]; refused: unknown; impact: string }), stderr, code };
  };

  for (const [kind, name, wanted, notes] of [
    [
      "bridge",
      "br0",
      { ports: ["eth7"], addresses: { ipv4: "dhcp" }, mtu: 1400 },
      ["note: protocol[ipv4]/dhcp peerdns=no has no field: it is kept as it is, and not in what is printed"],
    ],
    [
      "bond",
      "bond0",
      {
        mode: "active-backup",
        ports: ["eth8", "eth9"],
        autoconnect: false,
        arpInterval: 200,
        arpIpTargets: ["192.0.2.1"],
      },
      [],
    ],
    ["vlan", "bond0.20", { parent: "bond0", vlanId: 20, addresses: { addresses: ["2001:db8::5/64"] } }, []],
  ] as const)
    it(`import a ${kind} so that nothing is left to do, and plan what a change costs`, async () => {
      const { stdout, stderr, code } = await cli(["import", kind, name, "--format", "json"]);
      assert.equal(code, 0, stderr);
      assert.deepEqual(stderr.split("\n").filter(Boolean), notes);
      const { kind: type, ...args } = JSON.parse(stdout) as Inputs;
      assert.deepEqual(args, { name, ...wanted, adopt: true });
      const same = await plan({ kind: type, ...args });
      assert.deepEqual([same.steps, same.code], [[], 0], same.stderr);
      const dear = await plan({ kind: type, ...args, mtu: 1300, maxImpact: "live" });
      assert.deepEqual([dear.impact, dear.code], ["restart", 1]);
      assert.match(
        String(dear.refused),
        /mtu: maxImpact is "live", but this is "restart" \(libvirt takes the link down/,
      );
    });

  it("says which command shows what is there, and that there is no mark to remove", async () => {
    const { stderr, code } = await cli(["import", "bridge", "br9"]);
    assert.equal(code, 1);
    assert.match(stderr, /bridge "br9" is not on .*: "virsh iface-list --all" there shows what is/);
    assert.match((await cli(["disown", "bridge", "br0"])).stdout, /carries no owner mark: nothing was changed/);
  });
});
