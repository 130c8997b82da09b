/** Fields that every mode has, and those that every network with a bridge of its own has. */

import * as v from "valibot";
import { mac } from "../../schema/net.js";
import { int, line, object, oneOf, onOff, scalar, str, yesNo } from "../../schema/node.js";
import { bandwidth } from "../parts/bandwidth.js";
import { dns, domain } from "../parts/dns.js";
import { dnsmasqOptions } from "../parts/dnsmasq.js";
import { deviceName } from "../parts/forward.js";
import { ips } from "../parts/ips.js";
import { metadata } from "../parts/metadata.js";
import { routes } from "../parts/routes.js";
import { portGroups, vlan } from "../parts/switchport.js";

const networkName = v.pipe(
  line,
  v.check((s) => !s.includes("/"), "must not contain '/' (libvirt stores the network in a file of that name)"),
  v.check(
    (s) => Buffer.byteLength(s) <= 245,
    "must have at most 245 bytes (libvirt's files of that name have up to 10 more)",
  ),
);
// Newlines are kept in element text, so a description may have them.
const manyLines = v.pipe(
  v.string(),
  v.minLength(1, "must not be empty"),
  v.check((s) => !/[\u0000-\u0008\u000b\u000c\u000d\u000e-\u001f]/.test(s), "must not contain control characters"),
);

export const everyMode = {
  /** Name of the network on the host. Default: the Pulumi name. */
  name: str("name/text()", networkName, { generated: true }),
  /** Short title (daemon 9.7 and newer). Live. */
  title: str("title/text()"),
  /** Description (daemon 9.7 and newer). Live. */
  description: str("description/text()", manyLines),
  /** Elements of other applications, one for each namespace. */
  metadata,
  /** Groups of switch ports that NICs refer to. */
  portGroups,
  /** Guests may change their MAC and receive filters. Default: false. */
  trustGuestRxFilters: yesNo("@trustGuestRxFilters", { default: false }),
  /** Guests cannot reach each other on the bridge (libvirt: `<port isolated>`). Default: false. */
  portIsolated: yesNo("port/@isolated", { default: false }),
  /** VLAN tags of the guests' ports. On a Linux bridge from daemon 11.0 on. */
  vlan,
};

const bridge = object({
  /** Name of the bridge device, at most 15 characters. Default: `virbrN`, made by libvirt. */
  name: str("bridge/@name", deviceName, { generated: true }),
  /** Spanning tree. Default: true, which makes a starting network forward after about 4 s; `false` is quicker. */
  stp: onOff("bridge/@stp", { default: true }),
  /** Forward delay of the spanning tree, in s, 0–30. Default 0. */
  delay: scalar<number>("bridge/@delay", v.pipe(v.number(), v.minValue(0), v.maxValue(30)), Number, String, {
    default: 0,
  }),
  /** Zone of firewalld. Default: `libvirt`. Needs firewalld. */
  zone: str("bridge/@zone"),
  /** Who keeps the bridge's MAC table. Default: `kernel`. */
  macTableManager: oneOf("bridge/@macTableManager", ["kernel", "libvirt"]),
});

/** nat, route, open, isolated: libvirt makes the bridge. */
export const ownBridge = {
  ...everyMode,
  /** The bridge that libvirt makes. */
  bridge,
  /** MAC of the bridge. Default: made by libvirt, then kept. */
  mac: mac("mac/@address", { generated: true }),
  /** MTU in bytes, 68–65535. Default: the kernel's, 1500. */
  mtu: int("mtu/@size", 68, 65535),
  /** DNS domain. */
  domain,
  /** DNS server. */
  dns,
  /** Addresses of the host on the network, several if wanted, also in one subnet; the first in that of the DHCP is the guests' gateway, but in mode `isolated`, where they get none. */
  ips,
  /** Static routes of the host through this network. */
  routes,
  /** Guests may speak IPv6 to each other where the host has no IPv6 address here. Default: false. */
  ipv6: yesNo("@ipv6", { default: false }),
  /** Traffic shaping of the whole network. */
  bandwidth,
  /** Lines for dnsmasq's configuration, as they are: `dhcp-option=option:ntp-server,10.0.0.1`. libvirt does not vouch for them. */
  dnsmasqOptions,
};
