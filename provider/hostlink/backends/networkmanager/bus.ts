/**
 * NetworkManager's D-Bus interface, called by `busctl` through the channel: the same on this machine, in a sandbox's namespace and
 * over ssh, as root by sudo. A D-Bus library would need a tunnel to the bus of each host, and nmcli knows no checkpoints.
 */
import { VirtnetError } from "../../../handler.js";
import { type Channel, type RunOptions, whyFailed } from "../../../host/channel.js";
import { type Variant, words } from "./values.js";

export const NM = "org.freedesktop.NetworkManager";
export const ROOT = "/org/freedesktop/NetworkManager";

export type Presence = "runs" | "does not run" | "not known without busctl";

/** A profile's settings: setting → property → value. */
export type Settings = Record<string, Record<string, Variant>>;
export type Objects = Record<string, Record<string, Record<string, Variant>>>;

/** What NetworkManager tells in two ways: it believes the older one where both are written back, which has no route's table and no DNS server's name (_nm_setting_use_legacy_property). */
const OLDER: Readonly<Record<string, string>> = { addresses: "address-data", routes: "route-data", dns: "dns-data" };

function withoutOlder(settings: Settings): Settings {
  for (const ip of [settings.ipv4, settings.ipv6])
    for (const [older, newer] of Object.entries(OLDER)) if (ip?.[newer] !== undefined) delete ip[older];
  return settings;
}

/** A failed call, with NetworkManager's text. */
export class BusError extends VirtnetError {
  override name = "BusError";
  /** The host did not answer: whether it was done is not known. */
  readonly lost: boolean;
  constructor(message: string, lost = false) {
    super(message);
    this.lost = lost;
  }
}

/** Of ssh itself, or ended by the time limit: nothing is known of the host. */
const isLost = (code: number): boolean => code === 255 || code === 128;

function failed(what: string, stderr: string, code: number): BusError {
  if (isLost(code))
    return new BusError(`NetworkManager, ${what}: the host did not answer ${stderr.trim()}`.trim(), true);
  if (code === 127) return new BusError(`busctl is not on the host: install systemd's command-line tools`);
  const text = stderr.trim().replace(/^Call failed: /, "") || `busctl ended with code ${code}`;
  return new BusError(`NetworkManager, ${what}: ${text}`);
}

