/** Who knows the host by its MAC or by what its DHCP client says of itself knows it by a link as well; looked at by ip, nmcli and dnsmasq. */
import assert from "node:assert/strict";
import { run } from "../../sandbox/index.js";
import { skip } from "../skip.js";
import { GATEWAY, HOST, waitFor, withLan } from "../support/lan.js";
import { on } from "../support/networkmanager.js";

describe("a link in place of its port", function () {
  this.timeout(120_000);
  const lan = withLan(3);
  const { nmcli } = lan;
  const mac = (device: string) => lan.sh(`cat /sys/class/net/${device}/address`);
  const cloned = (profile: string) => nmcli("-g", "802-3-ethernet.cloned-mac-address", "connection", "show", profile);

  it("has the MAC of the port that the host is managed through, and keeps it when others come and at the next start", async () => {
    const d = lan.drive("bridge", "br0");
    const args = { addresses: { addresses: [`${HOST}/24`], gateway: GATEWAY } };
    await lan.sh("ip link set eth1 address 52:54:00:72:00:09");
    await nmcli("connection", "up", "lan");
    const own = await mac("eth1");
    await d.up({ ...args, ports: ["eth2", "eth1"] });
    assert.equal(await mac("br0"), own);
    assert.equal((await cloned("br0")).replaceAll("\\", "").toLowerCase(), own);
    await d.up({ ...args, ports: ["eth2", "eth1", "eth3"] });
    assert.equal(await mac("br0"), own);
    await nmcli("connection", "up", "br0");
    assert.equal(await mac("br0"), own);
    assert.equal((await d.refresh())?.drift, false);
    await d.destroy();
  });

  it("has its first port's where the host is managed by none, and the kernel's choice where it has no addresses", async () => {
    const d = lan.drive("bridge", "br2");
    await d.up({ ports: ["eth3"], addresses: { addresses: ["192.0.2.2/24"] } });
    const own = await mac("eth3");
    await d.up({ ports: ["eth3", "eth2"], addresses: { addresses: ["192.0.2.2/24"] } });
    assert.equal(await mac("br2"), own);
    await d.destroy();
    await d.up({ ports: ["eth3"] });
    assert.equal(await cloned("br2"), "");
    await d.destroy();
  });
});

describe("a lease in place of its port's", function () {
  this.timeout(120_000);
  const lan = withLan(2);
  const { nmcli, addresses } = lan;

  for (const id of ["stable", "duid", "mac"])
    it(`is the same where the DHCP client's id is "${id}"; what the profile says of its connection goes along`, async function () {
      if ((await run(["sh", "-c", "command -v dnsmasq"])).code !== 0) skip(this, "dnsmasq is not installed");
      await on(lan.host().outside, [
        "sh",
        "-c",
        "ip addr add 192.0.2.1/24 dev seg2 2> /dev/null; rm -f /run/seg2.leases",
      ]);
      await on(lan.host().outside, [
        ...["dnsmasq", "--port=0", "--interface=seg2", "--bind-interfaces", "--dhcp-range=192.0.2.50,192.0.2.99"],
        ...["--dhcp-leasefile=/run/seg2.leases", "--pid-file=/run/seg2.pid"],
      ]);
      const told = "connection.autoconnect-retries,connection.wait-device-timeout,connection.stable-id";
      const how =
        "ipv4.never-default yes ipv6.method disabled connection.autoconnect-retries 0 connection.wait-device-timeout 7000";
      await lan.add("leased", "ethernet", "eth2", `${how} ipv4.dhcp-client-id ${id}`);
      try {
        await nmcli("connection", "up", "leased");
        await waitFor(async () => (await addresses("eth2")).length === 1, 20_000);
        const [had, said] = [await addresses("eth2"), await nmcli("-g", told, "connection", "show", "leased")];
        const d = lan.drive("bridge", "br2");
        await d.up({ ports: ["eth2"], addresses: "inherit" });
        await waitFor(async () => (await addresses("br2")).length === 1, 20_000);
        assert.deepEqual(await addresses("br2"), had);
        assert.equal(await nmcli("-g", told, "connection", "show", "br2"), said);
        assert.equal((await d.refresh())?.drift, false);
        await d.destroy();
      } finally {
        await nmcli("connection", "delete", "leased");
        await on(lan.host().outside, ["sh", "-c", "kill $(cat /run/seg2.pid)"]);
      }
    });
});
