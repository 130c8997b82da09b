/**
 * `user`: the guest reaches the outside as a process of the host does, without any network of the host; nobody reaches it,
 * except through ports that passt forwards.
 *
 * @example
 * new virtnet.VmInterface("web-out", { domain: "web", user: {} });
 */
import * as v from "valibot";
import { deviceName } from "../../network/parts/forward.js";
import { cidr, ip } from "../../schema/net.js";
import { int, list, object, oneOf, required, str, yesNo } from "../../schema/node.js";
import { emulatedPrices } from "../prices.js";
import { userRules } from "../rules/index.js";
import type { Source } from "../source.js";
import { emulated } from "./common.js";

const absolutePath = v.pipe(v.string(), v.regex(/^\/[^\u0000-\u001f]*$/, "must be an absolute path"));

const range = object({
  /** First port on the host, 1–65535. */
  start: required(int("@start", 1, 65535)),
  /** Last port. Default: `start`. */
  end: int("@end", 1, 65535),
  /** First port in the guest. Default: `start`. */
  to: int("@to", 1, 65535),
  /** These ports are not forwarded. Default: false. */
  exclude: yesNo("@exclude", { default: false }),
});

const forward = object({
  /** Protocol. */
  protocol: required(oneOf("@proto", ["tcp", "udp"])),
  /** Address of the host that is listened on. Default: all. */
  address: ip("@address"),
  /** Device of the host that is listened on. Default: all. */
  device: str("@dev", deviceName),
  /** Which ports. Default: all. */
  ranges: list("", "range", range),
});

export const user = {
  source: "user",
  fields: object({
    /** How the guest reaches the outside; `{}`: by QEMU itself. */
    user: required(
      object({
        /** Who does it: QEMU itself (slirp), or `passt` (daemon 9.0 and newer). */
        backend: oneOf("backend/@type", ["passt"]),
        /** Log of passt, an absolute path. */
        logFile: str("backend/@logFile", absolutePath),
        /** Device of the host whose addresses and routes passt uses. Default: that of the default route. */
        device: str("source/@dev", deviceName),
        /** Addresses of the guest, at most one IPv4 and one IPv6. */
        addresses: list("", "ip", cidr(), { key: (a) => String(a) }),
        /** Ports of the host that passt forwards to the guest. */
        portForwards: list("", "portForward", forward),
      }),
    ),
    ...emulated,
  }),
  rules: userRules,
  prices: {
    ...emulatedPrices,
    user: { impact: "replug", why: "the guest's way out is made when the NIC is plugged" },
  },
} satisfies Source;
