/** Where daemons differ: the one place that asks. Versions are libvirt's, major*1000000 + minor*1000 + release. */
import type { UpdateSection } from "../libvirt/api.js";
import type { Mode } from "./parts/forward.js";

export type Firewall = "iptables" | "nftables";

/** The daemon that first knew a field, where that is later than 5.0 ("Since" in libvirt's formatnetwork). Others drop it silently. */
export const FIELD_SINCE: Readonly<Record<string, number>> = {
  "bridge.zone": 5_001_000,
  dnsmasqOptions: 5_006_000,
  portIsolated: 6_001_000,
  "ips[].dhcp.ranges[].lease": 6_003_000,
  "ips[].dhcp.hosts[].lease": 6_003_000,
  "nat.ipv6": 6_005_000,
  title: 9_007_000,
  description: 9_007_000,
  "domain.register": 10_001_000,
};

/** VLAN tags on a Linux bridge; before, only on one of Open vSwitch. */
export const BRIDGE_VLAN_SINCE = 11_000_000;

export const has = (daemon: number, since: number): boolean => daemon >= since;

// networkUpdate drops the saved nftables removal commands when a section needs no firewall refresh
// (network/bridge_driver.c, virNetworkObjSetFwRemoval), from 10.4 (nftables backend) to at least 12.8.
const NFTABLES_SINCE = 10_004_000;
const LEAKING: ReadonlySet<UpdateSection> = new Set(["dns-host", "dns-txt", "dns-srv", "portgroup"]);

// Of these networkUpdate takes the firewall's rules away and sets them again.
const REFRESHING: ReadonlySet<UpdateSection> = new Set(["ip-dhcp-range", "ip-dhcp-host"]);

// For the others libvirt sets no rules (networkAddFirewallRules), so none can be left.
const FIREWALLED: ReadonlySet<Mode> = new Set(["nat", "route", "isolated"]);

/** Whether the daemon has a choice of firewall backend, so that it is worth finding out which it took. */
export const choosesFirewall = (daemon: number): boolean => has(daemon, NFTABLES_SINCE);

/** Whether the network's firewall rules are away for a moment while the section is changed live. */
export const refreshesFirewall = (section: UpdateSection, mode: Mode): boolean =>
  REFRESHING.has(section) && FIREWALLED.has(mode);

/** The firewall that they are in; undefined: none that is known. */
export function refreshedBy(
  section: UpdateSection,
  mode: Mode,
  host: { daemon: number; firewall?: Firewall },
): Firewall | undefined {
  if (!refreshesFirewall(section, mode)) return undefined;
  return choosesFirewall(host.daemon) ? host.firewall : "iptables";
}

/** Whether a live update of the section leaves no firewall rules behind; an unknown backend counts as nftables. */
export function keepsFirewallClean(
  section: UpdateSection,
  mode: Mode,
  host: { daemon: number; firewall?: Firewall },
): boolean {
  return (
    !LEAKING.has(section) || !FIREWALLED.has(mode) || !choosesFirewall(host.daemon) || host.firewall === "iptables"
  );
}
