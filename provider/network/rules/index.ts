import type { Rule } from "./rule.js";
export const ownBridgeRules: readonly Rule[] = [];
