/** What older daemons do not know. Source: "Since" in libvirt's formatnetwork. VLAN tags on a Linux bridge: portgroups.ts. */
import { given, version } from "./known.js";
import type { Rule } from "./rule.js";

const SINCE: Readonly<Record<string, number>> = {
  "bridge.zone": 5_001_000,
  dnsmasqOptions: 5_006_000,
  portIsolated: 6_001_000,
  "nat.ipv6": 6_005_000,
  title: 9_007_000,
  description: 9_007_000,
  "domain.register": 10_001_000,
};

const since: Rule = {
  says: "The host's libvirt knows what is set.",
  check: ({ args }, { daemon }) =>
    daemon === undefined
      ? []
      : Object.entries(SINCE)
          .filter(([path, needed]) => daemon < needed && given(args, path) !== undefined)
          .map(([property, needed]) => ({
            property,
            reason: `needs libvirt ${version(needed)}; the host has ${version(daemon)}: remove it, or update libvirt`,
          })),
};

export const versionRules: readonly Rule[] = [since];
