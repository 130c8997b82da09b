/** Rules of Bridge. */
import { type Failure, Unknown } from "../../handler.js";
import { commonRules, quote } from "./common.js";
import { portRules, ports } from "./ports.js";
import { fault, type Rule } from "./rule.js";

const TIMERS = ["forwardDelay", "helloTime", "maxAge", "priority"] as const;

const needsStp: Rule = {
  says: "Settings of the spanning tree need stp: true.",
  check: ({ args, isSet }) =>
    TIMERS.flatMap((field): Failure[] =>
      args[field] === undefined || args.stp === true || (isSet("stp") && args.stp === undefined)
        ? []
        : fault(field, "is set, but there is no spanning tree: set stp: true, or remove it"),
    ),
};

// IEEE 802.1D-2004, 17.14.
const timers: Rule = {
  says: "The spanning tree's timers fit each other.",
  check: ({ args, isSet }) => {
    const of = (field: string, absent: number) =>
      isSet(field) && args[field] === undefined ? undefined : ((args[field] as number | undefined) ?? absent);
    const [delay, age, hello] = [of("forwardDelay", 15), of("maxAge", 20), of("helloTime", 2)];
    if (age === undefined) return [];
    const at = args.maxAge !== undefined ? "maxAge" : args.forwardDelay !== undefined ? "forwardDelay" : "helloTime";
    if (delay !== undefined && 2 * (delay - 1) < age)
      return fault(
        at === "helloTime" ? "maxAge" : at,
        `maxAge ${age} s is more than 2 × (forwardDelay ${delay} s - 1 s): at most ${2 * (delay - 1)}, or a longer delay`,
      );
    if (hello !== undefined && age < 2 * (hello + 1))
      return fault(
        at,
        `maxAge ${age} s is less than 2 × (helloTime ${hello} s + 1 s): at least ${2 * (hello + 1)}, or a shorter helloTime`,
      );
    return [];
  },
};

/**
 * Modes of a bond in which a switch and the bridge see each VM's MAC at one place. Others stripe or duplicate frames (balance-rr,
 * broadcast) or write the ports' own MACs over the VMs' (balance-tlb, balance-alb): Documentation/networking/bonding.rst.
 */
const BRIDGED_MODES: unknown[] = ["active-backup", "balance-xor", "802.3ad", 1, 2, 4];

interface BondAs {
  mode?: unknown;
  miimon?: unknown;
  arpInterval?: unknown;
  failOverMac?: unknown;
}

const bonds: Rule = {
  says: "A bond under a bridge is of mode active-backup, balance-xor or 802.3ad, with MII monitoring, and keeps its MAC.",
  check: (subject, { links, program }) =>
    ports(subject).flatMap(({ item, path }): Failure[] => {
      const own = program?.get(item);
      const bond: BondAs | undefined = own?.kind === "bond" ? own.args : own ? undefined : links?.get(item)?.bond;
      if (!bond) return [];
      const why = unfit(bond);
      return why === undefined ? [] : fault(path, `bond ${quote(item)} ${why}`);
    }),
};

const set = (v: unknown): boolean => v !== undefined && v !== Unknown;

/** Why virtual machines cannot be bridged onto a bond. */
function unfit({ mode, miimon, arpInterval, failOverMac }: BondAs): string | undefined {
  if (set(mode) && !BRIDGED_MODES.includes(mode))
    return `is of mode ${String(mode)}, with which VMs on a bridge lose their connection (it spreads, doubles or rewrites their frames): use active-backup, balance-xor or 802.3ad`;
  if (set(arpInterval) && arpInterval !== 0)
    return "is monitored by ARP, which does not work below a bridge: use miimon (100) instead of arpInterval";
  if (miimon === 0) return "has no MII monitoring, so a dead port would keep its VMs' traffic: set miimon to 100";
  if (failOverMac === "active")
    return 'has failOverMac "active", which changes the MAC that the bridge is known by: use "none" or "follow"';
  return undefined;
}

export const bridgeRules: readonly Rule[] = [...commonRules, ...portRules, needsStp, timers, bonds];
