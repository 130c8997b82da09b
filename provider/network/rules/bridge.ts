/** Rules of mode `bridge`: on which of the host's devices, and what goes with it. */
import type { Failure } from "../../handler.js";
import { bridgeBandwidthRules } from "./bandwidth.js";
import { commonRules } from "./common.js";
import { each, orLater, quote } from "./known.js";
import { portGroupRules } from "./portgroups.js";
import type { Rule, Surroundings } from "./rule.js";
import { bridgeVirtualportRules } from "./virtualport.js";

const ON = ["bridge", "macvtap", "hostdev"] as const;

const oneDevice: Rule = {
  says: "The network is on exactly one of bridge, macvtap and hostdev.",
  check: ({ args, isSet }) => {
    const [first, ...more] = ON.filter((f) => args[f] !== undefined);
    if (!ON.some(isSet))
      return [
        { property: "bridge", reason: "is missing: name the bridge that the guests are on, or set macvtap or hostdev" },
      ];
    return more.map((f) => ({ property: f, reason: `is set beside ${first}: keep one of the two` }));
  },
};

const pool: Rule = {
  says: "A pool of macvtap has at least one device.",
  check: ({ args }) =>
    args.macvtap?.interfaces?.length === 0
      ? [{ property: "macvtap.interfaces", reason: "is empty, and no NIC could be plugged: name a device of the host" }]
      : [],
};

const functions: Rule = {
  says: "A pool of hostdev is given by exactly one of device and addresses.",
  check: ({ args, isSet }): Failure[] => {
    if (!args.hostdev) return [];
    const { device, addresses } = args.hostdev;
    if (device !== undefined && addresses !== undefined)
      return [{ property: "hostdev.addresses", reason: "is set beside hostdev.device: keep one of the two" }];
    if (!isSet("hostdev.device") && !isSet("hostdev.addresses"))
      return [
        {
          property: "hostdev.device",
          reason: "is missing: name the physical function, or give addresses of virtual functions",
        },
      ];
    return addresses?.length === 0
      ? [
          {
            property: "hostdev.addresses",
            reason: "is empty, and no NIC could be plugged: give the address of a virtual function",
          },
        ]
      : [];
  },
};

const macTable: Rule = {
  says: "A MAC table manager needs a bridge.",
  check: ({ args, isSet }) =>
    args.macTableManager !== undefined && !isSet("bridge")
      ? [{ property: "macTableManager", reason: "is set, but there is no bridge: remove it" }]
      : [],
};

const isolatedPorts: Rule = {
  says: "Isolated ports need a Linux bridge.",
  check: ({ args }) => {
    if (args.portIsolated !== true) return [];
    const port = args.virtualport?.type;
    const on = args.macvtap ? "macvtap" : args.hostdev ? "hostdev" : port && `a virtual port of ${port}`;
    return on === undefined
      ? []
      : [
          {
            property: "portIsolated",
            reason: `is true, but ports are isolated by a Linux bridge only, and this network is on ${on}: remove it`,
          },
        ];
  },
};

// libvirt defines and starts such a network all the same; only the guest's start fails.
const there: Rule = {
  says: "The devices that the network is on are there.",
  check: ({ args }, around) => [
    ...absent("bridge", typeof args.bridge === "string" ? args.bridge : undefined, around),
    ...absent("hostdev.device", args.hostdev?.device, around),
    ...each(args.macvtap?.interfaces, "macvtap.interfaces").flatMap(({ item, path }) => absent(path, item, around)),
  ],
};

// libvirt takes this one, and refuses each later definition of the other (virNetworkObjBridgeInUse looks at all networks).
const ofHost: Rule = {
  says: "The bridge is no other network's own.",
  check: ({ args }, around) => {
    const { bridge, name } = args;
    if (typeof bridge !== "string" || name === undefined) return [];
    const owner = around.others?.find((o) => o.bridge === bridge && o.name !== name);
    const isThere = around.others?.some((o) => o.name === name && o.from === "the host" && o.on === bridge);
    if (!owner || isThere) return [];
    return [
      {
        property: "bridge",
        reason: `${bridge} is the own bridge of network ${quote(owner.name)} of ${owner.from}, which libvirt would not let anybody change any more: let NICs name that network (portGroups tell them apart), or use a bridge of the host${orLater(owner)}`,
      },
    ];
  },
};

const fit: Rule = {
  says: "The bond below the bridge is one that VMs can be bridged onto.",
  check: ({ args }, { unfitBridge }) =>
    typeof args.bridge === "string" && unfitBridge !== undefined ? [{ property: "bridge", reason: unfitBridge }] : [],
};

function absent(property: string, device: string | undefined, around: Surroundings): Failure[] {
  if (device === undefined || !around.hostDevices || around.hostDevices.includes(device)) return [];
  return [
    {
      property,
      reason: `${quote(device)} is no device of the host: name one that is there, or make it first (virtnet.Bridge, Bond, Vlan)`,
    },
  ];
}

export const bridgeRules: readonly Rule[] = [
  oneDevice,
  pool,
  functions,
  macTable,
  isolatedPorts,
  there,
  ofHost,
  fit,
  ...commonRules,
  ...portGroupRules,
  ...bridgeBandwidthRules,
  ...bridgeVirtualportRules,
];
