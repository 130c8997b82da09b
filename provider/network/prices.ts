/**
 * What the change of a field costs. A row covers everything below its path; the longest path that fits counts; an
 * unknown path counts as the most disruptive. Facts: virNetworkDefUpdateSection (conf/network_conf.c) and networkUpdate
 * (network/bridge_driver.c) for what libvirt changes live.
 */
import type { UpdateSection } from "../libvirt/api.js";

/** How long a NIC is gone that is unplugged and plugged, in words (docs/benchmarks.md). */
export const REPLUG_TAKES = "about 0.2 s where its guest releases it at once, and until that has set it up again";

/** From harmless to costly. `replug`: each NIC gets a new port (a tap moves without its guest noticing, others are unplugged and plugged); `restart`: the network goes down for a moment. */
export const IMPACTS = ["none", "live", "replug", "restart", "replace"] as const;
export type Impact = (typeof IMPACTS)[number];

export interface Price {
  impact: Impact;
  /** Section of virNetworkUpdate that changes an item while the network runs. */
  section?: UpdateSection;
  /** The running copy has no use for it: only the stored definition is compared and changed. */
  storedOnly?: boolean;
  /** Why, in a sentence's second half: "the bridge is made anew". */
  why: string;
}

export type PriceTable = Readonly<Record<string, Price>>;

const restart = (why: string): Price => ({ impact: "restart", why });
const live = (section: UpdateSection, why: string): Price => ({ impact: "live", section, why });
const stored = (why: string): Price => ({ impact: "none", storedOnly: true, why });

export const everyModePrices: PriceTable = {
  mode: restart("forwarding and the firewall's rules are set when a network starts"),
  name: restart("libvirt does not rename a network: it is undefined and defined anew, with the same UUID"),
  title: stored("a text that only the definition holds"),
  description: stored("a text that only the definition holds"),
  metadata: stored("only the definition holds it"),
  portGroups: live(
    "portgroup",
    "libvirt changes port groups of a running network; NICs that are plugged keep what they have until they are plugged anew",
  ),
  trustGuestRxFilters: restart("libvirt reads it when a NIC is plugged, from the running network"),
  portIsolated: restart("libvirt reads it when a NIC is plugged, from the running network"),
  vlan: restart("libvirt reads it when a NIC is plugged, from the running network"),
};

export const ownBridgePrices: PriceTable = {
  ...everyModePrices,
  bridge: restart("the bridge device is made when the network starts"),
  mac: restart("the bridge device is made when the network starts"),
  mtu: restart("the bridge's MTU is set when the network starts"),
  domain: restart("dnsmasq reads it when it starts, and libvirt has no live call for it"),
  dns: restart("dnsmasq reads it when it starts, and libvirt has no live call for it"),
  "dns.hosts": live("dns-host", "dnsmasq reads its hosts file anew"),
  "dns.txts": live("dns-txt", "libvirt restarts dnsmasq; leases stay"),
  "dns.srvs": live("dns-srv", "libvirt restarts dnsmasq; leases stay"),
  ips: restart("addresses are set when the network starts"),
  "ips[].dhcp.ranges": live(
    "ip-dhcp-range",
    "libvirt restarts dnsmasq, leases stay; it also sets the firewall's rules anew, which are kept meanwhile where commands can be run on the host",
  ),
  "ips[].dhcp.hosts": live(
    "ip-dhcp-host",
    "dnsmasq reads its hosts file anew; libvirt also sets the firewall's rules anew, which are kept meanwhile where commands can be run on the host",
  ),
  routes: restart("routes are set when the network starts"),
  ipv6: restart("the firewall's rules are set when the network starts"),
  bandwidth: restart("shaping is set when the network starts"),
  dnsmasqOptions: restart("dnsmasq reads its configuration when it starts"),
};

/** The row that covers a path pattern. */
export function priceOf(table: PriceTable, row: string): Price {
  for (let at = row; ; ) {
    const hit = table[at] ?? table[at.replace(/\[\]$/, "")];
    if (hit) return hit;
    const cut = Math.max(at.lastIndexOf("."), at.lastIndexOf("["));
    if (cut <= 0) return { impact: "replace", why: "nothing is known of this field" };
    at = at.slice(0, cut);
  }
}

export function worst(impacts: readonly Impact[]): Impact {
  return impacts.reduce<Impact>((a, b) => (IMPACTS.indexOf(b) > IMPACTS.indexOf(a) ? b : a), "none");
}

/** Why changes cost what they cost, each reason once. */
export const reasons = (prices: readonly Price[]): string => [...new Set(prices.map((p) => p.why))].join("; ");

/** What is said of a plan that costs more than `maxImpact` allows; undefined where it does not. */
export function tooCostly(
  object: string,
  plan: { impact: Impact; steps: readonly { impact: Impact; why: string; changes: readonly string[] }[] },
  max: Impact | undefined,
): string | undefined {
  if (max === undefined || IMPACTS.indexOf(plan.impact) <= IMPACTS.indexOf(max)) return undefined;
  const costly = plan.steps.filter((s) => IMPACTS.indexOf(s.impact) > IMPACTS.indexOf(max));
  const what = costly.map((s) => `${s.changes.join(", ")} (${s.impact}: ${s.why})`).join("; ");
  return `${object}: maxImpact is "${max}", but ${what}: allow "${plan.impact}" or take the change back`;
}
