/** The addresses of the host on the network, and what it serves there. */

import * as v from "valibot";
import { cidr } from "../../schema/net.js";
import { line, list, object, required, str, yesNo } from "../../schema/node.js";
import { dhcp } from "./dhcp.js";

const tftp = object({
  /** Directory that TFTP serves, an absolute path; must exist on the host. IPv4 only. */
  root: required(str("tftp/@root", v.pipe(line, v.startsWith("/", "must be an absolute path")))),
});

const ipEntry = object({
  /** Address of the host on this network with the prefix length: `192.168.100.1/24`, `fd00:100::1/64`. */
  address: required(cidr()),
  /** Whether local names of the subnet are answered here only (reverse zone). IPv4 prefix 8, 16 or 24; IPv6 prefix divisible by 4. */
  localPtr: yesNo("@localPtr", { default: false }),
  /** DHCP of this subnet. One IPv4 and one IPv6 address of a network may have it. */
  dhcp,
  /** TFTP server for PXE. */
  tftp,
});

export const ips = list("", "ip", ipEntry, { key: (i) => String(i.address).split("/")[0] as string, unit: false });
