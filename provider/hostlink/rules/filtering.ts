/** Rules of VLAN filtering on a bridge. */
import type { Failure } from "../../handler.js";
import { type PortVlans, spanOf, type VlanIds } from "../vlans.js";
import { type At, each, quote } from "./common.js";
import { fault, type Rule, type Subject } from "./rule.js";

const items = ({ args }: Subject): At<Partial<PortVlans>>[] =>
  each(args.vlans as (PortVlans | undefined)[] | undefined, "vlans");

const needsFiltering: Rule = {
  says: "Settings of VLANs need vlanFiltering: true.",
  check: ({ args, isSet }) =>
    (["vlans", "vlanDefaultPvid"] as const).flatMap((field): Failure[] =>
      args[field] === undefined ||
      args.vlanFiltering === true ||
      (isSet("vlanFiltering") && args.vlanFiltering === undefined)
        ? []
        : fault(field, "is set, but the bridge does not look at tags: set vlanFiltering: true, or remove it"),
    ),
};

const ofPorts: Rule = {
  says: "VLANs are those of a port, or of the bridge itself for the host.",
  check: (subject) => {
    const { args, isSet } = subject;
    const ports = (args.ports ?? []) as (string | undefined)[];
    const known = !(isSet("ports") && args.ports === undefined) && ports.every((p) => typeof p === "string");
    if (!known || typeof args.name !== "string") return [];
    return items(subject).flatMap(({ item: { port }, path }): Failure[] =>
      port === undefined || port === args.name || ports.includes(port)
        ? []
        : fault(
            `${path}.port`,
            `${quote(port)} is no port of the bridge: add it to ports, or name ${[...ports, args.name].map(quote).join(" or ")}`,
          ),
    );
  },
};

const once: Rule = {
  says: "A port's VLANs are given in one place.",
  check: (subject) => {
    const seen = new Map<string, string>();
    return items(subject).flatMap(({ item: { port }, path }): Failure[] => {
      const first = port === undefined ? undefined : seen.get(port);
      if (port !== undefined && first === undefined) seen.set(port, path);
      return first === undefined ? [] : fault(`${path}.port`, `${quote(port)} has its VLANs in ${first}: join the two`);
    });
  },
};

// The kernel keeps one set of flags a VLAN and port; NetworkManager refuses two (_nm_utils_bridge_vlan_verify_list).
const apart: Rule = {
  says: "A VLAN has a tag at a port, or none.",
  check: (subject) =>
    items(subject).flatMap(({ item: { pvid, ...lists }, path }): Failure[] => {
      const named: { from: number; to: number; where: string }[] = [];
      return (["untagged", "tagged"] as const).flatMap((field) =>
        each(lists[field] as (VlanIds | undefined)[] | undefined, `${path}.${field}`).flatMap(({ item, path: at }) => {
          const [from, to] = spanOf(item);
          if (field === "untagged" && pvid !== undefined && from <= pvid && pvid <= to)
            return fault(at, `${quote(item)} holds ${pvid}, which as pvid leaves without a tag already: leave it out`);
          const other = named.find((n) => from <= n.to && n.from <= to);
          named.push({ from, to, where: at });
          return other ? fault(at, `${quote(item)} is in ${other.where} already: name each VLAN once`) : [];
        }),
      );
    }),
};

export const filteringRules: readonly Rule[] = [needsFiltering, ofPorts, once, apart];
