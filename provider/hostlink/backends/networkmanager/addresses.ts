/** Addresses of a profile ↔ those of a link. Pure. */
import { isV4, isV6, parseCidr } from "../../../schema/net.js";
import { same } from "../../../schema/tree.js";
import { type Addressing, canonAddressing, isBare } from "../../addressing.js";
import type { Settings } from "./bus.js";
import type { Uses } from "./state.js";
import { type Variant, v } from "./values.js";

interface AddressData {
  address: Variant;
  prefix: Variant;
}
interface RouteData extends Record<string, Variant | undefined> {
  dest: Variant;
  prefix: Variant;
  "next-hop"?: Variant;
  metric?: Variant;
}
type Ip = Record<string, Variant>;

const FAMILIES = ["ipv4", "ipv6"] as const;
const isOf = (family: (typeof FAMILIES)[number]) => (s: string) =>
  isV4(s.split("/")[0] as string) === (family === "ipv4");

const itemsOf = <T>(ip: Ip, property: string): T[] => (ip[property]?.data as T[] | undefined) ?? [];
/** Routes that no field says: of another table, with a source, without a router … */
const isOdd = (r: RouteData): boolean =>
  r["next-hop"] === undefined || Object.keys(r).some((k) => !["dest", "prefix", "next-hop", "metric"].includes(k));
const oddRoutes = (ip: Ip): RouteData[] => itemsOf<RouteData>(ip, "route-data").filter(isOdd);
/** DNS servers that no field says: `192.0.2.53#name`, `dns+tls://…`. */
const oddDns = (ip: Ip): string[] => itemsOf<string>(ip, "dns-data").filter((server) => !isV4(server) && !isV6(server));

/** What the settings say of addresses beyond the fields: it stays as it is while the link has any. */
export function beyondAddressing(s: Settings): string[] {
  return FAMILIES.flatMap((family) => {
    const ip = s[family] ?? {};
    const plain = ({ dest, prefix, ...more }: RouteData) =>
      Object.fromEntries(Object.entries({ dest, prefix, ...more }).map(([k, variant]) => [k, variant?.data]));
    const told: [string, unknown][] = [
      ...(["auto", "manual", "disabled"].includes(String(ip.method?.data ?? "disabled"))
        ? []
        : [["method", ip.method?.data] as [string, unknown]]),
      ...(oddRoutes(ip).length > 0 ? [["route-data", oddRoutes(ip).map(plain)] as [string, unknown]] : []),
      ...(oddDns(ip).length > 0 ? [["dns-data", oddDns(ip)] as [string, unknown]] : []),
    ];
    return told.map(([property, data]) => `${family}.${property}=${JSON.stringify(data)}`);
  });
}

