/** What a link takes over with the addresses of its port. */
import assert from "node:assert/strict";
import { copyAddressing } from "../../../provider/hostlink/backends/networkmanager/addresses.js";
import type { Settings } from "../../../provider/hostlink/backends/networkmanager/bus.js";
import { readProfile, writeProfile } from "../../../provider/hostlink/backends/networkmanager/profile.js";
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

  it("keep what a server knows their lease by where NetworkManager makes it of the profile", () => {
    const id = (said?: string, seen = {}) => {
      const { "dhcp-client-id": _, ...ipv4 } = port("bond").ipv4 as Settings[string];
      const from = { ...port("bond"), ipv4: said === undefined ? ipv4 : { ...ipv4, "dhcp-client-id": v("s", said) } };
      return taken(from, seen).ipv4?.["dhcp-client-id"]?.data;
    };
    const seen = { clientId: "ff:01:02" };
    assert.deepEqual([id(undefined, seen), id("stable", seen), id("mine", seen)], ["ff:01:02", "ff:01:02", "mine"]);
    assert.deepEqual([id(), id("stable")], [undefined, "stable"]);
    const duid = (said: string) =>
      taken({ ...port("bond"), ipv6: { "dhcp-duid": v("s", said) } }, { duid: "00:04:aa" }).ipv6?.["dhcp-duid"]?.data;
    assert.deepEqual([duid("stable-uuid"), duid("lease"), duid("ll")], ["00:04:aa", "lease", "ll"]);
  });

  it("keep the zone of the firewall, and nothing else of the port's connection", () => {
    assert.deepEqual(taken(port("bond")).connection, { id: v("s", "br0"), zone: v("s", "trusted") });
  });
});

describe("a profile that somebody else wrote", () => {
  it("says options of a bond by number or by name, which is the same", () => {
    const options = { mode: "4", lacp_rate: "1", xmit_hash_policy: "1", ad_select: "2", miimon: "50" };
    const { mode, lacpRate, xmitHashPolicy, adSelect, miimon } = readProfile("bond", {
      bond: { options: v("a{ss}", options) },
    });
    assert.deepEqual([mode, lacpRate, xmitHashPolicy, adSelect, miimon], ["802.3ad", "fast", "layer3+4", "count", 50]);
    const active = { arp_validate: "3", arp_all_targets: "1", primary_reselect: "2", fail_over_mac: "2", primary: "1" };
    const read = readProfile("bond", { bond: { options: v("a{ss}", active) } });
    assert.deepEqual(
      [read.arpValidate, read.arpAllTargets, read.primaryReselect, read.failOverMac, read.primary],
      ["all", "all", "failure", "follow", "1"],
    );
  });

  it("keeps the way in which it names a VLAN's parent", () => {
    const uuid = "4c5a7f3e-2f9e-4b0a-9b0e-3c2d1f0e9a8b";
    const s: Settings = { vlan: { parent: v("s", uuid), id: v("u", 20) } };
    writeProfile("vlan", s, { name: "office", parent: "eth1", vlanId: 20, mtu: 1400 }, {});
    assert.deepEqual(s.vlan?.parent, v("s", uuid));
    assert.deepEqual(s["802-3-ethernet"]?.mtu, v("u", 1400));
  });
});
