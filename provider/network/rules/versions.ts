/** What older daemons do not know. VLAN tags on a Linux bridge: portgroups.ts. */
import { FIELD_SINCE, has } from "../abilities.js";
import { placesOf, version } from "./known.js";
import type { Rule } from "./rule.js";

const since: Rule = {
  says: "The host's libvirt knows what is set.",
  check: ({ args }, { daemon }) =>
    daemon === undefined
      ? []
      : Object.entries(FIELD_SINCE)
          .filter(([, needed]) => !has(daemon, needed))
          .flatMap(([pattern, needed]) =>
            placesOf(args, pattern).map((property) => ({
              property,
              reason: `needs libvirt ${version(needed)}; the host has ${version(daemon)}: remove it, or update libvirt`,
            })),
          ),
};

export const versionRules: readonly Rule[] = [since];
