/**
 * NetworkManager's D-Bus interface, called by `busctl` through the channel: the same on this machine, in a sandbox's namespace and
 * over ssh, as root by sudo. A D-Bus library would need a tunnel to the bus of each host, and nmcli knows no checkpoints.
 */
import { VirtnetError } from "../../../handler.js";
import type { Channel } from "../../../host/channel.js";
import { type Variant, words } from "./values.js";

export const NM = "org.freedesktop.NetworkManager";
export const ROOT = "/org/freedesktop/NetworkManager";

/** A profile's settings: setting → property → value. */
export type Settings = Record<string, Record<string, Variant>>;
type Objects = Record<string, Record<string, Record<string, Variant>>>;

/** A failed call, with NetworkManager's text. */
export class BusError extends VirtnetError {
  override name = "BusError";
}

export class Bus {
  readonly #channel: Channel;
  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** Whether NetworkManager runs there. Does not start it. */
  async present(): Promise<boolean> {
    const bus = "org.freedesktop.DBus";
    const ask = ["busctl", "call", bus, "/org/freedesktop/DBus", bus, "NameHasOwner", "s", NM];
    const { stdout, stderr, code } = await this.#channel.run(ask);
    // Of ssh itself, or ended by the time limit: nothing is known of the host.
    if (code === 255 || code === 128) throw new BusError(`the host cannot be reached: ${stderr.trim() || "no answer"}`);
    return stdout.trim() === "b true";
  }

  async call(path: string, member: string, signature = "", values: readonly unknown[] = []): Promise<unknown> {
    const cut = member.lastIndexOf(".");
    const target = [path, `${NM}${cut < 0 ? "" : `.${member.slice(0, cut)}`}`, member.slice(cut + 1)];
    return this.#busctl(member, [...["call", NM], ...target, signature, ...words(signature, values)]);
  }

  /** A property; undefined where the object has gone. */
  async property(path: string, face: string, name: string): Promise<unknown> {
    const args = ["get-property", NM, path, `${NM}.${face}`, name];
    const { stdout, code } = await this.#channel.run(["busctl", "--json=short", ...args]);
    return code === 0 ? (JSON.parse(stdout) as Variant).data : undefined;
  }

  /** All objects with their properties. */
  async objects(): Promise<Objects> {
    const args = ["call", NM, "/org/freedesktop", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects"];
    return (await this.#busctl("GetManagedObjects", args)) as Objects;
  }

  /** Settings of profiles, in their order; undefined for one that has gone meanwhile. One command for all: over ssh each is a round trip. */
  async settings(paths: readonly string[]): Promise<(Settings | undefined)[]> {
    if (paths.length === 0) return [];
    const one = `busctl --json=short call ${NM} "$p" ${NM}.Settings.Connection GetSettings 2> /dev/null || echo null`;
    const { stdout } = await this.#channel.run(["sh", "-c", `for p; do ${one}; done`, "sh", ...paths]);
    return stdout
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { data: [Settings] } | null)?.data[0]);
  }

  async #busctl(what: string, args: string[]): Promise<unknown> {
    const { stdout, stderr, code } = await this.#channel.run(["busctl", "--json=short", ...args]);
    if (code === 127) throw new BusError(`busctl is not on the host: install systemd's command-line tools`);
    if (code !== 0) {
      const text = stderr.trim().replace(/^Call failed: /, "") || `busctl ended with code ${code}`;
      throw new BusError(`NetworkManager, ${what}: ${text}`);
    }
    return stdout.trim() === "" ? undefined : (JSON.parse(stdout) as { data: unknown[] }).data[0];
  }
}
