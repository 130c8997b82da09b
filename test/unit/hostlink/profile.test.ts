/** What a link takes over with the addresses of its port. */
import assert from "node:assert/strict";
import { copyAddressing } from "../../../provider/hostlink/backends/networkmanager/addresses.js";
import type { Settings } from "../../../provider/hostlink/backends/networkmanager/bus.js";
import { v } from "../../../provider/hostlink/backends/networkmanager/values.js";

const port = (type: string, ipv4: Settings[string] = {}): Settings => ({
  connection: { id: v("s", "lan"), type: v("s", type), zone: v("s", "trusted"), timestamp: v("t", 5) },
  ipv4: { method: v("s", "manual"), "dhcp-client-id": v("s", "a"), ...ipv4 },
  ipv6: { method: v("s", "disabled") },
});
const taken = (from: Settings, seen = {}): Settings => {
  const to: Settings = { connection: { id: v("s", "br0") } };
  copyAddressing(to, from, seen);
  return to;
};
const metric = (from: Settings, seen = {}) => taken(from, seen).ipv4?.["route-metric"];

describe("addresses that are taken over from a port", () => {
  it("keep their metric: as set, else as seen, else that of the port's type", () => {
    assert.deepEqual(metric(port("802-3-ethernet")), v("x", 100));
    assert.deepEqual(metric(port("bond")), v("x", 300));
    assert.deepEqual(metric(port("vlan", { "route-metric": v("x", -1) })), v("x", 400));
    assert.deepEqual(metric(port("802-3-ethernet"), { ipv4: 101 }), v("x", 101));
    assert.deepEqual(metric(port("802-3-ethernet", { "route-metric": v("x", 0) }), { ipv4: 7 }), v("x", 0));
    assert.equal(taken(port("802-3-ethernet")).ipv6?.["route-metric"], undefined);
  });

  it("keep what a server of DHCPv6 knows their lease by", () => {
    assert.deepEqual(taken(port("bond"), { iaid: "01:02:03:04" }).ipv6?.["dhcp-iaid"], v("s", "01:02:03:04"));
    const said = { ...port("bond"), ipv6: { "dhcp-iaid": v("s", "mac") } };
    assert.deepEqual(taken(said, { iaid: "01:02:03:04" }).ipv6?.["dhcp-iaid"], v("s", "mac"));
  });

  it("keep the zone of the firewall, and nothing else of the port's connection", () => {
    assert.deepEqual(taken(port("bond")).connection, { id: v("s", "br0"), zone: v("s", "trusted") });
  });
});
