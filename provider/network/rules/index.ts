/** Rules of the modes whose bridge libvirt makes: nat, route, open, isolated. */
import { addressRules } from "./addresses.js";
import { bandwidthRules } from "./bandwidth.js";
import { commonRules } from "./common.js";
import { dhcpRules } from "./dhcp.js";
import { dhcpHostRules } from "./dhcp-hosts.js";
import { dnsRules } from "./dns.js";
import { generationRules } from "./generation.js";
import { macRules } from "./mac.js";
import { nameRules } from "./names.js";
import { overlapRules } from "./overlap.js";
import { portGroupRules } from "./portgroups.js";
import { routeRules } from "./routes.js";
import type { Rule } from "./rule.js";
import { virtualportRules } from "./virtualport.js";

export const ownBridgeRules: readonly Rule[] = [
  ...new Set([
    ...commonRules,
    ...generationRules,
    ...nameRules,
    ...addressRules,
    ...overlapRules,
    ...dhcpRules,
    ...dhcpHostRules,
    ...dnsRules,
    ...macRules,
    ...routeRules,
    ...portGroupRules,
    ...bandwidthRules,
    ...virtualportRules,
  ]),
];
