/** What NetworkManager has: devices and profiles, read in one command. */
import { type Bus, NM, type Objects, type Settings } from "./bus.js";
import type { Variant } from "./values.js";

// NMDeviceState (nm-dbus-interface.h).
export const UNMANAGED = 10;
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
  /** What the server of its lease by DHCPv4 knows it by; absent where that is its MAC, which goes along. */
  clientId?: string;
  /** The same of DHCPv6. */
  duid?: string;
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
  /** "Wired connection 1": made by NetworkManager for a NIC that has no profile, and made anew at each start of the host that finds none. */
  byDefault: boolean;
}

export interface Checkpoint {
  path: string;
  /** Paths of the devices that it takes back. */
  devices: readonly string[];
  /** Seconds from its creation; 0: it stays until somebody ends it. */
  seconds: number;
}

/** What moves while profiles stay. */
export interface Moving {
  devices: ReadonlyMap<string, Device>;
  checkpoints: readonly Checkpoint[];
}

export interface State extends Moving {
  profiles: readonly Profile[];
  /** Profiles that other users have to themselves, and that are not told to who asks. */
  hidden: readonly Hidden[];
}

export interface Hidden {
  path: string;
  /** Of one that is active. */
  uuid?: string;
}

// NMSettingsConnectionFlags (nm-dbus-interface.h). What another program set up is both of the last (recheck_assume_connection in
// nm-manager.c); the default of a NIC is generated alone (device_realized in nm-settings.c).
const UNSAVED = 0x1;
const GENERATED = 0x2;
const EXTERNAL = 0x8;

const text = (v: Variant | undefined): string => String(v?.data ?? "");
const faceOf = (objects: Objects) => (path: string, face: string) => objects[path]?.[`${NM}.${face}`];

/** One program there, where {@link readState} starts one for each profile: for who looks over and over. */
export async function readMoving(bus: Bus): Promise<Moving> {
  return movingIn(await bus.objects());
}

function movingIn(objects: Objects): Moving {
  const of = faceOf(objects);
  const devices = new Map<string, Device>();
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
          ...clientIdOf(of(text(device.Dhcp4Config), "DHCP4Config"), text(device.HwAddress)),
          ...iaidOf(of(text(device.Dhcp6Config), "DHCP6Config")),
        },
        ...(active ? { active: text(device.ActiveConnection), profile: text(active.Connection) } : {}),
      });
    }
  }
  const checkpoints = Object.keys(objects).flatMap((path): Checkpoint[] => {
    const found = of(path, "Checkpoint");
    if (!found) return [];
    return [{ path, devices: found.Devices?.data as string[], seconds: Number(found.RollbackTimeout?.data) }];
  });
  return { devices, checkpoints };
}

export async function readState(bus: Bus): Promise<State> {
  const { objects, settings } = await bus.everything();
  const of = faceOf(objects);
  const profiles = Object.keys(objects).flatMap((path): Profile[] => {
    const profile = of(path, "Settings.Connection");
    const s = settings.get(path);
    if (!profile || !s) return [];
    const flags = Number(profile.Flags?.data ?? 0);
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
        generated: (flags & EXTERNAL) !== 0,
        byDefault: (flags & (GENERATED | EXTERNAL)) === GENERATED,
      },
    ];
  });
  const moving = movingIn(objects);
  const hidden = [...settings].flatMap(([path, told]): Hidden[] => {
    if (told) return [];
    const active = Object.values(objects).find((faces) => faces[`${NM}.Connection.Active`]?.Connection?.data === path);
    return [{ path, ...(active ? { uuid: text(active[`${NM}.Connection.Active`]?.Uuid) } : {}) }];
  });
  return { ...moving, profiles: profiles.map((p) => portDevice(p, moving)), hidden };
}

/** A port's profile may name its NIC by the MAC: then its device is the one that has it. */
function portDevice(profile: Profile, { devices }: Moving): Profile {
  if (profile.device !== undefined || profile.settings.connection?.master === undefined) return profile;
  const on = [...devices.values()].find((d) => d.profile === profile.path);
  return on ? { ...profile, device: on.name } : profile;
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
  return {
    ...(options.iaid === undefined ? {} : { iaid: String(options.iaid.data) }),
    ...(options.dhcp6_client_id === undefined ? {} : { duid: String(options.dhcp6_client_id.data) }),
  };
}

/** As bytes, the first of which says what the others are; 1: a MAC (RFC 2132, 9.14). */
function clientIdOf(lease: Record<string, Variant> | undefined, mac: string): Uses {
  const id = ((lease?.Options?.data ?? {}) as Record<string, Variant>).dhcp_client_identifier?.data;
  return typeof id !== "string" || id.toLowerCase() === `01:${mac.toLowerCase()}` ? {} : { clientId: id };
}
