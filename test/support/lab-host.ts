/** What tests ask of the lab VM as a host: a way to it, by which device it is managed, and what a change has left on it. */
import assert from "node:assert/strict";
import { type Channel, channelOf } from "../../provider/host/channel.js";
import { hostAt } from "../../provider/host/hosts.js";
import { forgetLinks } from "../../provider/hostlink/run.js";
import { LAB, type Lab, MANAGER } from "./lab.js";
import { newRun } from "./vminterface.js";

const NM = "org.freedesktop.NetworkManager";

/** Commands by the serial port, which is quicker than ssh here. */
export function bySerial(lab: Lab): Channel {
  const run: Channel["run"] = (argv, { limitMs = 60_000 } = {}) => lab.exec([...argv], { timeoutMs: limitMs });
  return { ...(channelOf(lab.uri) as Channel), run, runAnew: run };
}

/** The device that has the host's address, from which its default route leads as well; a new connection gets through, and nothing waits to be taken back. */
export async function assertManagedBy(lab: Lab, device: string): Promise<void> {
  const addresses = await lab.sh("ip -br -4 addr | awk '$1 != \"lo\" && $3 { print $1, $3 }'");
  assert.equal(addresses, `${device} ${LAB}/24`);
  assert.match(await lab.sh("ip route show default"), new RegExp(` dev ${device} `));
  assert.match(await lab.sh("cat /etc/resolv.conf"), new RegExp(`nameserver ${MANAGER.replaceAll(".", "\\.")}$`, "m"));
  await lab.reachable(60_000);
  assert.equal(await lab.sh(`busctl get-property ${NM} /org/freedesktop/NetworkManager ${NM} Checkpoints`), "ao 0");
}

/** All profiles, in memory and on disk, and all devices. */
export const links = (lab: Lab): Promise<string> =>
  lab.sh(
    "nmcli -t -f NAME,UUID,AUTOCONNECT connection | grep -v ^lo: | sort; ls /etc/NetworkManager/system-connections; ls -d /sys/class/net/*/",
  );

/** What a process of its own would know of the host: nothing yet. Its libvirt may take longer to answer than a call waits, where the machine is busy. */
export async function newRunOn(lab: Lab): Promise<void> {
  await newRun();
  forgetLinks();
  hostAt(lab.uri, { deadlineMs: 300_000 });
}

/** How many s the host has to wait for a proof: what is asked before it takes some times as long as one look, however slow the machine is. */
export async function patience(lab: Lab): Promise<number> {
  const began = performance.now();
  await links(lab);
  return Math.ceil(15 + (15 * (performance.now() - began)) / 1000);
}

/** The bridge or bond of each device; `none` where it has none. */
export async function mastersOf(lab: Lab, ...devices: string[]): Promise<string[]> {
  const script = `for d in ${devices.join(" ")}; do basename $(readlink /sys/class/net/$d/master || echo none); done`;
  return (await lab.sh(script)).split("\n");
}
