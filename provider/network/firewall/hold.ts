/**
 * Keep the firewall's rules of a network while libvirt changes it live.
 *
 * For each live change of DHCP, libvirt removes all rules of the network and sets them again (networkUpdate,
 * network/bridge_driver.c), which takes some tenths of a second. What a guest begins meanwhile leaves the host without address
 * translation, or not at all, and a flow of UDP stays so. So a copy of the rules stands beside them until libvirt has finished: exactly
 * what was there, in chains of our own, taken away by a program on the host that waits for this one to end, however it ends.
 */
import { type Channel, whyFailed } from "../../host/channel.js";
import type { Hold } from "../../host/kept.js";
import type { Firewall } from "../abilities.js";
import { iptablesCopy, iptablesPrefix } from "./iptables.js";
import { nftablesCopy, nftablesPrefix, TABLE } from "./nftables.js";
import type { Copy, Subject } from "./subject.js";

/** How long it may take until the copy stands, in ms. */
const LIMIT_MS = 30_000;

// By what is there, table by table: also what an earlier one left, and what cannot be dropped as it was put, since others took
// some of it away. Both wait for others that change the firewall.
const IPTABLES_AWAY = `away() { for tool in iptables ip6tables; do
  "$tool-save" | awk -v own="$1" '
    /^\\*/ { table = $0; n = 0; m = 0 }
    substr($1, 2) ~ "^" own { chains[++n] = substr($1, 2) }
    $1 == "-A" && index($NF, own) == 1 && $(NF - 1) == "-j" { sub(/^-A/, "-D"); calls[++m] = $0 }
    $1 == "COMMIT" && n + m > 0 {
      print table
      for (i = 1; i <= m; i++) print calls[i]
      for (i = 1; i <= n; i++) print "-F " chains[i]
      for (i = 1; i <= n; i++) print "-X " chains[i]
      print "COMMIT"
    }' | "$tool-restore" -w --noflush
done; }
`;
const NFTABLES_AWAY = `away() { for family in ip ip6; do
  nft -a list table $family ${TABLE} 2> /dev/null | awk -v t="$family ${TABLE}" -v own="$1" '
    $1 == "chain" { chain = $2; if (index(chain, own) == 1) chains[++n] = chain }
    index($0, "jump " own) { print "delete rule " t " " chain " handle " $NF }
    END { for (i = 1; i <= n; i++) print "flush chain " t " " chains[i] "\\ndelete chain " t " " chains[i] }'
done | nft -f -; }
`;

// $1: the prefix, $2: how long it may stand, $3: whether something was left.
const HOLD = `trap "" HUP INT TERM
[ -z "$3" ] || away "$1"
put || { away "$1"; exit 1; }
echo held
timeout "$2" cat > /dev/null
drop || away "$1"`;
const IPTABLES_HOLD = `${IPTABLES_AWAY}
restore() { [ -z "$2" ] || printf %s "$2" | "$1-restore" -w --noflush; }
v4=$4 v6=$5 gone4=$6 gone6=$7
put() { restore iptables "$v4" && restore ip6tables "$v6"; }
drop() { restore iptables "$gone4" && restore ip6tables "$gone6"; } 2> /dev/null
${HOLD}`;
const NFTABLES_HOLD = `${NFTABLES_AWAY}
rules=$4
put() { printf %s "$rules" | nft -f -; }
drop() { false; } # a rule goes by its handle, which is looked for
${HOLD}`;

const program = (script: string, ...words: string[]): string[] => ["sh", "-c", script, "virtnet-hold", ...words];

const leftOf = (copies: readonly (Copy | undefined)[]): string => (copies.some((c) => c?.left) ? "left" : "");

const servesFamily = ({ subnets }: Subject, family: 4 | 6): boolean =>
  subnets.some((subnet) => subnet.includes(":") === (family === 6));

type Run = Channel["run"];
type Holding = (channel: Channel, look: Run, subject: Subject, seconds: number) => Promise<Hold | undefined>;

const HOLDS: Record<Firewall, Holding> = {
  async iptables(channel, look, subject, seconds) {
    // Without a subnet of IPv6 libvirt sets none of its rules, but for guests among themselves (networkAddGeneralIPv6FirewallRules).
    const families = ([4, 6] as const).filter((family) => family === 4 || subject.ipv6 || servesFamily(subject, 6));
    const read = families.map(async (family) => {
      const tool = family === 4 ? "iptables-save" : "ip6tables-save";
      const { stdout, stderr, code } = await look([tool]);
      if (code === 0) return iptablesCopy(stdout, subject);
      if (servesFamily(subject, family)) throw new Error(`${tool}: ${whyFailed(stderr, code)}`);
      return undefined;
    });
    const copies = await Promise.all(read);
    if (copies.every((copy) => copy === undefined)) return undefined;
    const texts = (["add", "remove"] as const).flatMap((what) => [0, 1].map((i) => copies[i]?.[what] ?? ""));
    const words = [iptablesPrefix(subject.id), String(seconds), leftOf(copies), ...texts];
    return await channel.hold(program(IPTABLES_HOLD, ...words), LIMIT_MS);
  },
  async nftables(channel, look, subject, seconds) {
    const tables = ["ip", "ip6"].map((family) => look(["nft", "list", "table", family, TABLE]));
    const read = await Promise.all(tables);
    const failed = read.find(({ code, stderr }) => code !== 0 && !/No such file or directory/.test(stderr));
    if (failed) throw new Error(`nft: ${whyFailed(failed.stderr, failed.code)}`);
    const copy = nftablesCopy(read.map(({ stdout }) => stdout).join(""), subject);
    if (!copy) return undefined;
    return await channel.hold(program(NFTABLES_HOLD, copy.prefix, String(seconds), leftOf([copy]), copy.add), LIMIT_MS);
  },
};

const SWEEP = `${IPTABLES_AWAY}away "$1"
${NFTABLES_AWAY}away "$2"`;

/** Of a network that is stopped and started or moved anyway: what a run left behind that was killed together with its program on the host. */
export async function sweepFirewall(channel: Channel, id: string): Promise<void> {
  await channel.run(program(SWEEP, iptablesPrefix(id), nftablesPrefix(id)));
}

/**
 * @param look what runs commands that only look.
 * @param seconds how long it may stand at most; undefined: there is nothing to hold. Throws where it cannot be held.
 */
export async function holdFirewall(
  channel: Channel,
  look: Run,
  firewall: Firewall,
  subject: Subject,
  seconds: number,
): Promise<Hold | undefined> {
  const hold = await HOLDS[firewall](channel, look, subject, seconds);
  if (hold && !hold.held) throw new Error(whyFailed(hold.why, hold.code));
  return hold;
}
