/** Fields that several kinds of source have. */
import * as v from "valibot";
import { bandwidth } from "../../network/parts/bandwidth.js";
import { deviceName } from "../../network/parts/forward.js";
import { virtualport, vlan } from "../../network/parts/switchport.js";
import { mac } from "../../schema/net.js";
import { int, line, object, oneOf, str, yesNo } from "../../schema/node.js";
import { driver } from "../parts/driver.js";
import { filter } from "../parts/filter.js";

// virDomainDeviceAliasIsUserAlias and USER_ALIAS_CHARS (conf/domain_conf.c): what does not fit is dropped in silence.
const userAlias = v.pipe(
  line,
  v.regex(/^ua-[a-zA-Z0-9_-]+$/, 'must begin with "ua-" and have letters, digits, "_" and "-" only'),
);
const modelName = v.pipe(v.string(), v.regex(/^[a-zA-Z0-9_-]+$/, 'must have letters, digits, "_" and "-" only'));

export const everySource = {
  /** MAC of the guest's NIC. Default: made from project, stack and resource, then kept. A change replaces the NIC, the old one first. */
  mac: mac("mac/@address", { generated: true }),
  /** Name of the device in libvirt: `ua-…`. Default: one that says whose NIC it is; with another the NIC carries no owner mark. */
  alias: str("alias/@name", userAlias, { generated: true }),
  /** Place in the VM's boot order, from 1. Counts when the VM starts. */
  bootOrder: int("boot/@order", 1, 1000),
};

const link = oneOf("link/@state", ["up", "down"], { default: "up" });
const linkState: typeof link = {
  ...link,
  // check fills in `up`; where libvirt's definition says nothing, it says that.
  write: (el, value) => {
    if (value !== "up" || link.read(el) !== undefined) link.write(el, value);
  },
};

/** Devices that QEMU makes. */
export const emulated = {
  ...everySource,
  /** Kind of device in the guest: `virtio`, `e1000e`, `e1000`, `rtl8139` … Default: `virtio` for a new NIC; an adopted one keeps its own. */
  model: str("model/@type", modelName, { generated: true }),
  /** Options of a `virtio` device. */
  driver,
  /** Whether the guest sees a link. Default: `up`. */
  linkState,
};

/** Devices that have a counterpart on the host. */
export const onHost = {
  ...emulated,
  /** Name of the device on the host, at most 15 characters. Default: `vnetN` or `macvtapN`, another at each start. */
  targetDevice: str("target/@dev", deviceName, { generated: true }),
  /** Traffic shaping. */
  bandwidth,
  /** The guest may change its MAC and receive filters. Default: false. */
  trustGuestRxFilters: yesNo("@trustGuestRxFilters", { default: false }),
  /** VLAN tags; what carries them: Open vSwitch, `hostdev`, `direct` in mode `passthrough`, a Linux bridge from daemon 11.0 on. */
  vlan,
  /** Parameters of the virtual switch port. */
  virtualport,
};

/** Taps on a bridge. */
export const bridged = {
  ...onHost,
  /** A network filter of the host. */
  filter,
  /** MTU in bytes, 68–65535. Default: that of the bridge. */
  mtu: int("mtu/@size", 68, 65535),
  /** The guest cannot reach other isolated guests of the bridge. Default: false. */
  isolated: yesNo("port/@isolated", { default: false }),
  /** How interrupts of the host's device are gathered. */
  coalesce: object({
    /** Packets that are received before an interrupt. */
    rxMaxFrames: int("coalesce/rx/frames/@max", 1, 4294967295),
  }),
};
