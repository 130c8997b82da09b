/** Where daemons differ: the one place that asks. */
import type { UpdateSection } from "../libvirt/api.js";

// networkUpdate drops the saved nftables removal commands when a section needs no firewall refresh
// (network/bridge_driver.c, virNetworkObjSetFwRemoval), from 10.4 (nftables backend) to at least 12.8.
const NFTABLES_SINCE = 10_004_000;
const LEAKING: ReadonlySet<UpdateSection> = new Set(["dns-host", "dns-txt", "dns-srv", "portgroup"]);

/** Whether a live update of the section leaves no firewall rules behind; an unknown backend counts as nftables. */
export function keepsFirewallClean(section: UpdateSection, host: { daemon: number; firewall?: "iptables" | "nftables" }): boolean {
  return !LEAKING.has(section) || host.daemon < NFTABLES_SINCE || host.firewall === "iptables";
}
