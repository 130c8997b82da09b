/** A profile of NetworkManager ↔ the fields of a link. Pure. */
import type { Inputs } from "../../../handler.js";
import { same } from "../../../schema/tree.js";
import { type Addresses, brief, canonAddressing, inFull } from "../../addressing.js";
import type { Kind } from "../../args.js";
import { BOND_MODES } from "../../rules/fit.js";
import type { PortVlans } from "../../vlans.js";
import { beyondAddressing, readAddressing, writeAddressing } from "./addresses.js";
import type { Settings } from "./bus.js";
import { AUTOCONNECT, LENT, lentBy, readMark, setUserData, userData } from "./user-data.js";
import { v } from "./values.js";
import { writeVlans } from "./vlans.js";

/** Where a field stands. `always`: what a new profile has where the program says nothing, since NetworkManager's own default is another. */
interface Row {
  field: string;
  at: [setting: string, property: string];
  type: string;
  always?: unknown;
  /** Between the field and what stands there; where a value is an entry of a dictionary, its key. */
  key?: string;
  read?: (there: string) => unknown;
}

const every: readonly Row[] = [
  { field: "mtu", at: ["802-3-ethernet", "mtu"], type: "u" },
  // The name on D-Bus of what nmcli calls 802-3-ethernet.cloned-mac-address.
  { field: "mac", at: ["802-3-ethernet", "assigned-mac-address"], type: "s" },
  { field: "autoconnect", at: ["connection", "autoconnect"], type: "b", always: true },
];

/**
 * Options that NetworkManager takes by number too, and keeps as they are written: names in the order of the kernel's numbers
 * (nm-setting-bond.c).
 */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  mode: BOND_MODES,
  arpValidate: ["none", "active", "backup", "all", "filter", "filter_active", "filter_backup"],
  arpAllTargets: ["any", "all"],
  primaryReselect: ["always", "better", "failure"],
  failOverMac: ["none", "active", "follow"],
  xmitHashPolicy: ["layer2", "layer3+4", "layer2+3", "encap2+3", "encap3+4", "vlan+srcmac"],
  lacpRate: ["slow", "fast"],
  adSelect: ["stable", "bandwidth", "count"],
};

/** The kernel's name of a bond's option: `arp_interval`. */
const kernelName = (field: string): string => field.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);

/** An option of a bond: text in a dictionary. */
function option(field: string, read: (there: string) => unknown): Row {
  return { field, at: ["bond", "options"], type: "a{ss}", key: kernelName(field), read };
}
function number(field: string): Row {
  return option(field, Number);
}
function word(field: string): Row {
  return option(field, (there) => (/^\d+$/.test(there) && NAMES[field]?.[Number(there)]) || there);
}

const rows: Record<Kind, readonly Row[]> = {
  bridge: [
    ...every,
    { field: "stp", at: ["bridge", "stp"], type: "b", always: false },
    { field: "forwardDelay", at: ["bridge", "forward-delay"], type: "u" },
    { field: "helloTime", at: ["bridge", "hello-time"], type: "u" },
    { field: "maxAge", at: ["bridge", "max-age"], type: "u" },
    { field: "priority", at: ["bridge", "priority"], type: "u" },
    { field: "ageingTime", at: ["bridge", "ageing-time"], type: "u" },
    { field: "multicastSnooping", at: ["bridge", "multicast-snooping"], type: "b" },
    { field: "vlanFiltering", at: ["bridge", "vlan-filtering"], type: "b" },
    { field: "vlanDefaultPvid", at: ["bridge", "vlan-default-pvid"], type: "u" },
  ],
  bond: [
    ...every,
    word("mode"),
    ...["miimon", "updelay", "downdelay", "arpInterval", "adActorSysPrio", "adUserPortKey", "minLinks"].map(number),
    ...["resendIgmp", "numGratArp", "packetsPerSlave", "lpInterval", "peerNotifDelay"].map(number),
    ...["arpValidate", "arpAllTargets", "primary", "primaryReselect", "failOverMac", "xmitHashPolicy"].map(word),
    ...["lacpRate", "adSelect", "adActorSystem"].map(word),
    ...["useCarrier", "allSlavesActive", "tlbDynamicLb"].map((name) => option(name, (s) => s === "1")),
    { ...option("arpIpTargets", (s) => s.split(",")), key: "arp_ip_target" },
  ],
  vlan: [
    ...every,
    { field: "parent", at: ["vlan", "parent"], type: "s" },
    { field: "vlanId", at: ["vlan", "id"], type: "u" },
    // NMVlanFlags. On D-Bus none is the default, elsewhere the first (nm-setting-vlan.c).
    { field: "reorderHeaders", at: ["vlan", "flags"], type: "u", always: true },
    ...["gvrp", "looseBinding", "mvrp"].map((field): Row => ({ field, at: ["vlan", "flags"], type: "u" })),
  ],
};

const VLAN_FLAGS: Readonly<Record<string, number>> = { reorderHeaders: 1, gvrp: 2, looseBinding: 4, mvrp: 8 };

function get(s: Settings, { field, at: [setting, property], key, read }: Row): unknown {
  const there = s[setting]?.[property]?.data;
  const flag = setting === "vlan" ? VLAN_FLAGS[field] : undefined;
  if (flag !== undefined) return ((Number(there ?? 0) & flag) !== 0) as unknown;
  if (key === undefined) return there;
  const text = (there as Record<string, string> | undefined)?.[key];
  return text === undefined ? undefined : (read?.(text) ?? text);
}

