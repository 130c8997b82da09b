/** Every program of examples/, as it stands there: made, quiet, gone again. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { startGuest } from "../../sandbox/guests.js";
import type { Sandbox } from "../../sandbox/index.js";
import { skip } from "../skip.js";
import { on, startNetworkManager, withoutNetworkManager } from "../support/networkmanager.js";
import { repository } from "../support/repository.js";
import { startNetwork, virsh, withSandbox } from "../support/sandbox.js";
import { Program, PulumiFailed, pulumiDir } from "../support/stack.js";
import { nicsIn } from "../support/vms.js";

const folder = path.join(repository, "examples");

interface Example {
  main: string;
  /** What the host has afterwards. */
  networks: string[];
  config?: Record<string, string>;
  /** VMs that it plugs a NIC into: real guests, since they have to release it. */
  guests?: string[];
  /** NICs that they have before, which are taken over, and let go of by destroy. */
  nics?: { network: string; mac: string }[];
  /** What their NIC is on afterwards. */
  on?: RegExp;
  /** What must be there before. */
  prepare?(host: Sandbox): Promise<unknown>;
  /** Why it cannot be run here. */
  without?(): Promise<string | undefined>;
  /** What it promises beyond that. */
  check?(host: Sandbox): Promise<void>;
  /** What is there after destroy. */
  left?: string[];
}

const HOST = "198.51.100.10";
/** The outside of NIC eth1, as a LAN has it: a router, and a DHCP server. */
async function lan(host: Sandbox): Promise<void> {
  await on(host, ["sh", "-c", "ip link del br0 2> /dev/null || true"]);
  await startNetworkManager(host, 1);
  await on(host.outside, ["ip", "addr", "add", "198.51.100.1/24", "dev", "seg1"]);
  const served = ["--dhcp-range=198.51.100.100,198.51.100.150,10m", "--dhcp-host=52:54:00:72:00:01,198.51.100.10"];
  const how = ["--interface=seg1", "--bind-interfaces", "--except-interface=lo", "--port=0", "--no-ping"];
  await on(host.outside, [
    ...["dnsmasq", "--conf-file=/dev/null", ...how, ...served, "--dhcp-authoritative"],
    ...["--dhcp-leasefile=/run/lan.leases", "--pid-file=/run/lan.pid"],
  ]);
  const dhcp = ["ipv4.method", "auto", "ipv6.method", "disabled"];
  await on(host, ["nmcli", "connection", "add", "type", "ethernet", "ifname", "eth1", "con-name", "lan", ...dhcp]);
  await on(host, ["nmcli", "--wait", "30", "connection", "up", "lan"]);
  await on(host, ["sh", "-c", "ip route del default dev up0 || true"]);
}

/** Two VMs on it are in the LAN: with addresses of its server, which sees them, as the host and each other do. */
async function vmsAreInTheLan(host: Sandbox): Promise<void> {
  const at = (device: string) => on(host, ["sh", "-c", `ip -o -4 addr show dev ${device} | awk '{print $4}'`]);
  assert.deepEqual([await at("br0"), await at("eth1")], [`${HOST}/24`, ""]);
  const names = ["one", "two"];
  const guests = await Promise.all(names.map((name) => startGuest(host, { name, nics: [{ network: "lan" }] })));
  const addresses: string[] = [];
  for (const guest of guests) {
    await guest.waitReady();
    const [nic] = await guest.addresses();
    const [, address = ""] = /^(198\.51\.100\.1[0-5]\d)\/24$/.exec(nic?.v4[0] ?? "") ?? [];
    assert.notEqual(address, "", `${guest.name} has ${nic?.v4}`);
    addresses.push(address);
    assert.match(await on(host.outside, ["cat", "/run/lan.leases"]), new RegExp(`${nic?.mac} ${address} `));
    await on(host.outside, ["ping", "-c1", "-W5", address]);
    await on(host, ["ping", "-c1", "-W5", address]);
  }
  assert.equal(new Set(addresses).size, 2);
  assert.equal((await guests[0]?.exec(`ping -c1 -W5 ${addresses[1]}`))?.code, 0);
  for (const guest of guests) await guest.stop();
}

const bridge = (host: Sandbox) => host.exec(["sh", "-c", "ip link show br0 || ip link add br0 type bridge"]);
const all = ["dev", "dmz", "lab", "lan", "storage"];

