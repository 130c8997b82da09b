/** MAC, alias, device name: what a NIC is known by. */
import type { Failure } from "../../handler.js";
import { quote } from "../../network/rules/known.js";
import { unfitMac } from "../../network/rules/mac.js";
import type { Rule } from "./rule.js";

const say = (property: string, reason: string): Failure[] => [{ property, reason }];

const mac: Rule = {
  says: "The MAC is that of one device.",
  check: ({ args }) => {
    const why = args.mac === undefined ? undefined : unfitMac(args.mac);
    return why ? say("mac", `${args.mac} ${why}: use one as 52:54:00:12:34:56, or leave it out`) : [];
  },
};

// virNetDevTapCreateInBridgePort (util/virnetdevtap.c): the host's side has the guest's MAC with fe in front.
const reserved: Rule = {
  says: "The MAC does not begin with fe.",
  check: ({ args }) =>
    args.mac !== undefined && /^fe:/i.test(args.mac)
      ? say("mac", `${args.mac} begins with fe, which libvirt keeps for the host's side: use one as 52:54:00:12:34:56`)
      : [],
};

const free: Rule = {
  says: "No other NIC has the MAC.",
  check: ({ args }, { nics }) => {
    const same = nics?.find((n) => n.mac.toLowerCase() === args.mac?.toLowerCase());
    return same
      ? say("mac", `${args.mac} is that of a NIC of VM ${quote(same.domain)} of ${same.from}: give each NIC its own`)
      : [];
  },
};

// virDomainDefValidateAliases: "non unique alias detected".
const ownAlias: Rule = {
  says: "No other NIC of the VM has the alias.",
  check: ({ args }, { nics, vm }) => {
    const same = nics?.find(
      (n) => n.alias !== undefined && n.alias === args.alias && [args.domain, vm?.name].includes(n.domain),
    );
    return same
      ? say("alias", `${quote(args.alias)} is that of NIC ${same.mac} of the VM, of ${same.from}: choose another`)
      : [];
  },
};

const adopted: Rule = {
  says: "A NIC that is adopted is named by its MAC.",
  check: ({ args, isSet }) =>
    (args.adopt === true || typeof args.adopt === "object") && !isSet("mac")
      ? say("mac", 'is missing: adopt needs the MAC of the NIC that is there ("virsh domiflist" shows it)')
      : [],
};

// VIR_NET_GENERATED_*_PREFIX (conf/domain_conf.c): virDomainNetDefParseXML drops such a name in silence.
const GENERATED = /^(vnet|vif|macvtap|macvlan)/;
const deviceName: Rule = {
  says: "The host's device has none of the names that libvirt generates.",
  check: ({ args }) =>
    args.targetDevice !== undefined && GENERATED.test(args.targetDevice)
      ? say(
          "targetDevice",
          `${quote(args.targetDevice)} begins like the names that libvirt generates, which it drops: choose another, or leave it out`,
        )
      : [],
};

const RNG_DEVICE = /^[a-zA-Z0-9_.\\-]+$/;
const deviceNames: Rule = {
  says: "A device's name has letters, digits and _ . - only.",
  check: ({ args }) =>
    (
      [
        ["targetDevice", args.targetDevice],
        ["bridge", args.bridge],
        ["direct.device", args.direct?.device],
        ["user.device", args.user?.device],
      ] as const
    ).flatMap(([property, value]) =>
      value === undefined || RNG_DEVICE.test(value)
        ? []
        : say(property, `${quote(value)} is no name of a device: use letters, digits, "_", "." and "-"`),
    ),
};

export const identityRules: readonly Rule[] = [mac, reserved, free, ownAlias, adopted, deviceNames];
export const targetRules: readonly Rule[] = [deviceName];
