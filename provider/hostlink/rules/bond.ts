/** Rules of Bond: which option belongs to which mode, and what goes with what (drivers/net/bonding/bond_options.c). */
import { type Failure, type Inputs, Unknown } from "../../handler.js";
import { commonRules, each, quote } from "./common.js";
import { asAdopted, BOND_MODES, below, unfit } from "./fit.js";
import { libvirtRules } from "./libvirt.js";
import { portRules, ports } from "./ports.js";
import { fault, type Rule } from "./rule.js";

/** The kernel's number of the mode; undefined while it is not known. */
const modeOf = ({ mode }: Inputs): number | undefined => {
  const number = typeof mode === "number" ? mode : (BOND_MODES as readonly unknown[]).indexOf(mode);
  return number < 0 ? undefined : number;
};

/** Option → modes that have it; bond_opts[].unsuppmodes, and where the kernel takes it but does nothing with it, bonding.rst. */
const MODES: Readonly<Record<string, readonly number[]>> = {
  arpInterval: [0, 1, 2, 3],
  arpIpTargets: [0, 1, 2, 3],
  arpValidate: [0, 1, 2, 3],
  arpAllTargets: [1],
  primary: [1, 5, 6],
  primaryReselect: [1, 5, 6],
  failOverMac: [1],
  xmitHashPolicy: [2, 4, 5, 6],
  lacpRate: [4],
  adSelect: [4],
  adActorSysPrio: [4],
  adActorSystem: [4],
  adUserPortKey: [4],
  minLinks: [4],
  resendIgmp: [0, 1, 5, 6],
  numGratArp: [1],
  peerNotifDelay: [1],
  packetsPerSlave: [0],
  tlbDynamicLb: [5, 6],
  lpInterval: [5, 6],
};

const modes: Rule = {
  says: "An option belongs to the bond's mode.",
  check: ({ args }) => {
    const mode = modeOf(args);
    if (mode === undefined) return [];
    return Object.entries(MODES).flatMap(([option, having]): Failure[] =>
      args[option] === undefined || having.includes(mode)
        ? []
        : fault(
            option,
            `is no option of mode ${BOND_MODES[mode]}; it belongs to ${having.map((n) => BOND_MODES[n]).join(", ")}: remove it or change the mode`,
          ),
    );
  },
};

const monitoring: Rule = {
  says: "A bond looks at the carrier or asks by ARP, not both.",
  check: ({ args }) =>
    (args.arpInterval as number) > 0 && (args.miimon as number) > 0
      ? fault("arpInterval", `is set beside miimon ${args.miimon}: keep one of the two`)
      : [],
};

const needsMii: Rule = {
  says: "Modes 802.3ad, balance-tlb and balance-alb look at the carrier.",
  check: ({ args }) => {
    const mode = modeOf(args);
    return args.miimon === 0 && mode !== undefined && mode >= 4
      ? fault("miimon", `is 0, but mode ${BOND_MODES[mode]} needs it: use 100`)
      : [];
  },
};

const targets: Rule = {
  says: "Asking by ARP needs an interval and 1 to 16 targets.",
  check: ({ args, isSet }) => {
    const all = args.arpIpTargets as unknown[] | undefined;
    const interval = args.arpInterval as number | undefined;
    if (interval !== undefined && interval > 0 && (!isSet("arpIpTargets") || all?.length === 0))
      return fault("arpIpTargets", "is missing, and there is nobody to ask: name a router of the segment");
    if (all === undefined || all.length === 0) return [];
    // BOND_MAX_ARP_TARGETS (include/net/bonding.h).
    if (all.length > 16) return fault("arpIpTargets", `has ${all.length} entries: at most 16`);
    return !isSet("arpInterval") || interval === 0
      ? fault("arpInterval", "is missing, so the targets are never asked: set it, or remove arpIpTargets")
      : [];
  },
};

// bond_option_arp_ip_target_add refuses both.
const eachTarget: Rule = {
  says: "An ARP target is one host, and asked once.",
  check: ({ args }) => {
    const seen = new Map<string, string>();
    return each(args.arpIpTargets as string[] | undefined, "arpIpTargets").flatMap(({ item, path }): Failure[] => {
      if (item === "0.0.0.0" || item === "255.255.255.255")
        return fault(path, `${item} is no host's address: name a router of the segment`);
      const first = seen.get(item);
      seen.set(item, first ?? path);
      return first === undefined ? [] : fault(path, `${item} is ${first} again: remove one of the two`);
    });
  },
};

// bond_3ad_set_carrier (bond_3ad.c).
const links: Rule = {
  says: "A bond has as many ports as it needs links.",
  check: ({ args }) => {
    const needed = args.minLinks as number | undefined;
    const count = Array.isArray(args.ports) ? args.ports.length : 0;
    return needed === undefined || count === 0 || needed <= count
      ? []
      : fault(
          "minLinks",
          `${needed} is more than its ${count} ports, so it never has a carrier: lower it, or add ports`,
        );
  },
};

