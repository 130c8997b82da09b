/** A profile of NetworkManager ↔ the fields of a link. Pure. */
import { type Inputs, VirtnetError } from "../../../handler.js";
import { isV4, parseCidr } from "../../../schema/net.js";
import { same } from "../../../schema/tree.js";
import { type Addresses, type Addressing, brief, canonAddressing, inFull } from "../../addressing.js";
import type { Kind, Mark } from "../../args.js";
import { BOND_MODES } from "../../rules/fit.js";
import type { PortVlans } from "../../vlans.js";
import type { Settings } from "./bus.js";
import type { Profile, Uses } from "./state.js";
import { type Variant, v } from "./values.js";
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
  return option(field, String);
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
    option("mode", String),
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

/** Keys of the profile's user data, which NetworkManager keeps and does not read. */
export const MARK = "pulumi-virtnet.mark";
/** The checkpoint under which the settings wait for their proof; "made": the link has nothing on it yet; "changed": there is no checkpoint. */
export const UNPROVEN = "pulumi-virtnet.unproven";
export const MADE = "made";
export const CHANGED = "changed";
/** The settings from before such a change, where no checkpoint takes them back: its device is not active. */
export const BEFORE = "pulumi-virtnet.before";
/** Whether the link shall be made again when the host starts; until the settings are proven it is not. */
export const AUTOCONNECT = "pulumi-virtnet.autoconnect";
/** Of a port's profile: the link's profile, and the profile that was on the device before. */
export const PORT_OF = "pulumi-virtnet.port-of";
export const REPLACED = "pulumi-virtnet.replaced";
/** Of a bond's or VLAN's own profile while its device is a port: the addresses that it has otherwise. */
export const LENT = "pulumi-virtnet.lent";
/** The same, given back by this link; until that is proven. */
export const RETURNED = "pulumi-virtnet.returned";
/** Of a profile that was replaced: by which link; it had autoconnect. */
export const REPLACED_BY = "pulumi-virtnet.replaced-by";

export const userData = (s: Settings): Record<string, string> =>
  (s.user?.data?.data as Record<string, string> | undefined) ?? {};

/** Set or, with undefined, remove keys of the user data. */
export function setUserData(s: Settings, data: Record<string, string | undefined>): void {
  const all = Object.entries({ ...userData(s), ...data }).filter(([, value]) => value !== undefined);
  if (all.length === 0) delete s.user;
  else s.user = { ...s.user, data: v("a{ss}", Object.fromEntries(all)) };
}

export function readMark(s: Settings): Mark | undefined {
  try {
    const text = userData(s)[MARK];
    return text === undefined ? undefined : (JSON.parse(text) as Mark);
  } catch {
    return undefined;
  }
}

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
  return Object.entries(s).flatMap(([setting, properties]) =>
    Object.entries(properties)
      .filter(([property, { data }]) => !said.has(`${setting}.${property}`) && !empty(data))
      .map(([property, { data }]) => `${setting}.${property}=${JSON.stringify(data)}`),
  );
}

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

/** What a profile says of addresses while its device is a port. */
export function lentBy(s: Settings): Settings | undefined {
  const text = userData(s)[LENT];
  return text === undefined ? undefined : (JSON.parse(text) as Settings);
}

/** NetworkManager keeps no longer text (nm_setting_user_check_val, 8 KiB). */
const LONGEST = 8000;

/** What user data says of a change that is not proven yet. */
export function unprovenData(
  { id, settings, unsaved }: Profile,
  checkpoint: string | undefined,
  isActive: boolean,
): Record<string, string | undefined> {
  const before = isActive ? undefined : JSON.stringify({ settings, saved: !unsaved });
  if (before !== undefined && Buffer.byteLength(before) > LONGEST)
    throw new VirtnetError(
      `the profile ${JSON.stringify(id)} is too long to be put back should the change fail (${Buffer.byteLength(before)} bytes, ${LONGEST} at most) while its device is down: bring it up first, with "nmcli connection up ${id}"`,
    );
  return { [UNPROVEN]: checkpoint ?? CHANGED, [BEFORE]: before };
}

/** What a change that is not proven has changed. */
export function settingsBefore(s: Settings): { settings: Settings; saved: boolean } | undefined {
  const text = userData(s)[BEFORE];
  return text === undefined ? undefined : (JSON.parse(text) as { settings: Settings; saved: boolean });
}

