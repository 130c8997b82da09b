/**
 * A bond: several NICs as one.
 *
 * ```ts
 * new virtnet.Bond("bond0", { mode: "active-backup", ports: ["eno1", "eno2"], addresses: "inherit" });
 * ```
 *
 * Options, ranges and defaults as in the kernel (drivers/net/bonding/bond_options.c, Documentation/networking/bonding.rst).
 */
import * as v from "valibot";
import type { PriceTable } from "../../network/prices.js";
import { canonIp, ipv4, mac } from "../../schema/net.js";
import { list, object, required, type Shape } from "../../schema/node.js";
import type { LinkKind } from "../args.js";
import { choice, deviceName, devices, flag, value, whole } from "../fields.js";
import { bondRules } from "../rules/bond.js";
import { BOND_MODES } from "../rules/fit.js";
import { everyLink, everyLinkPrices } from "./common.js";

/** How a bond uses its ports: by name or by number. */
export type BondMode = (typeof BOND_MODES)[number] | 0 | 1 | 2 | 3 | 4 | 5 | 6;

const modeShape = v.picklist([...BOND_MODES, 0, 1, 2, 3, 4, 5, 6]) as Shape<BondMode>;

const live = (why: string) => ({ impact: "live", why }) as const;
const anew = (why: string) => ({ impact: "replace", why }) as const;
const TIMERS = "the bond's timers are set while it runs";
const WATCH = "ports are looked at anew, and may be taken for down until they have been";

/** What NetworkManager 1.42 changes while the bond runs (OPTIONS_REAPPLY_FULL in nm-device-bond.c); test/lab tries those of modes 0, 1, 4 and 5. */
const prices: PriceTable = {
  ...everyLinkPrices,
  mode: anew("the kernel changes the mode of a bond without ports only"),
  miimon: live(TIMERS),
  updelay: live(TIMERS),
  downdelay: live(TIMERS),
  peerNotifDelay: live(TIMERS),
  lpInterval: live(TIMERS),
  primary: live("traffic may move to another port"),
  primaryReselect: live("it counts when a port comes back"),
  resendIgmp: live("it counts when a port fails"),
  useCarrier: live(WATCH),
  arpInterval: live(WATCH),
  arpIpTargets: live(WATCH),
  arpValidate: live(WATCH),
  arpAllTargets: live(WATCH),
  xmitHashPolicy: live("flows may move to another port"),
  packetsPerSlave: live("the turns of the ports change"),
  minLinks: live("with fewer ports than that the bond has no carrier"),
  allSlavesActive: live("it counts for the next frame"),
  numGratArp: anew("NetworkManager refuses to change it on a bond that runs"),
  failOverMac: anew("the kernel changes it on a bond without ports only"),
  lacpRate: anew("the kernel changes it on a bond that is down only"),
  adSelect: anew("the kernel changes it on a bond that is down only"),
  adActorSysPrio: anew("the kernel changes it on a bond that is down only"),
  adActorSystem: anew("the kernel changes it on a bond that is down only"),
  adUserPortKey: anew("the kernel changes it on a bond that is down only"),
  tlbDynamicLb: anew("the kernel changes it on a bond that is down only"),
};

