/** What NetworkManager has: devices and profiles, read in one command. */
import { type Bus, NM, type Settings } from "./bus.js";
import type { Variant } from "./values.js";

// NMDeviceState (nm-dbus-interface.h).
export const DISCONNECTED = 30;
export const GETTING_ADDRESSES = 70;
export const ACTIVATED = 100;
export const DEACTIVATING = 110;
export const FAILED = 120;

export interface Device {
  path: string;
  name: string;
  /** NMDeviceState. */
  state: number;
  /** Path of its activation. */
  active?: string;
  /** Path of the profile that is active on it. */
  profile?: string;
  uses: Uses;
}

/** What a device uses where its profile leaves the choice. */
export interface Uses {
  /** Metrics of its default routes. */
  ipv4?: number;
  ipv6?: number;
  /** Of its lease by DHCPv6; by default a hash of the device's name. */
  iaid?: string;
}

export interface Profile {
  path: string;
  uuid: string;
  id: string;
  type: string;
  device?: string;
  settings: Settings;
  /** In memory only, or changed there. */
  unsaved: boolean;
  /** Made by NetworkManager for what another program set up. */
  generated: boolean;
}

export interface Checkpoint {
  path: string;
  /** Paths of the devices that it takes back. */
  devices: readonly string[];
  /** Seconds from its creation; 0: it stays until somebody ends it. */
  seconds: number;
}

export interface State {
  devices: ReadonlyMap<string, Device>;
  profiles: readonly Profile[];
  checkpoints: readonly Checkpoint[];
}

// NMSettingsConnectionFlags (nm-dbus-interface.h).
const UNSAVED = 0x1;
const GENERATED = 0x2;
const EXTERNAL = 0x8;

export async function readState(bus: Bus): Promise<State> {
  const { objects, settings } = await bus.everything();
  const of = (path: string, face: string) => objects[path]?.[`${NM}.${face}`];
  const text = (v: Variant | undefined): string => String(v?.data ?? "");
  const devices = new Map<string, Device>();
  const found: { path: string; flags: number }[] = [];
  for (const path of Object.keys(objects)) {
    const device = of(path, "Device");
    // Others are places that NetworkManager keeps for profiles whose device was never made.
    if (device && device.Real?.data !== false) {
      const active = of(text(device.ActiveConnection), "Connection.Active");
      devices.set(text(device.Interface), {
        path,
        name: text(device.Interface),
        state: Number(device.State?.data),
        uses: {
          ...metricOf("ipv4", of(text(device.Ip4Config), "IP4Config")),
          ...metricOf("ipv6", of(text(device.Ip6Config), "IP6Config")),
          ...iaidOf(of(text(device.Dhcp6Config), "DHCP6Config")),
        },
        ...(active ? { active: text(device.ActiveConnection), profile: text(active.Connection) } : {}),
      });
    }
    const profile = of(path, "Settings.Connection");
    if (profile) found.push({ path, flags: Number(profile.Flags?.data ?? 0) });
  }
  const profiles = found.flatMap(({ path, flags }): Profile[] => {
    const s = settings.get(path);
    if (!s) return [];
    const device = s.connection?.["interface-name"]?.data as string | undefined;
    return [
      {
        path,
        uuid: text(s.connection?.uuid),
        id: text(s.connection?.id),
        type: text(s.connection?.type),
        ...(device !== undefined ? { device } : {}),
        settings: s,
        unsaved: (flags & UNSAVED) !== 0,
        generated: (flags & (GENERATED | EXTERNAL)) !== 0,
      },
    ];
  });
  const checkpoints = Object.keys(objects).flatMap((path): Checkpoint[] => {
    const found = of(path, "Checkpoint");
    if (!found) return [];
    return [{ path, devices: found.Devices?.data as string[], seconds: Number(found.RollbackTimeout?.data) }];
  });
  return { devices, profiles, checkpoints };
}

/** What NetworkManager adds to a route while it finds no way to the Internet by it (nm_device_get_route_metric). */
const PENALTY = 20_000;

function metricOf(family: "ipv4" | "ipv6", config: Record<string, Variant> | undefined): Uses {
  const routes = (config?.RouteData?.data as Record<string, Variant>[] | undefined) ?? [];
  const all = routes.filter((r) => r.prefix?.data === 0 && r.metric).map((r) => Number(r.metric?.data) % PENALTY);
  return all.length === 0 ? {} : { [family]: Math.min(...all) };
}

function iaidOf(lease: Record<string, Variant> | undefined): Uses {
  const options = (lease?.Options?.data ?? {}) as Record<string, Variant>;
  return options.iaid === undefined ? {} : { iaid: String(options.iaid.data) };
}
