import type { Rule } from "./rule.js";
export const bridgeRules: readonly Rule[] = [];
