import { int, object } from "../../schema/node.js";

const MAX = 4294967295;

/**
 * Traffic shaping, seen from the guest: `inbound` goes to it, `outbound` comes from it.
 * Source: libvirt formatnetwork, elementQoS. Needs sch_htb and sch_sfq in the host's kernel.
 *
 * @example { inbound: { average: 1000, peak: 5000, burst: 1024 }, outbound: { average: 512 } }
 */
const inbound = object({
  /** Average rate, in KiB/s. */
  average: int("bandwidth/inbound/@average", 1, MAX),
  /** Highest rate, in KiB/s; at least `average`. */
  peak: int("bandwidth/inbound/@peak", 1, MAX),
  /** What may be sent at peak rate at once, in KiB. */
  burst: int("bandwidth/inbound/@burst", 1, MAX),
  /** Guaranteed rate for a NIC, in KiB/s, of a `VmInterface` only; needs `average` on its network. */
  floor: int("bandwidth/inbound/@floor", 1, MAX),
});

const outbound = object({
  /** Average rate, in KiB/s. */
  average: int("bandwidth/outbound/@average", 1, MAX),
  /** Highest rate, in KiB/s; at least `average`. */
  peak: int("bandwidth/outbound/@peak", 1, MAX),
  /** What may be sent at peak rate at once, in KiB. */
  burst: int("bandwidth/outbound/@burst", 1, MAX),
});

export const bandwidth = object({
  /** Towards the guests. */
  inbound,
  /** From the guests. */
  outbound,
});
