/**
 * Which parameters belong to which kind of virtual switch port (virNetDevVPortProfileCheckComplete, and the document's
 * schema). Those that are missing may come from the NIC, so only what libvirt wants at define is asked for.
 */
import type { Failure } from "../../handler.js";
import { each, quote, type VirtualportArgs } from "./known.js";
import type { Rule, RuleArgs } from "./rule.js";

type Type = NonNullable<VirtualportArgs["type"]>;
type Parameter = Exclude<keyof VirtualportArgs, "type">;

const BELONGS: Record<Type, readonly Parameter[]> = {
  openvswitch: ["profileId", "interfaceId"],
  "802.1Qbg": ["managerId", "typeId", "typeIdVersion", "instanceId"],
  "802.1Qbh": ["profileId"],
  midonet: ["interfaceId"],
};
const PARAMETERS: readonly Parameter[] = [
  "profileId",
  "interfaceId",
  "managerId",
  "typeId",
  "typeIdVersion",
  "instanceId",
];

interface PortAt {
  port: VirtualportArgs;
  path: string;
  group: boolean;
}

const all = (args: RuleArgs): PortAt[] => [
  ...(args.virtualport ? [{ port: args.virtualport, path: "virtualport", group: false }] : []),
  ...each(args.portGroups, "portGroups").flatMap(({ item, path }) =>
    item.virtualport ? [{ port: item.virtualport, path: `${path}.virtualport`, group: true }] : [],
  ),
];

const type: Rule = {
  says: "A network's virtual port has a type.",
  check: ({ args, isSet }) =>
    all(args).flatMap(({ path, group }) =>
      group || isSet(`${path}.type`)
        ? []
        : [
            {
              property: `${path}.type`,
              reason: `is missing: use one of ${Object.keys(BELONGS).map(quote).join(", ")}`,
            },
          ],
    ),
};

const parameters: Rule = {
  says: "A virtual port has the parameters of its type only.",
  check: ({ args }) =>
    all(args).flatMap(({ port, path }): Failure[] => {
      const own = port.type && BELONGS[port.type];
      if (!own) return [];
      return PARAMETERS.filter((p) => !own.includes(p) && port[p] !== undefined).map((p) => {
        const types = (Object.keys(BELONGS) as Type[]).filter((t) => BELONGS[t].includes(p));
        return {
          property: `${path}.${p}`,
          reason: `is no parameter of type ${quote(port.type)}, but of ${types.map(quote).join(" and ")}: remove it`,
        };
      });
    }),
};

const midonet: Rule = {
  says: "A virtual port of MidoNet names its interface.",
  check: ({ args, isSet }) =>
    all(args).flatMap(({ port, path }) =>
      port.type === "midonet" && !isSet(`${path}.interfaceId`)
        ? [{ property: `${path}.interfaceId`, reason: 'is missing: type "midonet" needs the UUID of the interface' }]
        : [],
    ),
};

const profile: Rule = {
  says: "A port profile's name has at most 39 characters.",
  check: ({ args }) =>
    all(args).flatMap(({ port, path }) =>
      (port.profileId?.length ?? 0) > 39
        ? [{ property: `${path}.profileId`, reason: `has ${port.profileId?.length} characters: at most 39` }]
        : [],
    ),
};

// networkAllocatePort (network/bridge_driver.c) refuses the others when a NIC is plugged.
const ON: Record<"bridge" | "macvtap" | "hostdev", readonly Type[]> = {
  bridge: ["openvswitch", "midonet"],
  macvtap: ["802.1Qbg", "802.1Qbh"],
  hostdev: ["802.1Qbh"],
};

const fits: Rule = {
  says: "A virtual port is of a kind that its device has.",
  check: ({ args }) => {
    const on = (["macvtap", "hostdev", "bridge"] as const).find((f) => args[f] !== undefined);
    return on === undefined
      ? []
      : all(args).flatMap(({ port, path }) =>
          port.type === undefined || ON[on].includes(port.type)
            ? []
            : [
                {
                  property: `${path}.type`,
                  reason: `${quote(port.type)} is not for ${on}, and no NIC could be plugged: use ${ON[on].map(quote).join(" or ")}`,
                },
              ],
        );
  },
};

/** Also of a NIC. */
export const parameterRules: readonly Rule[] = [parameters, midonet, profile];
export const virtualportRules: readonly Rule[] = [type, ...parameterRules];
export const bridgeVirtualportRules: readonly Rule[] = [...virtualportRules, fits];
