/** Who is on a host's bridges without their manager's doing: VMs' taps, containers. What there is, to put it back. */
import { VirtnetError } from "../handler.js";
import { type Channel, whyFailed } from "../host/channel.js";

export interface Bystander {
  port: string;
  bridge: string;
  /** As `bridge vlan add` takes each: `20/pvid/untagged`; undefined: the bridge looks at no VLANs. */
  vlans?: readonly string[];
}

const CUT = "==";
/** Every port of every bridge; the bridges that filter; and the VLANs of all. */
const SCRIPT = `cd /sys/class/net || exit
for p in */brport; do if [ -e "$p" ]; then echo "\${p%/brport} $(basename "$(readlink "$p/bridge")")"; fi; done
echo ${CUT}
for b in */bridge/vlan_filtering; do if [ "$(cat "$b" 2> /dev/null)" = 1 ]; then echo "\${b%%/*}"; filter=1; fi; done
echo ${CUT}
if [ -n "$filter" ]; then bridge -j vlan show || exit; fi`;

export async function bystanders(channel: Channel, own: () => Promise<readonly string[]>): Promise<Bystander[]> {
  const { stdout, stderr, code } = await channel.run(["sh", "-c", SCRIPT]);
  if (code !== 0) throw new VirtnetError(`looking who is on the host's bridges: ${whyFailed(stderr, code)}`);
  const all = parseBystanders(stdout);
  const not = new Set(all.length > 0 ? await own() : []);
  return all.filter(({ port }) => !not.has(port));
}

/** The answer of {@link SCRIPT}. Pure. */
export function parseBystanders(text: string): Bystander[] {
  const [ports = "", filtering = "", json = ""] = text.split(`${CUT}\n`).map((part) => part.trim());
  const filters = new Set(filtering.split("\n"));
  const known = JSON.parse(json || "[]") as { ifname: string; vlans?: Vlan[] }[];
  return ports.split("\n").flatMap((line): Bystander[] => {
    const [port = "", bridge = ""] = line.split(" ");
    if (bridge === "") return [];
    if (!filters.has(bridge)) return [{ port, bridge }];
    return [{ port, bridge, vlans: (known.find((k) => k.ifname === port)?.vlans ?? []).map(asAdded) }];
  });
}

interface Vlan {
  vlan: number;
  vlanEnd?: number;
  flags?: string[];
}

const asAdded = ({ vlan, vlanEnd, flags = [] }: Vlan): string =>
  [
    vlanEnd === undefined ? `${vlan}` : `${vlan}-${vlanEnd}`,
    ...(flags.includes("PVID") ? ["pvid"] : []),
    ...(flags.includes("Egress Untagged") ? ["untagged"] : []),
  ].join("/");

/** `PORT BRIDGE VLAN …`: `none` where there is none, and nothing where the bridge looks at none. */
export const lineOf = ({ port, bridge, vlans }: Bystander): string =>
  [port, bridge, ...(vlans?.length === 0 ? ["none"] : (vlans ?? []))].join(" ");
