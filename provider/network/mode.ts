/** What a mode of a network is made of; each mode is one file in `modes/`, closed by `satisfies NetworkMode`. */
import type { AnyNode, ObjectNode } from "../schema/node.js";
import type { Mode } from "./parts/forward.js";
import type { PriceTable } from "./prices.js";
import type { Rule } from "./rules/rule.js";

/** A cell of the reachability table; `firewall`: what the host's own firewall says. */
export type Reach = "yes" | "no" | "firewall";

export interface NetworkMode {
  mode: Mode;
  /** All fields; they are the type, the check of shape, the XML in both directions and the comparison. */
  fields: ObjectNode<Record<string, AnyNode>>;
  /** Rules across fields; the rules of shape stand at the fields. */
  rules: readonly Rule[];
  /** What each field's change costs; by path pattern, a row covers what lies below it. */
  prices: PriceTable;
  /** What guests reach, and from where they are reached. Proven by test/sandbox/reach.test.ts. */
  reach: { host: Reach; sameNetwork: Reach; outside: Reach; fromOutside: Reach };
}
