import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Inputs } from "../../provider/handler.js";
import { closeHosts, hostAt } from "../../provider/host/hosts.js";
import { open } from "../../provider/libvirt/index.js";
import { parkName } from "../../provider/network/journal.js";
import { awaitIdle } from "../../provider/network/moves.js";
import { drive } from "../support/network.js";
import { virsh, withSandbox } from "../support/sandbox.js";
import { nicXml, vmXml } from "../support/vms.js";

const nat = (n: number, more: Inputs = {}): Inputs => ({
  mode: "nat",
  bridge: { name: `rs${n}`, stp: false },
  ips: [{ address: `10.72.${n}.1/24` }],
  ...more,
});

const vm = (name: string, nics: string[]): string => vmXml(name, { slots: 0, devices: nics.join("") });

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
      nicXml("52:54:00:00:01:01", "network", "network='restart'"),
      nicXml("52:54:00:00:01:02", "network", "network='restart' portgroup='g'"),
    ];
    const db = [nicXml("52:54:00:00:01:03", "bridge", "bridge='rs1'")];
    for (const [name, nics] of [
      ["web", web],
      ["db", db],
    ] as const)
      await virsh(host(), ["create", "/dev/stdin"], vm(name, nics));
    await virsh(host(), ["suspend", "db"]);
    assert.equal(await onBridge("rs1"), "3");
    await d.up(nat(1, { ...groups, mtu: 1400 }));
    assert.ok(
      d.log.some((l) =>
        /mtu: restarts it in place .*(db and web|web and db): stay connected to each other and lose/.test(l),
      ),
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

  it("gives the devices of running VMs the network's new MTU, but for a NIC that has its own", async () => {
    const d = drive(host().uri, "frames");
    await d.up(nat(40, { mtu: 1400 }));
    const own = nicXml("52:54:00:00:40:02", "network", "network='frames'").replace(
      "<model",
      "<mtu size='1300'/><model",
    );
    const nics = [nicXml("52:54:00:00:40:01", "network", "network='frames'"), own];
    await virsh(host(), ["create", "/dev/stdin"], vm("web", nics));
    const mtus = async () => {
      const devices = await virsh(host(), ["domiflist", "web"]);
      const taps = devices.match(/vnet\d+/g) ?? [];
      return (await run(`for d in ${taps.join(" ")}; do cat /sys/class/net/$d/mtu; done`)).split("\n");
    };
    assert.deepEqual(await mtus(), ["1400", "1300"], "as libvirt makes them");
    for (const mtu of [2000, 1350, 9000]) {
      await d.up(nat(40, { mtu }));
      assert.deepEqual(await mtus(), [String(mtu), "1300"]);
    }
    await d.up(nat(40));
    assert.deepEqual(await mtus(), ["1500", "1300"], "the network's is gone");
    await virsh(host(), ["destroy", "web"]);
    await d.destroy();
  });

  it("brings the NICs back to the old network when the start of the new one fails", async () => {
    const d = drive(host().uri, "fails");
    await d.up(nat(2));
    await virsh(
      host(),
      ["create", "/dev/stdin"],
      vm("web", [nicXml("52:54:00:00:02:01", "network", "network='fails'")]),
    );
    // Its new subnet is taken by somebody else after the preview.
    const { networkHandler } = await import("../../provider/network/handler.js");
    await run("ip link add taken type bridge && ip addr add 10.72.9.1/24 dev taken && ip link set taken up");
    const news = { ...(d.state?.outs as Inputs), ips: [{ address: "10.72.9.1/24" }] };
    await assert.rejects(
      networkHandler.update({ log: () => undefined }, d.state?.id as string, d.state?.outs as Inputs, news),
      /starting it failed .*; all is restored as it was/,
    );
    assert.equal(await onBridge("rs2"), "1");
    assert.match(await run("ip -4 addr show rs2"), /10\.72\.2\.1\/24/);
    await run("ip link del taken");
    assert.deepEqual(await parks(), []);
    await virsh(host(), ["destroy", "web"]);
    await d.destroy();
  });

  it("moves the VMs along when the mode changes to a bridge of the host, and back", async () => {
    await run("ip link add lan0 type bridge && ip link set lan0 up");
    const d = drive(host().uri, "moves");
    await d.up(nat(3));
    await virsh(
      host(),
      ["create", "/dev/stdin"],
      vm("web", [nicXml("52:54:00:00:03:01", "network", "network='moves'")]),
    );
    await d.up({ mode: "bridge", bridge: "lan0" });
    assert.equal(await onBridge("lan0"), "1");
    assert.match(await liveNic("web", "52:54:00:00:03:01"), /source network='moves'/);
    await d.up(nat(3));
    assert.deepEqual([await onBridge("lan0"), await onBridge("rs3")], ["0", "1"]);
    assert.deepEqual(await parks(), []);
    await virsh(host(), ["destroy", "web"]);
    await d.destroy();
  });

  it("replugs a macvtap NIC; where the guest does not release it, says so and leaves all as it was", async () => {
    const d = drive(host().uri, "macvtap");
    const args = (mode: string): Inputs => ({ mode: "bridge", macvtap: { mode, interfaces: ["up0"] } });
    await d.up(args("bridge"));
    await virsh(
      host(),
      ["create", "/dev/stdin"],
      vm("web", [nicXml("52:54:00:00:04:01", "network", "network='macvtap'")]),
    );
    await assert.rejects(
      d.up(args("private")),
      /the guest of VM "web" did not release NIC .*all is restored as it was/,
    );
    assert.ok(
      d.log.some((l) => /macvtap\.mode: .*web: NICs of web are unplugged and plugged/.test(l)),
      d.log.join("\n"),
    );
    assert.match(await run("ip -d link show type macvtap"), /52:54:00:00:04:01/);
    assert.match(await virsh(host(), ["net-dumpxml", "macvtap"]), /<forward dev='up0' mode='bridge'>/);
    assert.deepEqual(await parks(), []);
    await virsh(host(), ["destroy", "web"]);
    await d.up(args("private"));
    assert.equal((await d.refresh())?.drift, false);
    await d.destroy();
  });

  it("leaves NICs alone that are on the same bridge of the host, but not through the network", async () => {
    await run("ip link add lan1 type bridge && ip link set lan1 up");
    const d = drive(host().uri, "shared");
    await d.up({ mode: "bridge", bridge: "lan1" });
    await virsh(
      host(),
      ["create", "/dev/stdin"],
      vm("ours", [nicXml("52:54:00:00:05:01", "network", "network='shared'")]),
    );
    await virsh(
      host(),
      ["create", "/dev/stdin"],
      vm("theirs", [nicXml("52:54:00:00:05:02", "bridge", "bridge='lan1'")]),
    );
    const tap = /dev='(vnet\d+)'/.exec(await liveNic("theirs", "52:54:00:00:05:02"))?.[1];
    const changes = async () =>
      await run(`cat /sys/class/net/${tap}/carrier_changes; ip -j link show ${tap} | grep -o 'master":"[^"]*'`);
    const before = await changes();
    await d.up({ mode: "bridge", bridge: "lan1", portIsolated: true });
    assert.equal(await changes(), before);
    assert.match(await run("bridge -d link"), /isolated on/);
    assert.equal(await onBridge("lan1"), "2");
    assert.ok(
      d.log.some((l) => /portIsolated: .*; ours: stay connected; their ports are made anew/.test(l)),
      d.log.join("\n"),
    );
    for (const name of ["ours", "theirs"]) await virsh(host(), ["destroy", name]);
    await d.destroy();
  });

  it("plugs NICs in again whose bridge of the host was made anew behind our back, and says so before", async () => {
    const bridge = async (name: string) => await run(`ip link add ${name} type bridge && ip link set ${name} up`);
    await bridge("lan2");
    const d = drive(host().uri, "anew");
    await d.up({ mode: "bridge", bridge: "lan2" });
    await virsh(
      host(),
      ["create", "/dev/stdin"],
      vm("web", [nicXml("52:54:00:00:05:11", "network", "network='anew'")]),
    );
    assert.equal((await d.refresh())?.drift, false);
    await run("ip link del lan2");
    await bridge("lan2");
    hostAt(host().uri).changed(); // as another process would, read anew
    assert.equal(await onBridge("lan2"), "0");
    const seen = await d.refresh();
    assert.deepEqual([seen?.drift, seen?.inputs.nicsConnected], [true, false]);
    await d.up({ mode: "bridge", bridge: "lan2" });
    assert.equal(await onBridge("lan2"), "1");
    assert.ok(d.log.some((l) => /nicsConnected: plugs NICs into it again .*; web: are connected again/.test(l)));
    assert.equal((await d.refresh())?.drift, false);
    assert.deepEqual(await parks(), []);
    await virsh(host(), ["destroy", "web"]);
    await d.destroy();
  });

  it("starts although a daemon that was killed in its start left the bridge; a bridge of somebody else's it leaves alone", async () => {
    const d = drive(host().uri, "halfway");
    await d.up(nat(13, { running: false }));
    const mac = /mac address='([^']+)'/.exec(await virsh(host(), ["net-dumpxml", "halfway"]))?.[1];
    assert.ok(mac);
    await run("ip link add rs13 type bridge && ip link set rs13 address 02:00:00:00:00:13");
    // libvirt 12.8 itself removes whatever bridge is in its way, after it has failed.
    const left = await run("virsh net-start halfway > /dev/null 2>&1; ls /sys/class/net | grep -c '^rs13$' || true");
    if (left === "1") {
      await assert.rejects(d.up(nat(13)), /creating bridge interface rs13: File exists/);
      assert.equal(await run("cat /sys/class/net/rs13/address"), "02:00:00:00:00:13");
    } else await run("ip link add rs13 type bridge");
    await run(`ip link set rs13 address ${mac}`);
    await d.up(nat(13));
    assert.match(await virsh(host(), ["net-info", "halfway"]), /Active:\s+yes/);
    // And its park network's, of an earlier run.
    await virsh(
      host(),
      ["create", "/dev/stdin"],
      vm("web", [nicXml("52:54:00:00:13:01", "network", "network='halfway'")]),
    );
    await run(`ip link add ${parkName(d.state?.id as string)} type bridge`);
    await d.up(nat(13, { mtu: 1400 }));
    assert.equal(await onBridge("rs13"), "1");
    assert.equal(await run("ls /sys/class/net | grep -c vnpark || true"), "0");
    await virsh(host(), ["destroy", "web"]);
    await d.destroy();
  });

  it("keeps its lock on the host while it is refused to be deleted, and leaves none behind", async () => {
    const d = drive(host().uri, "locked");
    await d.up(nat(12));
    await d.up(nat(12, { mtu: 1400 })); // which takes the lock
    const nic = nicXml("52:54:00:00:05:12", "network", "network='locked'");
    await virsh(host(), ["create", "/dev/stdin"], vm("web", [nic]));
    const locks = () => run(`ls /run/virtnet-network-${d.state?.id}.lock 2> /dev/null | wc -l`);
    await assert.rejects(d.destroy(), /is in use by web/);
    assert.equal(await locks(), "1");
    await virsh(host(), ["destroy", "web"]);
    const id = d.state?.id;
    await d.destroy();
    assert.equal(await run(`ls /run/virtnet-network-${id}.lock 2> /dev/null | wc -l`), "0");
  });

  it("says what stopping costs, and plugs the VMs in again when it is started: by us, or behind our back", async () => {
    const d = drive(host().uri, "stops");
    await d.up(nat(6));
    await virsh(
      host(),
      ["create", "/dev/stdin"],
      vm("web", [nicXml("52:54:00:00:06:01", "network", "network='stops'")]),
    );
    await d.up(nat(6, { running: false }));
    assert.ok(
      d.log.some((l) => /running: stops it .*; web: off the network until it runs again/.test(l)),
      d.log.join("\n"),
    );
    await d.up(nat(6));
    assert.equal(await onBridge("rs6"), "1");
    assert.deepEqual(await parks(), []);
    for (const c of ["net-destroy", "net-start"]) await virsh(host(), [c, "stops"]);
    assert.equal(await onBridge("rs6"), "0");
    const seen = await d.refresh();
    assert.equal(seen?.inputs.nicsConnected, false);
    assert.equal(seen?.drift, true);
    await d.up(nat(6));
    assert.equal(await onBridge("rs6"), "1");
    assert.equal((await d.refresh())?.drift, false);
    // The port is there, the tap is not: only the host itself can tell.
    await run("ip link set $(ls /sys/class/net/rs6/brif | grep vnet) nomaster");
    hostAt(host().uri).changed(); // as another process would, read anew
    assert.equal((await d.refresh())?.inputs.nicsConnected, false);
    await d.up(nat(6));
    assert.equal(await onBridge("rs6"), "1");
    assert.ok(
      d.log.some((l) => /nicsConnected: plugs NICs into it again .*; web: are connected again/.test(l)),
      d.log.join("\n"),
    );
    await virsh(host(), ["destroy", "web"]);
    await d.destroy();
  });

  it("renames in place: the UUID stays, running VMs stay connected, stored definitions follow", async () => {
    const d = drive(host().uri, "rename");
    await d.up(nat(7, { name: "before" }));
    const uuid = d.state?.id;
    await virsh(
      host(),
      ["create", "/dev/stdin"],
      vm("web", [nicXml("52:54:00:00:07:01", "network", "network='before'")]),
    );
    await virsh(
      host(),
      ["define", "/dev/stdin"],
      vm("db", [nicXml("52:54:00:00:07:02", "network", "network='before'")]),
    );
    for (const name of ["saved", "other"]) {
      const network = name === "saved" ? "before" : "default";
      await virsh(
        host(),
        ["define", "/dev/stdin"],
        vm(name, [nicXml("52:54:00:00:07:03", "network", `network='${network}'`)]),
      );
      if (name === "saved") {
        await virsh(host(), ["start", name]);
        await virsh(host(), ["managedsave", name]);
      }
    }
    // As one that was brought here with its VM: without a disk libvirt takes none itself.
    for (const name of ["db", "other"])
      await virsh(
        host(),
        ["snapshot-create", name, "/dev/stdin", "--redefine"],
        `<domainsnapshot><name>older</name><creationTime>1700000000</creationTime><state>shutoff</state>${await virsh(host(), ["dumpxml", name])}</domainsnapshot>`,
      );
    await d.up(nat(7, { name: "after" }));
    assert.equal(d.state?.id, uuid);
    assert.equal((await virsh(host(), ["net-uuid", "after"])).trim(), uuid);
    assert.match(
      await virsh(host(), ["net-info", "after"]),
      /Active:\s+yes[\s\S]*Persistent:\s+yes[\s\S]*Autostart:\s+yes/,
    );
    await assert.rejects(virsh(host(), ["net-info", "before"]));
    assert.match(await liveNic("web", "52:54:00:00:07:01"), /source network='after'/);
    assert.match(await liveNic("db", "52:54:00:00:07:02"), /source network='after'/);
    assert.equal(await onBridge("rs7"), "1");
    assert.ok(
      d.log.some((l) =>
        /name: renames it .*the managed save of saved and snapshots of db and files of other tools that name the network keep the old name; the stored definitions of (db, saved|saved, db) follow.*; web: stay connected/.test(
          l,
        ),
      ),
      d.log.join("\n"),
    );
    assert.deepEqual(await parks(), []);
    await virsh(host(), ["destroy", "web"]);
    await virsh(host(), ["undefine", "saved", "--managed-save"]);
    for (const name of ["db", "other"]) await virsh(host(), ["undefine", name, "--snapshots-metadata"]);
    await d.destroy();
  });

  it("refuses to take a name that another network has, and to delete under a NIC that names the bridge", async () => {
    const d = drive(host().uri, "mine");
    await d.up(nat(8));
    await virsh(host(), ["net-define", "/dev/stdin"], "<network><name>other</name></network>");
    const taken = /cannot be renamed to "other": a network of that name exists already .*: choose another name/;
    await assert.rejects(d.preview(nat(8, { name: "other" })), taken);
    d.state = { id: d.state?.id as string, outs: { ...d.state?.outs, name: "mine" } };
    await virsh(host(), ["create", "/dev/stdin"], vm("web", [nicXml("52:54:00:00:08:01", "bridge", "bridge='rs8'")]));
    await assert.rejects(d.destroy(), /in use by web/);
    await virsh(host(), ["destroy", "web"]);
    await d.destroy();
  });

  it("stores a change for the next restart, and says that it is pending", async () => {
    const d = drive(host().uri, "later");
    await d.up(nat(10));
    await virsh(
      host(),
      ["create", "/dev/stdin"],
      vm("web", [nicXml("52:54:00:00:10:01", "network", "network='later'")]),
    );
    const later = nat(10, { mtu: 1400, apply: "next-restart" });
    await d.up(later);
    assert.equal(await run("cat /sys/class/net/rs10/mtu"), "1500");
    assert.match(await virsh(host(), ["net-dumpxml", "--inactive", "later"]), /<mtu size='1400'\/>/);
    assert.deepEqual(d.state?.outs.pending, ["mtu"]);
    assert.equal((await d.refresh())?.drift, false);
    assert.ok(
      d.log.some((l) => /mtu: no effect on running VMs \(apply is "next-restart"/.test(l)),
      d.log.join("\n"),
    );
    await d.up(nat(10, { mtu: 1400 }));
    assert.equal(await run("cat /sys/class/net/rs10/mtu"), "1400");
    assert.deepEqual(d.state?.outs.pending, []);
    assert.equal(await onBridge("rs10"), "1");
    await virsh(host(), ["destroy", "web"]);
    await d.destroy();
  });

  it("shows what is gone from the host as intact: false, and brings it back with the VMs on it", async () => {
    const d = drive(host().uri, "broken");
    const args = nat(23, {
      ips: [{ address: "10.72.23.1/24", dhcp: { ranges: [{ start: "10.72.23.10", end: "10.72.23.99" }] } }],
    });
    await d.up(args);
    await virsh(
      host(),
      ["create", "/dev/stdin"],
      vm("web", [nicXml("52:54:00:00:23:01", "network", "network='broken'")]),
    );
    const dnsmasq = () => run("ps -C dnsmasq -o args= | grep -c /broken.conf || true");
    const whole = async () => [
      await onBridge("rs23"),
      await run("ip -o -4 addr show rs23 | grep -c 10.72.23.1/24 || true"),
      await dnsmasq(),
    ];
    const healthy = await whole();
    assert.deepEqual(healthy.slice(0, 2), ["1", "1"]);
    const damages: [string, RegExp][] = [
      ["ip link del rs23", /its bridge rs23 is gone/],
      ["ip addr flush dev rs23", /its address 10\.72\.23\.1\/24 is not on rs23/],
      [
        // Its helper process ends a moment later.
        "kill $(cat /run/libvirt/network/broken.pid); for i in $(seq 100); do ps -C dnsmasq -o args= | grep -q /broken.conf || break; sleep 0.1; done",
        /its dnsmasq does not run/,
      ],
    ];
    for (const [damage, says] of damages) {
      await run(`${damage}; sleep 0.3`);
      hostAt(host().uri).changed(); // as another process would, read anew
      const seen = await d.refresh();
      assert.deepEqual([seen?.inputs.intact, seen?.drift], [false, true], damage);
      await d.up(args);
      assert.ok(
        d.log.some((l) => says.test(l)),
        `${damage}\n${d.log.join("\n")}`,
      );
      assert.deepEqual(await whole(), healthy, damage);
      assert.equal((await d.refresh())?.drift, false, damage);
    }
    await virsh(host(), ["destroy", "web"]);
    await d.destroy();
  });

  it("takes NICs that name its bridge themselves along, running and stored: to its next bridge, and where it has none, to itself", async () => {
    const d = drive(host().uri, "led");
    await run("ip link add led0 type bridge && ip link set led0 up");
    await d.up(nat(26));
    const [mac, offMac] = ["52:54:00:00:26:01", "52:54:00:00:26:02"];
    await virsh(host(), ["define", "/dev/stdin"], vm("db", [nicXml(mac, "bridge", "bridge='rs26'")]));
    await virsh(host(), ["start", "db"]);
    await virsh(host(), ["define", "/dev/stdin"], vm("off", [nicXml(offMac, "bridge", "bridge='rs26'")]));
    const said = async () => {
      const stored = (name: string, m: string) =>
        run(`virsh -q domiflist --inactive ${name} | awk '/${m}/{print $2, $3}'`);
      const [live, device = ""] = (
        await run(`virsh -q domiflist db | awk '/${mac}/{print $2" "$3, $1}' | sed 's/ \\([^ ]*\\)$/,\\1/'`)
      ).split(",");
      const master = await run(`basename $(readlink /sys/class/net/${device}/master)`);
      return [live, await stored("db", mac), await stored("off", offMac), `on ${master}`];
    };
    const named = (bridge: string) => [...Array(3).fill(`bridge ${bridge}`), `on ${bridge}`];
    assert.deepEqual(await said(), named("rs26"));
    await d.up(nat(26, { bridge: { name: "rs27", stp: false } }));
    assert.deepEqual(await said(), named("rs27"));
    assert.match(
      d.log.join("\n"),
      /the stored definitions of (db, off|off, db) follow; NICs of db, which name bridge rs26 themselves, name bridge rs27 then/,
    );
    // One that does not run is no reason to forget the VMs.
    await virsh(host(), ["destroy", "db"]);
    const rs27 = { bridge: { name: "rs27", stp: false } };
    await d.up(nat(26, { running: false }));
    await d.up(nat(26, { ...rs27, running: false }));
    await d.up(nat(26));
    assert.deepEqual((await said()).slice(1, 3), ["bridge rs26", "bridge rs26"]);
    await assert.rejects(
      d.up(nat(26, { ...rs27, apply: "next-restart" })),
      /its bridge rs26 cannot wait .* (db, off|off, db) name it/,
    );
    await virsh(host(), ["start", "db"]);
    assert.deepEqual(await said(), named("rs26"));
    await assert.rejects(
      d.up(nat(26, { ...rs27, running: false })),
      /its bridge rs26 cannot change while .* db names it/,
    );
    await d.up({ mode: "bridge", bridge: "led0" });
    // A running definition says type='bridge' of a NIC on a network of a bridge.
    assert.deepEqual(await said(), ["bridge led", "network led", "network led", "on led0"]);
    assert.deepEqual(await parks(), []);
    assert.equal((await d.refresh())?.drift, false);
    await virsh(host(), ["destroy", "db"]);
    for (const name of ["db", "off"]) await virsh(host(), ["undefine", name]);
    await d.destroy();
  });

  it("waits for a run on another machine that changes the same network, and for no other", async () => {
    const [d, other] = [drive(host().uri, "locked"), drive(host().uri, "unlocked")];
    await d.up(nat(27));
    await other.up(nat(28));
    const mtu = (n: number) => run(`cat /sys/class/net/rs${n}/mtu`);
    const lock = `/run/virtnet-network-${d.state?.id}.lock`;
    /** While such a run holds the lock: by a program on the host. */
    const waits = async (operation: () => Promise<unknown>, meanwhile: () => Promise<void>): Promise<void> => {
      await run(`(flock 9 && touch /run/locked && while [ -e /run/locked ]; do sleep 0.1; done) 9> ${lock} > /dev/null 2>&1 &
        while ! [ -e /run/locked ]; do sleep 0.1; done`);
      let done = false;
      const running = operation().then(() => {
        done = true;
      });
      await meanwhile();
      await sleep(1000);
      assert.equal(done, false);
      await run("rm /run/locked");
      await running;
    };
    await waits(
      () => d.up(nat(27, { mtu: 1400 })),
      async () => {
        await other.up(nat(28, { mtu: 1400 }));
        assert.deepEqual([await mtu(27), await mtu(28)], ["1500", "1400"]);
      },
    );
    assert.equal(await mtu(27), "1400");
    const taker = drive(host().uri, "locked", { stack: "other" });
    await waits(
      () => taker.up(nat(27, { mtu: 1300, adopt: { from: "p/s" }, deleteAdopted: true })),
      async () => assert.equal(await mtu(27), "1400"),
    );
    assert.equal(await mtu(27), "1300");
    await waits(
      () => taker.destroy(),
      async () => assert.match(await virsh(host(), ["net-list", "--name"]), /^locked$/m),
    );
    assert.doesNotMatch(await virsh(host(), ["net-list", "--all", "--name"]), /^locked$/m);
    await other.destroy();
  });

  it("is changed without the lock where that cannot be had, and the user is told", async () => {
    const d = drive(host().uri, "unlockable");
    await d.up(nat(29));
    const lock = `/run/virtnet-network-${d.state?.id}.lock`;
    await run(`ln -s /nowhere/lock ${lock}`);
    await d.up(nat(29, { mtu: 1400 }));
    assert.equal((await run("cat /sys/class/net/rs29/mtu")).trim(), "1400");
    assert.match(d.log.join("\n"), /warning: .* is not waited for: no lock on the host \(.*(nonexistent|No such file)/);
    await d.destroy();
    await run(`rm ${lock}`);
  });

  it("refuses what would leave NICs behind: a new name while it does not run", async () => {
    const d = drive(host().uri, "keeps");
    await d.up(nat(24));
    await virsh(
      host(),
      ["create", "/dev/stdin"],
      vm("web", [nicXml("52:54:00:00:24:02", "network", "network='keeps'")]),
    );
    await assert.rejects(
      d.up(nat(24, { name: "kept", running: false })),
      /name cannot change while it does not run and NICs of running VMs \(web\) name it/,
    );
    await assert.rejects(
      d.up(nat(24, { name: "kept", apply: "next-restart" })),
      /name cannot wait for the next restart/,
    );
    // Stopped by hand, renamed, started: in one up.
    await virsh(host(), ["net-destroy", "keeps"]);
    await d.up(nat(24, { name: "kept" }));
    assert.equal(await onBridge("rs24"), "1");
    assert.match(await liveNic("web", "52:54:00:00:24:02"), /source network='kept'/);
    assert.deepEqual(await parks(), []);
    await virsh(host(), ["destroy", "web"]);
    await d.destroy();
  });

  it("waits for a VM that is busy with a migration, and names it where that does not end", async () => {
    const d = drive(host().uri, "busy");
    await d.up(nat(22));
    await virsh(
      host(),
      ["create", "/dev/stdin"],
      vm("web", [nicXml("52:54:00:00:22:01", "network", "network='busy'")]),
    );
    // A migration to a host that does not answer.
    await run("iptables -A OUTPUT -d 203.0.113.99 -j DROP");
    await run(
      "setsid virsh migrate --p2p --live web qemu+tcp://203.0.113.99/system >/dev/null 2>&1 </dev/null & sleep 2",
    );
    const c = await open(host().uri);
    const domain = (await virsh(host(), ["domuuid", "web"])).trim();
    await assert.rejects(
      awaitIdle(c, [{ domain, domainName: "web", mac: "52:54:00:00:22:01" }], 500),
      /VM web is busy with a migration, a save or another job/,
    );
    await c.close();
    const changed = d.up(nat(22, { mtu: 1400 }));
    await new Promise((resolve) => setTimeout(resolve, 2000));
    assert.equal(await run("cat /sys/class/net/rs22/mtu"), "1500", "it did not wait");
    await run("iptables -R OUTPUT 1 -d 203.0.113.99 -p tcp -j REJECT --reject-with tcp-reset");
    await changed;
    assert.equal(await run("cat /sys/class/net/rs22/mtu"), "1400");
    assert.equal(await onBridge("rs22"), "1");
    await run("iptables -D OUTPUT 1");
    await virsh(host(), ["destroy", "web"]);
    await d.destroy();
  });

  it("keeps the VMs of a transient network connected when it is adopted and changed", async () => {
    const xml =
      "<network><name>fleeting</name><bridge name='rs21' stp='off'/><ip address='10.72.21.1' prefix='24'/></network>";
    await virsh(host(), ["net-create", "/dev/stdin"], xml);
    await virsh(
      host(),
      ["create", "/dev/stdin"],
      vm("web", [nicXml("52:54:00:00:21:01", "network", "network='fleeting'")]),
    );
    const d = drive(host().uri, "fleeting");
    await d.up({ ...nat(21), mode: "isolated", mtu: 1400, adopt: true });
    assert.equal(await onBridge("rs21"), "1");
    assert.equal(await run("cat /sys/class/net/rs21/mtu"), "1400");
    assert.match(await virsh(host(), ["net-info", "fleeting"]), /Persistent:\s+yes/);
    assert.deepEqual(await parks(), []);
    assert.equal((await d.refresh())?.drift, false);
    await virsh(host(), ["destroy", "web"]);
    await d.destroy();
  });

  it("takes running VMs along between any two modes, in both directions", async () => {
    await run("ip link add lan2 type bridge && ip link set lan2 up");
    const d = drive(host().uri, "pairs");
    const own = (mode: string): Inputs => ({ ...nat(20), mode });
    const modes: [string, Inputs, string][] = [
      ...["nat", "route", "open", "isolated"].map((m): [string, Inputs, string] => [m, own(m), "rs20"]),
      ["bridge", { mode: "bridge", bridge: "lan2" }, "lan2"],
    ];
    await d.up(own("nat"));
    await virsh(
      host(),
      ["create", "/dev/stdin"],
      vm("web", [nicXml("52:54:00:00:20:01", "network", "network='pairs'")]),
    );
    let count = 0;
    for (const [a, from] of modes)
      for (const [b, to, bridge] of modes) {
        if (a === b) continue;
        await d.up(from);
        await d.up(to);
        count++;
        const at = `${a} → ${b}`;
        assert.equal(await onBridge(bridge), "1", at);
        assert.match(await liveNic("web", "52:54:00:00:20:01"), /source network='pairs'/, at);
        assert.match(
          await virsh(host(), ["net-dumpxml", "pairs"]),
          b === "isolated" ? /^(?![\s\S]*<forward)/ : new RegExp(`<forward[^>]*mode='${b}'`),
          at,
        );
        assert.deepEqual(await parks(), [], at);
      }
    assert.equal(count, 20);
    await virsh(host(), ["destroy", "web"]);
    await d.destroy();
  });
});
