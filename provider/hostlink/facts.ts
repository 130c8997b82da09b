/** What the kernel tells of a host's links, whatever manages them. */
import { VirtnetError } from "../handler.js";
import { type Channel, whyFailed } from "../host/channel.js";

export interface LinkFact {
  name: string;
  /** `bridge`, `bond`, `vlan`, `tun`, `veth` …; absent for a NIC. */
  kind?: string;
  mac?: string;
  /** Of a bond's port, which has the bond's: its own. */
  ownMac?: string;
  mtu: number;
  /** The bridge or bond that it is plugged into. */
  master?: string;
  /** The device that it is on: of a VLAN, a macvlan, a macvtap. */
  parent?: string;
  up: boolean;
  /** A Wi-Fi device. */
  wireless: boolean;
  /** `ADDRESS/PREFIX` of global scope. */
  addresses: readonly string[];
  /** Those of the link alone: `fe80::5/64`, `169.254.0.5/16`. Nearly every link has one by itself. */
  linkLocal?: readonly string[];
  /** Of a VLAN: its tag (802.1Q). */
  vlanId?: number;
  /** Of a bond. */
  bond?: { mode: string; miimon: number; arpInterval: number; failOverMac: string };
}

export interface HostLinks {
  links: ReadonlyMap<string, LinkFact>;
  /** Devices by which the host is managed: of the default routes, of the ssh connection that asks, of remote connections to libvirt. */
  management: readonly string[];
  /** The same, with their ports and parents: what they are made of. */
  carriers: readonly string[];
  /** Who is asked for an answer: default gateways, and the next hop to whom an ssh session comes from. */
  hops: readonly Hop[];
  /** The devices by which these go, also where nobody is in between. */
  ways: readonly Way[];
  /** Who ssh sessions come from, whether there is a way to them or not. */
  sessions: readonly string[];
}

export interface Way {
  device: string;
  to: Hop["to"];
  peer?: string;
  family: "IPv4" | "IPv6";
  /** The least is what counts. */
  metric: number;
}

export interface Hop {
  device: string;
  via: string;
  to: "the default route" | "the ssh session";
  /** Of a session: who it comes from. */
  peer?: string;
}

interface IpLink {
  ifname: string;
  link?: string;
  address?: string;
  mtu: number;
  master?: string;
  flags?: string[];
  addr_info?: { local?: string; prefixlen: number; scope: string }[];
  linkinfo?: {
    info_kind?: string;
    info_data?: Record<string, unknown>;
    info_slave_data?: { perm_hwaddr?: string };
  };
}

/** Parts of the answer stand between lines of this text. */
const CUT = "==";
/** As ss names one end of a connection: `198.51.100.5:22`, `[fe80::5]%eth2:22`, older ones `[fe80::5%eth2]:22`. */
const ADDRESS = /^\[?(?:::ffff:)?([^\]%]*)\]?(?:%([^\]:]+)\]?)?:\d+$/;

/**
 * One command for all of it, since over ssh each costs a round trip. What ip cannot tell is an error: without it nothing would be
 * known to carry the host's own connection. `$1`: "local", where whoever sits on the host may have come by ssh although nothing says
 * so (sudo drops SSH_CONNECTION): all sessions count.
 */
const SCRIPT = `ip -j -d addr show || exit
echo ${CUT}
ip -j route show default || exit
echo ${CUT}
if [ -e /proc/sys/net/ipv6 ]; then ip -j -6 route show default || exit; fi
echo ${CUT}
for d in /sys/class/net/*; do if [ -e "$d/phy80211" ] || [ -e "$d/wireless" ]; then echo "\${d##*/}"; fi; done
echo ${CUT}
echo "$SSH_CONNECTION"
echo ${CUT}
sessions=
if [ "$1" = local ]; then sessions=$(ss -Htnp state established 2> /dev/null | grep '"sshd'); fi
{
  echo "\${SSH_CONNECTION%% *}"
  # ss names the device of a link-local address with the host's own: "[fe80::5]%eth2:22 [fe80::9]:5000".
  echo "$sessions" | while read -r _ _ own peer _; do
    peer=\${peer%:*} peer=\${peer#[} peer=\${peer%]} own=\${own%:*} own=\${own%]}
    case $peer in *%*) ;; fe80:*) case $own in *%*) peer=$peer%\${own##*%} ;; esac ;; esac
    echo "\${peer#::ffff:}"
  done
} | sort -u | while read -r peer; do
  case $peer in
    "") ;;
    *%*) ip -j route get "\${peer%%%*}" oif "\${peer#*%}" 2> /dev/null ;;
    *) ip -j route get "$peer" 2> /dev/null ;;
  esac
done
echo ${CUT}
ss -Htn state established '( sport = :16509 or sport = :16514 )' 2> /dev/null
echo ${CUT}
echo "$sessions"`;

export async function readLinks(channel: Channel): Promise<HostLinks> {
  const { stdout, stderr, code } = await channel.run(["sh", "-c", SCRIPT, "sh", channel.by]);
  if (code !== 0) throw new VirtnetError(`reading the host's links: ${whyFailed(stderr, code)}`);
  const found = parseLinks(stdout);
  // Every host has the loopback.
  if (found.links.size === 0) throw new VirtnetError("reading the host's links: ip names none");
  return found;
}

