/** What a switch port can be told: VLAN tags, virtualport parameters, port groups. Source: libvirt formatnetwork. */
import * as v from "valibot";
import { int, line, list, object, oneOf, required, str, yesNo } from "../../schema/node.js";
import { bandwidth } from "./bandwidth.js";

const uuid = v.pipe(v.string(), v.regex(/^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i, "must be a UUID"));
const canonUuid = (v: string) => v.toLowerCase().replaceAll("-", "");

const vlanTag = object({
  /** VLAN id, 0–4095. */
  id: required(int("@id", 0, 4095)),
  /** How untagged traffic of a trunk is treated (Open vSwitch). */
  nativeMode: oneOf("@nativeMode", ["tagged", "untagged"]),
});

const vlanFields = object({
  /** Several tags can be carried; implied by several tags and by `nativeMode`. Default: false. */
  trunk: yesNo("vlan/@trunk", { default: false }),
  /** The VLAN tags. */
  tags: list("vlan", "tag", vlanTag, { key: (t) => String(t.id) }),
});

/** @example { tags: [{ id: 42 }] } */
export const vlan: typeof vlanFields = {
  ...vlanFields,
  // virNetDevVlanParse (conf/netdev_vlan_conf.c) sets trunk by itself then, and writes it.
  implied(value) {
    const tags = ((value.tags ?? []) as ({ nativeMode?: string } | undefined)[]).filter((t) => t !== undefined);
    if (tags.length > 1 || tags.some((t) => t.nativeMode !== undefined)) delete value.trunk;
  },
};

/** @example { type: "openvswitch", interfaceId: "09b11c53-8b5c-4eeb-8f00-d84eaa0aaa4f" } */
export const virtualport = object({
  /** Kind of virtual switch port. */
  type: oneOf("virtualport/@type", ["openvswitch", "802.1Qbg", "802.1Qbh", "midonet"]),
  /** Port profile: `openvswitch` and `802.1Qbh`. */
  profileId: str("virtualport/parameters/@profileid"),
  /** UUID of the interface: `openvswitch` and `midonet`. */
  interfaceId: str("virtualport/parameters/@interfaceid", uuid, { canon: canonUuid }),
  /** VSI manager, 0–255: `802.1Qbg`. */
  managerId: int("virtualport/parameters/@managerid", 0, 255),
  /** VSI type, 0–16777215: `802.1Qbg`. */
  typeId: int("virtualport/parameters/@typeid", 0, 16777215),
  /** VSI type version, 0–255: `802.1Qbg`. */
  typeIdVersion: int("virtualport/parameters/@typeidversion", 0, 255),
  /** VSI instance, a UUID: `802.1Qbg`. */
  instanceId: str("virtualport/parameters/@instanceid", uuid, { canon: canonUuid }),
});

const portGroup = object({
  /** Name that NICs refer to; unique in the network. */
  name: required(str("@name", line)),
  /** NICs that name no group are in this one; at most one group may be it. Default: false. */
  default: yesNo("@default", { default: false }),
  /** Guests may change their MAC and receive filters. Default: false. */
  trustGuestRxFilters: yesNo("@trustGuestRxFilters", { default: false }),
  /** Traffic shaping of each NIC of the group. */
  bandwidth,
  /** VLAN tags of the group's NICs. */
  vlan,
  /** Virtual switch port of the group's NICs. */
  virtualport,
});

export const portGroups = list("", "portgroup", portGroup, { key: (g) => String(g.name) });
