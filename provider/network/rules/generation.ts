/** What libvirt needs to make a network at all, and what XML cannot hold. */
import type { Failure } from "../../handler.js";
import type { MetadataElement } from "../parts/metadata.js";
import { each, quote } from "./known.js";
import type { Rule } from "./rule.js";

const address: Rule = {
  says: "A network that forwards has an address.",
  check: ({ args }) =>
    args.mode !== "isolated" && args.ips?.length === 0
      ? [
          {
            property: "ips",
            reason: `is empty, and mode ${quote(args.mode)} needs the host's address on the network: add one, as { address: "192.168.100.1/24" }`,
          },
        ]
      : [],
};

// Text beside child elements is not read back, so it would differ for ever.
export const metadataText: Rule = {
  says: "An element of metadata has a text or children, not both.",
  check: ({ args }) =>
    each(args.metadata, "metadata").flatMap(({ item, path }) =>
      mixed(item.element as MetadataElement | undefined, `${path}.element`),
    ),
};

function mixed(el: MetadataElement | undefined, path: string): Failure[] {
  if (!el) return [];
  const own =
    el.text !== undefined && el.children?.length
      ? [{ property: `${path}.text`, reason: "is set beside children: put it into an element of its own" }]
      : [];
  return [...own, ...each(el.children, `${path}.children`).flatMap(({ item, path: p }) => mixed(item, p))];
}

export const generationRules: readonly Rule[] = [address];