const OBJECTS = [
  ...["busctl", "--json=short", "call", NM],
  ...["/org/freedesktop", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects"],
];
/**
 * One line of all objects, then one of each profile: its path and its settings. One that has gone since it was listed has no line;
 * one that other users have to themselves (`connection.permissions`) has its path alone, where who asks is not root
 * (nm_auth_is_subject_in_acl); whatever else fails is an error, since a profile that is not told of counts as gone.
 */
const EVERYTHING = `${OBJECTS.join(" ")} || exit
list() { busctl call ${NM} ${ROOT}/Settings ${NM}.Settings ListConnections; }
listed=$(list) || exit
for p in $(echo "$listed" | tr -d '"'); do
  case $p in /*) ;; *) continue ;; esac
  settings() { busctl --json=short call ${NM} "$p" ${NM}.Settings.Connection GetSettings; }
  if s=$(settings 2> /dev/null); then
    printf '%s %s\\n' "$p" "$s"
  else
    why=$(settings 2>&1 > /dev/null)
    case $why in *"has no permission"*) echo "$p"; continue ;; esac
    now=$(list) || exit
    case $now in *"\\"$p\\""*) echo "$why" >&2; exit 1 ;; esac
  fi
done`;

/** A program for each profile: a busy host with many takes its time. */
const EVERYTHING_MS = 60_000;

const objectsIn = (json: string): Objects => (JSON.parse(json) as { data: [Objects] }).data[0];

/** How long one command waits: it must end before the channel ends it. */
const SLICE_MS = 5_000;
/** How long the answer may be on its way. */
const ANSWER_MS = 5_000;
const WAIT = `while :; do
  p=$(busctl call ${NM} ${ROOT} ${NM} GetDeviceByIpIface s "$1" 2> /dev/null | cut -d '"' -f 2) s=
  if [ -n "$p" ]; then s=$(busctl get-property ${NM} "$p" ${NM}.Device State 2> /dev/null | cut -d ' ' -f 2); fi
  if [ -n "$s" ] && { [ "$s" = "$4" ] || { [ "$s" -ge "$2" ] && [ "$s" -le "$3" ]; }; }; then break; fi
  n=$((n + 1)); if [ "$n" -ge "$5" ]; then break; fi
  sleep 0.1
done
echo "$s"`;

export class Bus {
  readonly #channel: Channel;
  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /**
   * Whether NetworkManager runs there. Does not start it. An error where that cannot be told: a `sudo` that asks for a password says
   * nothing of NetworkManager.
   */
  async present(): Promise<Presence> {
    const bus = "org.freedesktop.DBus";
    const ask = ["busctl", "call", bus, "/org/freedesktop/DBus", bus, "NameHasOwner", "s", NM];
    const { stdout, stderr, code } = await this.#channel.run(ask);
    if (isLost(code)) throw new BusError(`the host cannot be reached: ${stderr.trim() || "no answer"}`);
    if (code === 0) return stdout.trim() === "b true" ? "runs" : "does not run";
    if (code === 127) return "not known without busctl";
    // busctl.c, acquire_bus: without a system bus there is no NetworkManager that could be asked.
    if (/Failed to (connect to|set) (the )?(system )?bus/.test(stderr)) return "does not run";
    throw new BusError(`whether NetworkManager runs there cannot be told: ${whyFailed(stderr, code)}`);
  }

  async call(
    path: string,
    member: string,
    signature = "",
    values: readonly unknown[] = [],
    options?: RunOptions,
  ): Promise<unknown> {
    const cut = member.lastIndexOf(".");
    const target = [path, `${NM}${cut < 0 ? "" : `.${member.slice(0, cut)}`}`, member.slice(cut + 1)];
    return this.#busctl(member, [...["call", NM], ...target, signature, ...words(signature, values)], options);
  }

  /** All objects with their properties, and the settings of all profiles that are told. One command for it: over ssh each is a round trip. */
  async everything(): Promise<{ objects: Objects; settings: ReadonlyMap<string, Settings | undefined> }> {
    const { stdout, stderr, code } = await this.#channel.run(["sh", "-c", EVERYTHING], { limitMs: EVERYTHING_MS });
    if (code !== 0) throw failed("reading devices and profiles", stderr, code);
    const [objects = "", ...profiles] = stdout.trim().split("\n");
    const settings = profiles.map((line): [string, Settings | undefined] => {
      const cut = line.indexOf(" ");
      return cut < 0
        ? [line, undefined]
        : [line.slice(0, cut), withoutOlder((JSON.parse(line.slice(cut)) as { data: [Settings] }).data[0])];
    });
    return { objects: objectsIn(objects), settings: new Map(settings) };
  }

  /** All objects with their properties, but no settings. */
  async objects(): Promise<Objects> {
    const { stdout, stderr, code } = await this.#channel.run(OBJECTS);
    if (code !== 0) throw failed("reading devices", stderr, code);
    return objectsIn(stdout);
  }

  /**
   * Looks, on the host itself, until a device is in a state from `from` to `to`, or in `end`; at most so long.
   * @returns the state that it was in last; undefined where there is no such device. A {@link BusError} where the host does not answer.
   */
  async deviceState(name: string, from: number, to: number, end: number, limitMs: number): Promise<number | undefined> {
    const turns = String(Math.max(1, Math.ceil(Math.min(limitMs, SLICE_MS) / 100)));
    const words = [name, from, to, end, turns].map(String);
    const limit = { limitMs: SLICE_MS + ANSWER_MS };
    const { stdout, stderr, code } = await this.#channel.run(["sh", "-c", WAIT, "sh", ...words], limit);
    if (isLost(code)) throw failed(`the state of ${name}`, stderr, code);
    return stdout.trim() === "" ? undefined : Number(stdout);
  }

  /** The settings of one profile. */
  async settings(path: string): Promise<Settings> {
    return withoutOlder((await this.call(path, "Settings.Connection.GetSettings")) as Settings);
  }

  async #busctl(what: string, args: string[], options?: RunOptions): Promise<unknown> {
    // A negative number, as a priority of -999, is no option of busctl.
    const { stdout, stderr, code } = await this.#channel.run(["busctl", "--json=short", "--", ...args], options);
    if (code !== 0) throw failed(what, stderr, code);
    return stdout.trim() === "" ? undefined : (JSON.parse(stdout) as { data: unknown[] }).data[0];
  }
}
