/** Whose rules are held. Pure. */
import { parseCidr } from "../../schema/net.js";

export interface Subject {
  /** Its own: 8 letters or digits. */
  id: string;
  bridge: string;
  /** Addresses with prefix. */
  subnets: readonly string[];
  /** Its guests may use IPv6 among themselves without a subnet. */
  ipv6?: boolean;
}

export interface Copy {
  /** What makes it. */
  add: string;
  /** What takes it away again as it was made, where that can be said without a look. */
  remove?: string;
  /** How the names of its chains begin. */
  prefix: string;
  /** Whether there are such chains, of a run that could not take them away. */
  left: boolean;
}

/** Whether a word of a rule is one of the subnets. */
export function mentionsSubnet(word: string, subnets: readonly string[]): boolean {
  const of = (cidr: string): string | undefined => {
    const c = /^[0-9a-f:.]+\/\d+$/i.test(cidr) ? parseCidr(cidr) : undefined;
    return c && `${c.family} ${c.first}/${c.prefix}`;
  };
  const it = of(word);
  return it !== undefined && subnets.some((s) => of(s) === it);
}
