/** Rules of mode `nat` beside those of every network with a bridge of its own. */
import { portRules } from "./ports.js";
import type { Rule } from "./rule.js";

export const natRules: readonly Rule[] = portRules;
