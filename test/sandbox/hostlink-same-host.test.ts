/** Who knows the host by its MAC knows it by a link as well; looked at by ip and nmcli. */
import assert from "node:assert/strict";
import { GATEWAY, HOST, withLan } from "../support/lan.js";

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
