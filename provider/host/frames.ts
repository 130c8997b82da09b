/** MTUs of the host's devices. */
import { type Channel, whyFailed } from "./channel.js";

// To start `ip` takes longer than to look.
const FIT = `mtu=$1 failed=0; shift
for device; do
  read -r now < "/sys/class/net/$device/mtu" && [ "$now" = "$mtu" ] || ip link set dev "$device" mtu "$mtu" || failed=1
done
exit $failed`;

/** The devices have that MTU afterwards. @returns why not, where one has not. */
export async function setMtu(channel: Channel, mtu: number, devices: readonly string[]): Promise<string | undefined> {
  const { code, stderr } = await channel.run(["sh", "-c", FIT, "virtnet-mtu", String(mtu), ...devices]);
  return code === 0 ? undefined : whyFailed(stderr, code);
}

/** undefined: there is no such device. */
export async function mtuOf(run: Channel["run"], device: string): Promise<number | undefined> {
  const { code, stdout } = await run(["cat", `/sys/class/net/${device}/mtu`]);
  return code === 0 ? Number(stdout) : undefined;
}
