/** Masquerading: the ranges of addresses and ports. */
import type { Failure } from "../../handler.js";
import { ipOf, unfit } from "./known.js";
import type { Rule } from "./rule.js";

const ports: Rule = {
  says: "The ports of masquerading start before they end.",
  check: ({ args }) => {
    const { start, end } = args.nat?.ports ?? {};
    return start === undefined || end === undefined || start < end
      ? []
      : [
          {
            property: "nat.ports.end",
            reason: `${end} is not above ${start}, nat.ports.start, and libvirt takes no range of one port: give a higher one`,
          },
        ];
  },
};

const addresses: Rule = {
  says: "The addresses of masquerading start before they end.",
  check: ({ args }) => {
    const { start, end } = args.nat?.addresses ?? {};
    const [a, b] = [ipOf(start), ipOf(end)];
    return !a || !b || a.n <= b.n
      ? []
      : [
          {
            property: "nat.addresses.end",
            reason: `${end} comes before ${start}, nat.addresses.start: exchange the two`,
          },
        ];
  },
};

// virSocketAddrGetRange, as for DHCP.
const size: Rule = {
  says: "The addresses of masquerading are at most 65536.",
  check: ({ args }) => {
    const { start, end } = args.nat?.addresses ?? {};
    const [a, b] = [ipOf(start), ipOf(end)];
    return !a || !b || b.n - a.n <= 65535n
      ? []
      : [
          {
            property: "nat.addresses.end",
            reason: `${end} makes more than 65536 addresses from ${start} on: end them earlier`,
          },
        ];
  },
};

const fit: Rule = {
  says: "The addresses of masquerading are ones that the host can have.",
  check: ({ args }) =>
    (["start", "end"] as const).flatMap((end): Failure[] => {
      const value = args.nat?.addresses?.[end];
      const ip = ipOf(value);
      const why = ip && unfit(ip);
      return why ? [{ property: `nat.addresses.${end}`, reason: `${value} ${why}: use addresses of the host` }] : [];
    }),
};

export const portRules: readonly Rule[] = [ports, addresses, size, fit];
