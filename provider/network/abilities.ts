/** Where daemons differ: the one place that asks. */
import type { UpdateSection } from "../libvirt/api.js";
import type { Mode } from "./parts/forward.js";

// networkUpdate drops the saved nftables removal commands when a section needs no firewall refresh
// (network/bridge_driver.c, virNetworkObjSetFwRemoval), from 10.4 (nftables backend) to at least 12.8.
const NFTABLES_SINCE = 10_004_000;
const LEAKING: ReadonlySet<UpdateSection> = new Set(["dns-host", "dns-txt", "dns-srv", "portgroup"]);

// For the others libvirt sets no rules (networkAddFirewallRules), so none can be left.
const FIREWALLED: ReadonlySet<Mode> = new Set(["nat", "route", "isolated"]);

/** Whether a live update of the section leaves no firewall rules behind; an unknown backend counts as nftables. */
export function keepsFirewallClean(
  section: UpdateSection,
  mode: Mode,
  host: { daemon: number; firewall?: "iptables" | "nftables" },
): boolean {
  return !LEAKING.has(section) || !FIREWALLED.has(mode) || host.daemon < NFTABLES_SINCE || host.firewall === "iptables";
}
