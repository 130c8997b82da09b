/** Arguments of links that, taken together, set every field of each kind; the bonds one of each mode. */
import type { Inputs } from "../../provider/handler.js";
import type { Kind } from "../../provider/hostlink/args.js";

/** Every field that all kinds have. */
export const every: Inputs = {
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
const MII = { miimon: 50, updelay: 100, downdelay: 150, useCarrier: false, allSlavesActive: true };
const bond = (more: Inputs): Inputs => ({ ...every, ports: ["eth2", "eth3"], ...more });

/** By NIC eth2, eth3. */
export const fullLinks: Record<Kind, Inputs[]> = {
  bridge: [
    {
      ...{ ...every, ports: ["eth2"], stp: true, forwardDelay: 10, helloTime: 3, maxAge: 18, priority: 8 },
      ...{ ageingTime: 100, multicastSnooping: false, vlanFiltering: true, vlanDefaultPvid: 7 },
      vlans: [
        { port: "eth2", pvid: 10, untagged: [11], tagged: [20, "30-39"] },
        { port: "bridge0", pvid: 40, tagged: ["39-41"] },
      ],
    },
    { addresses: "dhcp" },
    { addresses: { ipv4: "dhcp", addresses: ["2001:db8::5/64"] } },
    { addresses: { ipv6: "auto", addresses: ["192.0.2.5/24"] } },
  ],
  bond: [
    bond({ mode: 0, ...MII, packetsPerSlave: 3, resendIgmp: 4 }),
    {
      mode: "active-backup",
      ports: ["eth2", "eth3"],
      ...MII,
      primary: "eth2",
      primaryReselect: "failure",
      failOverMac: "follow",
    },
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
      ...{ mode: "802.3ad", ...MII, lacpRate: "fast", adSelect: "count", adActorSysPrio: 9, adUserPortKey: 5 },
      ...{ minLinks: 1, adActorSystem: "52:54:00:00:00:09" },
    }),
    bond({ mode: "balance-tlb", ...MII, tlbDynamicLb: false, lpInterval: 9 }),
    bond({ mode: 6, ...MII, lpInterval: 9 }),
  ],
  vlan: [
    { ...every, parent: "eth2", vlanId: 4094, reorderHeaders: false, gvrp: true, mvrp: true, looseBinding: true },
    { parent: "eth2", vlanId: 1 },
  ],
};
