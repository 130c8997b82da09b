/** Rules that every mode has; a mode adds those of its own fields. */
import { metadataText } from "./generation.js";
import { deviceNames, groupNames } from "./names.js";
import type { Rule } from "./rule.js";
import { versionRules } from "./versions.js";

export const commonRules: readonly Rule[] = [metadataText, deviceNames, groupNames, ...versionRules];
