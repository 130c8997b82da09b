/** What comes to a link beside must not take the routes away by which the host is managed; looked at by ip and ping. */
import assert from "node:assert/strict";
import { channelOf } from "../../provider/host/channel.js";
import { run } from "../../sandbox/index.js";
import { skip } from "../skip.js";
import { GATEWAY, waitFor, withLan } from "../support/lan.js";
import { on } from "../support/networkmanager.js";
import { needsSshd, type SshAccess, sshTo } from "../support/ssh.js";

const OTHER = { addresses: ["192.0.2.2/24"], gateway: "192.0.2.1" };

describe("a link beside the one that the host is managed through", function () {
  this.timeout(120_000);
  const lan = withLan(3);
  const best = () => lan.sh("ip route get 198.18.0.1 | grep -o 'dev [^ ]*'");

  before(async () => {
    await on(lan.host().outside, ["ip", "addr", "add", "192.0.2.1/24", "dev", "seg2"]);
    await lan.nmcli("connection", "modify", "lan", "ipv4.route-metric", "800");
    await lan.nmcli("connection", "up", "lan");
  });

  it("is taken back where the default route goes with it, unless what shall answer then is named", async () => {
    const d = lan.drive("bridge", "br2");
    const args = { ports: ["eth2"], addresses: OTHER, rollbackAfter: 10 };
    await assert.rejects(
      d.up(args),
      /IPv4 for the default route goes by br2 instead of eth1: leave gateway and routes out of the addresses of br2, or, where that is meant, name an address in probe that has to answer then; everything is as it was$/,
    );
    assert.match(
      d.log.join("\n"),
      /br2 gets addresses, whose routes could take the host's own connection away: the host takes/,
    );
    assert.equal(await best(), "dev eth1");
    assert.equal(await lan.exists("br2"), false);
    await d.up({ ...args, probe: "192.0.2.1" });
    assert.equal(await best(), "dev br2");
    // And back.
    await d.up({ ...args, probe: GATEWAY });
    await d.destroy();
    assert.equal(await best(), "dev eth1");
    await d.up({ ...args, addresses: { addresses: OTHER.addresses } });
    await assert.rejects(d.up(args), /goes by br2 instead of eth1.*; everything is as it was$/);
    assert.equal(await best(), "dev eth1");
    assert.equal((await d.refresh())?.drift, false);
  });

  it("is taken back where it takes the gateway's own subnet", async () => {
    const d = lan.drive("bridge", "br2");
    const route = { destination: `${GATEWAY}/32`, via: "192.0.2.1" };
    await assert.rejects(
      d.up({ addresses: { addresses: ["192.0.2.2/24"], routes: [route] }, ports: ["eth2"], rollbackAfter: 10 }),
      /what goes to 198\.51\.100\.1 goes by br2 instead of eth1/,
    );
    assert.equal(await lan.exists("br2"), false);
  });

  it("is taken back where it goes, and its port has a default route of its own again", async () => {
    await lan.add("office", "ethernet", "eth2", "ip4 192.0.2.2/24");
    await lan.nmcli("connection", "up", "office");
    const d = lan.drive("bridge", "br2");
    try {
      await d.up({ ports: ["eth2"] });
      await lan.nmcli("connection", "modify", "office", "ipv4.gateway", "192.0.2.1");
      await assert.rejects(
        d.destroy(),
        /IPv4 for the default route goes by eth2 instead of eth1.*everything is as it was$/,
      );
      assert.equal(await best(), "dev eth1");
      assert.deepEqual(await lan.ports("br2"), ["eth2"]);
      await lan.nmcli("connection", "modify", "office", "ipv4.gateway", "");
      await d.destroy();
      assert.deepEqual(await lan.addresses("eth2"), ["192.0.2.2/24"]);
    } finally {
      await lan.nmcli("connection", "delete", "office");
    }
  });

  it("keeps the leases of its port, by DHCPv4 and DHCPv6", async function () {
    if ((await run(["sh", "-c", "command -v dnsmasq"])).code !== 0) skip(this, "dnsmasq is not installed");
    await on(lan.host().outside, ["ip", "addr", "add", "2001:db8:2::1/64", "dev", "seg2"]);
    const serve = [
      ...[
        "dnsmasq",
        "--port=0",
        "--interface=seg2",
        "--bind-interfaces",
        "--enable-ra",
        "--dhcp-range=192.0.2.50,192.0.2.99",
      ],
      ...[
        "--dhcp-range=2001:db8:2::50,2001:db8:2::99,slaac,64",
        "--dhcp-leasefile=/run/seg2.leases",
        "--pid-file=/run/seg2.pid",
      ],
    ];
    await on(lan.host().outside, serve);
    await lan.add("leased", "ethernet", "eth2", "ipv4.route-metric 900 ipv6.route-metric 900 ipv6.addr-gen-mode eui64");
    await lan.nmcli("connection", "up", "leased");
    const global = async (device: string) =>
      (await lan.sh(`ip -o addr show dev ${device} scope global | awk '{print $4}' | sort`)).split("\n");
    try {
      // By DHCP of both families, and by router advertisements.
      await waitFor(async () => (await global("eth2")).length === 3, 20_000);
      const had = await global("eth2");
      const d = lan.drive("bridge", "br2");
      await d.up({ ports: ["eth2"], addresses: "inherit" });
      await waitFor(async () => (await global("br2")).length === 3, 20_000);
      assert.deepEqual(await global("br2"), had);
      await d.destroy();
    } finally {
      await lan.nmcli("connection", "delete", "leased");
      await on(lan.host().outside, ["sh", "-c", "kill $(cat /run/seg2.pid)"]);
    }
  });

  describe("with an ssh session on a NIC of its own", () => {
    needsSshd();
    let access: SshAccess | undefined;
    after(() => access?.close());

    it("is told and proven by it, although sudo keeps quiet about whose it is", async () => {
      await on(lan.host().outside, ["ip", "addr", "add", "192.0.3.1/24", "dev", "seg3"]);
      await lan.add("private", "ethernet", "eth3", "ip4 192.0.3.2/24 ipv6.method disabled");
      await lan.nmcli("connection", "up", "private");
      access = await sshTo(lan.host(), "192.0.3.2");
      const session = await channelOf(access.uri)?.hold(["sh", "-c", "echo held; exec cat > /dev/null"], 20_000);
      assert.ok(session?.held, session?.why);
      try {
        const d = lan.drive("bridge", "br3");
        const wrong = { ports: ["eth3"], addresses: { addresses: ["192.0.4.2/24"] }, rollbackAfter: 10 };
        await assert.rejects(
          d.up(wrong),
          /there is no way by 192\.0\.3\.1 for the ssh session any more: .*probe.*; everything is as it was$/,
        );
        assert.match(d.log.join("\n"), /eth3 carries the host's own connection: the host takes the change back/);
        assert.deepEqual(await lan.addresses("eth3"), ["192.0.3.2/24"]);
        await d.up({ ports: ["eth3"], addresses: "inherit" });
        await d.destroy();
      } finally {
        await session.release();
        await lan.nmcli("connection", "delete", "private");
      }
    });
  });
});