/** The network of Debian's package libvirt-daemon-config-network. */
const DEFAULT_XML = `<network><name>default</name><bridge name='virbr0'/><forward/>
  <ip address='192.168.122.1' netmask='255.255.255.0'><dhcp><range start='192.168.122.2' end='192.168.122.254'/></dhcp></ip>
</network>`;

const examples: Record<string, Example> = {
  nat: { main: "index.ts", networks: ["dev"] },
  modes: { main: "index.ts", networks: all, config: { "virtnet-modes:bridge": "br0" }, prepare: bridge },
  javascript: { main: "index.js", networks: ["storage"] },
  esm: { main: "index.ts", networks: ["dev"] },
  adopt: {
    main: "index.ts",
    networks: ["default"],
    prepare: (host) => startNetwork(host, "default", DEFAULT_XML),
    left: ["default"],
  },
  demo: { main: "index.ts", networks: all, prepare: bridge },
  lan: {
    ...{ main: "index.ts", networks: ["lan"], config: { "virtnet-lan:nic": "eth1" } },
    ...{ without: withoutNetworkManager, prepare: lan, check: vmsAreInTheLan },
  },
  "unchanged-host": {
    ...{ main: "index.ts", networks: ["lan", "lan-direct"], prepare: bridge },
    config: { "virtnet-unchanged-host:bridge": "br0", "virtnet-unchanged-host:nic": "up0" },
  },
  "nat-to-lan": {
    main: "index.ts",
    networks: ["default"],
    config: { "virtnet-nat-to-lan:mac": "52:54:00:12:34:56" },
    guests: ["web"],
    nics: [{ network: "default", mac: "52:54:00:12:34:56" }],
    on: /<source bridge='br0'\/>/,
    prepare: async (host) => {
      await startNetwork(host, "default", DEFAULT_XML);
      await bridge(host);
    },
    left: ["default"],
  },
  "storage-nic": { main: "index.ts", networks: ["storage-lan"], guests: ["web"] },
};

/** Run by test/lab: they need a host with several NICs, and a kernel that has bonds and VLANs. */
const inTheLab = ["bridged-lan", "vlan-trunk"];

describe("the programs in examples/", function () {
  this.timeout(180_000);
  const host = withSandbox();
  const made: Program[] = [];
  const listed = async () => (await virsh(host(), ["net-list", "--all", "--name"])).split("\n").filter(Boolean).sort();

  before(function () {
    if (pulumiDir() === undefined) skip(this, "there is no Pulumi CLI: npm run setup builds it");
  });
  after(() => {
    for (const program of made) program.remove();
  });

  it("are all tested here", () => {
    const folders = fs.readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    assert.deepEqual(folders.map(({ name }) => name).sort(), [...Object.keys(examples), ...inTheLab].sort());
  });

  for (const [name, example] of Object.entries(examples)) {
    const {
      main,
      networks,
      config = {},
      guests = [],
      nics = [],
      on = /./,
      without,
      prepare,
      check,
      left = [],
    } = example;
    it(`examples/${name} is previewed, made, quiet, and gone after destroy`, async function () {
      const why = await without?.();
      if (why !== undefined) skip(this, why);
      await prepare?.(host());
      const running = await Promise.all(guests.map((guest) => startGuest(host(), { name: guest, nics })));
      for (const guest of running) await guest.waitReady();
      const program = new Program(pulumiDir() as string, { main });
      made.push(program);
      fs.cpSync(path.join(folder, name), program.dir, { recursive: true, filter: (p) => !p.includes("node_modules") });
      const stack = program.stack("dev", { "virtnet:uri": host().uri, ...config });
      const up = await stack.run(["up", "--yes"]);
      if (up.code !== 0) throw new PulumiFailed(up.text);
      assert.match(up.text, /^Previewing update/m);
      assert.doesNotMatch(up.text, /warning/i);
      assert.deepEqual(await listed(), networks);
      assert.deepEqual(await stack.drift(), {});
      const nicsOf = (guest: string) => nicsIn(host(), guest, "<mac");
      for (const guest of guests) {
        assert.equal((await nicsOf(guest)).length, 1);
        assert.match((await nicsOf(guest))[0] ?? "", on);
      }
      await check?.(host());
      await stack.destroy();
      assert.deepEqual(await listed(), left);
      for (const guest of guests) assert.equal((await nicsOf(guest)).length, nics.length);
      for (const guest of running) await guest.stop();
      for (const network of left) await virsh(host(), ["net-destroy", network]);
      for (const network of left) await virsh(host(), ["net-undefine", network]);
    });
  }
});
