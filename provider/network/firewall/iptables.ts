/**
 * libvirt's chains of iptables (network/bridge_driver_linux.c): a copy of what they have for one network. Pure: the text of
 * `iptables-save` in, that of `iptables-restore` out.
 *
 * A copy must come before what it copies, also while libvirt puts rules back one by one, a REJECT before the ACCEPT above it. FORWARD
 * goes through FWX, FWI and FWO, and FWX only accepts: so the copy of FWI stands at the end of FWX, and that of FWO at the end of FWI.
 * PRT of nat is the exception, where libvirt's rules come back above the copy, the general one first: for some ms a flow may be translated to a port
 * outside `nat.ports`, as without a copy.
 */
import { type Copy, mentionsSubnet, type Subject } from "./subject.js";

/** Names of its chains begin so. */
export const iptablesPrefix = (id: string): string => `VIRTNET-${id}-`;

/** Where a chain's copy is called: in which chain, and whether before or after that chain's own rules. */
const PLACES: Record<string, [chain: string, command: "-I" | "-A"]> = {
  LIBVIRT_FWX: ["LIBVIRT_FWX", "-I"],
  LIBVIRT_FWI: ["LIBVIRT_FWX", "-A"],
  LIBVIRT_FWO: ["LIBVIRT_FWI", "-A"],
  LIBVIRT_INP: ["LIBVIRT_INP", "-I"],
  LIBVIRT_OUT: ["LIBVIRT_OUT", "-I"],
  LIBVIRT_PRT: ["LIBVIRT_PRT", "-I"],
};

/** undefined: there is nothing to hold. */
export function iptablesCopy(saved: string, subject: Subject): Copy | undefined {
  const prefix = iptablesPrefix(subject.id);
  const [add, remove]: [string[], string[]] = [[], []];
  for (const [table, lines] of tablesOf(saved)) {
    const rules = new Map<string, string[]>();
    for (const line of lines) {
      const [, chain = "", rule = ""] = /^-A (\S+) (.*)$/.exec(line) ?? [];
      if (PLACES[chain] && concerns(rule, subject)) rules.set(chain, [...(rules.get(chain) ?? []), rule]);
    }
    if (rules.size === 0) continue;
    const copies = [...rules.keys()].map((chain) => {
      const [at, command] = PLACES[chain] as [string, string];
      return { chain, name: prefix + chain.replace("LIBVIRT_", ""), at, command };
    });
    add.push(
      `*${table}`,
      ...copies.map(({ name }) => `:${name} - [0:0]`),
      ...copies.flatMap(({ chain, name }) => (rules.get(chain) ?? []).map((rule) => `-A ${name} ${rule}`)),
      ...copies.map(({ at, command, name }) => `${command} ${at} -j ${name}`),
      "COMMIT",
    );
    remove.push(
      `*${table}`,
      ...copies.map(({ at, name }) => `-D ${at} -j ${name}`),
      ...copies.map(({ name }) => `-F ${name}`),
      ...copies.map(({ name }) => `-X ${name}`),
      "COMMIT",
    );
  }
  const text = (lines: string[]): string => `${lines.join("\n")}\n`;
  return add.length === 0 ? undefined : { add: text(add), remove: text(remove), prefix, left: saved.includes(prefix) };
}

function tablesOf(saved: string): [table: string, lines: string[]][] {
  return saved
    .split(/^\*/m)
    .slice(1)
    .map((part) => {
      const [table = "", ...lines] = part.split("\n");
      return [table.trim(), lines];
    });
}

function concerns(rule: string, { bridge, subnets }: Subject): boolean {
  const words = rule.split(" ");
  return words.some((word, i) => {
    const before = words[i - 1];
    if (before === "-i" || before === "-o") return word === bridge;
    return (before === "-s" || before === "-d") && mentionsSubnet(word, subnets);
  });
}
