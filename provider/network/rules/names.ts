/** Names of devices and groups, and the reverse zone. */
import type { Failure } from "../../handler.js";
import { each, orLater, quote, subnets } from "./known.js";
import type { Rule, RuleArgs } from "./rule.js";

const ownBridgeName = (args: RuleArgs): string | undefined =>
  typeof args.bridge === "object" ? args.bridge.name : undefined;

// RNG deviceName, and what the kernel refuses (dev_valid_name).
const DEVICE = /^[a-zA-Z0-9_.\\-]+$/;

export const deviceNames: Rule = {
  says: "A device's name has letters, digits and _ . - only.",
  check: ({ args }) =>
    [
      { property: "bridge", value: typeof args.bridge === "string" ? args.bridge : undefined },
      { property: "bridge.name", value: ownBridgeName(args) },
      { property: "device", value: args.device },
      { property: "hostdev.device", value: args.hostdev?.device },
      ...each(args.macvtap?.interfaces, "macvtap.interfaces").map(({ item, path }) => ({
        property: path,
        value: item,
      })),
    ].flatMap(({ property, value }): Failure[] => {
      if (value === undefined || (DEVICE.test(value) && value !== "." && value !== "..")) return [];
      return [{ property, reason: `${quote(value)} is no name of a device: use letters, digits, "_", "." and "-"` }];
    }),
};

export const groupNames: Rule = {
  says: "A port group's name has letters, digits and _ . - : / only.",
  check: ({ args }) =>
    each(args.portGroups, "portGroups").flatMap(({ item, path }) =>
      item.name === undefined || /^[a-zA-Z0-9_.\\:/-]+$/.test(item.name)
        ? []
        : [
            {
              property: `${path}.name`,
              reason: `${quote(item.name)} has characters that libvirt's schema refuses: use letters, digits, "_", ".", "-", ":" and "/"`,
            },
          ],
    ),
};

const zone: Rule = {
  says: "A zone's name has letters, digits and _ - only.",
  check: ({ args }) => {
    const value = typeof args.bridge === "object" ? args.bridge.zone : undefined;
    return value === undefined || /^[a-zA-Z0-9_-]+$/.test(value)
      ? []
      : [
          {
            property: "bridge.zone",
            reason: `${quote(value)} has characters that libvirt's schema refuses: use the name of a zone of firewalld`,
          },
        ];
  },
};

/** A network of mode `bridge` on the own bridge of another. */
export const sharesBridge = (bridge: string, on: { name: string; from: string }): string =>
  `${bridge} is the bridge that network ${quote(on.name)} of ${on.from} is on, and libvirt defines no network whose own bridge another one names (virNetworkObjBridgeInUse)`;

// libvirt refuses the name of another network's bridge at define, that of another device at start.
const bridgeFree: Rule = {
  says: "The bridge has a name that no other network and no device of the host has.",
  check: ({ args }, around) => {
    const bridge = ownBridgeName(args);
    if (bridge === undefined || args.name === undefined) return [];
    const user = around.others?.find((o) => o.bridge === bridge && o.name !== args.name);
    if (user) {
      return [
        {
          property: "bridge.name",
          reason: `${bridge} is the bridge of network ${quote(user.name)} of ${user.from}: choose another name, or leave it out${orLater(user)}`,
        },
      ];
    }
    const own = around.others?.some((o) => o.name === args.name && o.bridge === bridge);
    // Where both are there, live changes go on, and the price refuses others.
    const guest = own ? undefined : around.others?.find((o) => o.on === bridge && o.name !== args.name);
    if (guest) return [{ property: "bridge.name", reason: `${sharesBridge(bridge, guest)}: choose another name` }];
    if (own || !around.others || !around.hostDevices?.includes(bridge)) return [];
    return [
      {
        property: "bridge.name",
        reason: `${bridge} is a device of the host already: choose another name, or use mode "bridge" to put the network on it`,
      },
    ];
  },
};

const reverse: Rule = {
  says: "A reverse zone has a prefix length that DNS can cut: 8, 16 or 24, of IPv6 a multiple of 4.",
  check: ({ args }) =>
    subnets(args).flatMap(({ item, path, cidr }) => {
      if (!item.localPtr) return [];
      const v4 = cidr.family === "ipv4";
      if (v4 ? [8, 16, 24].includes(cidr.prefix) : cidr.prefix % 4 === 0) return [];
      return [
        {
          property: `${path}.localPtr`,
          reason: `is true, but ${item.address} has prefix length ${cidr.prefix}, and libvirt makes a reverse zone of ${v4 ? "8, 16 or 24" : "multiples of 4"} only: remove it, or change the prefix`,
        },
      ];
    }),
};

export const nameRules: readonly Rule[] = [deviceNames, groupNames, zone, bridgeFree, reverse];
