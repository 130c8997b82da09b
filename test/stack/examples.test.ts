/** Every program of examples/, as it stands there: made, quiet, gone again. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Guest, startGuest } from "../../sandbox/guests.js";
import type { Executor, Sandbox } from "../../sandbox/index.js";
import type { UpstreamRoute } from "../../sdk/index.js";
import { skip } from "../skip.js";
import { on, startNetworkManager, withoutNetworkManager } from "../support/networkmanager.js";
import { repository } from "../support/repository.js";
import { startNetwork, virsh, withSandbox } from "../support/sandbox.js";
import { Program, PulumiFailed, pulumiDir, type Stack } from "../support/stack.js";
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
  check?(host: Sandbox, stack: Stack): Promise<void>;
  /** What is there after destroy. */
  left?: string[];
}

const HOST = "198.51.100.10";
/** The outside of NIC eth1, as a LAN has it: a router, and a DHCP server. */
async function lan(host: Sandbox): Promise<void> {
  await on(host, ["sh", "-c", "ip link del br0 2> /dev/null || true"]);
  await startNetworkManager(host, 2);
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

/** After {@link lan}: eth2 leads to a segment of its own, on which there is a machine of the outside. */
async function twoSegments(host: Sandbox): Promise<void> {
  await on(host, [
    "sh",
    "-c",
    "ip netns add internet && ip -n outside link set seg2 netns internet && ip link set eth2 up",
  ]);
  await on(host.namespace("internet"), ["sh", "-c", "ip addr add 192.0.2.1/24 dev seg2 && ip link set seg2 up"]);
}

/** Whether packets from an address arrive at a device, while somebody tries to send some there. */
async function arrives(at: Executor, device: string, from: string, send: () => Promise<unknown>): Promise<boolean> {
  const seen = at.exec(["timeout", "8", "tcpdump", "-nn", "-c1", "-i", device, "src", "host", from]);
  await sleep(1000);
  await send();
  return (await seen).code === 0;
}

/** A VM of the DMZ is reached from outside; it reaches neither the inner network nor the host, whatever it tries. */
async function dmzIsApart(host: Sandbox): Promise<void> {
  const nic = (network: string, v4: string) => ({ nics: [{ network, addresses: { v4 } }] });
  const web = await startGuest(host, { name: "web", ...nic("dmz", "192.0.2.50/24") });
  const db = await startGuest(host, { name: "db", ...nic("inner", "198.51.100.60/24") });
  for (const guest of [web, db]) await guest.waitReady();
  const pings = async (guest: Guest, to: string) => (await guest.exec(`ping -c2 -W2 ${to}`)).code === 0;
  await on(host.namespace("internet"), ["ping", "-c1", "-W5", "192.0.2.50"]);
  assert.equal(await pings(web, "192.0.2.1"), true);
  // Inside, all reach each other and the host.
  for (const to of ["198.51.100.1", HOST]) assert.equal(await pings(db, to), true, to);
  // By its gateway, which knows no way in; then straight to the host, as who has broken into it would.
  await web.exec("ip route add default via 192.0.2.1");
  for (const to of ["198.51.100.60", HOST]) assert.equal(await pings(web, to), false, to);
  const mac = await on(host, ["cat", "/sys/class/net/eth2/address"]);
  const targets = ["198.51.100.60", "198.51.100.1", HOST];
  await web.exec(`ip route add 198.51.100.0/24 dev eth0; for t in ${targets.join(" ")}; do arp -s $t ${mac}; done`);
  const tries = async () => {
    for (const to of targets) assert.equal(await pings(web, to), false, to);
  };
  assert.equal(await arrives(host, "br0", "192.0.2.50", tries), false);
  for (const guest of [web, db]) await guest.stop();
}

const ROUTER = "100.64.0.1";
/** The host's NIC pub0 leads to the router of a provider, beyond which is a customer; the sandbox's uplink is its management. */
async function publicNic(host: Sandbox): Promise<void> {
  await on(host, [
    ...["sh", "-ec"],
    `ip netns add router; ip netns add customer
    ip link add pub0 type veth peer name down0 netns router; ip addr add 100.64.0.2/24 dev pub0; ip link set pub0 up
    ip -n router addr add ${ROUTER}/24 dev down0; ip -n router link set down0 up
    ip link add up0 netns router type veth peer name eth0 netns customer
    ip -n router addr add 198.18.0.1/24 dev up0; ip -n router link set up0 up
    ip -n customer addr add 198.18.0.9/24 dev eth0; ip -n customer link set eth0 up
    ip -n customer route add default via 198.18.0.1
    ip netns exec router sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'
    ip route replace default via ${ROUTER} dev pub0`,
  ]);
}

/** Customers reach a server under its own address once the router has the entries of upstreamRoutes; it does not reach the management network. */
async function serversArePublic(host: Sandbox, stack: Stack): Promise<void> {
  const { upstreamRoutes: routes } = (await stack.outputs()) as { upstreamRoutes: UpstreamRoute[] };
  assert.deepEqual(routes, [{ destination: "192.0.2.0/28", via: "100.64.0.2" }]);
  const shop = await startGuest(host, { name: "shop", nics: [{ network: "servers" }] });
  await shop.waitReady();
  const [address = ""] = (await shop.addresses())[0]?.v4[0]?.split("/") ?? [];
  assert.match(address, /^192\.0\.2\.([2-9]|1[0-4])$/);
  const customer = host.namespace("customer");
  const reached = async () => (await customer.exec(["ping", "-c1", "-W3", address])).code === 0;
  assert.equal(await reached(), false);
  for (const { destination, via } of routes)
    await on(host.namespace("router"), ["ip", "route", "add", destination, "via", via]);
  assert.equal(await reached(), true);
  // Under its own address, in this direction too.
  const sends = () => shop.exec("ping -c2 -W2 198.18.0.9");
  assert.equal(await arrives(customer, "eth0", address, sends), true);
  // The other way round as well: the machine on the management network even has a route.
  const { outsideAddress, hostAddress } = host;
  await on(host.outside, ["ip", "route", "add", "192.0.2.0/28", "via", hostAddress.v4]);
  assert.equal((await host.outside.exec(["ping", "-c1", "-W3", address])).code, 1);
  const inwards = () => shop.exec(`ping -c2 -W2 ${outsideAddress.v4}`);
  assert.equal(await arrives(host.outside, "out0", address, inwards), false);
  await shop.stop();
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
  dmz: {
    ...{ main: "index.ts", networks: ["dmz", "inner"], without: withoutNetworkManager },
    config: { "virtnet-dmz:inner": "eth1", "virtnet-dmz:outer": "eth2" },
    ...{ prepare: twoSegments, check: dmzIsApart },
  },
  hosting: {
    ...{ main: "index.ts", networks: ["servers"], prepare: publicNic, check: serversArePublic },
    config: {
      ...{ "virtnet-hosting:nic": "pub0", "virtnet-hosting:subnet": "192.0.2.1/28" },
      ...{ "virtnet-hosting:first": "192.0.2.2", "virtnet-hosting:last": "192.0.2.14" },
    },
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
  this.timeout(300_000);
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
      await check?.(host(), stack);
      await stack.destroy();
      assert.deepEqual(await listed(), left);
      for (const guest of guests) assert.equal((await nicsOf(guest)).length, nics.length);
      for (const guest of running) await guest.stop();
      for (const network of left) await virsh(host(), ["net-destroy", network]);
      for (const network of left) await virsh(host(), ["net-undefine", network]);
    });
  }
});
