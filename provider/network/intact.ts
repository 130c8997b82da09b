/**
 * Whether what libvirt made on the host for a running network is still there. libvirt itself does not notice when it is not
 * (networkGetXMLDesc and the rest answer from memory); only a restart of the network brings it back. Pure.
 */
import type { Vitals } from "../host/hosts.js";
import type { NetworkInfo } from "../libvirt/api.js";
import { parseCidr } from "../schema/net.js";
import { readNetwork } from "./document.js";

/** As ps writes a name on a host without the locale C.UTF-8: each byte beyond ASCII is "?". */
const masked = (name: string): string =>
  Buffer.from(name)
    .toString("latin1")
    .replaceAll(/[\x80-\xff]/g, "?");

/** What is gone, in words: `its bridge virbr0 is gone`. */
export function brokenParts(network: NetworkInfo, { masters, addresses, dnsmasqs }: Vitals): string[] {
  if (network.liveXml === undefined) return [];
  const { mode, bridgeName, values } = readNetwork(network.liveXml);
  if (mode === "bridge" || bridgeName === undefined) return [];
  if (!masters.has(bridgeName)) return [`its bridge ${bridgeName} is gone`];
  const broken: string[] = [];
  const ips = (values.ips ?? []) as { address: string; dhcp?: object }[];
  const there = new Set(addresses.filter((a) => a.device === bridgeName).map((a) => a.address));
  for (const { address } of ips) {
    // Those of IPv6 are tentative while no guest is on the bridge, and not listed then.
    const v4 = parseCidr(address)?.family === "ipv4";
    if (v4 && !there.has(address)) broken.push(`its address ${address} is not on ${bridgeName}`);
  }
  // networkStartDhcpDaemon: one for each network with an address, unless it has nothing to serve.
  const serves =
    ips.length > 0 && ((values.dns as { enable?: boolean } | undefined)?.enable !== false || ips.some((ip) => ip.dhcp));
  if (
    serves &&
    dnsmasqs &&
    !dnsmasqs.some((line) => line.includes(`/${network.name}.conf`) || line.includes(`/${masked(network.name)}.conf`))
  )
    broken.push("its dnsmasq does not run");
  return broken;
}
