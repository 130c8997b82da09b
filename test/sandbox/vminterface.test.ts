import assert from "node:assert/strict";
import type { Inputs } from "../../provider/handler.js";
import { closeHosts, hostAt } from "../../provider/host/hosts.js";
import { forgetRun } from "../../provider/network/run.js";
import { forgetNics, vmInterfaceHandler } from "../../provider/vminterface/handler.js";
import { type Guest, startGuest } from "../../sandbox/guests.js";
import { startNetwork, virsh, withSandbox } from "../support/sandbox.js";
import { driveNic } from "../support/vminterface.js";
import { natXml, nicsIn, vmXml } from "../support/vms.js";

describe("a VM's NIC on a real libvirtd", () => {
  const host = withSandbox();
  let guest: Guest;
  before("makes networks and a guest", async function () {
    this.timeout(120_000);
    await startNetwork(host(), "one", natXml("one", "vi1", 74));
    await startNetwork(host(), "two", natXml("two", "vi2", 75));
    await host().exec(["sh", "-c", "ip link add vibr0 type bridge && ip link set vibr0 up"]);
    guest = await startGuest(host(), { name: "web", nics: [] });
    await guest.waitReady();
  });
  after(() => closeHosts());
  afterEach(() => {
    forgetNics();
    forgetRun();
    hostAt(host().uri).changed();
  });
  const run = async (command: string) => (await host().exec(["sh", "-c", command])).stdout.trim();
  const nics = (name: string, containing: string, ...flags: string[]) => nicsIn(host(), name, containing, ...flags);
  const behindOurBack = () => {
    hostAt(host().uri).changed();
    forgetRun();
  };

  it("is plugged into a running VM, carries traffic, is quiet, and is gone after destroy", async () => {
    const d = driveNic(host().uri, "web-eth0");
    const args = { domain: "web", network: "one" };
    await d.up(args);
    const mac = String(d.state?.outs.mac);
    assert.match(mac, /^52:54:00(:[0-9a-f]{2}){3}$/);
    assert.equal((await nics("web", mac)).length, 1);
    const [stored = ""] = await nics("web", mac, "--inactive");
    assert.match(stored, /<source network='one'\/>/);
    assert.match(stored, /<model type='virtio'\/>/);
    assert.match(stored, /<alias name='ua-virtnet__p__s__web-eth0'\/>/);
    assert.equal(d.state?.outs.alias, "ua-virtnet__p__s__web-eth0");
    assert.match(String(d.state?.outs.targetDevice), /^vnet\d+$/);
    assert.equal(
      await run(`cat /sys/class/net/${String(d.state?.outs.targetDevice)}/brport/bridge/uevent | grep INTERFACE`),
      "INTERFACE=vi1",
    );
    await guest.up("eth0");
    const ping = await guest.exec("ping -c1 -W5 10.74.1.1");
    assert.equal(ping.code, 0, ping.stdout);
    assert.equal(await d.up(args), false, "a second up changes nothing");
    const seen = await d.refresh();
    assert.equal(seen?.drift, false);
    const addresses = d.state?.outs.addresses as { address: string; source: string; family: string }[];
    assert.match(String(addresses[0]?.address), /^10\.74\.1\./);
    assert.deepEqual([addresses[0]?.source, addresses[0]?.family], ["lease", "ipv4"]);
    await d.destroy();
    assert.deepEqual(await nics("web", mac), []);
    assert.deepEqual(await nics("web", mac, "--inactive"), []);
    assert.notEqual((await guest.exec("ip link show eth0")).code, 0, "the guest has lost it too");
  });

  it("moves to another network, and to a bridge, without the guest seeing it, and the preview says so", async () => {
    const d = driveNic(host().uri, "mover");
    await d.up({ domain: "web", network: "one" });
    await guest.up("eth0");
    const carrier = await guest.exec("cat /sys/class/net/eth0/carrier_changes");
    const mac = String(d.state?.outs.mac);
    await d.up({ domain: "web", network: "two" });
    assert.match(d.log.at(-1) ?? "", /NIC .* of VM web: network: changed live/);
    assert.match((await nics("web", mac))[0] ?? "", /network='two'/);
    assert.match((await nics("web", mac, "--inactive"))[0] ?? "", /network='two'/);
    await guest.exec("ip addr flush dev eth0; ip addr add 10.75.1.50/24 dev eth0");
    assert.equal((await guest.exec("ping -c1 -W5 10.75.1.1")).code, 0);
    assert.notEqual((await guest.exec("ping -c1 -W1 10.74.1.1")).code, 0);
    await d.up({ domain: "web", bridge: "vibr0" });
    assert.match(d.log.at(-1) ?? "", /bridge: changed live/);
    assert.match((await nics("web", mac))[0] ?? "", /type='bridge'>[\s\S]*<source bridge='vibr0'\/>/);
    assert.match((await nics("web", mac, "--inactive"))[0] ?? "", /type='bridge'>[\s\S]*<source bridge='vibr0'\/>/);
    assert.equal((await d.refresh())?.drift, false);
    await d.up({ domain: "web", network: "one" });
    assert.equal((await guest.exec("cat /sys/class/net/eth0/carrier_changes")).stdout, carrier.stdout);
    assert.equal((await d.refresh())?.drift, false);
    await d.destroy();
  });

  it("takes its link down and up live", async () => {
    const d = driveNic(host().uri, "link");
    await d.up({ domain: "web", network: "one" });
    await guest.up("eth0");
    await d.up({ domain: "web", network: "one", linkState: "down" });
    assert.equal((await guest.exec("cat /sys/class/net/eth0/carrier")).stdout.trim(), "0");
    assert.notEqual((await guest.exec("ping -c1 -W1 10.74.1.1")).code, 0);
    assert.equal((await d.refresh())?.drift, false);
    await d.up({ domain: "web", network: "one" });
    assert.equal((await guest.exec("sleep 1; cat /sys/class/net/eth0/carrier")).stdout.trim(), "1");
    await d.destroy();
  });

  it("is plugged again, with its MAC, alias and PCI address, for what libvirt does not change live", async () => {
    const d = driveNic(host().uri, "replug");
    await d.up({ domain: "web", network: "one" });
    const mac = String(d.state?.outs.mac);
    const place = async () => /<address type='pci'[^>]*>/.exec((await nics("web", mac))[0] ?? "")?.[0];
    const before = await place();
    await d.up({ domain: "web", network: "one", mtu: 1400 });
    assert.match(d.log.at(-1) ?? "", /mtu: unplugs this NIC of web and plugs it again, with its MAC/);
    const [live = ""] = await nics("web", mac);
    assert.match(live, /<mtu size='1400'\/>/);
    assert.match(live, /<alias name='ua-virtnet__p__s__replug'\/>/);
    assert.equal(await place(), before);
    assert.match((await nics("web", mac, "--inactive"))[0] ?? "", /<mtu size='1400'\/>/);
    await guest.up("eth0");
    assert.equal((await guest.exec("cat /sys/class/net/eth0/mtu")).stdout.trim(), "1400");
    assert.equal((await guest.exec("ping -c1 -W5 10.74.1.1")).code, 0);
    await assert.rejects(
      d.up({ domain: "web", network: "one", mtu: 1300, maxImpact: "live" }),
      /maxImpact is "live", but mtu \(replug: .*allow "replug"/,
    );
    assert.equal((await d.refresh())?.drift, false);
    // Back to libvirt's own.
    await d.up({ domain: "web", network: "one" });
    assert.doesNotMatch((await nics("web", mac))[0] ?? "", /<mtu/);
    await d.destroy();
  });

  it("is replaced for another MAC, the old NIC first", async () => {
    const d = driveNic(host().uri, "replace");
    await d.up({ domain: "web", network: "one", mac: "52:54:00:74:00:01" });
    await d.up({ domain: "web", network: "one", mac: "52:54:00:74:00:02" });
    assert.deepEqual(await nics("web", "52:54:00:74:00:01"), []);
    assert.equal((await nics("web", "52:54:00:74:00:02")).length, 1);
    assert.match(d.log.at(-1) ?? "", /NIC 52:54:00:74:00:01 of VM "web": mac: unplugs this NIC, and plugs another one/);
    await assert.rejects(
      d.up({ domain: "web", network: "one", mac: "52:54:00:74:00:03", maxImpact: "replug" }),
      /mac: maxImpact is "replug", but this unplugs the NIC, and plugs another one/,
    );
    // On another VM it may keep its MAC; the same VM by its UUID is no other.
    await virsh(host(), ["create", "/dev/stdin"], vmXml("other"));
    await closeHosts();
    await d.up({ domain: guest.uuid, network: "one", mac: "52:54:00:74:00:02" });
    assert.equal((await nics("web", "52:54:00:74:00:02")).length, 1);
    await d.up({ domain: "other", network: "one", mac: "52:54:00:74:00:02" });
    assert.deepEqual(await nics("web", "52:54:00:74:00:02"), []);
    assert.equal((await nics("other", "52:54:00:74:00:02")).length, 1);
    await virsh(host(), ["destroy", "other"]);
    behindOurBack();
    await d.destroy();
  });

  it("of a stopped VM is in its definition, and runs from its next start on", async () => {
    await virsh(host(), ["define", "/dev/stdin"], vmXml("stopped"));
    const d = driveNic(host().uri, "stopped-eth0");
    await d.up({ domain: "stopped", network: "one" });
    const mac = String(d.state?.outs.mac);
    assert.equal((await nics("stopped", mac, "--inactive")).length, 1);
    assert.equal(d.state?.outs.active, false);
    await d.up({ domain: "stopped", network: "two", model: "e1000e" });
    assert.match((await nics("stopped", mac, "--inactive"))[0] ?? "", /network='two'[\s\S]*e1000e/);
    await virsh(host(), ["start", "stopped"]);
    behindOurBack();
    assert.equal((await d.refresh())?.drift, false);
    assert.equal(d.state?.outs.active, true);
    assert.match(String(d.state?.outs.targetDevice), /^vnet/);
    await virsh(host(), ["destroy", "stopped"]);
    behindOurBack();
    await d.destroy();
    assert.deepEqual(await nics("stopped", mac, "--inactive"), []);
    await virsh(host(), ["undefine", "stopped"]);
  });

  it("of a transient VM lives as long as the VM", async () => {
    await virsh(host(), ["create", "/dev/stdin"], vmXml("transient"));
    const d = driveNic(host().uri, "transient-eth0");
    await d.up({ domain: "transient", network: "one" });
    assert.equal((await d.refresh())?.drift, false);
    await d.up({ domain: "transient", network: "two" });
    assert.match((await nics("transient", String(d.state?.outs.mac)))[0] ?? "", /network='two'/);
    await virsh(host(), ["destroy", "transient"]);
    behindOurBack();
    assert.equal(await d.refresh(), undefined, "gone with its VM");
  });

  it("counts as deleted where it, or its VM, is gone", async () => {
    const d = driveNic(host().uri, "gone-eth0");
    const args: Inputs = { domain: "gone", network: "one" };
    for (const how of [
      ["detach-interface", "gone", "network", "--mac", "MAC", "--config"],
      ["undefine", "gone"],
    ]) {
      if (how[0] !== "undefine") await virsh(host(), ["define", "/dev/stdin"], vmXml("gone"));
      await d.up(args);
      const mac = String(d.state?.outs.mac);
      await virsh(
        host(),
        how.map((a) => (a === "MAC" ? mac : a)),
      );
      behindOurBack();
      assert.equal(await d.refresh(), undefined);
    }
  });

  it("is not taken for gone where the host is not certain to be the same", async () => {
    await virsh(host(), ["define", "/dev/stdin"], vmXml("sure"));
    const d = driveNic(host().uri, "sure-eth0");
    await d.up({ domain: "sure", network: "one" });
    const outs = { ...(d.state?.outs as Inputs), hostUuid: "11111111-2222-3333-4444-555555555555" };
    const read = (olds: Inputs) => vmInterfaceHandler.read({ log: () => undefined }, d.state?.id as string, olds);
    assert.ok(await read(outs), "it is there, so it is this one");
    await virsh(host(), ["undefine", "sure"]);
    behindOurBack();
    await assert.rejects(read(outs), /that this is the host of the state is not certain/);
    await assert.rejects(read({ ...outs, hostName: "elsewhere" }), /is on host elsewhere/);
    await assert.rejects(
      vmInterfaceHandler.delete({ log: () => undefined }, d.state?.id as string, outs),
      /is not certain/,
    );
    d.state = { id: d.state?.id as string, outs: { ...outs, hostName: "elsewhere" } };
    await assert.rejects(d.preview({ domain: "sure", network: "two" }), /is on host elsewhere \(.* is now /);
  });

  it("is refused for a VM that is not there, and for one whose NIC has the MAC already", async () => {
    const d = driveNic(host().uri, "refused");
    await assert.rejects(d.up({ domain: "nosuch", network: "one" }), /VM "nosuch" is not on .*: make it first/);
    await virsh(
      host(),
      ["define", "/dev/stdin"],
      vmXml("has", {
        devices: "<interface type='network'><mac address='52:54:00:74:01:01'/><source network='one'/></interface>",
      }),
    );
    // Another run: within one, what others have is looked at every ten seconds.
    await closeHosts();
    const args: Inputs = { domain: "has", network: "one", mac: "52:54:00:74:01:01" };
    await assert.rejects(d.up(args), /exists already on .*: set adopt: true/);
    assert.match(
      String((await d.check({ ...args, domain: "web" }))[0]?.reason),
      /is that of a NIC of VM "has" of the host/,
    );
    await virsh(host(), ["undefine", "has"]);
  });
});