export const bond = {
  kind: "bond",
  fields: object({
    ...everyLink,
    /** NICs of the host that are joined. Default: none. */
    ports: devices,
    /**
     * How ports are used, by name or number: `balance-rr` 0, `active-backup` 1, `balance-xor` 2, `broadcast` 3, `802.3ad` 4 (needs a switch
     * with LACP), `balance-tlb` 5, `balance-alb` 6. Virtual machines can be bridged onto 1, 2 and 4 only.
     */
    mode: required(
      value<BondMode>(modeShape, { canon: (mode) => (typeof mode === "number" ? BOND_MODES[mode] : mode) }),
    ),
    /** Time between two looks at a port's carrier, in ms, 0–2147483647; 0: none. Default: 100, or 0 with `arpInterval`. */
    miimon: whole(0, 2147483647, { default: 100 }),
    /** How long a port is up before it is used, in ms; a multiple of `miimon`. Default: 0. */
    updelay: whole(0, 2147483647, { default: 0 }),
    /** How long a port is down before it is given up, in ms; a multiple of `miimon`. Default: 0. */
    downdelay: whole(0, 2147483647, { default: 0 }),
    /** Ask the driver for the carrier instead of the MII registers. Default: true. */
    useCarrier: flag({ default: true }),
    /** Time between two ARP probes instead of looking at the carrier, in ms, 0–2147483647; modes 0 to 3. Default: 0, none. */
    arpInterval: whole(0, 2147483647, { default: 0 }),
    /** Whom to ask by ARP: 1 to 16 IPv4 addresses. */
    arpIpTargets: list("", "target", value<string>(ipv4, { canon: canonIp }), { key: (target) => target }),
    /** Which ARP answers must be genuine; modes 0 to 3. Default: `none`. */
    arpValidate: choice(["none", "active", "backup", "all", "filter", "filter_active", "filter_backup"], {
      default: "none",
    }),
    /** Whether one ARP target that answers is enough; mode 1. Default: `any`. */
    arpAllTargets: choice(["any", "all"], { default: "any" }),
    /** The port that is used while it is up; modes 1, 5 and 6. Default: none. */
    primary: deviceName,
    /** When the primary port is used again after it has come back; modes 1, 5 and 6. Default: `always`. */
    primaryReselect: choice(["always", "better", "failure"], { default: "always" }),
    /** Whose MAC the bond has after a failure; mode 1. `active` cannot be bridged; beside `none`, `mac` cannot be set. Default: `none`, all ports have the bond's. */
    failOverMac: choice(["none", "active", "follow"], { default: "none" }),
    /** What decides which port a packet takes; modes 2, 4, 5 and 6. Default: `layer2`. */
    xmitHashPolicy: choice(["layer2", "layer2+3", "layer3+4", "encap2+3", "encap3+4", "vlan+srcmac"], {
      default: "layer2",
    }),
    /** How often the LACP partner shall speak, `slow` is 30 s, `fast` 1 s; mode 4. Default: `slow`. */
    lacpRate: choice(["slow", "fast"], { default: "slow" }),
    /** Which aggregator is used; mode 4. Default: `stable`. */
    adSelect: choice(["stable", "bandwidth", "count"], { default: "stable" }),
    /** LACP system priority, 1–65535; mode 4. Default: 65535. */
    adActorSysPrio: whole(1, 65535, { default: 65535 }),
    /** LACP system MAC; mode 4. Default: the bond's. */
    adActorSystem: mac("@adActorSystem"),
    /** Upper part of the LACP port key, 0–1023; mode 4. Default: 0. */
    adUserPortKey: whole(0, 1023, { default: 0 }),
    /** How many ports must be up for the bond to have a carrier, 0–2147483647; mode 4. Default: 0. */
    minLinks: whole(0, 2147483647, { default: 0 }),
    /** Take frames that arrive at unused ports too. Default: false. */
    allSlavesActive: flag({ default: false }),
    /** How many IGMP reports follow a failure, 0–255; modes 0, 1, 5 and 6. Default: 1. */
    resendIgmp: whole(0, 255, { default: 1 }),
    /** How many gratuitous ARPs and neighbour advertisements follow a failure, 0–255; mode 1. Default: 1. */
    numGratArp: whole(0, 255, { default: 1 }),
    /** Packets before the next port has its turn, 0–65535, 0: at random; mode 0. Default: 1. */
    packetsPerSlave: whole(0, 65535, { default: 1 }),
    /** Balance by load instead of by hash; modes 5 and 6. Default: true. */
    tlbDynamicLb: flag({ default: true }),
    /** Time between two learning packets, in s, 1–2147483647; modes 5 and 6. Default: 1. */
    lpInterval: whole(1, 2147483647, { default: 1 }),
    /** Time between two peer notifications after a failure, in ms; a multiple of `miimon`; mode 1. Default: 0, the link monitoring's. */
    peerNotifDelay: whole(0, 300000, { default: 0 }),
  }),
  rules: bondRules,
  prices,
} as const satisfies LinkKind;
