/** A host whose NICs have no profiles but those that NetworkManager makes for them by default, as a fresh one; looked at by ip and nmcli. */
import assert from "node:assert/strict";
import type { Inputs } from "../../provider/handler.js";
import { closeHosts } from "../../provider/host/hosts.js";
import { linkHandler } from "../../provider/hostlink/handler.js";
import { forgetReadings } from "../../provider/hostlink/readings.js";
import { forgetLinks } from "../../provider/hostlink/run.js";
import { run } from "../../sandbox/index.js";
import { skip } from "../skip.js";
import { type Driver, driveHandler } from "../support/drive.js";
import { waitFor } from "../support/lan.js";
import { on, withNetworkManager } from "../support/networkmanager.js";

describe("links of a host that has no profiles of its own", function () {
  this.timeout(120_000);
  const host = withNetworkManager(2, "by-default");
  const sh = (script: string) => on(host(), ["sh", "-c", script]);
  const outside = (script: string) => on(host().outside, ["sh", "-c", script]);
  const addresses = (device: string) => sh(`ip -o -4 addr show dev ${device} scope global | awk '{print $4}'`);
  const defaultBy = () => sh("ip route show default | sed -n 's/.* dev \\([^ ]*\\) .*/\\1/p' | head -n 1");
  const profile = (name: string, field: string) => sh(`nmcli -g ${field} connection show '${name}'`);
  const active = (device: string) => sh(`nmcli -g GENERAL.CONNECTION device show ${device}`);
  const onDisk = () => sh("ls /etc/NetworkManager/system-connections");
  const drive = (): Driver =>
    driveHandler(
      linkHandler("bridge"),
      (args: Inputs) => ({ name: "br0", uri: host().uri, owner: { project: "p", stack: "s", key: "br0" }, ...args }),
      () => forgetReadings(),
    );
  /** All that is in memory is lost, and the devices that were made. */
  const restart = async () => {
    await sh(`kill $(pidof NetworkManager); while pidof NetworkManager; do sleep 0.1; done
      rm -rf /run/NetworkManager/*; ip link del br0; for d in eth1 eth2; do ip addr flush dev $d; ip link set $d down; done
      setsid NetworkManager -n > /run/nm/log 2>&1 < /dev/null &
      until nmcli -t general > /dev/null 2>&1; do sleep 0.1; done`);
  };
  let lease = "";

  before("serves addresses outside", async function () {
    if ((await run(["sh", "-c", "command -v dnsmasq"])).code !== 0) skip(this, "dnsmasq is not installed");
    await outside(`ip addr add 192.0.2.1/24 dev seg1
      dnsmasq --port=0 --interface=seg1 --bind-interfaces --dhcp-range=192.0.2.50,192.0.2.99 --dhcp-leasefile=/run/seg1.leases --pid-file=/run/seg1.pid`);
    await sh("ip route del default; ip -6 route del default || true");
    await waitFor(async () => (await defaultBy()) === "eth1", 30_000);
    lease = await addresses("eth1");
    assert.match(await active("eth1"), /^Wired connection \d$/);
    assert.equal(await onDisk(), "");
  });
  beforeEach("is a new run", forgetLinks);
  after(closeHosts);

  it("take over what a NIC has by default, keep it over a restart, and give it back", async () => {
    const own = await active("eth1");
    const d = drive();
    // The other one waits for an answer of DHCP, by a profile of the same kind.
    await d.up({ ports: ["eth1", "eth2"], addresses: "inherit" });
    assert.deepEqual([await addresses("br0"), await addresses("eth1"), await defaultBy()], [lease, "", "br0"]);
    assert.equal(await profile(own, "connection.autoconnect"), "no");
    assert.equal((await d.refresh())?.drift, false);

    await restart();
    await waitFor(async () => (await defaultBy()) === "br0", 30_000);
    assert.equal(await addresses("br0"), lease);
    assert.equal(await sh("ls /sys/class/net/br0/brif | tr '\\n' ' '"), "eth1 eth2");
    assert.equal((await d.refresh())?.drift, false);

    await d.destroy();
    await waitFor(async () => (await defaultBy()) === "eth1", 30_000);
    assert.deepEqual([await addresses("eth1"), await active("eth1")], [lease, own]);
    assert.equal(await profile(own, "connection.autoconnect"), "yes");
    assert.doesNotMatch(await onDisk(), /br0/);
    await restart();
    await waitFor(async () => (await defaultBy()) === "eth1", 30_000);
    assert.equal(await addresses("eth1"), lease);
  });

  it("leave a NIC with what it has by default where a change is taken back", async () => {
    const own = await active("eth1");
    const wrong = { addresses: { addresses: ["203.0.114.9/24"], gateway: "203.0.114.1" }, rollbackAfter: 12 };
    await assert.rejects(drive().up({ ports: ["eth1"], ...wrong }), /everything is as it was/);
    await waitFor(async () => (await defaultBy()) === "eth1", 30_000);
    assert.deepEqual([await addresses("eth1"), await active("eth1")], [lease, own]);
  });

  it("are refused at preview over a NIC that another program manages", async () => {
    // The sandbox's own uplink is none of NetworkManager's.
    const [fault] = await drive().check({ ports: ["up0"], addresses: "inherit" });
    assert.equal(fault?.property, "ports[0]");
    assert.match(fault?.reason ?? "", /^up0 has .* by another program, for NetworkManager does not manage it/);
  });
});
