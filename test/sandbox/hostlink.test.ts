/** Bridge on a host with NetworkManager; looked at by ip, nmcli and ping. */
import assert from "node:assert/strict";
import { linkHandler } from "../../provider/hostlink/handler.js";
import { forgetReadings } from "../../provider/hostlink/readings.js";
import { forgetLinks } from "../../provider/hostlink/run.js";
import { argsOf } from "../../provider/hostlink/state.js";
import { run } from "../../sandbox/index.js";
import { GATEWAY, HOST, waitFor, withLan } from "../support/lan.js";
import { on } from "../support/networkmanager.js";

describe("a bridge by NetworkManager", function () {
  this.timeout(120_000);
  const lan = withLan(3);
  const { host, nmcli, addresses, ports, exists, pingable, onDisk } = lan;
  const drive = (key: string, owner = {}) => lan.drive("bridge", key, { owner });
  const ip = async (...args: string[]) => JSON.parse((await on(host(), ["ip", "-j", ...args])) || "[]");
  const mtus = async (...devices: string[]) =>
    (await lan.sh(`cd /sys/class/net; cat ${devices.map((device) => `${device}/mtu`).join(" ")}`))
      .split("\n")
      .join(" ");
  const profile = (name: string, field: string) => nmcli("-g", field, "connection", "show", name);

  it("takes over the addresses of its port, and gives them back", async () => {
    await nmcli("connection", "modify", "lan", "connection.zone", "trusted");
    const d = drive("br0");
    assert.equal(await d.up({ ports: ["eth1"], addresses: "inherit" }), true);
    assert.deepEqual(await addresses("br0"), [`${HOST}/24`]);
    assert.deepEqual(await addresses("eth1"), []);
    assert.deepEqual(await ports("br0"), ["eth1"]);
    assert.equal(
      (await ip("link", "show", "dev", "br0"))[0].address,
      (await ip("link", "show", "dev", "eth1"))[0].address,
    );
    const [route] = await ip("route", "show", "default");
    assert.deepEqual([route.dev, route.metric], ["br0", 100]);
    assert.equal(await profile("br0", "connection.zone"), "trusted");
    assert.equal(await pingable(), true);
    assert.match(
      d.log.join("\n"),
      /eth1 carries the host's own connection: the host takes the change back by itself after 60 s/,
    );
    // For the next start of the host.
    assert.deepEqual(await onDisk(), ["br0-eth1.nmconnection", "br0.nmconnection", "lan.nmconnection"]);
    for (const [name, wanted] of [
      ["br0", "yes"],
      ["br0-eth1", "yes"],
      ["lan", "no"],
    ] as const)
      assert.equal(await profile(name, "connection.autoconnect"), wanted, name);
    assert.equal((await d.refresh())?.drift, false);
    // Also where something of it is taken out of the program, and where it is replaced.
    for (const [args, told] of [
      [{ ports: ["eth1"] }, /^info: bridge br0: addresses: .*; br0 and eth1 carry the host's own connection/],
      [{ ports: ["eth1"], addresses: "inherit", name: "br9" }, /^info: bridge br9: br0 and eth1 carry the host's/],
    ] as const) {
      d.log.splice(0);
      await d.preview(args);
      assert.match(d.log.join("\n"), told);
    }
    await d.destroy();
    assert.equal(await exists("br0"), false);
    assert.equal((await ip("route", "show", "default"))[0].dev, "eth1");
  });

  it("changes in place: addresses, spanning tree, MTU, ports; what others plugged in stays", async () => {
    const d = drive("br0");
    await d.up({ ports: ["eth2"], addresses: { addresses: ["192.0.2.1/24"] } });
    await on(host(), ["sh", "-c", "ip tuntap add vnet7 mode tap && ip link set vnet7 master br0 up"]);
    const { ifindex } = (await ip("link", "show", "dev", "br0"))[0];
    const args = {
      ports: ["eth2", "eth3"],
      addresses: {
        addresses: ["192.0.2.2/24", "2001:db8:1::2/64"],
        dns: ["192.0.2.53", "2001:db8:1::53"],
        search: ["lab.test"],
      },
      ...{ stp: true, forwardDelay: 4, helloTime: 1, maxAge: 6, priority: 4096, ageingTime: 200 },
      ...{ multicastSnooping: false, mtu: 1400 },
    };
    assert.equal(await d.up(args), true);
    assert.deepEqual(await addresses("br0"), ["192.0.2.2/24"]);
    assert.deepEqual(await ports("br0"), ["eth2", "eth3", "vnet7"]);
    const { linkinfo, mtu, ifindex: after } = (await ip("-d", "link", "show", "dev", "br0"))[0];
    assert.equal(after, ifindex);
    assert.equal(mtu, 1400);
    const { stp_state, forward_delay, hello_time, max_age, priority, ageing_time, mcast_snooping } = linkinfo.info_data;
    assert.deepEqual(
      [stp_state, forward_delay, hello_time, max_age, priority, ageing_time, mcast_snooping],
      [1, 400, 100, 600, 4096, 20000, 0],
    );
    assert.equal((await d.refresh())?.drift, false);
    assert.equal(await d.up({ ports: ["eth3"], addresses: "none" }), true);
    assert.deepEqual(await ports("br0"), ["eth3", "vnet7"]);
    assert.equal(await mtus("br0", "eth3"), "1500 1500");
    assert.deepEqual(await addresses("br0"), []);
    assert.equal((await d.refresh())?.drift, false);
    await on(host(), ["ip", "link", "del", "vnet7"]);
  });

  it("has DNS servers in the order of each family, and link-local addresses, as given", async () => {
    const d = drive("br0");
    const args = {
      ports: ["eth2"],
      addresses: {
        addresses: ["192.0.2.2/24", "169.254.7.7/16", "fe80::5/64", "2001:db8:1::2/64"],
        dns: ["2001:db8:1::53", "192.0.2.53", "2001:db8:1::54"],
      },
    };
    await d.up(args);
    assert.equal((await d.refresh())?.drift, false);
    assert.equal(await d.up(args), false);
    await on(host(), ["ip", "addr", "del", "fe80::5/64", "dev", "br0"]);
    assert.equal((await d.refresh())?.drift, true);
    await d.up(args);
  });

  it("has gateways beyond its addresses where these are single ones, with the way to them", async () => {
    const outside = (script: string) => on(host().outside, ["sh", "-c", script]);
    await outside("ip addr add 172.31.1.1/32 dev seg2; ip route add 203.0.114.5 dev seg2");
    const d = drive("br0");
    const single = { addresses: ["203.0.114.5/32", "2001:db8:5::5/128"] };
    const addresses = { ...single, gateway: "172.31.1.1", gateway6: "2001:db8:6::1" };
    // A default route more: when it goes, the other one has to answer.
    await d.up({ ports: ["eth2"], addresses, probe: GATEWAY });
    const via = async (...family: string[]) =>
      ((await ip(...family, "route", "show", "dev", "br0")) as { dst: string; gateway?: string }[]).flatMap((r) =>
        r.dst === "default" ? [r.gateway] : [],
      );
    assert.deepEqual([await via("-4"), await via("-6")], [["172.31.1.1"], ["2001:db8:6::1"]]);
    const to = async (router: string) => (await ip("route", "get", router))[0];
    for (const router of ["172.31.1.1", "2001:db8:6::1"]) {
      const { dev, gateway } = await to(router);
      assert.deepEqual([dev, gateway], ["br0", undefined], router);
    }
    await outside("ping -c1 -W2 -I 172.31.1.1 203.0.114.5");
    assert.equal((await d.refresh())?.drift, false);
    await d.destroy();
    await outside("ip route del 203.0.114.5; ip addr del 172.31.1.1/32 dev seg2");
  });

  it("shows what somebody changed, by name, and sets it right", async () => {
    const d = drive("br0");
    const args: Record<string, unknown> = {
      ...{ ports: ["eth2"], addresses: { addresses: ["192.0.2.1/24"] }, autoconnect: true },
      ...{ stp: true, forwardDelay: 4, helloTime: 1, maxAge: 6 },
    };
    await d.up(args);
    const drifts: [string, () => Promise<unknown>][] = [
      ["ports", () => nmcli("device", "disconnect", "eth2")],
      ["addresses", () => on(host(), ["ip", "addr", "del", "192.0.2.1/24", "dev", "br0"])],
      ["stp", () => nmcli("connection", "modify", "br0", "bridge.stp", "no")],
      ["autoconnect", () => nmcli("connection", "modify", "br0", "connection.autoconnect", "no")],
      ["up", () => nmcli("connection", "down", "br0")],
    ];
    for (const [field, change] of drifts) {
      await change();
      const found = await d.refresh();
      assert.equal(found?.drift, true, field);
      const differing = Object.keys(args)
        .concat("up")
        .filter((k) => JSON.stringify(found?.inputs[k]) !== JSON.stringify(k === "up" ? true : args[k]));
      assert.deepEqual(differing, [field]);
      assert.equal(await d.up(args), true);
      assert.equal((await d.refresh())?.drift, false, field);
    }
  });

  it("gives its ports their own MTU back, when it is taken out of the program and when a change is taken back", async () => {
    const how = "802-3-ethernet.mtu 1300 ipv4.method disabled ipv6.method disabled";
    await lan.add("small", "ethernet", "eth2", how);
    await nmcli("connection", "up", "small");
    const d = drive("br0");
    const args = { ports: ["eth1", "eth2"], addresses: "inherit" };
    await d.up({ ...args, mtu: 1400 });
    assert.equal(await mtus("br0", "eth1", "eth2"), "1400 1400 1400");
    await d.up(args);
    assert.equal(await mtus("br0", "eth1", "eth2"), "1300 1500 1300");
    const wrong = { addresses: { addresses: ["203.0.114.10/24"], gateway: "203.0.114.1" }, rollbackAfter: 12 };
    await assert.rejects(d.up({ ...args, ...wrong, mtu: 1200 }), /everything is as it was/);
    assert.equal(await mtus("eth1", "eth2"), "1500 1300");
    for (const port of ["br0-eth1", "br0-eth2"])
      assert.equal(await profile(port, "802-3-ethernet.mtu"), port === "br0-eth1" ? "auto" : "1300");
    await d.destroy();
    assert.equal(await mtus("eth2"), "1300");
    await nmcli("connection", "delete", "small");
  });

  it("keeps on disk what it changes in the profile of a port that somebody made", async () => {
    await lan.add("office", "bridge", "br7", "bridge.stp no ipv4.method disabled ipv6.method disabled");
    await lan.add("theirs", "ethernet", "eth2", "master br7");
    await nmcli("connection", "up", "theirs");
    const d = drive("br7");
    await d.up({ adopt: true, ports: ["eth2"], mtu: 1400 });
    assert.match(await lan.sh("cat /etc/NetworkManager/system-connections/theirs.nmconnection"), /^mtu=1400$/m);
    assert.equal(await mtus("br7", "eth2"), "1400 1400");
    await d.destroy();
    await nmcli("connection", "delete", "theirs", "office");
  });

  it("is taken back at once when the gateway is lost", async () => {
    const d = drive("br0");
    const wrong = {
      ports: ["eth1"],
      addresses: { addresses: ["203.0.114.10/24"], gateway: "203.0.114.1" },
      rollbackAfter: 12,
    };
    await assert.rejects(d.up(wrong), /proving that it works failed: .*everything is as it was/);
    assert.equal(await exists("br0"), false);
    assert.equal(await pingable(), true);
  });

  for (const action of ["configure", "attach", "activate", "prove", "commit"]) {
    it(`comes back by itself when the run is killed before "${action}", and others' work stays`, async () => {
      const args = { name: "br0", ports: ["eth1"], addresses: "inherit", rollbackAfter: 10 };
      const child = require.resolve("../support/link-child.js");
      const orders = JSON.stringify({ uri: host().uri, desired: args, killBefore: action });
      const { code } = await run([process.execPath, child, orders]);
      assert.equal(code, 128 + 9);
      // Meanwhile a VM starts on another bridge, and another tool adds a profile.
      await on(host(), [
        "sh",
        "-c",
        "ip link add virbr9 type bridge && ip tuntap add vnet9 mode tap && ip link set vnet9 master virbr9 up",
      ]);
      await lan.add("theirs", "dummy", "dum0", "save no autoconnect no");
      try {
        const back = async () =>
          (await addresses("eth1")).includes(`${HOST}/24`) &&
          (await addresses("br0")).length === 0 &&
          (await pingable());
        await waitFor(back, 20_000);
        assert.deepEqual(await ports("virbr9"), ["vnet9"]);
        assert.equal(await profile("theirs", "connection.id"), "theirs");
        assert.deepEqual(await onDisk(), ["lan.nmconnection"]);
        // The next run takes up where it is, as if nothing had been.
        const d = drive("br0");
        await d.up({ ports: ["eth1"], addresses: "inherit" });
        assert.deepEqual(await addresses("br0"), [`${HOST}/24`]);
        assert.equal(await pingable(), true);
      } finally {
        await nmcli("connection", "delete", "theirs");
        await on(host(), ["sh", "-c", "ip link del vnet9; ip link del virbr9"]);
      }
    });
  }

  it("refuses what exists, unless adopted; an adopted one is released", async () => {
    await lan.add("office", "bridge", "br7", "bridge.stp no ip4 192.0.2.9/24 ipv6.method disabled");
    await nmcli("connection", "up", "office");
    try {
      const d = drive("br7");
      await assert.rejects(d.up({}), /bridge "br7" exists already on .*: set adopt: true/);
      await d.up({ adopt: true, stp: true });
      assert.equal(await profile("office", "bridge.stp"), "yes");
      assert.deepEqual(await addresses("br7"), ["192.0.2.9/24"]);
      await assert.rejects(drive("br7", { stack: "other" }).up({ adopt: true }), /belongs to stack p\/s/);
      await d.destroy();
      assert.equal(await exists("br7"), true);
      await on(host(), ["ip", "link", "add", "br8", "type", "bridge"]);
      await assert.rejects(drive("br8").up({}), /a device of this name is on the host already/);
    } finally {
      await nmcli("connection", "delete", "office");
      await host().exec(["ip", "link", "del", "br8"]);
    }
  });

  it("is not replaced where maxImpact forbids that, and says so at preview; what is live is made", async () => {
    const d = drive("br0");
    await d.up({ ports: ["eth2"], maxImpact: "live" });
    await assert.rejects(
      d.preview({ ports: ["eth2"], name: "br9", maxImpact: "live" }),
      /bridge "br0": name: maxImpact is "live", but this takes the bridge away and makes another one \(replace\)/,
    );
    await d.up({ ports: ["eth2"], ageingTime: 100, maxImpact: "live" });
    assert.equal(await lan.sh("cat /sys/class/net/br0/bridge/ageing_time"), "10000");
    await d.up({ ports: ["eth2"], name: "br9" });
    assert.deepEqual([await exists("br0"), await ports("br9")], [false, ["eth2"]]);
    await d.destroy();
  });

  it("stays when its resource comes under another URN with the same key, in that run and in the next one", async () => {
    const [old, now] = [drive("br0"), drive("br0")];
    await old.up({ ports: ["eth2"] });
    forgetLinks();
    await now.up({ ports: ["eth2"] });
    assert.equal(now.state?.id, old.state?.id);
    await old.deleteFormer();
    assert.equal(await exists("br0"), true);
    // Where that run ended before it deleted the old one, the next does.
    forgetLinks();
    assert.equal(await now.up({ ports: ["eth2"] }), false);
    await old.deleteFormer();
    assert.equal(await exists("br0"), true);
    old.state = undefined;
    await now.destroy();
    assert.equal(await exists("br0"), false);
  });

  it("is not deleted while VMs are on it", async () => {
    const d = drive("br0");
    await d.up({});
    await on(host(), ["sh", "-c", "ip tuntap add vnet8 mode tap && ip link set vnet8 master br0 up"]);
    await assert.rejects(d.destroy(), /bridge "br0" is in use by vnet8/);
    await on(host(), ["ip", "link", "del", "vnet8"]);
  });

  it("is deleted where somebody took it down", async () => {
    const d = drive("br0");
    await d.up({ ports: ["eth2"], addresses: "dhcp", mtu: 1400 });
    await nmcli("connection", "down", "br0");
    await d.destroy();
    assert.equal((await host().exec(["nmcli", "connection", "show", "br0"])).code, 10);
  });

  it("is not taken for gone where the host is not certain to be the state's, and another host is an error", async () => {
    const d = drive("br0");
    await d.up({});
    await nmcli("connection", "delete", "br0");
    forgetReadings();
    const { id, outs } = d.state as NonNullable<typeof d.state>;
    const { read, update, delete: remove } = linkHandler("bridge");
    const ctx = { log: () => {} };
    for (const [hostName, why] of [
      [outs.hostName, /bridge "br0" is not on .*, but that this is the host of the state is not certain/],
      ["elsewhere", /bridge "br0" is on host elsewhere \(.*\), but .* is now /],
    ] as const) {
      const other = { ...outs, hostUuid: "00000000-0000-4000-8000-000000000000", hostName };
      await assert.rejects(read(ctx, id, other), why);
      await assert.rejects(update(ctx, id, other, { ...argsOf(outs), mtu: 1400 }), why);
      await assert.rejects(remove(ctx, id, other), why);
      const d = drive("br0");
      d.state = { id, outs: other };
      if (hostName === "elsewhere") await assert.rejects(d.preview({ mtu: 1400 }), why);
      d.state = undefined;
    }
    assert.equal(await exists("br0"), false);
    assert.equal(await d.refresh(), undefined);
  });

  it("is gone when somebody removed it", async () => {
    const d = drive("br0");
    await d.up({});
    await nmcli("connection", "delete", "br0");
    assert.equal(await d.refresh(), undefined);
  });
});
