/** DHCP, TFTP and boot server of one address. Served by dnsmasq on the host. */
import * as v from "valibot";
import { anyIp, ip, mac } from "../../schema/net.js";
import { int, line, list, object, oneOf, required, str } from "../../schema/node.js";

const leaseFields = object({
  /** How long a lease holds, in `unit`; 0: for ever. Otherwise at least 2 minutes. */
  expiry: required(int("lease/@expiry", 0, 4294967295)),
  /** Unit of `expiry`. Default: minutes. */
  unit: oneOf("lease/@unit", ["seconds", "minutes", "hours"], { default: "minutes" }),
});

/** How many seconds each unit has. */
export const SECONDS = { seconds: 1, minutes: 60, hours: 3600 };

/** @example { expiry: 12, unit: "hours" } */
const lease: typeof leaseFields = {
  ...leaseFields,
  // An hour is 60 minutes.
  implied(value) {
    const { expiry, unit = "minutes" } = value as { expiry?: unknown; unit?: keyof typeof SECONDS };
    if (typeof expiry !== "number" || SECONDS[unit] === undefined) return;
    value.expiry = expiry * SECONDS[unit];
    delete value.unit;
  },
};

const range = object({
  /** First address that is handed out. */
  start: required(ip("@start")),
  /** Last address that is handed out. */
  end: required(ip("@end")),
  /** Lease time of this range. */
  lease,
});

const host = object({
  /** MAC of the guest's NIC (IPv4). */
  mac: mac("@mac"),
  /** DUID of the guest (IPv6 only). */
  id: str("@id"),
  /** Host name that the guest is given, and that DNS answers. */
  name: str("@name"),
  /** The address that it always gets. */
  ip: ip("@ip"),
  /** Lease time of this host. */
  lease,
});

const bootp = object({
  /** Boot file that PXE clients are told. */
  file: required(str("dhcp/bootp/@file")),
  /** Server of the boot file. Default: this network's own TFTP. */
  server: str("dhcp/bootp/@server", v.union([anyIp, line])),
});

export const dhcp = object({
  /** Ranges of addresses handed out. A change is live. */
  ranges: list("dhcp", "range", range, { key: (r) => `${r.start}-${r.end}` }),
  /** Fixed addresses by MAC, DUID or name. A change is live. */
  hosts: list("dhcp", "host", host, { key: (h) => h.mac ?? h.id ?? h.name ?? String(h.ip) }),
  /** Boot server for PXE. */
  bootp,
});
