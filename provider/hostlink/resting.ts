/** Which ports that leave a link would have what the link keeps. Pure. */
import { type Inputs, VirtnetError } from "../handler.js";
import { type Addresses, type Addressing, inFull, isBare } from "./addressing.js";
import type { Kind } from "./args.js";
import type { Lent, ObservedLink } from "./steps.js";

/**
 * They have nothing until the link goes: two devices of a host with one address, or with addresses and one MAC on two ports of a
 * switch, take each other's frames. Throws where one can only come back with what it had.
 * @param addresses that the link has after the change.
 */
export function resting(
  { kind, desired }: { kind: Kind; desired: Inputs },
  link: ObservedLink,
  gone: readonly string[],
  addresses: Addresses | undefined,
): string[] {
  if (addresses === "inherit" || isBare(addresses)) return [];
  const kept = inFull(addresses ?? "none");
  const mac = (desired.mac as string | undefined) ?? link.keepsMac;
  return gone.filter((port) => {
    const lent = link.lent?.get(port);
    const why = lent && clash(lent, kept, mac);
    if (why === undefined) return false;
    if (lent?.cannotRest === undefined) return true;
    throw new VirtnetError(
      `${kind} ${JSON.stringify(desired.name)}: ports: ${JSON.stringify(port)} leaves it and gets its addresses back, but ${link.name} keeps ${why}, and a host has neither twice; ${lent.cannotRest}`,
    );
  });
}

const bare = (cidr: string): string => cidr.replace(/\/.*$/, "").toLowerCase();

function clash(lent: Lent, kept: Addressing, mac: string | undefined): string | undefined {
  if (isBare(lent.addressing)) return undefined;
  const both = (kept.addresses ?? []).filter((a) => lent.addressing.addresses?.some((b) => bare(a) === bare(b)));
  if (both.length > 0) return both.join(", ");
  if (mac !== undefined && mac.toLowerCase() === lent.mac?.toLowerCase()) return `its MAC ${mac}`;
  return undefined;
}
