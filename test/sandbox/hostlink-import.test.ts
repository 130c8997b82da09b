/** `virtnet import`, `plan` and `disown` of a bridge that somebody made with nmcli. */
import assert from "node:assert/strict";
import type { Inputs } from "../../provider/handler.js";
import { closeHosts } from "../../provider/host/hosts.js";
import { withLan } from "../support/lan.js";
import { virtnet } from "../support/virtnet.js";

/** As people make them. */
const BY_HAND = [
  "bridge.stp no",
  "bridge.stp yes bridge.forward-delay 4 bridge.hello-time 1 bridge.max-age 6 bridge.priority 4096 bridge.mac-address 52:54:00:00:00:77",
  "bridge.stp no ipv4.method manual ipv4.addresses 192.0.2.9/24 ipv4.routes '10.1.0.0/16 192.0.2.1' ipv4.dns 192.0.2.53 802-3-ethernet.mtu 1400",
  "bridge.stp no bridge.multicast-snooping no bridge.ageing-time 100 connection.autoconnect no ipv4.method auto ipv4.may-fail no ipv4.dhcp-timeout 300",
];

/** What no field says. */
const BEYOND: Record<number, string[]> = {
  1: ["bridge.mac-address=[82,84,0,0,0,119]"],
  3: ["ipv4.dhcp-timeout=300", "ipv4.may-fail=false"],
};

