/** What NetworkManager does not do to a device, or forgets when it activates one anew: told to the kernel by commands on the host. */
import { VirtnetError } from "../../../handler.js";
import type { Channel } from "../../../host/channel.js";

/** Only where it has another value: the mode may not have the option. */
const SET_OPTION = `cd "/sys/class/net/$1/bonding" && now=$(cat "$2") && case "$now" in "$3"|"$3 "*) ;; *) echo "$3" > "$2" ;; esac`;

/** Without one of its own, a bridge has the least MTU of its ports (br_mtu_auto_adjust in net/bridge/br_if.c), a VLAN its parent's; a NIC has 1500. NetworkManager may still be about to set what it had when it was made. */
const USUAL_MTU = `n=$3
case "$2" in bridge|vlan) n=$(cat "/sys/class/net/$1"/lower_*/mtu 2> /dev/null | sort -n | head -n 1) ;; esac
n=\${n:-1500} i=0
until [ $i -ge 10 ]; do
  ip link set dev "$1" mtu "$n" || exit
  sleep 0.2
  if [ "$(cat "/sys/class/net/$1/mtu")" = "$n" ]; then break; fi
  i=$((i + 1))
done`;

/** As `bridge -j vlan show` has it. */
export interface KernelVlan {
  vlan: number;
  vlanEnd?: number;
  flags?: string[];
}
const UNTAGGED = "Egress Untagged";
/** The VLAN that a device gets by default, and those that all have; nothing where the bridge does not filter. */
const KERNEL_VLANS = `cd "/sys/class/net/$1/bridge" && [ "$(cat vlan_filtering 2> /dev/null)" = 1 ] || exit 0
cat default_pvid && bridge -j vlan show`;

/** An option of a bond, where it has another value. */
export async function setOption(channel: Channel, bond: string, option: string, value: string): Promise<void> {
  await channel.run(["sh", "-c", SET_OPTION, "sh", bond, option, value]);
}

/** @param size of the device by its profile; absent: the one that its `kind` has by itself. */
export async function setMtuBack(
  channel: Channel,
  device: string,
  kind: "nic" | "bond" | "bridge" | "vlan",
  size?: number,
): Promise<void> {
  const { stderr, code } = await channel.run(["sh", "-c", USUAL_MTU, "sh", device, kind, String(size ?? "")]);
  if (code !== 0) throw new VirtnetError(`setting the MTU of ${device} back: ${stderr.trim()}`);
}

/** VLANs that libvirt or others have given to devices on a bridge; those that have the default alone have no own. */
export async function ownVlans(channel: Channel, bridge: string): Promise<Map<string, KernelVlan[]>> {
  const { stdout, code } = await channel.run(["sh", "-c", KERNEL_VLANS, "sh", bridge]);
  const [pvid = "", json = ""] = stdout.split("\n", 2);
  if (code !== 0 || json === "") return new Map();
  const found = JSON.parse(json) as { ifname: string; vlans: KernelVlan[] }[];
  const byDefault = ({ vlan, vlanEnd, flags = [] }: KernelVlan) =>
    vlan === Number(pvid) && vlanEnd === undefined && flags.length === 2;
  return new Map(
    found.filter((p) => p.vlans.length !== 1 || !p.vlans.every(byDefault)).map((p) => [p.ifname, p.vlans]),
  );
}

export async function setVlans(channel: Channel, device: string, vlans: readonly KernelVlan[]): Promise<void> {
  if (vlans.length === 0) return;
  const add = vlans.map(({ vlan, vlanEnd, flags = [] }) => {
    const words = [...(flags.includes("PVID") ? ["pvid"] : []), ...(flags.includes(UNTAGGED) ? ["untagged"] : [])];
    return `bridge vlan add dev "$1" vid ${vlanEnd === undefined ? vlan : `${vlan}-${vlanEnd}`} ${words.join(" ")}`;
  });
  const { stderr, code } = await channel.run([
    ...["sh", "-c", ['bridge vlan del dev "$1" vid 1-4094', ...add].join(" && "), "sh", device],
  ]);
  if (code !== 0 && !/Cannot find device/.test(stderr))
    throw new VirtnetError(`giving ${device} its VLANs again: ${stderr.trim()}`);
}
