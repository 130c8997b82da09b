/** Which kind of source has which rules; what networks and NICs have alike is judged by the rules of networks. */
import { rateRules } from "../../network/rules/bandwidth.js";
import { tagRules } from "../../network/rules/portgroups.js";
import type { Rule as NetworkRule } from "../../network/rules/rule.js";
import { parameterRules } from "../../network/rules/virtualport.js";
import { deviceRules, emulatedRules, floorRules, noQueueRules, passtRules } from "./device.js";
import { identityRules, targetRules } from "./identity.js";
import { bridgePlaceRules, directPlaceRules, hostdevPlaceRules, networkPlaceRules, userPlaceRules } from "./place.js";
import type { Rule } from "./rule.js";

/** A network's rule over fields that a NIC has under the same name; it asks nothing of the surroundings. */
const alike = ({ says, check }: NetworkRule): Rule => ({
  says,
  check: (subject) => check(subject as never, {}),
});

const ports = [...tagRules, ...parameterRules].map(alike);
const rates = rateRules.map(alike);

const every: readonly Rule[] = [...identityRules, ...deviceRules];

export const networkRules: readonly Rule[] = [
  ...every,
  ...emulatedRules,
  ...targetRules,
  ...ports,
  ...rates,
  ...networkPlaceRules,
];
export const bridgeRules: readonly Rule[] = [
  ...every,
  ...emulatedRules,
  ...targetRules,
  ...ports,
  ...rates,
  ...floorRules,
  ...bridgePlaceRules,
];
export const directRules: readonly Rule[] = [
  ...every,
  ...emulatedRules,
  ...targetRules,
  ...ports,
  ...rates,
  ...floorRules,
  ...directPlaceRules,
];
export const hostdevRules: readonly Rule[] = [...every, ...ports, ...hostdevPlaceRules];
export const userRules: readonly Rule[] = [
  ...every,
  ...emulatedRules,
  ...noQueueRules,
  ...passtRules,
  ...userPlaceRules,
];
