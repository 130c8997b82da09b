/**
 * libvirt removes the list of leases with a network's definition (networkRemoveInactive), also when the network is only
 * renamed. Where a command can be run on the host, the list is kept aside meanwhile; the file has the bridge's name
 * (virDnsmasq: leaseshelper.c reads it when dnsmasq starts). Without a channel guests keep their addresses, and ask for them
 * again when they renew.
 */
import type { Channel } from "../host/channel.js";
import { readNetwork } from "./document.js";

function fileOf(networkXml: string): string | undefined {
  const { mode, bridgeName } = readNetwork(networkXml);
  // A name that is no plain file name never gets that far; a path must not be made of it anyway.
  if (mode === "bridge" || bridgeName === undefined || !/^[\w.-]+$/.test(bridgeName)) return undefined;
  return `/var/lib/libvirt/dnsmasq/${bridgeName}.status`;
}

/** Before the definition goes. */
export async function keepLeases(channel: Channel | undefined, networkXml: string): Promise<void> {
  const file = fileOf(networkXml);
  if (channel && file !== undefined) await channel.run(["cp", "-p", file, `${file}.kept`]);
}

/** When it is there again, before it starts. */
export async function bringLeases(channel: Channel | undefined, networkXml: string): Promise<void> {
  const file = fileOf(networkXml);
  if (channel && file !== undefined) await channel.run(["mv", `${file}.kept`, file]);
}