const validates: Rule = {
  says: "Checking ARP answers needs ARP monitoring.",
  check: ({ args, isSet }) =>
    (["arpValidate", "arpAllTargets"] as const).flatMap((option): Failure[] =>
      args[option] === undefined || args[option] === "none" || (args.arpInterval !== 0 && isSet("arpInterval"))
        ? []
        : fault(option, "is set, but nothing is asked by ARP: set arpInterval, or remove it"),
    ),
};

// bond_set_updelay and others round down to a multiple, silently but for the kernel's log.
const multiples: Rule = {
  says: "Delays are multiples of miimon.",
  check: ({ args, isSet }) => {
    const miimon = isSet("miimon") ? (args.miimon as number | undefined) : (args.arpInterval as number) > 0 ? 0 : 100;
    if (miimon === undefined) return [];
    return (["updelay", "downdelay", "peerNotifDelay"] as const).flatMap((option): Failure[] => {
      const delay = args[option] as number | undefined;
      if (delay === undefined || delay === 0) return [];
      if (miimon === 0) return fault(option, "needs miimon, which is 0: set it to 100, or remove the delay");
      return delay % miimon === 0
        ? []
        : fault(
            option,
            `${delay} is no multiple of miimon ${miimon}: use ${Math.max(1, Math.round(delay / miimon)) * miimon}`,
          );
    });
  },
};

const primary: Rule = {
  says: "The primary port is one of the ports.",
  check: (subject) => {
    const { args, isSet } = subject;
    const name = args.primary as string | undefined;
    const all = args.ports as unknown[] | undefined;
    if (name === undefined || (isSet("ports") && all === undefined) || all?.includes(undefined)) return [];
    return ports(subject).some(({ item }) => item === name)
      ? []
      : fault("primary", `${quote(name)} is none of the ports: add it there, or name one of them`);
  },
};

const reselects: Rule = {
  says: "Reselecting a primary port needs one.",
  check: ({ args, isSet }) =>
    args.primaryReselect !== undefined && args.primaryReselect !== "always" && !isSet("primary")
      ? fault("primaryReselect", "is set, but there is no primary port: set primary, or remove it")
      : [],
};

// bond_option_ad_actor_system_set refuses a group address and zeros.
const system: Rule = {
  says: "The LACP system's MAC is that of one device.",
  check: ({ args }) => {
    const mac = args.adActorSystem as string | undefined;
    if (mac === undefined) return [];
    return (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1 || !/[1-9a-f]/i.test(mac)
      ? fault("adActorSystem", `${mac} is no device's address: use one as 52:54:00:12:34:56`)
      : [];
  },
};

// bond_set_mac_address (bond_main.c) does nothing then, and NetworkManager gives up a device whose MAC it cannot set.
const ownMac: Rule = {
  says: "A bond that changes its MAC has none set.",
  check: ({ args }) =>
    (args.failOverMac === "active" || args.failOverMac === "follow") && args.mac !== undefined
      ? fault(
          "mac",
          `is set beside failOverMac ${quote(args.failOverMac)}, which takes the first port's: remove one of the two`,
        )
      : [],
};

const bridged: Rule = {
  says: "A bond that is below a bridge stays fit for virtual machines.",
  check: ({ args, isSet }, { links, program }) => {
    const name = args.name as string | undefined;
    if (name === undefined) return [];
    const masters = [...(links?.values() ?? [])].flatMap((l) =>
      l.master !== undefined && links && below(l.name, links) === name && links.get(l.master)?.kind === "bridge"
        ? [{ bridge: l.master, port: l.name }]
        : [],
    );
    // One that the program takes off its bridge is judged as it will be.
    const bridges = masters.filter(({ bridge, port }) => {
      const own = program?.get(bridge)?.args.ports;
      return !Array.isArray(own) || own.includes(port);
    });
    // What is not known yet is not the host's.
    const unknown = ["miimon", "arpInterval", "failOverMac"].filter((f) => isSet(f) && args[f] === undefined);
    const blank = Object.fromEntries(unknown.map((f) => [f, Unknown]));
    const found = bridges.length > 0 ? unfit(asAdopted({ ...args, ...blank }, links?.get(name)?.bond)) : undefined;
    return found
      ? fault(found.field, `${quote(name)} is below bridge ${quote(bridges[0]?.bridge)}, and ${found.why}`)
      : [];
  },
};

export const bondRules: readonly Rule[] = [
  ...commonRules,
  ...portRules,
  ...[
    modes,
    monitoring,
    needsMii,
    targets,
    eachTarget,
    links,
    validates,
    multiples,
    primary,
    reselects,
    system,
    ownMac,
    bridged,
  ],
  ...libvirtRules.bond,
];
