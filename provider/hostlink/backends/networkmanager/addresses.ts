/** Addresses of a profile ↔ those of a link. Pure. */
import { isV4, parseCidr } from "../../../schema/net.js";
import type { Addressing } from "../../addressing.js";
import type { Settings } from "./bus.js";
import type { Uses } from "./state.js";
import { type Variant, v } from "./values.js";

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
