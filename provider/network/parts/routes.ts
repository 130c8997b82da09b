/** Static routes that the host gets while the network runs. */

import { cidr, ip } from "../../schema/net.js";
import { int, list, object, required } from "../../schema/node.js";

const route = object({
  /** Destination subnet: `10.9.0.0/16`. */
  destination: required(cidr()),
  /** Next hop, an address on this network. */
  gateway: required(ip("@gateway")),
  /** Metric, 1–4294967295; lower is preferred. Default: the kernel's. */
  metric: int("@metric", 1, 4294967295),
});

export const routes = list("", "route", route, { key: (r) => `${r.destination} ${r.gateway}` });
