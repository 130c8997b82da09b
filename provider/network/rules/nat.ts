import type { Rule } from "./rule.js";
export const natRules: readonly Rule[] = [];