describe("virtnet and a bridge of the host", function () {
  this.timeout(120_000);
  const lan = withLan(2);
  const cli = (args: string[], input = "") => virtnet(args, { input, env: { LIBVIRT_DEFAULT_URI: lan.host().uri } });
  after(closeHosts);

  for (const [i, by] of BY_HAND.entries())
    it(`imports it and adopts it without a difference, then releases it as it was: ${by}`, async () => {
      const none = /ipv4.method/.test(by) ? "" : "ipv4.method disabled";
      await lan.sh(
        `nmcli connection add type bridge ifname hand${i} con-name hand${i} ipv6.method disabled ${none} ${by}`,
      );
      await lan.sh(`nmcli connection add type ethernet ifname eth2 con-name hand${i}-eth2 master hand${i}`);
      await lan.sh(`nmcli connection up hand${i}-eth2; ip link show hand${i}`);
      const stored = () =>
        lan.sh(
          `grep -v '^pulumi-virtnet\\|^\\[user\\]\\|^timestamp' /etc/NetworkManager/system-connections/hand${i}.nmconnection | sed '/^$/d'`,
        );
      try {
        const before = await stored();
        const { stdout, stderr, code } = await cli(["import", "bridge", `hand${i}`, "--format", "json"]);
        assert.equal(code, 0, stderr);
        const beyond = BEYOND[i] ?? [];
        const kept = "has no field: it is kept as it is, and not in what is printed";
        assert.equal(stderr, beyond.map((what) => `note: ${what} ${kept}\n`).join(""));
        const { kind, ...args } = JSON.parse(stdout) as Inputs;
        assert.equal(kind, "Bridge");
        assert.deepEqual(args.ports, ["eth2"]);
        const plan = JSON.parse((await cli(["plan", "-"], stdout)).stdout) as { steps: unknown[]; exists: boolean };
        assert.deepEqual([plan.exists, plan.steps], [true, []]);
        const d = lan.drive("bridge", `hand${i}`);
        await d.up(args);
        assert.equal(await stored(), before);
        assert.equal(await d.up(args), false);
        assert.equal((await d.refresh())?.drift, false);
        // Handed over: what is disowned is nobody's, and left alone.
        assert.match((await cli(["disown", "bridge", `hand${i}`])).stdout, /no longer belongs to stack p\/s/);
        assert.match(
          (await cli(["disown", "bridge", `hand${i}`])).stdout,
          /carries no owner mark: nothing was changed/,
        );
        await d.destroy();
        assert.equal(await lan.exists(`hand${i}`), true);
        assert.equal(await stored(), before);
      } finally {
        await lan.sh(`nmcli connection delete hand${i}-eth2 hand${i}`);
      }
    });

  for (const [kind, name, by, wanted] of [
    [
      "bond",
      "bond7",
      "bond.options mode=active-backup,miimon=50,primary=eth2 ipv4.method disabled",
      { mode: "active-backup", ports: ["eth2"], miimon: 50, primary: "eth2" },
    ],
    [
      "vlan",
      "eth2.20",
      "dev eth2 id 20 ipv4.method manual ipv4.addresses 192.0.2.9/24",
      { parent: "eth2", vlanId: 20, addresses: { addresses: ["192.0.2.9/24"] } },
    ],
    [
      "bond",
      "bond8",
      "bond.options mode=4,lacp_rate=1,xmit_hash_policy=1 ipv4.method disabled",
      { mode: "802.3ad", ports: ["eth2"], lacpRate: "fast", xmitHashPolicy: "layer3+4" },
    ],
  ] as const)
    it(`imports a ${kind} by its profile, and plans no more than to bring it up`, async () => {
      // Where the kernel has neither, the profile is there all the same; in the lab VM they are up.
      await lan.sh(
        `nmcli connection add type ${kind} ifname ${name} con-name ${name} autoconnect no ipv6.method disabled ${by}`,
      );
      const port = kind === "bond" ? [`${name}-eth2`] : [];
      for (const profile of port) await lan.add(profile, "ethernet", "eth2", `autoconnect no master ${name}`);
      try {
        const { stdout, stderr, code } = await cli(["import", kind, name, "--format", "json"]);
        assert.equal(code, 0, stderr);
        const { kind: type, ...args } = JSON.parse(stdout) as Inputs;
        assert.equal(String(type).toLowerCase(), kind);
        assert.deepEqual(args, { name, ...wanted, autoconnect: false, adopt: true });
        const plan = JSON.parse((await cli(["plan", "-"], stdout)).stdout) as { steps: { changes: string[] }[] };
        assert.deepEqual(
          plan.steps.map((s) => s.changes),
          [["up"]],
        );
      } finally {
        await lan.nmcli("connection", "delete", ...port, name);
      }
    });

  it("imports a VLAN whose parent is named by its profile, and a port whose NIC is named by its MAC, and lets that go", async () => {
    const uuid = await lan.nmcli("-g", "connection.uuid", "connection", "show", "lan");
    const none = "ipv4.method disabled ipv6.method disabled";
    await lan.sh(
      `nmcli connection add type vlan ifname office con-name office autoconnect no dev ${uuid} id 20 ${none}`,
    );
    await lan.sh(`nmcli connection add type bridge ifname br8 con-name br8 bridge.stp no ${none}`);
    await lan.sh(
      "nmcli connection add type ethernet ifname '*' con-name by-mac master br8 802-3-ethernet.mac-address 52:54:00:72:00:02",
    );
    await lan.sh("nmcli connection up by-mac");
    try {
      const imported = async (...words: string[]) =>
        JSON.parse((await cli(["import", ...words, "--format", "json"])).stdout) as Inputs;
      const vlan = await imported("vlan", "office");
      assert.deepEqual([vlan.parent, vlan.vlanId], ["eth1", 20]);
      const { kind: _kind, ...bridge } = await imported("bridge", "br8");
      assert.deepEqual(bridge.ports, ["eth2"]);
      const d = lan.drive("bridge", "br8");
      await d.up(bridge);
      assert.equal((await d.refresh())?.drift, false);
      await d.up({ ...bridge, ports: [] });
      assert.deepEqual(await lan.ports("br8"), []);
      assert.equal((await d.refresh())?.drift, false);
      await d.up(bridge);
      assert.deepEqual(await lan.ports("br8"), ["eth2"]);
      await d.destroy();
    } finally {
      await lan.nmcli("connection", "delete", "by-mac", "br8-eth2", "br8", "office");
    }
  });

  it("says what is not there, and what is there instead", async () => {
    assert.match(
      (await cli(["import", "bridge", "br9"])).stderr,
      /bridge "br9" is not on .*: "nmcli connection show" there shows what is/,
    );
    assert.match(
      (await cli(["import", "bond", "eth1"])).stderr,
      /bond "eth1" is not on .* a device of this name is there, /,
    );
  });
});
