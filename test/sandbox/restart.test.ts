import assert from "node:assert/strict";
import type { Inputs } from "../../provider/handler.js";
import { closeHosts } from "../../provider/host/hosts.js";
import { drive } from "../support/network.js";
import { virsh, withSandbox } from "../support/sandbox.js";

const nat = (n: number, more: Inputs = {}): Inputs => ({
  mode: "nat",
  bridge: { name: `rs${n}`, stp: false },
  ips: [{ address: `10.72.${n}.1/24` }],
  ...more,
});

/** VMs without an operating system: their taps are as real as any. */
const vm = (name: string, nics: string[]): string =>
  `<domain type='qemu'><name>${name}</name><memory unit='MiB'>32</memory><os><type arch='x86_64' machine='q35'>hvm</type></os><devices>${nics.join("")}<memballoon model='none'/></devices></domain>`;
const nic = (mac: string, type: string, source: string) =>
  `<interface type='${type}'><mac address='${mac}'/><source ${source}/><model type='virtio'/></interface>`;

describe("the restart of a network under running VMs", () => {
  const host = withSandbox();
  after(() => closeHosts());
  const run = async (command: string) => (await host().exec(["sh", "-c", command])).stdout.trim();
  const onBridge = async (bridge: string) =>
    await run(`ls /sys/class/net/${bridge}/brif 2>/dev/null | grep -c vnet || true`);
  const parks = async () =>
    (await virsh(host(), ["net-list", "--all", "--name"])).split("\n").filter((n) => n.includes("vnpark"));
  const liveNic = async (name: string, mac: string) => {
    const xml = await virsh(host(), ["dumpxml", name]);
    return xml.split("<interface ").find((i) => i.includes(mac)) ?? "";
  };

  it("brings every NIC back: several of one VM, of a paused VM, with a port group, and one that names the bridge itself", async () => {
    const d = drive(host().uri, "restart");
    const groups = { portGroups: [{ name: "g" }] };
    await d.up(nat(1, groups));
    const web = [
      nic("52:54:00:00:01:01", "network", "network='restart'"),
      nic("52:54:00:00:01:02", "network", "network='restart' portgroup='g'"),
    ];
    const db = [nic("52:54:00:00:01:03", "bridge", "bridge='rs1'")];
    for (const [name, nics] of [
      ["web", web],
      ["db", db],
    ] as const)
      await virsh(host(), ["create", "/dev/stdin"], vm(name, nics));
    await virsh(host(), ["suspend", "db"]);
    assert.equal(await onBridge("rs1"), "3");
    await d.up(nat(1, { ...groups, mtu: 1400 }));
    assert.ok(
      d.log.some((l) => /mtu: restarts it in place .*db and web stay connected|web and db stay connected/.test(l)),
      d.log.join("\n"),
    );
    assert.equal(await onBridge("rs1"), "3");
    assert.equal(await run("cat /sys/class/net/rs1/mtu"), "1400");
    assert.match(await liveNic("web", "52:54:00:00:01:01"), /source network='restart'/);
    assert.match(await liveNic("web", "52:54:00:00:01:02"), /source network='restart' portgroup='g'/);
    assert.match(await liveNic("db", "52:54:00:00:01:03"), /^type='bridge'>[\s\S]*<source bridge='rs1'\/>/);
    assert.deepEqual(await parks(), []);
    assert.match(await virsh(host(), ["domstate", "db"]), /paused/);
    for (const name of ["web", "db"]) await virsh(host(), ["destroy", name]);
    await d.destroy();
  });

  it("brings the NICs back to the old network when the start of the new one fails", async () => {
    const d = drive(host().uri, "fails");
    await d.up(nat(2));
    await virsh(host(), ["create", "/dev/stdin"], vm("web", [nic("52:54:00:00:02:01", "network", "network='fails'")]));
    // Its new subnet is taken by somebody else after the preview.
    const { networkHandler } = await import("../../provider/network/handler.js");
    await run("ip link add taken type bridge && ip addr add 10.72.9.1/24 dev taken && ip link set taken up");
    const news = { ...(d.state?.outs as Inputs), ips: [{ address: "10.72.9.1/24" }] };
    await assert.rejects(
      networkHandler.update({ log: () => undefined }, d.state?.id as string, d.state?.outs as Inputs, news),
      /starting it failed .*; restored: the old definition, running, its NICs/,
    );
    assert.equal(await onBridge("rs2"), "1");
    assert.match(await run("ip -4 addr show rs2"), /10\.72\.2\.1\/24/);
    assert.deepEqual(await parks(), []);
    await virsh(host(), ["destroy", "web"]);
    await d.destroy();
  });

  it("moves the VMs along when the mode changes to a bridge of the host, and back", async () => {
    await run("ip link add lan0 type bridge && ip link set lan0 up");
    const d = drive(host().uri, "moves");
    await d.up(nat(3));
    await virsh(host(), ["create", "/dev/stdin"], vm("web", [nic("52:54:00:00:03:01", "network", "network='moves'")]));
    await d.up({ mode: "bridge", bridge: "lan0" });
    assert.equal(await onBridge("lan0"), "1");
    await d.up(nat(3));
    assert.deepEqual([await onBridge("lan0"), await onBridge("rs3")], ["0", "1"]);
    assert.deepEqual(await parks(), []);
    await virsh(host(), ["destroy", "web"]);
    await d.destroy();
  });

  it("leaves a macvtap NIC where it is: nothing on the host is touched", async () => {
    const d = drive(host().uri, "macvtap");
    const args = (mode: string): Inputs => ({ mode: "bridge", macvtap: { mode, interfaces: ["up0"] } });
    await d.up(args("bridge"));
    const made = await host().exec(["virsh", "create", "/dev/stdin"], {
      input: vm("web", [nic("52:54:00:00:04:01", "network", "network='macvtap'")]),
    });
    await d.up(args("private"));
    assert.equal((await d.refresh())?.drift, false);
    if (made.code === 0) {
      assert.match(await run("ip -d link show type macvtap; ip -d link show type macvlan"), /52:54:00:00:04:01/);
      await virsh(host(), ["destroy", "web"]);
    }
    await d.destroy();
  });
});
