/**
 * What the change of a field costs on a running VM. Facts: qemuDomainChangeNet (qemu/qemu_hotplug.c) for what libvirt
 * changes live. Where daemons differ: `abilities.ts`.
 */
import type { Price, PriceTable } from "../network/prices.js";

export type { PriceTable };

const replug = (why: string): Price => ({ impact: "replug", why });
const live = (why: string): Price => ({ impact: "live", why });

const device = replug("the guest's device is made with it");

export const everySourcePrices: PriceTable = {
  mac: { impact: "replace", why: "the MAC is what a NIC is known by" },
  alias: replug("a device keeps its alias as long as it is plugged"),
  bootOrder: { impact: "none", storedOnly: true, why: "it counts when the VM starts" },
};

export const emulatedPrices: PriceTable = {
  ...everySourcePrices,
  model: device,
  driver: device,
  linkState: live("the guest sees its cable pulled or plugged"),
};

export const hostPrices: PriceTable = {
  ...emulatedPrices,
  targetDevice: replug("the host's device is made with its name"),
  bandwidth: live("libvirt sets the shaping of the running NIC"),
  trustGuestRxFilters: live("libvirt changes the running NIC"),
};

export const bridgedPrices: PriceTable = {
  ...hostPrices,
  filter: live("libvirt sets the filter's rules anew"),
  mtu: device,
  isolated: live("libvirt sets it at the port of the bridge"),
  coalesce: live("libvirt sets it at the host's device"),
  vlan: live("libvirt sets the tags of the port"),
  virtualport: live("libvirt plugs the host's device into its bridge anew; the guest does not see it"),
};

export const moved = live("libvirt plugs the host's device into the other bridge; the guest does not see it");
