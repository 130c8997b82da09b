/**
 * libvirt's table of nftables (network/network_nftables.c): a copy of what it has for one network. Pure: the text of
 * `nft list table` in, that of `nft -f` out. What was said of iptables holds here: guest_cross only accepts.
 */
import { type Copy, mentionsSubnet, type Subject } from "./subject.js";

export const TABLE = "libvirt_network";

const PLACES: Record<string, [chain: string, command: "insert" | "add"]> = {
  guest_cross: ["guest_cross", "insert"],
  guest_input: ["guest_cross", "add"],
  guest_output: ["guest_input", "add"],
  guest_nat: ["guest_nat", "insert"],
};

export const nftablesPrefix = (id: string): string => `virtnet_${id}_`;

/** undefined: there is nothing to hold. */
export function nftablesCopy(listed: string, subject: Subject): Copy | undefined {
  const prefix = nftablesPrefix(subject.id);
  const add: string[] = [];
  const calls: string[] = [];
  for (const part of listed.split(/^table /m).slice(1)) {
    const [, family = "", name = ""] = /^(ip6?) (\S+) \{/.exec(part) ?? [];
    if (name !== TABLE) continue;
    for (const [, chain = "", body = ""] of part.matchAll(/^\tchain (\S+) \{\n([\s\S]*?)^\t\}/gm)) {
      const place = PLACES[chain];
      const rules = body
        .split("\n")
        .map((line) => line.trim())
        .filter((line) => concerns(line, subject));
      if (!place || rules.length === 0) continue;
      const copy = prefix + chain;
      add.push(
        `add chain ${family} ${TABLE} ${copy}`,
        `flush chain ${family} ${TABLE} ${copy}`,
        ...rules.map((rule) => `add rule ${family} ${TABLE} ${copy} ${rule}`),
      );
      const [at, command] = place;
      calls.push(`${command} rule ${family} ${TABLE} ${at} jump ${copy}`);
    }
  }
  return add.length === 0
    ? undefined
    : { add: `${[...add, ...calls].join("\n")}\n`, prefix, left: listed.includes(prefix) };
}

function concerns(rule: string, { bridge, subnets }: Subject): boolean {
  return rule.split(" ").some((word) => word === `"${bridge}"` || mentionsSubnet(word, subnets));
}
