/** Where daemons differ in what they change of a running NIC: the one place that asks. */
import type { Inputs } from "../handler.js";
import { BRIDGE_VLAN_SINCE, has } from "../network/abilities.js";
import type { Price } from "../network/prices.js";
import type { Carrier } from "./steps.js";

/** NEWS of 9.0: the passt backend of `<interface type='user'>`. */
export const PASST_SINCE = 9_000_000;

interface Limit {
  /** From this daemon on it is changed live. */
  since: number;
  /** Of these it is, whatever the daemon. */
  except?: (desired: Inputs) => boolean;
  why: string;
}

const onSwitch = (desired: Inputs): boolean =>
  (desired.virtualport as { type?: string } | undefined)?.type === "openvswitch";

/** Rows that the price table calls live, and qemuDomainChangeNet of older daemons refuses, or takes and ignores. */
const LIMITS: Readonly<Record<string, Limit>> = {
  trustGuestRxFilters: { since: 10_000_000, why: "libvirt changes it live from 10.0 on" },
  vlan: {
    since: BRIDGE_VLAN_SINCE,
    except: onSwitch,
    why: "libvirt changes it live on Open vSwitch, and from 11.0 on",
  },
  virtualport: { since: 10_008_000, why: "libvirt changes it live from 10.8 on" },
};

const topOf = (row: string): string => row.split(/[.[]/)[0] as string;

/** The price of a change on this daemon. */
export function priceHere(price: Price, row: string, desired: Inputs, daemon: number): Price {
  const limit = price.impact === "live" ? LIMITS[topOf(row)] : undefined;
  if (!limit || has(daemon, limit.since) || limit.except?.(desired)) return price;
  return { impact: "replug", why: limit.why };
}

/** What a NIC is moved between is moved live between taps only (qemuDomainChangeNet). */
export function priceOfMove(price: Price, from: Carrier | undefined, to: Carrier | undefined): Price {
  if (from === "tap" && to === "tap") return price;
  return {
    impact: "replug",
    why:
      from === undefined || to === undefined
        ? "what carries it is not known, and libvirt moves a NIC live between bridges only"
        : "libvirt moves a NIC live between bridges only",
  };
}