/** What stands in the dictionary or the bits of a property, with one field changed. */
function put(s: Settings, { field, at: [setting, property], type, key }: Row, to: unknown): void {
  const there = s[setting]?.[property]?.data;
  const flag = setting === "vlan" ? VLAN_FLAGS[field] : undefined;
  let data = to;
  if (flag !== undefined) {
    const on = to ?? field === "reorderHeaders";
    data = on ? Number(there ?? 0) | flag : Number(there ?? 0) & ~flag;
  } else if (key !== undefined) {
    const { [key]: _old, ...others } = (there ?? {}) as Record<string, string>;
    data = to === undefined ? others : { ...others, [key]: optionText(to) };
  }
  if (data === undefined) delete s[setting]?.[property];
  else s[setting] = { ...s[setting], [property]: v(type, data) };
}

/** What the fields say of the VLANs of one port. */
export const vlansOf = (values: Inputs, port: unknown): PortVlans | undefined =>
  (values.vlans as PortVlans[] | undefined)?.find((item) => item.port === port);

const optionText = (value: unknown): string =>
  typeof value === "boolean" ? (value ? "1" : "0") : Array.isArray(value) ? value.join(",") : String(value);

/** Properties that NetworkManager fills in, or that a field says in another way. */
const SAID = new Set([
  ...["id", "uuid", "type", "interface-name", "timestamp", "permissions"].map((p) => `connection.${p}`),
  ...["ipv4", "ipv6"].flatMap((family) =>
    [
      ...["method", "address-data", "addresses", "gateway", "route-data", "routes", "dns", "dns-data", "dns-search"],
    ].map((p) => `${family}.${p}`),
  ),
  // The same again, and what these are where nobody has set them.
  ...[
    "bridge.interface-name",
    "bridge.vlans",
    "bond.interface-name",
    "vlan.interface-name",
    "user.data",
    "ipv6.addr-gen-mode",
  ],
  ...["cloned-mac-address", "auto-negotiate"].map((p) => `802-3-ethernet.${p}`),
]);

/** What a profile holds that no field says. */
export function unsaid(kind: Kind, s: Settings): string[] {
  const said = new Set([...SAID, ...rows[kind].map(({ at }) => at.join("."))]);
  const empty = (data: unknown): boolean =>
    (Array.isArray(data) || (typeof data === "object" && data !== null)) && Object.keys(data as object).length === 0;
  const properties = Object.entries(s).flatMap(([setting, properties]) =>
    Object.entries(properties)
      .filter(([property, { data }]) => !said.has(`${setting}.${property}`) && !empty(data))
      .map(([property, { data }]) => `${setting}.${property}=${JSON.stringify(data)}`),
  );
  return [...properties, ...beyondAddressing(lentBy(s) ?? s)];
}

const isUuid = (there: unknown): boolean =>
  typeof there === "string" && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(there);

/** What the profile says, in the fields of the kind; ports are not in it. */
export function readProfile(kind: Kind, s: Settings): Inputs {
  const out: Inputs = {};
  for (const row of rows[kind]) {
    const value = get(s, row) ?? implied(row);
    if (value !== undefined) out[row.field] = value;
  }
  const later = userData(s)[AUTOCONNECT];
  if (later !== undefined) out.autoconnect = later === "yes";
  const { inherited } = readMark(s) ?? {};
  const there = readAddressing(lentBy(s) ?? s);
  out.addresses = inherited && same(canonAddressing(inherited), canonAddressing(there)) ? "inherit" : brief(there);
  return out;
}

/** A bond's mode by its name. */
const inKernel = ({ field }: Row, value: unknown): unknown =>
  field === "mode" && typeof value === "number" ? BOND_MODES[value] : value;

/** D-Bus leaves out what has NetworkManager's default: stp is on, autoconnect too. */
const implied = ({ field }: Row): unknown => ({ stp: true, autoconnect: true })[field];

/** Write what is set, and remove what was set before and is no longer; the rest of the profile stays. */
export function writeProfile(kind: Kind, s: Settings, values: Inputs, was: Inputs, { fresh = false } = {}): void {
  for (const row of rows[kind]) {
    // Of one that was there before, what was never set is its own.
    const value = values[row.field] ?? (fresh || was[row.field] !== undefined ? row.always : undefined);
    // A generated MAC is kept.
    // Others may have named it by its profile, which stands for the same: of a VLAN that is there it does not change.
    if (row.field === "parent" && isUuid(get(s, row))) continue;
    if (value !== undefined || (was[row.field] !== undefined && row.field !== "mac")) put(s, row, inKernel(row, value));
    // The same as bytes, which NetworkManager would believe.
    if (value !== undefined && row.field === "mac") delete s[row.at[0]]?.["cloned-mac-address"];
  }
  // Those of the host; the ports' are in the ports' profiles.
  if (kind === "bridge" && (values.vlans !== undefined || was.vlans !== undefined))
    writeVlans(s, "bridge", vlansOf(values, values.name));
  const addresses = values.addresses as Addresses | undefined;
  if (addresses === "inherit") return;
  if (addresses === undefined && was.addresses === undefined) return;
  const lent = lentBy(s);
  writeAddressing(lent ?? s, inFull(addresses ?? "none"));
  if (lent) setUserData(s, { [LENT]: JSON.stringify(lent) });
}