/** Of a port of a bridge or bond; NetworkManager adds them by itself. */
const PORT_SETTINGS = ["bridge-port", "bond-port"];

/** The profile's device becomes a port: it has no addresses meanwhile. */
export function lend(s: Settings, link: { id: string; kind: string }): void {
  const { ipv4, ipv6 } = s;
  setUserData(s, {
    [PORT_OF]: link.id,
    // One that goes from one link to another has lent its own to the first.
    [LENT]: userData(s)[LENT] ?? JSON.stringify({ ...(ipv4 ? { ipv4 } : {}), ...(ipv6 ? { ipv6 } : {}) }),
  });
  s.connection = { ...s.connection, master: v("s", link.id), "slave-type": v("s", link.kind) };
  for (const setting of ["ipv4", "ipv6", "proxy", ...PORT_SETTINGS]) delete s[setting];
}

export function giveBack(s: Settings, link: { id: string }): void {
  Object.assign(s, lentBy(s));
  setUserData(s, { [PORT_OF]: undefined, [LENT]: undefined, [RETURNED]: link.id });
  const { master: _master, "slave-type": _type, ...connection } = s.connection ?? {};
  s.connection = connection;
  for (const setting of PORT_SETTINGS) delete s[setting];
}

// ---- addresses --------------------------------------------------------------------------------------------------------

interface AddressData {
  address: Variant;
  prefix: Variant;
}
interface RouteData {
  dest: Variant;
  prefix: Variant;
  "next-hop"?: Variant;
  metric?: Variant;
}

const FAMILIES = ["ipv4", "ipv6"] as const;
const isOf = (family: (typeof FAMILIES)[number]) => (s: string) =>
  isV4(s.split("/")[0] as string) === (family === "ipv4");

export function readAddressing(s: Settings): Addressing {
  const out: Addressing = {};
  const lists: Required<Pick<Addressing, "addresses" | "routes" | "dns" | "search">> = {
    ...{ addresses: [], routes: [], dns: [], search: [] },
  };
  for (const family of FAMILIES) {
    const ip = s[family] ?? {};
    const data = <T>(property: string): T[] => (ip[property]?.data as T[] | undefined) ?? [];
    if (ip.method?.data === "auto") Object.assign(out, family === "ipv4" ? { ipv4: "dhcp" } : { ipv6: "auto" });
    lists.addresses.push(...data<AddressData>("address-data").map((a) => `${a.address.data}/${a.prefix.data}`));
    const gateway = ip.gateway?.data as string | undefined;
    if (gateway !== undefined) out[family === "ipv4" ? "gateway" : "gateway6"] = gateway;
    for (const r of data<RouteData>("route-data")) {
      const [via, metric] = [r["next-hop"]?.data as string | undefined, r.metric?.data as number | undefined];
      if (via === undefined) continue;
      lists.routes.push({
        destination: `${r.dest.data}/${r.prefix.data}`,
        via,
        ...(metric !== undefined ? { metric } : {}),
      });
    }
    lists.dns.push(...dnsOf(ip, family));
    for (const domain of data<string>("dns-search")) if (!lists.search.includes(domain)) lists.search.push(domain);
  }
  for (const [name, list] of Object.entries(lists)) if (list.length > 0) Object.assign(out, { [name]: list });
  return out;
}

/** `dns-data` since 1.42; before that numbers in network order (IPv4) or bytes (IPv6). */
function dnsOf(ip: Record<string, Variant>, family: "ipv4" | "ipv6"): string[] {
  if (ip["dns-data"]) return ip["dns-data"].data as string[];
  const old = (ip.dns?.data ?? []) as unknown[];
  if (family === "ipv4")
    return (old as number[]).map((n) => [n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >> 24) & 255].join("."));
  return (old as number[][]).map((b) =>
    Array.from({ length: 8 }, (_, i) => (((b[2 * i] ?? 0) << 8) | (b[2 * i + 1] ?? 0)).toString(16)).join(":"),
  );
}

