/** What ports have when a link lets them go, and what it keeps then. Pure. */
import type { HostLinks, LinkFact } from "../../facts.js";
import type { Lent, ObservedLink } from "../../steps.js";
import { readAddressing } from "./addresses.js";
import { ETHERNET, replacedOf, restingFor } from "./lookup.js";
import type { Profile, State } from "./state.js";
import { LENT, lentBy, userData } from "./user-data.js";

export function leaving(
  state: State,
  link: Profile,
  ports: readonly Profile[],
  host: HostLinks,
): Pick<ObservedLink, "keepsMac" | "lent" | "resting"> {
  const keepsMac = macOf(link, host.links.get(link.device ?? ""));
  const lent = ports.flatMap((port): [string, Lent][] => {
    const { device } = port;
    const found = device === undefined ? undefined : lends(state, port);
    if (device === undefined || !found) return [];
    const fact = host.links.get(device);
    const mac = fact?.ownMac ?? fact?.mac;
    return [[device, { ...found, ...(mac === undefined ? {} : { mac }) }]];
  });
  const resting = restingFor(state, { id: link.uuid }).flatMap(({ device }) => (device === undefined ? [] : [device]));
  return { ...(keepsMac === undefined ? {} : { keepsMac }), lent: new Map(lent), resting };
}

function lends(state: State, port: Profile): Omit<Lent, "mac"> | undefined {
  const { device = "", settings } = port;
  if (LENT in userData(settings))
    return {
      addressing: readAddressing(lentBy(settings) ?? {}),
      cannotRest: `they are those that ${device} has itself: set its own addresses to "none" first, in an up before`,
    };
  const before = replacedOf(state, port);
  if (!before) return undefined;
  const addressing = readAddressing(before.settings);
  if (before.device !== undefined) return { addressing };
  const bind = `nmcli connection modify ${JSON.stringify(before.id)} connection.interface-name ${device}`;
  return {
    addressing,
    cannotRest: `its profile ${JSON.stringify(before.id)} names no device and would start there by itself: give it its device first, with ${JSON.stringify(bind)}`,
  };
}

/** A bridge without one of its own has that of a port, a bond that of its first port, also when that has left (bond_main.c, __bond_release_one). */
function macOf({ settings, type }: Profile, fact: LinkFact | undefined): string | undefined {
  if (type === "bond") return ["active", "follow"].includes(fact?.bond?.failOverMac ?? "") ? undefined : fact?.mac;
  const own = settings[ETHERNET]?.["assigned-mac-address"]?.data as string | undefined;
  if (own?.includes(":")) return own;
  return settings.bridge?.["mac-address"] === undefined ? undefined : fact?.mac;
}
