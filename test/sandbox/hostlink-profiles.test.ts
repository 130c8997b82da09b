/** Every field of Bond, Bridge and Vlan as a profile: a real NetworkManager takes it, and tells the same back. */
import assert from "node:assert/strict";
import type { Inputs } from "../../provider/handler.js";
import { channelOf } from "../../provider/host/channel.js";
import { fieldsOf, type Kind } from "../../provider/hostlink/args.js";
import { Bus, type Settings } from "../../provider/hostlink/backends/networkmanager/bus.js";
import { readProfile, writeProfile } from "../../provider/hostlink/backends/networkmanager/profile.js";
import { v } from "../../provider/hostlink/backends/networkmanager/values.js";
import { checkLink } from "../../provider/hostlink/check.js";
import { compare } from "../../provider/schema/compare.js";
import { paths } from "../../provider/schema/tree.js";
import { withNetworkManager } from "../support/networkmanager.js";

const every: Inputs = {
  ...{ mac: "52:54:00:00:00:07", mtu: 1400, autoconnect: false },
  addresses: {
    addresses: ["192.0.2.5/24", "198.51.100.5/30", "2001:db8::5/64"],
    ...{ gateway: "192.0.2.1", gateway6: "fe80::1" },
    routes: [
      { destination: "10.0.0.0/8", via: "192.0.2.2", metric: 7 },
      { destination: "2001:db8:9::/48", via: "2001:db8::2" },
    ],
    ...{ dns: ["192.0.2.53", "2001:db8::53"], search: ["lab.test"] },
  },
};
const bond = (more: Inputs): Inputs => ({ ...every, ports: ["eth1"], ...more });
const MII = { miimon: 50, updelay: 100, downdelay: 150, useCarrier: false, allSlavesActive: true };

const links: Record<Kind, Inputs[]> = {
  bridge: [
    {
      ...{ ...every, ports: ["eth1"], stp: true, forwardDelay: 10, helloTime: 3, maxAge: 18, priority: 8 },
      ...{ ageingTime: 100, multicastSnooping: false },
    },
    { addresses: "dhcp" },
    { addresses: { ipv4: "dhcp", addresses: ["2001:db8::5/64"] } },
    { addresses: { ipv6: "auto", addresses: ["192.0.2.5/24"] } },
  ],
  bond: [
    bond({ mode: 0, ...MII, packetsPerSlave: 3, resendIgmp: 4 }),
    bond({ mode: "active-backup", ...MII, primary: "eth1", primaryReselect: "failure", failOverMac: "follow" }),
    bond({ mode: 1, ...MII, numGratArp: 5, peerNotifDelay: 200 }),
    bond({
      mode: 1,
      arpInterval: 100,
      arpIpTargets: ["192.0.2.1", "192.0.2.2"],
      arpValidate: "all",
      arpAllTargets: "all",
    }),
    bond({ mode: "balance-xor", ...MII, xmitHashPolicy: "encap3+4" }),
    bond({ mode: "broadcast", ...MII }),
    bond({
      ...{
        mode: "802.3ad",
        ...MII,
        lacpRate: "fast",
        adSelect: "count",
        adActorSysPrio: 9,
        adUserPortKey: 5,
        minLinks: 1,
      },
      adActorSystem: "52:54:00:00:00:09",
    }),
    bond({ mode: "balance-tlb", ...MII, tlbDynamicLb: false, lpInterval: 9 }),
    bond({ mode: 6, ...MII, lpInterval: 9 }),
  ],
  vlan: [
    { ...every, parent: "eth1", id: 4094, reorderHeaders: false, gvrp: true, mvrp: true, looseBinding: true },
    { parent: "eth1", id: 1 },
  ],
};

describe("a profile of NetworkManager", () => {
  const host = withNetworkManager(1);
  for (const [kind, list] of Object.entries(links) as [Kind, Inputs[]][]) {
    it(`holds every field of ${kind}, and tells it back`, async () => {
      const channel = channelOf(host().uri);
      assert.ok(channel);
      const bus = new Bus(channel);
      for (const [i, args] of list.entries()) {
        const desired = { name: `${kind}${i}`, ...args };
        assert.deepEqual(checkLink(kind, desired), []);
        const settings: Settings = {
          connection: { id: v("s", desired.name), type: v("s", kind), "interface-name": v("s", desired.name) },
        };
        writeProfile(kind, settings, desired, {});
        const add = ["/org/freedesktop/NetworkManager/Settings", "Settings.AddConnection2", "a{sa{sv}}ua{sv}"] as const;
        const path = (await bus.call(...add, [settings, 0x22, {}])) as string;
        const [there] = await bus.settings([path]);
        assert.ok(there);
        const { ports: _ports, name: _name, ...wanted } = desired as Inputs;
        const changes = (want: Inputs, was: Inputs) => compare(fieldsOf(kind), want, readProfile(kind, there), was);
        assert.deepEqual(changes(wanted, {}), [], JSON.stringify(desired));
        // Removed again, all but what a profile must have, it is as if it had never been said.
        const rest = Object.fromEntries(Object.entries(wanted).filter(([k]) => ["mode", "parent", "id"].includes(k)));
        writeProfile(kind, there, rest, wanted);
        const { mac: _mac, ...generatedKept } = wanted;
        assert.deepEqual(changes(rest, generatedKept), [], JSON.stringify(desired));
      }
      const set = new Set(list.flatMap((args) => Object.keys(args)));
      const missing = paths(fieldsOf(kind)).filter((p) => p !== "name" && !set.has(p.replace("[]", "")));
      assert.deepEqual(missing, []);
    });
  }
});
