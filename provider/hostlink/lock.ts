/** One change of a host's links at a time. */
import { VirtnetError } from "../handler.js";
import { type Channel, whyFailed } from "../host/channel.js";
import { holding } from "../host/lock.js";
import type { Backend } from "./backends/backend.js";
import { bystanders, lineOf } from "./bystanders.js";

/** How long another change may take: a checkpoint with LACP and a spanning tree, and its way back; in s. */
const WAIT_S = 300;
/** How long it may take to start a program there, in ms. */
const START_MS = 30_000;
/** How long a bridge may take until it is up again, in s. */
const UP_S = 60;
/** How long what is left of a run stays on the host at most whose machine went away, in s. */
const LONGEST_S = 900;

/** What the program below is told when the change is done: nothing is taken back. */
const DONE = "done";
/**
 * Runs on the host as long as somebody can write to it. NetworkManager takes who is no port of its own off a bridge that it activates
 * anew, also when it takes a change back by itself (measured with 1.42): VMs' taps, containers. So whoever was on a bridge is put back
 * there, with the VLANs that it had, at once and when nothing waits to be taken back any more. What has another bridge by then stays
 * there. A bridge that filters gets its default VLAN anew while it is activated, and with it each port that is on it (after a default
 * of 0, __br_vlan_set_default_pvid in net/bridge/br_vlan.c): where a change was taken back, the VLANs are set again once the bridge is
 * up, where they are others. That part goes on without the lock. Its argument: a line for each, of {@link lineOf}.
 * @public
 */
export const HOLDER = `
echo held
told=$(timeout ${LONGEST_S} cat)
[ -n "$1" ] || exit 0
trap '' HUP PIPE
was=$1
nm=org.freedesktop.NetworkManager
tag() {
  [ -z "$vlans" ] || bridge vlan del dev "$port" vid 1-4094
  for vlan in $vlans; do
    case $vlan in
      none) ;;
      *) bridge vlan add dev "$port" vid $(echo "$vlan" | tr / ' ') ;;
    esac
  done
}
plug() {
  echo "$was" | while read -r port bridge vlans; do
    if [ -e "/sys/class/net/$port" ] && [ ! -e "/sys/class/net/$port/master" ] && [ -e "/sys/class/net/$bridge/bridge" ]; then
      ip link set dev "$port" master "$bridge" || continue
      tag
    fi
  done
}
vlans_of() {
  bridge vlan show dev "$1" | awk 'NR > 1 && NF {
    i = /^[ \t]/ ? 1 : 2
    if ($i !~ /^[0-9]/) next
    printf "%s%s%s%s", n++ ? " " : "", $i, / PVID/ ? "/pvid" : "", / Egress Untagged/ ? "/untagged" : ""
  } END { if (!n) printf "none" }'
}
is_up() {
  device=$(busctl call $nm /org/freedesktop/NetworkManager $nm GetDeviceByIpIface s "$1") || return 0
  case $(busctl get-property $nm "$(echo "$device" | cut -d '"' -f 2)" $nm.Device State) in
    'u 70' | 'u 80' | 'u 90' | 'u 100') ;; # NM_DEVICE_STATE_IP_CONFIG to ACTIVATED
    *) false ;;
  esac
}
tag_anew() {
  n=0
  echo "$was" | while read -r port bridge vlans; do
    [ -n "$vlans" ] || continue
    until is_up "$bridge" || [ $n -ge ${UP_S} ]; do sleep 1; n=$((n + 1)); done
    [ "$(basename "$(readlink "/sys/class/net/$port/master")")" = "$bridge" ] || continue
    [ "$(vlans_of "$port")" = "$vlans" ] || tag
  done
}
(
  n=0
  while [ $n -lt ${WAIT_S} ] && busctl tree --list $nm | grep -q /Checkpoint/; do sleep 1; n=$((n + 1)); done
  sleep 1
  plug
  [ "$told" = ${DONE} ] && exit
  # It may begin to activate the bridge a moment later.
  for again in 1 2 3 4 5; do tag_anew; sleep 1; done
) < /dev/null > /dev/null 2>&1 &
plug
`;

/** @param by whose own ports are brought back by itself; asked where anybody is on a bridge. What it read before the lock was held counts no more. */
export function withLock<T>(
  channel: Channel,
  uri: string,
  by: Pick<Backend, "forget" | "ownPorts">,
  work: () => Promise<T>,
  waitS = WAIT_S,
): Promise<T> {
  const what = `a link of host ${uri}`;
  return holding(uri, channel, { held: [{ name: "links", what }], waitS }, async () => {
    by.forget();
    const others = await bystanders(channel, () => by.ownPorts());
    const hold = await channel.hold(["sh", "-c", HOLDER, "sh", others.map(lineOf).join("\n")], START_MS);
    if (!hold.held)
      throw new VirtnetError(
        `${what} cannot be changed: what puts VMs back on their bridges does not start there: ${whyFailed(hold.why, hold.code)}`,
      );
    let last = "";
    try {
      const result = await work();
      last = DONE;
      return result;
    } finally {
      await hold.release(last);
    }
  });
}
