/** What a bridge on the NIC that the host is managed through must not do; looked at by ip, nmcli and ping. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { channelOf } from "../../provider/host/channel.js";
import { forgetLinks } from "../../provider/hostlink/run.js";
import { run } from "../../sandbox/index.js";
import { GATEWAY, HOST, waitFor, withLan } from "../support/lan.js";
import { on } from "../support/networkmanager.js";
import { virsh } from "../support/sandbox.js";
import { nicXml, vmXml } from "../support/vms.js";

/** Updates a bridge: node -e UPDATE HANDLER [STATE, ARGS]. */
const UPDATE = `
const [handler, json] = process.argv.slice(1);
const [{ id, outs }, wish] = JSON.parse(json);
const { linkHandler } = require(handler);
const news = { ...wish, owner: outs.owner, up: true };
void linkHandler("bridge").update({ log() {} }, id, outs, news).catch((e) => console.log(e.message));
`;
const INHERIT = { ports: ["eth1"], addresses: "inherit" };

describe("a bridge on the management NIC", function () {
  this.timeout(300_000);
  const lan = withLan(3);

  const killed = async (orders: object): Promise<void> => {
    const { code, stdout } = await run([
      process.execPath,
      require.resolve("../support/link-child.js"),
      JSON.stringify(orders),
    ]);
    assert.equal(code, 128 + 9, stdout);
  };

  it("goes through at once after a run that was killed, whose checkpoint is still under way", async () => {
    await killed({ uri: lan.host().uri, desired: { name: "br0", ...INHERIT }, killBefore: "prove" });
    assert.deepEqual(await lan.ports("br0"), ["eth1"]);
    const began = Date.now();
    await lan.drive("bridge", "br0").up(INHERIT);
    assert.ok(Date.now() - began < 30_000);
    assert.deepEqual(await lan.addresses("br0"), [`${HOST}/24`]);
    assert.equal(await lan.pingable(), true);
    assert.equal(await lan.checkpoints(), 0);
  });

  it("a change that was killed is swept before the next one, and is no gone link for refresh and destroy", async () => {
    const d = lan.drive("bridge", "br0");
    await d.up(INHERIT);
    const id = d.state?.id;
    const desired = { name: "br0", ...INHERIT, ports: ["eth1", "eth2"] };
    await killed({ uri: lan.host().uri, desired, was: { name: "br0", ...INHERIT }, id, killBefore: "prove" });
    await assert.rejects(d.refresh(), /is being changed, or a run that changed it died in the middle/);
    assert.equal(await d.up({ ...INHERIT, stp: true, forwardDelay: 4, maxAge: 6, helloTime: 1 }), true);
    assert.equal(d.state?.id, id);
    assert.deepEqual(await lan.ports("br0"), ["eth1"]);
    assert.equal(await lan.checkpoints(), 0);
    await killed({ uri: lan.host().uri, desired, was: { name: "br0", ...INHERIT }, id, killBefore: "prove" });
    await d.destroy();
    assert.equal(await lan.exists("br0"), false);
  });

  it("that somebody made anew is not taken for ours: gone for refresh, and left alone by destroy", async () => {
    const d = lan.drive("bridge", "br0");
    await d.up({});
    await lan.nmcli("connection", "delete", "br0");
    await lan.add("theirs", "bridge", "br0", "ipv4.method disabled ipv6.method disabled");
    await lan.nmcli("connection", "up", "theirs");
    try {
      const { state } = d;
      assert.ok(state);
      await d.destroy();
      assert.equal(await lan.exists("br0"), true);
      d.state = state;
      assert.equal(await d.refresh(), undefined);
      d.state = state;
      await assert.rejects(d.up({ stp: true }), /exists already/);
      d.state = undefined;
    } finally {
      await lan.nmcli("connection", "delete", "theirs");
    }
  });

  it("goes to fixed addresses and back to those of its port; so do addresses that somebody changed", async () => {
    const d = lan.drive("bridge", "br0");
    await d.up(INHERIT);
    await d.up({ ...INHERIT, addresses: { addresses: [`${HOST}/24`, "192.0.2.9/24"], gateway: GATEWAY } });
    assert.deepEqual(await lan.addresses("br0"), [`${HOST}/24`, "192.0.2.9/24"]);
    await d.up(INHERIT);
    assert.deepEqual(await lan.addresses("br0"), [`${HOST}/24`]);
    await lan.nmcli("connection", "modify", "br0", "+ipv4.addresses", "192.0.2.77/24");
    assert.equal((await d.refresh())?.drift, true);
    await d.up(INHERIT);
    assert.equal((await d.refresh())?.drift, false);
    assert.equal(await lan.nmcli("-g", "ipv4.addresses", "connection", "show", "br0"), `${HOST}/24`);
  });

  it("is not made where nothing could prove it, unless a probe is named or done without", async () => {
    await lan.nmcli("connection", "modify", "lan", "ipv4.gateway", "198.51.100.99");
    await lan.nmcli("connection", "up", "lan");
    try {
      const d = lan.drive("bridge", "br0");
      await assert.rejects(
        d.up(INHERIT),
        /nothing tells whether the host is still reachable afterwards \(198\.51\.100\.99 did not answer\): name an address that answers in probe/,
      );
      assert.deepEqual(await lan.addresses("eth1"), [`${HOST}/24`]);
      await assert.rejects(
        d.up({ ...INHERIT, probe: "198.51.100.98" }),
        /the probe 198\.51\.100\.98 does not answer before the change already/,
      );
      await d.up({ ...INHERIT, probe: GATEWAY });
      await d.destroy();
      await d.up({ ...INHERIT, probe: false });
      await d.destroy();
    } finally {
      await lan.nmcli("connection", "modify", "lan", "ipv4.gateway", GATEWAY);
      await lan.nmcli("connection", "up", "lan");
    }
  });

  it("names the ways out where the gateway goes away during the change, for reasons of its own", async () => {
    const has = (...addresses: string[]) => {
      const add = addresses.map((address) => `ip addr add ${address}/24 dev seg1`);
      return on(lan.host().outside, ["sh", "-ec", ["ip -4 addr flush dev seg1", ...add].join("\n")]);
    };
    await has(GATEWAY, "198.51.100.3");
    const d = lan.drive("bridge", "br0");
    const up = d.up({ ...INHERIT, rollbackAfter: 20 });
    const failed = assert.rejects(
      up,
      /198\.51\.100\.1 does not answer on br0 \(the next hop for the default route\), but did before the change: where that has reasons of its own, run up again with an address in probe that answers, or with probe: false; everything is as it was$/,
    );
    // Who answers has been asked by then.
    await waitFor(async () => (await lan.checkpoints()) === 1, 20_000);
    await has("198.51.100.3");
    try {
      await failed;
      await d.up({ ...INHERIT, probe: "198.51.100.3" });
      await d.destroy();
      await d.up({ ...INHERIT, probe: false });
      await d.destroy();
    } finally {
      await has(GATEWAY);
    }
  });

  it("takes a probe that no longer answers for a failed proof, on a NIC that carries nothing else", async () => {
    await on(lan.host().outside, ["ip", "addr", "add", "192.0.2.1/24", "dev", "seg2"]);
    await lan.add("storage", "ethernet", "eth2", "ip4 192.0.2.2/24");
    await lan.nmcli("connection", "up", "storage");
    // Not by the gateway, which has all addresses outside.
    await lan.sh("ip route add unreachable 192.0.2.0/24 metric 99999");
    try {
      const d = lan.drive("bridge", "br2");
      const wrong = { ports: ["eth2"], addresses: { addresses: ["192.0.3.2/24"] }, rollbackAfter: 10 };
      await assert.rejects(
        d.up({ ...wrong, probe: "192.0.2.1" }),
        /the probe 192\.0\.2\.1 does not answer; everything is as it was/,
      );
      assert.deepEqual(await lan.addresses("eth2"), ["192.0.2.2/24"]);
    } finally {
      await lan.nmcli("connection", "delete", "storage");
      await lan.sh("ip route del unreachable 192.0.2.0/24");
      await on(lan.host().outside, ["ip", "addr", "del", "192.0.2.1/24", "dev", "seg2"]);
    }
  });

  it("may have another gateway, where that one answers", async () => {
    await on(lan.host().outside, ["ip", "addr", "add", "198.51.100.2/24", "dev", "seg1"]);
    const d = lan.drive("bridge", "br0");
    await d.up(INHERIT);
    await d.up({ ...INHERIT, addresses: { addresses: [`${HOST}/24`], gateway: "198.51.100.2" } });
    assert.match(await lan.sh("ip route show default"), /via 198\.51\.100\.2 dev br0/);
    const none = { ...INHERIT, addresses: { addresses: [`${HOST}/24`] }, rollbackAfter: 10 };
    await assert.rejects(
      d.up(none),
      /there is no way by 198\.51\.100\.2 for the default route any more: .*probe.*; everything is as it was/,
    );
    assert.match(await lan.sh("ip route show default"), /via 198\.51\.100\.2 dev br0/);
  });

  it("is changed by one run at a time", async () => {
    const channel = channelOf(lan.host().uri);
    assert.ok(channel);
    const other = await channel.hold(
      ["flock", "/run/virtnet-links.lock", "sh", "-c", "echo held; exec cat > /dev/null"],
      5000,
    );
    assert.ok(other.held);
    const d = lan.drive("bridge", "br0");
    const up = d.up(INHERIT);
    await new Promise((resolve) => setTimeout(resolve, 2000));
    assert.equal(await lan.exists("br0"), false);
    await other.release();
    await up;
    assert.equal(await lan.exists("br0"), true);
  });

  it("has its name once in a program", async () => {
    await lan.drive("bridge", "br0").preview({});
    const found = await lan.drive("bridge", "lan", { name: "br0" }).check({});
    assert.deepEqual(found, [
      {
        property: "name",
        reason: '"br0" is the bridge of resource "br0" of this program already: choose another name',
      },
    ]);
  });

  it("changes its resource's name without anything else", async () => {
    const [d, renamed] = [lan.drive("bridge", "br0"), lan.drive("bridge", "lan", { name: "br0" })];
    await d.up(INHERIT);
    const before = await lan.sh("cat /sys/class/net/br0/ifindex");
    // The engine creates the new one first, then deletes the old.
    forgetLinks();
    await renamed.up(INHERIT);
    await d.destroy();
    assert.equal(await lan.sh("cat /sys/class/net/br0/ifindex"), before);
    assert.deepEqual(await lan.addresses("br0"), [`${HOST}/24`]);
    await renamed.destroy();
    assert.equal(await lan.exists("br0"), false);
  });

  it("keeps a port whose profile serves other NICs too", async () => {
    await lan.add(
      "any",
      "ethernet",
      "*",
      "autoconnect no ipv4.method manual ipv4.addresses 192.0.2.20/24 ipv6.method disabled connection.multi-connect multiple",
    );
    await lan.nmcli("connection", "modify", "any", "connection.autoconnect", "yes");
    await lan.nmcli("connection", "up", "any", "ifname", "eth2");
    try {
      const d = lan.drive("bridge", "br2");
      await d.up({ ports: ["eth2"], addresses: "inherit" });
      assert.equal(await lan.nmcli("-g", "connection.autoconnect", "connection", "show", "any"), "yes");
      await d.destroy();
      assert.deepEqual(await lan.addresses("eth2"), ["192.0.2.20/24"]);
    } finally {
      await lan.nmcli("connection", "delete", "any");
    }
  });

  it("leaves alone what an adopted one has and the program does not say", async () => {
    const how =
      "bridge.stp yes bridge.priority 8192 connection.autoconnect no ipv4.method disabled ipv6.method disabled";
    await lan.add("office", "bridge", "br7", how);
    await lan.nmcli("connection", "up", "office");
    try {
      const d = lan.drive("bridge", "br7");
      await d.up({ adopt: true, ageingTime: 100 });
      await d.up({ adopt: true, ageingTime: 200 });
      const fields = "bridge.ageing-time,bridge.stp,bridge.priority,connection.autoconnect";
      assert.equal(await lan.nmcli("-g", fields, "connection", "show", "office"), "200\nyes\n8192\nno");
      await d.destroy();
    } finally {
      await lan.nmcli("connection", "delete", "office");
    }
  });

  it("keeps how its port's NIC is set, and refuses one whose addresses or login it could not give back", async () => {
    const nic = "802-3-ethernet.wake-on-lan magic ethtool.feature-gro off ipv4.method disabled ipv6.method disabled";
    await lan.add("tuned", "ethernet", "eth2", nic);
    await lan.nmcli("connection", "up", "tuned");
    const d = lan.drive("bridge", "br2");
    try {
      await d.up({ ports: ["eth2"] });
      const fields = "802-3-ethernet.wake-on-lan,ethtool.feature-gro";
      assert.equal(await lan.nmcli("-g", fields, "connection", "show", "br2-eth2"), "magic\noff");
      await d.destroy();
      const login = ["802-1x.eap", "md5", "802-1x.identity", "a", "802-1x.password", "b"];
      await lan.nmcli("connection", "modify", "tuned", ...login);
      await lan.nmcli("connection", "down", "tuned");
      await lan.sh("nmcli --wait 0 connection up tuned");
      const [fault] = await d.check({ ports: ["eth2"] });
      assert.match(fault?.reason ?? "", /^the profile of eth2 logs in by 802\.1X/);
    } finally {
      await lan.nmcli("connection", "delete", "tuned");
    }
    await lan.sh("ip addr add 192.0.2.2/24 dev eth2 && ip link set eth2 up");
    await waitFor(async () => /externally/.test(await lan.nmcli("device")), 5000);
    forgetLinks();
    const [fault] = await d.check({ ports: ["eth2"], addresses: "inherit" });
    assert.match(fault?.reason ?? "", /^eth2 has addresses that no profile of NetworkManager has /);
    assert.deepEqual(await lan.addresses("eth2"), ["192.0.2.2/24"]);
    await lan.sh("ip addr del 192.0.2.2/24 dev eth2");
  });

  it("is not deleted while a container or a macvtap is on it", async () => {
    const d = lan.drive("bridge", "br0");
    await d.up({});
    await lan.sh("ip link add cont0 type veth peer name cont1 && ip link set cont0 master br0 up");
    await assert.rejects(d.destroy(), /in use by cont0/);
    await lan.sh("ip link del cont0 && ip link add link br0 name mac0 type macvlan mode bridge");
    await assert.rejects(d.destroy(), /in use by mac0/);
    await lan.sh("ip link del mac0");
  });

  describe("with VMs on it", () => {
    const MAC = "52:54:00:aa:bb:01";
    const mac = (device: string) => lan.sh(`cat /sys/class/net/${device}/address`);
    const tap = () => lan.sh("ip tuntap add vnet7 mode tap && ip link set vnet7 master br0 up");

    it("has another MAC in place: the device stays, its ports and VMs come back", async () => {
      const d = lan.drive("bridge", "br0");
      await d.up(INHERIT);
      await tap();
      const index = await lan.sh("cat /sys/class/net/br0/ifindex");
      const pings = lan.host().outside.exec(["ping", "-i", "0.02", "-w", "8", HOST]);
      await d.up({ ...INHERIT, mac: MAC });
      assert.match(d.log.join("\n"), /mac: changed live \(NetworkManager activates the bridge anew/);
      assert.equal(await mac("br0"), MAC);
      assert.equal(await lan.sh("cat /sys/class/net/br0/ifindex"), index);
      assert.deepEqual(await lan.ports("br0"), ["eth1", "vnet7"]);
      assert.equal((await d.refresh())?.drift, false);
      const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec((await pings).stdout) ?? [];
      assert.ok(Number(sent) - Number(received) < 100, `${sent} sent, ${received} received`);
      await lan.sh("ip link del vnet7");
    });

    it("has its VMs back where the host itself takes such a change back", async () => {
      const d = lan.drive("bridge", "br0");
      await d.up(INHERIT);
      await tap();
      await lan.sh("ip link add cont0 type veth peer name cont1 && ip link set cont0 master br0 up");
      const before = await mac("br0");
      // Through the handler, whose lock stays behind on the host: in a process of its own.
      const wish = {
        ...INHERIT,
        name: "br0",
        uri: lan.host().uri,
        mac: MAC,
        rollbackAfter: 20,
        addresses: { addresses: ["203.0.114.9/24"] },
      };
      const handler = require.resolve("../../provider/hostlink/handler.js");
      const child = spawn(process.execPath, ["-e", UPDATE, handler, JSON.stringify([d.state, wish])]);
      const said: string[] = [];
      child.stdout.setEncoding("utf8").on("data", (text: string) => said.push(text));
      const ended = new Promise<NodeJS.Signals | null>((resolve) =>
        child.on("close", (_code, signal) => resolve(signal)),
      );
      await waitFor(async () => (await mac("br0")) === MAC, 60_000);
      child.kill("SIGKILL");
      assert.equal(await ended, "SIGKILL", said.join(""));
      await waitFor(async () => (await lan.checkpoints()) === 0, 30_000);
      await waitFor(async () => (await lan.ports("br0")).join() === "cont0,eth1,vnet7", 5000);
      await lan.sh("ip link del cont0");
      assert.equal(await mac("br0"), before);
      assert.deepEqual(await lan.addresses("br0"), [`${HOST}/24`]);
      await lan.sh("ip link del vnet7");
    });

    it("has them back when it was deleted behind our back and is made again", async () => {
      const d = lan.drive("bridge", "br0");
      await d.up({});
      const vm = vmXml("on-br0", { devices: nicXml("52:54:00:77:00:01", "bridge", "bridge='br0'") });
      await virsh(lan.host(), ["create", "/dev/stdin"], vm);
      const [device = ""] = await lan.ports("br0");
      assert.match(device, /^vnet/);
      await assert.rejects(d.destroy(), /bridge "br0" is in use by on-br0: move or remove their NICs first/);
      await assert.rejects(d.up({ name: "br9" }), /bridge "br0" is in use by on-br0/);
      assert.deepEqual(await lan.ports("br0"), [device]);
      await lan.nmcli("connection", "delete", "br0");
      assert.equal(await d.refresh(), undefined);
      await d.up({});
      assert.deepEqual(await lan.ports("br0"), [device]);
      await virsh(lan.host(), ["destroy", "on-br0"]);
    });
  });

  it("comes back 20 times in a row from wrong addresses, with nothing left behind", async () => {
    const d = lan.drive("bridge", "br0");
    for (let n = 1; n <= 20; n++) {
      const wrong = { addresses: [`203.0.114.${n}/24`], gateway: "203.0.114.254" };
      await assert.rejects(
        d.up({ ports: ["eth1"], addresses: wrong, rollbackAfter: 10 }),
        /everything is as it was/,
        `time ${n}`,
      );
      assert.equal(await lan.exists("br0"), false, `time ${n}`);
      await lan.assertBare();
    }
    await waitFor(() => lan.pingable(), 5000);
  });
});
