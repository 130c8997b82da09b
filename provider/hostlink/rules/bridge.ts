/** Rules of Bridge. */
import type { Failure } from "../../handler.js";
import { commonRules, quote } from "./common.js";
import { filteringRules } from "./filtering.js";
import { asAdopted, type BondAs, below, unfit } from "./fit.js";
import { libvirtRules } from "./libvirt.js";
import { portRules, ports } from "./ports.js";
import { fault, type Rule, type Surroundings } from "./rule.js";

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

const bonds: Rule = {
  says: "A bond under a bridge is of mode active-backup, balance-xor or 802.3ad, with MII monitoring, and keeps its MAC.",
  check: (subject, around) =>
    ports(subject).flatMap(({ item, path }): Failure[] => {
      const name = carrier(item, around);
      const own = around.program?.get(name);
      const there = around.links?.get(name)?.bond;
      const bond: BondAs | undefined = own?.kind === "bond" ? asAdopted(own.args, there) : own ? undefined : there;
      const found = bond && unfit(bond);
      return found ? fault(path, `bond ${quote(name)} ${found.why}`) : [];
    }),
};

/** What carries a port: below VLANs, of the program or the host. */
function carrier(port: string, { links, program }: Surroundings): string {
  const own = program?.get(port);
  if (own?.kind === "vlan" && typeof own.args.parent === "string") return own.args.parent;
  return own || !links ? port : below(port, links);
}

export const bridgeRules: readonly Rule[] = [
  ...[...commonRules, ...portRules, needsStp, timers, bonds],
  ...[...filteringRules, ...libvirtRules.bridge],
];
