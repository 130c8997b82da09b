/** A host that is managed through eth1, which has fixed addresses by a profile of NetworkManager; looked at by ip, nmcli and ping. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Inputs } from "../../provider/handler.js";
import type { Kind } from "../../provider/hostlink/args.js";
import { linkHandler } from "../../provider/hostlink/handler.js";
import { forgetReadings } from "../../provider/hostlink/readings.js";
import { forgetLinks } from "../../provider/hostlink/run.js";
import type { Sandbox } from "../../sandbox/index.js";
import { type Driver, driveHandler } from "./drive.js";
import { on, withNetworkManager } from "./networkmanager.js";

export const GATEWAY = "198.51.100.1";
export const HOST = "198.51.100.10";

export async function waitFor(what: () => Promise<boolean>, limitMs: number): Promise<void> {
  for (const until = Date.now() + limitMs; !(await what()); await sleep(200))
    if (Date.now() > until) throw new Error(`not within ${limitMs} ms`);
}

export interface Lan {
  host(): Sandbox;
  sh(script: string): Promise<string>;
  nmcli(...args: string[]): Promise<string>;
  /** A profile by hand; its settings as `ipv4.method disabled`. */
  add(name: string, type: string, device: string, settings: string): Promise<string>;
  addresses(device: string): Promise<string[]>;
  ports(bridge: string): Promise<string[]>;
  exists(device: string): Promise<boolean>;
  /** From outside. */
  pingable(address?: string): Promise<boolean>;
  /** Files of profiles. */
  onDisk(): Promise<string[]>;
  checkpoints(): Promise<number>;
  drive(kind: Kind, key: string, more?: { owner?: object; name?: string; uri?: string }): Driver;
  /** The host is as before all changes. */
  assertBare(): Promise<void>;
}

export function withLan(nics: number): Lan {
  const host = withNetworkManager(nics);
  const drivers: Driver[] = [];
  const sh = (script: string) => on(host(), ["sh", "-c", script]);
  const lines = async (script: string) => (await sh(script)).split("\n").filter(Boolean);
  const lan: Lan = {
    host,
    sh,
    nmcli: (...args) => on(host(), ["nmcli", ...args]),
    add: (name, type, device, settings) =>
      lan.nmcli(...["connection", "add", "type", type, "ifname", device, "con-name", name], ...settings.split(" ")),
    addresses: (device) => lines(`ip -o -4 addr show dev ${device} 2> /dev/null | awk '{print $4}'`),
    ports: (bridge) => lines(`ls /sys/class/net/${bridge}/brif 2> /dev/null || true`),
    exists: async (device) => (await host().exec(["ip", "link", "show", "dev", device])).code === 0,
    pingable: async (address = HOST) => (await host().outside.exec(["ping", "-c1", "-W2", address])).code === 0,
    onDisk: () => lines("ls /etc/NetworkManager/system-connections"),
    checkpoints: async () =>
      (await lines("busctl tree --list org.freedesktop.NetworkManager | grep /Checkpoint/ || true")).length,
    drive(kind, key, { owner = {}, name = key, uri } = {}) {
      const whole = (args: Inputs): Inputs => ({
        ...{ name, uri: uri ?? host().uri, owner: { project: "p", stack: "s", key, ...owner } },
        ...args,
      });
      const d = driveHandler(linkHandler(kind), whole, () => forgetReadings());
      drivers.push(d);
      return d;
    },
    async assertBare() {
      assert.deepEqual(await lan.addresses("eth1"), [`${HOST}/24`]);
      assert.equal(await lan.pingable(), true);
      assert.equal(await lan.checkpoints(), 0);
      assert.deepEqual(await lan.onDisk(), ["lan.nmconnection"]);
      assert.equal(await lan.nmcli("-g", "connection.autoconnect", "connection", "show", "lan"), "yes");
    },
  };
  before("gives the host a NIC with its addresses", async () => {
    await on(host().outside, ["ip", "addr", "add", `${GATEWAY}/24`, "dev", "seg1"]);
    await sh("ip route del default; ip -6 route del default || true");
    const how = `ipv4.method manual ipv4.addresses ${HOST}/24 ipv4.gateway ${GATEWAY} ipv6.method disabled`;
    await lan.add("lan", "ethernet", "eth1", how);
    await lan.nmcli("connection", "up", "lan");
  });
  beforeEach("is a new run", forgetLinks);
  afterEach("nothing waits for its proof", async () => {
    for (const d of drivers.splice(0)) if (d.state) await d.destroy();
    await lan.assertBare();
  });
  return lan;
}
