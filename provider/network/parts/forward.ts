/** How a network reaches the outside: libvirt's `<forward>` element. */
import * as v from "valibot";
import { ip, ipv4 } from "../../schema/net.js";
import {
  int,
  line,
  list,
  object,
  oneOf,
  type Place,
  place,
  required,
  type ScalarNode,
  scalar,
  str,
  whole,
  yesNo,
} from "../../schema/node.js";
import { addChild, child, children, type Element } from "../../schema/xml.js";

export const MODES = ["nat", "route", "open", "isolated", "bridge"] as const;
export type Mode = (typeof MODES)[number];

/** libvirt's own value of `forward mode=`; absent: isolated; empty: nat (virNetworkForwardDefParseXML). */
export function forwardMode(el: Element): string {
  const f = child(el, "forward");
  if (!f) return "none";
  return f.getAttribute("mode") || "nat";
}

/** Our mode of a document: everything libvirt puts on devices that exist already is `bridge`. */
export function modeOf(el: Element): Mode {
  const m = forwardMode(el);
  if (m === "none") return "isolated";
  return m === "nat" || m === "route" || m === "open" ? m : "bridge";
}

/** The field `mode` of one mode. */
export function modeField<M extends Mode>(mode: M): ScalarNode<M> & { required: true } {
  const at: Place = {
    get: modeOf,
    set(el, value) {
      const f = child(el, "forward");
      if (value === "isolated" || value === undefined) {
        if (f) el.removeChild(f);
      } else (f ?? addChild(el, "forward")).setAttribute("mode", value);
    },
  };
  return required(
    scalar<M>(
      at,
      v.literal(mode),
      (s) => s as M,
      (v) => v,
    ),
  );
}

// libvirt keeps `dev` and `<interface dev>` alike and writes both (virNetworkForwardDefFormat): set and removed together.
const devicePlace: Place = {
  get: (el) => place("forward/@dev").get(el) ?? place("forward/interface/@dev").get(el),
  set(el, value) {
    const f = child(el, "forward");
    if (!f) return;
    for (const i of children(f, "interface")) f.removeChild(i);
    if (value === undefined) f.removeAttribute("dev");
    else f.setAttribute("dev", value);
  },
};

export const deviceName = v.pipe(
  line,
  v.maxLength(15, "must be a device name of at most 15 characters (IFNAMSIZ)"),
  v.regex(/^[^\s/:]+$/, "must be a device name"),
);

export const device = str(devicePlace, deviceName);

const addresses = object({
  /** First address that masquerading uses. */
  start: required(ip("forward/nat/address/@start", ipv4)),
  /** Last address that masquerading uses. */
  end: required(ip("forward/nat/address/@end", ipv4)),
});

const ports = object({
  /** First port that masquerading uses, 1–65535. */
  start: required(int("forward/nat/port/@start", 1, 65535, { default: 1024 })),
  /** Last port that masquerading uses, 1–65535. */
  end: required(int("forward/nat/port/@end", 1, 65535, { default: 65535 })),
});

export const nat = object({
  /** Masquerades IPv6 as well; without it IPv6 is routed and visible from outside. Default: false. */
  ipv6: yesNo("forward/nat/@ipv6", { default: false }),
  /** Range of the host's addresses to use. Default: the address of the outgoing device. */
  addresses,
  /** Range of ports to use. Default: 1024–65535. */
  ports,
});

// ---- what exists already: macvtap and hostdev pools ---------------------------------------------------------------

const interfaceName = scalar<string>(
  "@dev",
  deviceName,
  (s) => s,
  (v) => v,
);

const macvtapMode: Place = {
  get: (el) => {
    const m = forwardMode(el);
    if (m === "vepa" || m === "private" || m === "passthrough") return m;
    return m === "bridge" && !child(el, "bridge") ? "bridge" : undefined;
  },
  set(el, value) {
    if (value !== undefined) (child(el, "forward") ?? addChild(el, "forward")).setAttribute("mode", value);
  },
};

export const macvtap = object(
  {
    /** How macvtap devices on one NIC reach each other. `bridge`: directly; `vepa`: through the switch; `private`: not at all; `passthrough`: one guest a device. */
    mode: required(
      scalar<"bridge" | "vepa" | "private" | "passthrough">(
        macvtapMode,
        v.picklist(["bridge", "vepa", "private", "passthrough"]),
        (s) => s as "bridge",
        (v) => v,
      ),
    ),
    /** Host devices, a pool: each guest gets the one with the fewest connections. Adding and removing is live. */
    interfaces: required(list("forward", "interface", interfaceName, { key: (d) => d })),
  },
  (el, present) => {
    // libvirt writes the first of the pool as `dev` too; left behind it would count as one more of the pool.
    child(el, "forward")?.removeAttribute("dev");
    if (!present) child(el, "forward")?.setAttribute("mode", "bridge");
  },
);

const hex = (spec: string, digits: number, max: number) =>
  scalar<number>(spec, whole(0, max), Number, (v) => `0x${v.toString(16).padStart(digits, "0")}`);

const pciAddress = object({
  /** PCI domain, 0–65535. Default 0. */
  domain: { ...hex("@domain", 4, 0xffff), default: 0 },
  /** PCI bus, 0–255. */
  bus: required(hex("@bus", 2, 0xff)),
  /** PCI slot, 0–31. */
  slot: required(hex("@slot", 2, 0x1f)),
  /** PCI function, 0–7. */
  function: required(hex("@function", 1, 7)),
});

export const hostdev = object(
  {
    /** Physical function whose virtual functions make the pool: `eth2`. Or `addresses`. */
    device: str("forward/pf/@dev", deviceName),
    /** Virtual functions of the pool by PCI address. Or `device`. */
    addresses: list("forward", "address", pciAddress, {
      key: (a) => [a.domain ?? 0, a.bus, a.slot, a.function].join(":"),
    }),
    /** libvirt detaches the device from its host driver, and gives it back. Default: false. */
    managed: yesNo("forward/@managed", { default: false }),
    /** Driver that hands the device to the guest. Default: libvirt's. */
    driver: oneOf("forward/driver/@name", ["vfio", "kvm"]),
  },
  (el, present) => {
    const f = child(el, "forward") ?? addChild(el, "forward");
    if (present) {
      f.setAttribute("mode", "hostdev");
      for (const e of children(f, "address")) e.setAttribute("type", "pci");
      return;
    }
    for (const name of ["pf", "address", "driver"]) for (const e of children(f, name)) f.removeChild(e);
    if (f.getAttribute("mode") === "hostdev") f.setAttribute("mode", "bridge");
  },
);
