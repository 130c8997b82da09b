/** Traffic shaping. Source: virNetDevBandwidthParse, networkValidate. */
import { type BandwidthArgs, each } from "./known.js";
import type { Rule, RuleArgs, Subject } from "./rule.js";

interface BandwidthAt {
  bandwidth: BandwidthArgs;
  path: string;
}

const all = (args: RuleArgs): BandwidthAt[] => [
  ...(args.bandwidth ? [{ bandwidth: args.bandwidth, path: "bandwidth" }] : []),
  ...each(args.portGroups, "portGroups").flatMap(({ item, path }) =>
    item.bandwidth ? [{ bandwidth: item.bandwidth, path: `${path}.bandwidth` }] : [],
  ),
];

const DIRECTIONS = ["inbound", "outbound"] as const;

const average: Rule = {
  says: "Shaping has an average rate.",
  check: ({ args, isSet }: Subject) =>
    all(args).flatMap(({ bandwidth, path }) =>
      DIRECTIONS.filter((d) => bandwidth[d] && !isSet(`${path}.${d}.average`)).map((d) => ({
        property: `${path}.${d}.average`,
        reason: "is missing: give the average rate in KiB/s, or remove this direction",
      })),
    ),
};

const peak: Rule = {
  says: "The peak rate is at least the average.",
  check: ({ args }) =>
    all(args).flatMap(({ bandwidth, path }) =>
      DIRECTIONS.flatMap((d) => {
        const { average, peak } = bandwidth[d] ?? {};
        return average === undefined || peak === undefined || peak >= average
          ? []
          : [
              {
                property: `${path}.${d}.peak`,
                reason: `${peak} is below the average rate, ${average}: raise it, or remove it`,
              },
            ];
      }),
    ),
};

// 9.0: "floor attribute is not supported for this config", of the network and of its port groups.
const floor: Rule = {
  says: "A guaranteed rate (floor) belongs to a VM's NIC, not to a network or port group.",
  check: ({ args }) =>
    all(args)
      .filter(({ bandwidth }) => bandwidth.inbound?.floor !== undefined)
      .map(({ path }) => `${path}.inbound.floor`)
      .map((property) => ({
        property,
        reason:
          "is set, but libvirt takes a floor at a VM's NIC only: remove it here, set average here and floor at the VmInterface",
      })),
};

const shaped: Rule = {
  says: "Shaping needs a bridge.",
  check: ({ args }) => {
    const device = args.macvtap ? "macvtap" : args.hostdev ? "hostdev" : undefined;
    return device === undefined
      ? []
      : all(args).map(({ path }) => ({
          property: path,
          reason: `is set, but a network on ${device} has no bridge to shape: remove it, or set it at the VmInterface`,
        }));
  },
};

/** Also of a NIC. */
export const rateRules: readonly Rule[] = [average, peak];
export const bandwidthRules: readonly Rule[] = [...rateRules, floor];
export const bridgeBandwidthRules: readonly Rule[] = [...bandwidthRules, shaped];
