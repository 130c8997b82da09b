/**
 * `hostdev`: the guest has a virtual function of a host's NIC (SR-IOV) for itself.
 *
 * @example
 * new virtnet.VmInterface("web-fast", { domain: "web", hostdev: { address: { bus: 3, slot: 16, function: 1 }, managed: true } });
 */
import { pciAddressAt } from "../../network/parts/forward.js";
import { virtualport, vlan } from "../../network/parts/switchport.js";
import { object, oneOf, required, yesNo } from "../../schema/node.js";
import { descend } from "../../schema/xml.js";
import { everySourcePrices } from "../prices.js";
import { hostdevRules } from "../rules/index.js";
import type { Source } from "../source.js";
import { everySource } from "./common.js";

const plugged = { impact: "replug", why: "the device is set up when it is handed to the guest" } as const;

export const hostdev = {
  source: "hostdev",
  fields: object({
    /** The virtual function. */
    hostdev: required(
      object(
        {
          /** Its PCI address on the host. */
          address: required(pciAddressAt("source/address/")),
          /** libvirt detaches it from its host driver, and gives it back. Default: false. */
          managed: yesNo("@managed", { default: false }),
          /** Driver that hands it to the guest. Default: libvirt's. */
          driver: oneOf("driver/@name", ["vfio", "kvm"]),
        },
        (el, present) => {
          if (present) descend(el, "source/address", true)?.setAttribute("type", "pci");
        },
      ),
    ),
    ...everySource,
    /** VLAN tags, set at the virtual function. */
    vlan,
    /** Parameters of the virtual switch port: `802.1Qbh`. */
    virtualport,
  }),
  rules: hostdevRules,
  prices: { ...everySourcePrices, hostdev: plugged, vlan: plugged, virtualport: plugged },
} satisfies Source;
