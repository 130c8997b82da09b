/** Devices of VMs have the MTU of their network, as when they were plugged into it (virNetDevTapAttachBridge). */
import type { Channel, HostDevices } from "../host/channel.js";
import { setMtu } from "../host/frames.js";
import type { DomainInfo, NetworkInfo } from "../libvirt/api.js";
import { child, parseXml } from "../schema/xml.js";
import { mtuIn, ownBridgeOf, readNetwork } from "./document.js";
import type { Journal } from "./journal.js";
import { nicsOn } from "./nics.js";
import { namesOf } from "./observe.js";

interface There {
  domains: readonly DomainInfo[];
  devices: HostDevices | undefined;
  channel: Channel | undefined;
}

/** Of a network that has none of its own, now or before, the bridge follows its ports: their MTUs are theirs. */
const hasMtu = ({ before, after }: Journal): boolean =>
  [before.liveXml ?? before.xml, after].some((xml) => readNetwork(xml).values.mtu !== undefined);

/**
 * A NIC that hops keeps the MTU of its device on libvirt 9.0 (qemuDomainChangeNetBridge), and the bridge drops what is larger
 * (br_dev_queue_push_xmit). A NIC with an MTU of its own keeps it.
 * @returns the devices whose MTU could not be set, with the reason.
 */
export async function fitMtus(
  info: NetworkInfo,
  journal: Journal,
  { domains, devices, channel }: There,
): Promise<string[]> {
  const bridge = ownBridgeOf(info);
  if (!channel || !devices || bridge === undefined || !hasMtu(journal)) return [];
  const { masters, mtus } = devices;
  const mtu = mtuIn(readNetwork(info.liveXml ?? info.inactiveXml));
  const others = new Set([...mtus].filter(([d, m]) => m !== mtu && masters.get(d) === bridge).map(([d]) => d));
  if (others.size === 0) return [];
  const unfit = nicsOn(domains, namesOf(info)).flatMap(({ device, xml }) =>
    device !== undefined && others.has(device) && !child(parseXml(xml), "mtu") ? [device] : [],
  );
  const why = unfit.length > 0 ? await setMtu(channel, mtu, unfit) : undefined;
  return why === undefined ? [] : [`${unfit.join(", ")} may not have the MTU ${mtu}: ${why}`];
}