export function writeAddressing(s: Settings, a: Addressing): void {
  for (const family of FAMILIES) {
    const of = isOf(family);
    const addresses = (a.addresses ?? []).filter(of);
    const routes = (a.routes ?? []).filter((r) => of(r.destination));
    const dns = (a.dns ?? []).filter(of);
    const auto = family === "ipv4" ? a.ipv4 !== undefined : a.ipv6 !== undefined;
    const gateway = family === "ipv4" ? a.gateway : a.gateway6;
    const on = auto || addresses.length > 0;
    const {
      method: _m,
      "address-data": _a,
      addresses: _b,
      "route-data": _r,
      routes: _s,
      gateway: _g,
      dns: _d,
      "dns-data": _e,
      "dns-search": _f,
      ...kept
    } = s[family] ?? {};
    s[family] = {
      ...kept,
      method: v("s", auto ? "auto" : on ? "manual" : "disabled"),
      ...(addresses.length > 0 ? { "address-data": v("aa{sv}", addresses.map(addressData)) } : {}),
      ...(gateway !== undefined && on ? { gateway: v("s", gateway) } : {}),
      ...(routes.length > 0 ? { "route-data": v("aa{sv}", routes.map(routeData)) } : {}),
      ...(dns.length > 0 && on
        ? { dns: family === "ipv4" ? v("au", dns.map(v4Number)) : v("aay", dns.map(v6Bytes)) }
        : {}),
      ...(on && (a.search ?? []).length > 0 ? { "dns-search": v("as", a.search) } : {}),
    };
  }
}

const addressData = (s: string) => {
  const [address = "", prefix = ""] = s.split("/");
  return { address: v("s", address), prefix: v("u", Number(prefix)) };
};
const routeData = (r: { destination: string; via: string; metric?: number }) => {
  const [dest = "", prefix = ""] = r.destination.split("/");
  return {
    dest: v("s", dest),
    prefix: v("u", Number(prefix)),
    "next-hop": v("s", r.via),
    ...(r.metric !== undefined ? { metric: v("u", r.metric) } : {}),
  };
};
/** In network order, as the bytes lie in memory. */
const v4Number = (s: string): number => {
  const [a = 0, b = 0, c = 0, d = 0] = s.split(".").map(Number);
  return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
};
const v6Bytes = (s: string): number[] => {
  const first = parseCidr(`${s}/128`)?.first ?? 0n;
  return Array.from({ length: 16 }, (_, i) => Number((first >> BigInt(8 * (15 - i))) & 255n));
};

/** NetworkManager's own by the type of device (nm_device_get_route_metric_default). */
const METRICS: Readonly<Record<string, number>> = {
  ...{ infiniband: 150, "802-3-ethernet": 100, team: 350, bond: 300, vlan: 400, bridge: 425, wifi: 600 },
};
/** What goes with addresses: the zone of firewalld, and how names are asked for. */
const ALONG = ["zone", "mdns", "llmnr", "dns-over-tls"];

/**
 * Take both families' settings as another profile has them, and what depends on them. The metric is written, since the default is one
 * of the type of device: another NIC's default route would be the better one. So is what a server of DHCPv6 knows the lease by.
 * @param seen what its device uses.
 */
export function copyAddressing(to: Settings, from: Settings, seen: Uses = {}): void {
  const usual = METRICS[String(from.connection?.type?.data)];
  for (const family of FAMILIES) {
    const { addresses: _a, routes: _r, ...kept } = from[family] ?? { method: v("s", "disabled") };
    const said = Number(kept["route-metric"]?.data ?? -1) >= 0;
    const metric =
      ["auto", "manual"].includes(String(kept.method?.data)) && !said ? (seen[family] ?? usual) : undefined;
    to[family] = { ...kept, ...(metric === undefined ? {} : { "route-metric": v("x", metric) }) };
  }
  if (seen.iaid !== undefined && to.ipv6?.["dhcp-iaid"] === undefined)
    to.ipv6 = { ...to.ipv6, "dhcp-iaid": v("s", seen.iaid) };
  const along = Object.entries(from.connection ?? {}).filter(([property]) => ALONG.includes(property));
  to.connection = { ...to.connection, ...Object.fromEntries(along) };
}

/** Behind all other routes to the same places. */
const LAST = 20_000;

/** The same addresses, whose routes count where no other device has any. */
export const stepBack = (s: Settings): Settings => ({
  ...s,
  ...Object.fromEntries(
    FAMILIES.filter((family) => ["auto", "manual"].includes(String(s[family]?.method?.data))).map((family) => [
      family,
      { ...s[family], "route-metric": v("x", LAST) },
    ]),
  ),
});