export function readAddressing(s: Settings): Addressing {
  const out: Addressing = {};
  const lists: Required<Pick<Addressing, "addresses" | "routes" | "dns" | "search">> = {
    ...{ addresses: [], routes: [], dns: [], search: [] },
  };
  for (const family of FAMILIES) {
    const ip = s[family] ?? {};
    const data = <T>(property: string): T[] => itemsOf<T>(ip, property);
    if (ip.method?.data === "auto") Object.assign(out, family === "ipv4" ? { ipv4: "dhcp" } : { ipv6: "auto" });
    lists.addresses.push(...data<AddressData>("address-data").map((a) => `${a.address.data}/${a.prefix.data}`));
    const gateway = ip.gateway?.data as string | undefined;
    if (gateway !== undefined) out[family === "ipv4" ? "gateway" : "gateway6"] = gateway;
    for (const r of data<RouteData>("route-data").filter((route) => !isOdd(route))) {
      const [via, metric] = [String(r["next-hop"]?.data), r.metric?.data as number | undefined];
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
  if (ip["dns-data"]) return itemsOf<string>(ip, "dns-data").filter((server) => isV4(server) || isV6(server));
  const old = (ip.dns?.data ?? []) as unknown[];
  if (family === "ipv4")
    return (old as number[]).map((n) => [n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >> 24) & 255].join("."));
  return (old as number[][]).map((b) =>
    Array.from({ length: 8 }, (_, i) => (((b[2 * i] ?? 0) << 8) | (b[2 * i + 1] ?? 0)).toString(16)).join(":"),
  );
}

/**
 * Writes only what differs: what no field says ({@link beyondAddressing}) stays, as a change of something else must not take it away.
 * Without any addresses nothing of it stays.
 */
export function writeAddressing(s: Settings, a: Addressing): void {
  const there = canonAddressing(readAddressing(s));
  const isWritten = FAMILIES.every((family) => s[family]?.method !== undefined);
  if (isWritten && same(there, canonAddressing(a))) return;
  for (const family of FAMILIES) s[family] = isBare(a) ? withoutAny(s[family]) : written(family, s[family] ?? {}, a);
}

/** No addresses, also where no field says them. */
export function clearAddressing(s: Settings): void {
  for (const family of FAMILIES) s[family] = withoutAny(s[family]);
}

const TOLD = [
  ...["method", "address-data", "addresses", "route-data", "routes", "gateway", "dns", "dns-data", "dns-search"],
];
const untold = (ip: Ip = {}): Ip => Object.fromEntries(Object.entries(ip).filter(([name]) => !TOLD.includes(name)));
const withoutAny = (ip: Ip | undefined): Ip => ({ ...untold(ip), method: v("s", "disabled") });

function written(family: (typeof FAMILIES)[number], ip: Ip, a: Addressing): Ip {
  const of = isOf(family);
  const addresses = (a.addresses ?? []).filter(of);
  const routes = (a.routes ?? []).filter((r) => of(r.destination));
  const dns = (a.dns ?? []).filter(of);
  const auto = family === "ipv4" ? a.ipv4 !== undefined : a.ipv6 !== undefined;
  const gateway = family === "ipv4" ? a.gateway : a.gateway6;
  const had = itemsOf<AddressData>(ip, "address-data");
  const [wasAuto, wasFixed] = [ip.method?.data === "auto", had.length > 0];
  // As link-local, or IPv6 by DHCP alone: the fields tell it from none as little as before.
  const keeps = ip.method !== undefined && auto === wasAuto && addresses.length > 0 === wasFixed;
  const method = keeps ? ip.method : v("s", auto ? "auto" : addresses.length > 0 ? "manual" : "disabled");
  // The others have no servers and no gateway (nm_setting_ip6_config verify).
  const on = auto || addresses.length > 0 || method?.data === "dhcp";
  const isOff = method?.data === "disabled";
  const allRoutes = [...routes.map(routeData), ...(isOff ? [] : oddRoutes(ip))];
  const odd = on ? oddDns(ip) : [];
  const plainDns = family === "ipv4" ? v("au", dns.map(v4Number)) : v("aay", dns.map(v6Bytes));
  return {
    ...untold(ip),
    ...(method ? { method } : {}),
    ...(addresses.length > 0 ? { "address-data": v("aa{sv}", addresses.map(addressData(had))) } : {}),
    ...(gateway !== undefined && on ? { gateway: v("s", gateway) } : {}),
    ...(allRoutes.length > 0 ? { "route-data": v("aa{sv}", allRoutes) } : {}),
    ...(odd.length > 0 ? { "dns-data": v("as", [...dns, ...odd]) } : dns.length > 0 && on ? { dns: plainDns } : {}),
    ...(on && (a.search ?? []).length > 0 ? { "dns-search": v("as", a.search) } : {}),
  };
}

/** With its label, where it was there. */
const addressData = (had: readonly AddressData[]) => (s: string) => {
  const [address = "", prefix = ""] = s.split("/");
  const before = had.find((a) => `${a.address.data}/${a.prefix.data}` === s);
  return before ?? { address: v("s", address), prefix: v("u", Number(prefix)) };
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
/** What goes with addresses: the zone of firewalld, how names are asked for, and how long a start waits and tries. */
const ALONG = [
  ...["zone", "mdns", "llmnr", "dns-over-tls", "stable-id", "secondaries"],
  ...["autoconnect-retries", "wait-device-timeout", "metered", "mptcp-flags"],
];
/** By these the id is made of the profile or of the device; what else stands there is the id (nm_device: dhcp4_get_client_id, dhcp6_get_duid). */
const MADE_IDS = ["mac", "perm-mac", "duid", "ipv6-duid", "stable"];
const MADE_DUIDS = ["stable-uuid", "stable-llt", "stable-ll"];

/**
 * Take both families' settings as another profile has them, and what depends on them. The metric is written, since the default is one
 * of the type of device: another NIC's default route would be the better one. So is what a server of DHCP knows the lease by.
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
  const isMade = (property: Variant | undefined, words: string[]) =>
    property === undefined || words.includes(String(property.data));
  if (seen.clientId !== undefined && isMade(to.ipv4?.["dhcp-client-id"], MADE_IDS))
    to.ipv4 = { ...to.ipv4, "dhcp-client-id": v("s", seen.clientId) };
  if (seen.duid !== undefined && isMade(to.ipv6?.["dhcp-duid"], MADE_DUIDS))
    to.ipv6 = { ...to.ipv6, "dhcp-duid": v("s", seen.duid) };
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
