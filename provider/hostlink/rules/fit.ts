/** Whether virtual machines can be bridged onto a bond. */
import { Unknown } from "../../handler.js";
import type { LinkFact } from "../facts.js";

/** Modes of a bond, by their number in the kernel. */
export const BOND_MODES = [
  "balance-rr",
  "active-backup",
  "balance-xor",
  "broadcast",
  "802.3ad",
  "balance-tlb",
  "balance-alb",
] as const;

/**
 * Modes of a bond in which a switch and the bridge see each VM's MAC at one place. Others stripe or duplicate frames (balance-rr,
 * broadcast) or write the ports' own MACs over the VMs' (balance-tlb, balance-alb): Documentation/networking/bonding.rst.
 */
const BRIDGED_MODES: unknown[] = ["active-backup", "balance-xor", "802.3ad", 1, 2, 4];

/** A bond's arguments, or what the kernel says of it; what is missing is not known, or the kernel's default. */
export interface BondAs {
  mode?: unknown;
  miimon?: unknown;
  arpInterval?: unknown;
  failOverMac?: unknown;
}

const set = (v: unknown): boolean => v !== undefined && v !== Unknown;

/** Why virtual machines cannot be bridged onto it, and which field says so. */
export function unfit({
  mode,
  miimon,
  arpInterval,
  failOverMac,
}: BondAs): { field: keyof BondAs; why: string } | undefined {
  if (set(mode) && !BRIDGED_MODES.includes(mode))
    return {
      field: "mode",
      why: `is of mode ${typeof mode === "number" ? BOND_MODES[mode] : String(mode)}, with which VMs on a bridge lose their connection (it spreads, doubles or rewrites their frames): use active-backup, balance-xor or 802.3ad`,
    };
  if (set(arpInterval) && arpInterval !== 0)
    return {
      field: "arpInterval",
      why: "is monitored by ARP, which does not work below a bridge: use miimon (100) instead of arpInterval",
    };
  if (miimon === 0)
    return {
      field: "miimon",
      why: "has no MII monitoring, so a dead port would keep its VMs' traffic: set miimon to 100",
    };
  if (failOverMac === "active")
    return {
      field: "failOverMac",
      why: 'has failOverMac "active", which changes the MAC that the bridge is known by: use "none" or "follow"',
    };
  return undefined;
}

/**
 * An adopted bond: what the program does not say stays as the host has it. Another mode makes another bond; and of the two ways of
 * monitoring the one that is set puts the other away.
 */
export function asAdopted(args: BondAs & { adopt?: unknown }, there: BondAs | undefined): BondAs {
  const mode = typeof args.mode === "number" ? BOND_MODES[args.mode] : args.mode;
  if (!args.adopt || !there || !set(mode) || mode !== there.mode) return args;
  const { miimon, arpInterval, ...others } = there;
  const monitored = [args.miimon, args.arpInterval].some((way) => way !== undefined && way !== 0);
  return { ...others, ...(monitored ? {} : { miimon, arpInterval }), ...args };
}

/** The device of the host that is below a VLAN, a macvlan, or nothing. */
export function below(device: string, links: ReadonlyMap<string, LinkFact>): string {
  const seen = new Set([device]);
  let at = device;
  for (let parent = links.get(at)?.parent; parent !== undefined && !seen.has(parent); parent = links.get(at)?.parent) {
    seen.add(parent);
    at = parent;
  }
  return at;
}

/** Why VMs cannot be on a bridge of the host: the bond among its ports, or below a VLAN that is one. */
export function unfitBridge(bridge: string, links: ReadonlyMap<string, LinkFact>): string | undefined {
  for (const port of links.values()) {
    if (port.master !== bridge) continue;
    const device = below(port.name, links);
    const bond = links.get(device)?.bond;
    const found = bond && unfit(bond);
    if (found) return `bond ${JSON.stringify(device)} below bridge ${JSON.stringify(bridge)} ${found.why}`;
  }
  return undefined;
}
