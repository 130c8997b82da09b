/**
 * Keep the firewall's rules of a network while libvirt changes it live.
 *
 * For each live change of DHCP, libvirt removes all rules of the network and sets them again (networkUpdate,
 * network/bridge_driver.c), which takes some tenths of a second. What a guest begins meanwhile leaves the host without address
 * translation, or not at all, and a flow of UDP stays so. So a copy of the rules stands beside them until libvirt has finished: exactly
 * what was there, in chains of our own, taken away by a program on the host that waits for this one to end, however it ends.
 */
import type { Channel, Held } from "../../host/channel.js";
import type { Firewall } from "../abilities.js";
import { iptablesCopy } from "./iptables.js";
import { nftablesCopy, TABLE } from "./nftables.js";
import type { Subject } from "./subject.js";

/** How long a copy may stand, in s: libvirt's calls have a shorter time limit. */
const LONGEST_S = 120;

const UNTIL_LET_GO = `echo held; timeout ${LONGEST_S} cat > /dev/null`;

const IPTABLES = `trap "" HUP INT TERM
put() { [ -z "$2" ] || printf %s "$2" | "$1-restore" -w 10 --noflush; }
put iptables "$1" || exit 1
put ip6tables "$3" || { put iptables "$2"; exit 1; }
${UNTIL_LET_GO}
put iptables "$2"; put ip6tables "$4"`;

const NFTABLES = `trap "" HUP INT TERM
printf %s "$1" | nft -f - || exit 1
${UNTIL_LET_GO}
for family in ip ip6; do
  nft -a list table $family ${TABLE} 2> /dev/null | awk -v t="$family ${TABLE}" -v own="$2" '
    $1 == "chain" { chain = $2; if (index(chain, own) == 1) chains[++n] = chain }
    index($0, "jump " own) { print "delete rule " t " " chain " handle " $NF }
    END { for (i = 1; i <= n; i++) print "flush chain " t " " chains[i] "\\ndelete chain " t " " chains[i] }'
done | nft -f -`;

type Hold = (channel: Channel, subject: Subject) => Promise<Held | undefined>;

const HOLDS: Record<Firewall, Hold> = {
  async iptables(channel, subject) {
    const [v4, v6] = await Promise.all(
      (["iptables-save", "ip6tables-save"] as const).map(async (tool) => {
        const { stdout, code } = await channel.run([tool]);
        return code === 0 ? iptablesCopy(stdout, subject) : undefined;
      }),
    );
    if (!v4 && !v6) return undefined;
    const texts = [v4, v6].flatMap((copy) => [copy?.add ?? "", copy?.remove ?? ""]);
    return await channel.hold(["sh", "-c", IPTABLES, "virtnet-hold", ...texts]);
  },
  async nftables(channel, subject) {
    const tables = ["ip", "ip6"].map((family) => channel.run(["nft", "list", "table", family, TABLE]));
    const copy = nftablesCopy((await Promise.all(tables)).map(({ stdout }) => stdout).join(""), subject);
    return copy && (await channel.hold(["sh", "-c", NFTABLES, "virtnet-hold", copy.add, copy.remove]));
  },
};

/** undefined: there is nothing to hold, or it cannot be held here. */
export function holdFirewall(channel: Channel, firewall: Firewall, subject: Subject): Promise<Held | undefined> {
  return HOLDS[firewall](channel, subject);
}
