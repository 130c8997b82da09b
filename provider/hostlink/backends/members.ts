/** What is plugged into a bridge, whoever did that: read and put back by commands on the host. */
import { VirtnetError } from "../../handler.js";
import type { Channel } from "../../host/channel.js";

export async function membersOf(channel: Channel, bridge: string): Promise<string[]> {
  const { stdout, code } = await channel.run(["ls", `/sys/class/net/${bridge}/brif`]);
  return code === 0 ? stdout.split("\n").filter((name) => name !== "") : [];
}

/** Devices back onto a bridge, where they are not on it. */
export async function plugInto(channel: Channel, bridge: string, devices: readonly string[]): Promise<void> {
  const there = await membersOf(channel, bridge);
  for (const device of devices.filter((name) => !there.includes(name))) {
    const { stderr, code } = await channel.run(["ip", "link", "set", "dev", device, "master", bridge]);
    // A VM may have stopped meanwhile, and its tap with it.
    if (code !== 0 && !/Cannot find device/.test(stderr))
      throw new VirtnetError(`plugging ${device} into ${bridge}: ${stderr.trim()}`);
  }
}
