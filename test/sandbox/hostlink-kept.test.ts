/** What a profile says of addresses and no field does: it stays, whatever else of the link changes; looked at by nmcli and ip. */
import assert from "node:assert/strict";
import { withLan } from "../support/lan.js";

const ODD = [
  ...["ipv4.method", "manual", "ipv4.addresses", "192.0.2.5/24", "ipv4.dns", "192.0.2.53#dns.test"],
  ...["ipv4.routes", "10.7.0.0/16 192.0.2.1, 10.8.0.0/16 192.0.2.1 table=100, 10.9.0.0/16 192.0.2.1 src=192.0.2.5"],
  ...["+ipv4.routes", "10.10.0.0/16"],
];
const FIELDS = "ipv4.method,ipv4.addresses,ipv4.routes,ipv4.dns,ipv6.method,ipv6.addresses";

describe("what no field says of addresses", function () {
  this.timeout(120_000);
  const lan = withLan(3);
  const { nmcli } = lan;
  const said = (profile: string) => nmcli("-g", FIELDS, "connection", "show", profile);
  const routes = async (device: string) =>
    (await lan.sh(`ip route show table all dev ${device} | grep -o '^10[^ ]*' | sort`)).split("\n");

  for (const method of ["link-local", "dhcp", "ignore"])
    it(`stays with a link that inherits it, also after other changes and a repair: routes, DNS, ipv6.method=${method}`, async () => {
      await nmcli("connection", "add", "type", "ethernet", "ifname", "eth2", "con-name", "odd", ...ODD);
      await nmcli("connection", "modify", "odd", "ipv6.method", method, "ipv4.never-default", "yes");
      try {
        await nmcli("connection", "up", "odd");
        const [profile, there] = [await said("odd"), await routes("eth2")];
        assert.deepEqual(there, ["10.10.0.0/16", "10.7.0.0/16", "10.8.0.0/16", "10.9.0.0/16"]);
        const d = lan.drive("bridge", "br2");
        const args = { ports: ["eth2"], addresses: "inherit" };
        await d.up(args);
        assert.equal(await said("br2"), profile);
        await d.up({ ...args, mtu: 1400 });
        assert.equal(await said("br2"), profile, "after another MTU");
        await d.up({ ...args, mtu: 1400, ports: ["eth2", "eth3"] });
        assert.equal(await said("br2"), profile, "after another port");
        await nmcli("connection", "modify", "br2", "+ipv4.addresses", "192.0.2.77/24");
        assert.equal((await d.refresh())?.drift, true);
        await d.up({ ...args, mtu: 1400, ports: ["eth2", "eth3"] });
        assert.equal((await d.refresh())?.drift, false);
        assert.equal(await said("br2"), profile, "after a repair");
        assert.deepEqual(await routes("br2"), there);
        await d.destroy();
        assert.equal(await said("odd"), profile);
        assert.deepEqual(await routes("eth2"), there);
      } finally {
        await nmcli("connection", "delete", "odd");
      }
    });

  it("stays with a link that is adopted, whose addresses change; without addresses it goes", async () => {
    await nmcli(
      "connection",
      "add",
      "type",
      "bridge",
      "ifname",
      "br7",
      "con-name",
      "office",
      "bridge.stp",
      "no",
      ...ODD,
    );
    await nmcli("connection", "modify", "office", "ipv6.method", "link-local", "ipv4.never-default", "yes");
    try {
      await nmcli("connection", "up", "office");
      const before = await said("office");
      const d = lan.drive("bridge", "br7");
      const fixed = { addresses: ["192.0.2.5/24"], routes: [{ destination: "10.7.0.0/16", via: "192.0.2.1" }] };
      const args = { adopt: true, ports: [], addresses: fixed };
      await d.up(args);
      assert.equal(await said("office"), before);
      await d.up({ ...args, addresses: { ...fixed, addresses: ["192.0.2.6/24"] } });
      assert.equal(await said("office"), before.replaceAll("192.0.2.5/24", "192.0.2.6/24"));
      await d.up({ ...args, addresses: "none" });
      assert.equal(
        await nmcli("-g", "ipv4.method,ipv6.method,ipv4.routes", "connection", "show", "office"),
        "disabled\ndisabled",
      );
      await d.destroy();
    } finally {
      await nmcli("connection", "delete", "office");
    }
  });
});
