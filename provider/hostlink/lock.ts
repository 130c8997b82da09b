/** One change of a host's links at a time. */
import { VirtnetError } from "../handler.js";
import { type Channel, whyFailed } from "../host/channel.js";
import { holding } from "../host/lock.js";

/** How long another change may take: a checkpoint with LACP and a spanning tree, and its way back; in s. */
const WAIT_S = 300;
/** How long it may take to start a program there, in ms. */
const START_MS = 30_000;
/** How long what is left of a run stays on the host at most whose machine went away, in s. */
const LONGEST_S = 900;

/**
 * Runs on the host as long as somebody can write to it. NetworkManager takes VMs' taps off a bridge that it activates anew, also
 * when it takes a change back by itself (measured with 1.42): so whoever was on a bridge is put back there, when nothing waits
 * to be taken back any more. A tap that has another bridge by then stays there. That part goes on without the lock.
 */
const HOLDER = `
was=$(for t in /sys/class/net/*/tun_flags; do
  d=\${t%/tun_flags}
  if [ -e "$d/master" ]; then echo "\${d##*/} $(basename "$(readlink "$d/master")")"; fi
done)
echo held
timeout ${LONGEST_S} cat > /dev/null
[ -n "$was" ] || exit 0
plug() {
  echo "$was" | while read -r tap bridge; do
    if [ -e "/sys/class/net/$tap" ] && [ ! -e "/sys/class/net/$tap/master" ] && [ -e "/sys/class/net/$bridge/bridge" ]; then
      ip link set dev "$tap" master "$bridge"
    fi
  done
}
(
  n=0
  while [ $n -lt ${WAIT_S} ] && busctl tree --list org.freedesktop.NetworkManager | grep -q /Checkpoint/; do sleep 1; n=$((n + 1)); done
  sleep 1
  plug
) < /dev/null > /dev/null 2>&1 &
plug
`;

export function withLock<T>(channel: Channel, uri: string, work: () => Promise<T>, waitS = WAIT_S): Promise<T> {
  const what = `a link of host ${uri}`;
  return holding(uri, channel, { held: [{ name: "links", what }], waitS }, async () => {
    const hold = await channel.hold(["sh", "-c", HOLDER], START_MS);
    if (!hold.held)
      throw new VirtnetError(
        `${what} cannot be changed: what puts VMs back on their bridges does not start there: ${whyFailed(hold.why, hold.code)}`,
      );
    try {
      return await work();
    } finally {
      await hold.release();
    }
  });
}
