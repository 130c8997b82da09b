/** What every kind of link has. */
import type { PriceTable } from "../../network/prices.js";
import { mac } from "../../schema/net.js";
import { addresses } from "../addressing.js";
import { deviceName, flag, whole } from "../fields.js";

export const everyLink = {
  /** Name of the device on the host, at most 15 characters. Default: that of the resource. */
  name: deviceName,
  /**
   * The host's own addresses here: `inherit`, those of the port, which gets them back when the link is deleted; `dhcp`; `none`; or
   * fixed ones. Default: `none`.
   */
  addresses,
  /** MAC of the device. Default: of a link with ports and addresses that of the port whose addresses `inherit` takes, else by which the host is managed, else of the first, written down; otherwise the kernel's choice. */
  mac: mac("@mac", { generated: true }),
  /** MTU in bytes, 68–65535. Default: the kernel's, 1500. */
  mtu: whole(68, 65535),
  /** Whether it is made again when the host starts; a Bridge or Bond by NetworkManager that has ports always is, for they bring it along. Default: true. */
  autoconnect: flag({ default: true }),
};

export const everyLinkPrices: PriceTable = {
  name: { impact: "replace", why: "a device with VMs on it is not renamed" },
  addresses: { impact: "live", why: "the host's addresses change while VMs stay connected" },
  mac: { impact: "replace", why: "NetworkManager sets it when the device is activated" },
  mtu: { impact: "live", why: "the device's MTU is set while it runs" },
  autoconnect: { impact: "none", why: "it counts when the host starts" },
  ports: { impact: "live", why: "ports come and go while the device runs" },
};
