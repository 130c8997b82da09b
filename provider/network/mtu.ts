/** Devices of VMs have the MTU of their network, as when they were plugged into it (virNetDevTapAttachBridge). */
import type { Channel, HostDevices } from "../host/channel.js";
import { setMtu } from "../host/frames.js";
import type { DomainInfo, NetworkInfo } from "../libvirt/api.js";
import { child, parseXml } from "../schema/xml.js";
import { mtuIn, ownBridgeOf, readNetwork } from "./document.js";
import { nicsOn } from "./nics.js";
import { namesOf } from "./observe.js";

/** Of a network that has none of its own, now or before, the bridge follows its ports: their MTUs are theirs. */
export const hasMtu = (xml: string): boolean => readNetwork(xml).values.mtu !== undefined;

/**
 * A NIC that hops keeps the MTU of its device on libvirt 9.0 (qemuDomainChangeNetBridge), and the bridge drops what is larger
 * (br_dev_queue_push_xmit). A NIC with an MTU of its own keeps it.
 */
export async function fitMtus(
  info: NetworkInfo,
  domains: readonly DomainInfo[],
  channel: Channel | undefined,
  devices: HostDevices | undefined,
): Promise<void> {
  const bridge = ownBridgeOf(info);
  if (!channel || !devices || bridge === undefined) return;
  const { masters, mtus } = devices;
  const mtu = mtuIn(readNetwork(info.liveXml ?? info.inactiveXml));
  const others = new Set([...mtus].filter(([d, m]) => m !== mtu && masters.get(d) === bridge).map(([d]) => d));
  if (others.size === 0) return;
  const unfit = nicsOn(domains, namesOf(info)).flatMap(({ device, xml }) =>
    device !== undefined && others.has(device) && !child(parseXml(xml), "mtu") ? [device] : [],
  );
  if (unfit.length > 0) await setMtu(channel, mtu, unfit);
}