/** The answer of {@link SCRIPT}. Pure. */
export function parseLinks(text: string): HostLinks {
  const [addr = "", v4 = "", v6 = "", wifi = "", ssh = "", back = "", libvirt = "", sshd = ""] = text.split(`${CUT}\n`);
  const list = <T>(json: string): T[] => JSON.parse(json.trim() || "[]") as T[];
  const wireless = new Set(wifi.split("\n").filter((name) => name !== ""));
  // iproute2 prints empty objects for what it filters.
  const found = list<IpLink>(addr).filter(({ ifname }) => ifname !== undefined);
  const links = new Map(found.map((l) => [l.ifname, toFact(l, wireless)]));
  const defaults = { IPv4: list<IpRoute>(v4), IPv6: list<IpRoute>(v6) };
  const routes = [...defaults.IPv4, ...defaults.IPv6].flatMap(hops);
  // "CLIENT PORT SERVER PORT" (sshd(8)): the connection that asks. A link-local address says its device.
  const [, , server = ""] = ssh.trim().split(" ");
  const [local, zone] = server.split("%");
  const having = (address: string | undefined, device?: string) =>
    [...links.values()].filter((l) => l.name === device || l.addresses.some((a) => a.split("/")[0] === address));
  // "0 0 [LOCAL]:PORT [PEER]:PORT …": connections to libvirtd by TCP and TLS, and to sshd.
  const ends = (lines: string, column: number) =>
    lines.split("\n").flatMap((line) => {
      const [, address, device] = ADDRESS.exec(line.trim().split(/\s+/)[column] ?? "") ?? [];
      return address === undefined ? [] : [{ address, device }];
    });
  const named = (lines: string) => ends(lines, 2).flatMap(({ address, device }) => having(address, device));
  const serving = [...having(local, zone), ...named(sshd)];
  const management = [
    ...new Set([...routes.map((r) => r.device), ...[...serving, ...named(libvirt)].map((l) => l.name)]),
  ];
  // Without a gateway the client itself is next.
  const peers = (serving.length === 0 ? [] : back.split("\n"))
    .flatMap((line) => list<IpRoute>(line))
    .flatMap((route) => {
      const peer = route.dst as string;
      return hops(route).map(({ device, via }) => ({ device, via: via ?? peer, peer }));
    })
    .filter(({ device }) => device !== "lo");
  const [client = ""] = ssh.trim().split(" ");
  return {
    links,
    management,
    carriers: withLower(management, links),
    hops: [
      ...routes.flatMap(({ device, via }): Hop[] =>
        via === undefined ? [] : [{ device, via, to: "the default route" }],
      ),
      ...peers.map((hop): Hop => ({ ...hop, to: "the ssh session" })),
    ],
    ways: [
      ...(["IPv4", "IPv6"] as const).flatMap((family) =>
        defaults[family].flatMap((route) =>
          hops(route).map(
            ({ device }): Way => ({ device, to: "the default route", family, metric: route.metric ?? 0 }),
          ),
        ),
      ),
      ...peers.map(
        ({ device, via, peer }): Way => ({ device, to: "the ssh session", peer, family: familyOf(via), metric: 0 }),
      ),
    ],
    sessions: [...new Set([client.replace(/%.*/, ""), ...ends(sshd, 3).map(({ address }) => address)])].filter(Boolean),
  };
}

/** Devices with those that they are made of: ports of a bridge or bond, the parent of a VLAN. VMs' taps are none. */
function withLower(devices: readonly string[], links: ReadonlyMap<string, LinkFact>): string[] {
  const all = new Set(devices);
  for (const name of all) {
    const parent = links.get(name)?.parent;
    if (parent !== undefined && links.has(parent)) all.add(parent);
    for (const l of links.values()) if (l.master === name && l.kind !== "tun") all.add(l.name);
  }
  return [...all];
}

export const familyOf = (address: string): Way["family"] => (address.includes(":") ? "IPv6" : "IPv4");

interface IpRoute {
  dst?: string;
  metric?: number;
  dev?: string;
  gateway?: string;
  nexthops?: { dev?: string; gateway?: string }[];
}

function hops(route: IpRoute): { device: string; via: string | undefined }[] {
  return [route, ...(route.nexthops ?? [])].flatMap(({ dev, gateway }) =>
    dev === undefined ? [] : [{ device: dev, via: gateway }],
  );
}

function toFact(l: IpLink, wireless: ReadonlySet<string>): LinkFact {
  const data = l.linkinfo?.info_data ?? {};
  const kind = l.linkinfo?.info_kind;
  const ofScope = (scope: string) =>
    (l.addr_info ?? [])
      .filter((a) => a.scope === scope && a.local !== undefined)
      .map((a) => `${a.local}/${a.prefixlen}`);
  const local = ofScope("link");
  const ownMac = l.linkinfo?.info_slave_data?.perm_hwaddr;
  return {
    name: l.ifname,
    ...(kind !== undefined ? { kind } : {}),
    ...(l.address !== undefined ? { mac: l.address } : {}),
    ...(ownMac !== undefined ? { ownMac } : {}),
    mtu: l.mtu,
    ...(l.master !== undefined ? { master: l.master } : {}),
    // A veth's other end is no device that it is on.
    ...(l.link !== undefined && kind !== "veth" ? { parent: l.link } : {}),
    up: l.flags?.includes("UP") ?? false,
    wireless: wireless.has(l.ifname),
    addresses: ofScope("global"),
    ...(local.length > 0 ? { linkLocal: local } : {}),
    ...(kind === "vlan" && typeof data.id === "number" && data.protocol !== "802.1ad" ? { vlanId: data.id } : {}),
    ...(kind === "bond"
      ? {
          bond: {
            mode: String(data.mode),
            miimon: Number(data.miimon ?? 0),
            arpInterval: Number(data.arp_interval ?? 0),
            failOverMac: String(data.fail_over_mac ?? "none"),
          },
        }
      : {}),
  };
}

/** Those of fixed addresses that the device has. */
export const present = (
  fixed: readonly string[],
  fact: Pick<LinkFact, "addresses" | "linkLocal"> | undefined,
): string[] => fixed.filter((a) => fact?.addresses.includes(a) || fact?.linkLocal?.includes(a));
