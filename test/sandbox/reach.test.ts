/** The promises of docs/modes.md, every cell and every exception, proven with packets on a real libvirtd. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import type { Context, Inputs } from "../../provider/handler.js";
import { closeHosts } from "../../provider/host/hosts.js";
import { modes } from "../../provider/network/args.js";
import { forgetRun, networkHandler } from "../../provider/network/handler.js";
import type { Reach } from "../../provider/network/mode.js";
import { MODES } from "../../provider/network/parts/forward.js";
import { neighbours } from "../../provider/network/run.js";
import { type Guest, startGuest } from "../../sandbox/guests.js";
import {
  type Answer,
  bridgeUplink,
  cells,
  type Family,
  families,
  guestAddress,
  type JoinedNetwork,
  joinGuests,
  measureReach,
  ping,
  type ReachNetwork,
  type ReachRow,
  reachTable,
  sendDatagram,
} from "../../sandbox/reach.js";
import { skip } from "../skip.js";
import { withSandbox } from "../support/sandbox.js";

const ctx: Context = { log: () => {} };

/** The network of each mode that the table is about, then those of the exceptions. */
const networks: Record<string, Inputs> = {
  nat: own("nat", "192.168.100.1/24", "fd00:100::1/64", { nat: { ipv6: true } }),
  route: own("route", "198.51.100.1/24", "2001:db8:51::1/64"),
  open: own("open", "10.30.0.1/24", "2001:db8:30::1/64"),
  isolated: own("isolated", "10.20.0.1/24", "fd00:20::1/64"),
  bridge: { mode: "bridge", bridge: "lan0" },
  "nat-plain": own("nat", "192.168.101.1/24", "2001:db8:101::1/64"),
  bare: { mode: "isolated", bridge: { name: "vr-bare", stp: false }, ipv6: true },
  mute: { mode: "isolated", bridge: { stp: false } },
  alone: own("isolated", "10.21.0.1/24", undefined, { portIsolated: true }),
};

function own(mode: string, v4: string, v6: string | undefined, more: Inputs = {}): Inputs {
  const ips = [v4, v6].filter((address) => address !== undefined).map((address) => ({ address }));
  return { mode, bridge: { stp: false }, ips, ...more };
}

/** What goes through the host's FORWARD. */
const FORWARDED: ReadonlySet<(typeof cells)[number]> = new Set(["outside", "fromOutside"]);

const SENTENCES: Record<(typeof cells)[number], Record<"yes" | "no", string>> = {
  host: { yes: "guests reach the host", no: "guests do not reach the host" },
  sameNetwork: { yes: "guests reach each other", no: "guests do not reach each other" },
  outside: { yes: "guests reach the outside", no: "guests do not reach the outside" },
  fromOutside: { yes: "the outside reaches guests", no: "the outside does not reach guests" },
};

describe("reachability", function () {
  this.timeout(120_000);
  after("closes the connections", closeHosts);
  const host = withSandbox();
  const outs: Record<string, Inputs> = {};
  const joined: Record<string, JoinedNetwork> = {};
  let withoutRoutes: Answer[];
  let open: ReachRow[];
  let closed: ReachRow[];
  /** Of libvirt 10.4 and newer, where it was chosen: there "accept" of one table does not overrule "drop" of another. */
  let nftables: boolean;

  const guest = (network: string, index: 0 | 1 = 0) => the(joined[network]).guests[index];
  const address = (network: string, family: Family, index: 0 | 1 = 0) =>
    the(guestAddress(the(joined[network]), family, index));
  const firewall = async (script: string) => {
    const both = `for t in iptables ip6tables; do ${script}; done`;
    const { code, stderr } = await host().exec(["sh", "-ec", both]);
    assert.equal(code, 0, stderr);
  };
  const CLOSE = "$t -P FORWARD DROP; $t -I INPUT -i $BRIDGE -j DROP";
  const OPEN = "$t -P FORWARD ACCEPT; $t -D INPUT -i $BRIDGE -j DROP";
  const ofOpen = (script: string) => script.replaceAll("$BRIDGE", String(outs.open?.bridgeName));

  before("makes a network of each mode, and measures", async () => {
    forgetRun();
    await bridgeUplink(host(), "lan0");
    for (const [name, args] of Object.entries(networks)) {
      const { inputs, failures } = await networkHandler.check(ctx, {}, { name, uri: host().uri, ...args });
      assert.deepEqual(failures, []);
      outs[name] = (await networkHandler.create(ctx, inputs)).outs;
    }
    const { hostAddress, outsideAddress } = host();
    const plan = Object.entries(networks).flatMap(([name, args]): ReachNetwork[] => {
      const bridge = String(outs[name]?.bridgeName);
      const [v4, v6] = ((args.ips ?? []) as { address: string }[]).map((ip) => ip.address);
      if (name === "alone") return [];
      if (name === "bridge") {
        return [{ name, bridge, v4: `${hostAddress.v4}/24`, v6: `${hostAddress.v6}/64`, gateway: outsideAddress }];
      }
      if (name === "mute") return [{ name, bridge, v4: "10.41.0.1/24", v6: "fd00:41::1/64", host: hostAddress }];
      // The host has no address there: its others are tried.
      if (name === "bare") return [{ name, bridge, v4: "10.40.0.1/24", v6: "fd00:40::1/64", host: hostAddress }];
      return [{ name, bridge, v4, v6 }];
    });
    for (const network of await joinGuests(host(), plan)) joined[network.name] = network;

    withoutRoutes = await Promise.all(
      families.flatMap((family) => [
        ping(host().outside, address("route", family)),
        ping(guest("route"), outsideAddress[family]),
      ]),
    );
    // For `route` just what the resource says. Of the others the outside knows the way as well: who does not reach guests
    // then is not let, instead of not finding them.
    const told = outs.route?.upstreamRoutes as { destination: string; via: string }[];
    const routes = told.map(({ destination, via }) => `ip route add ${destination} via ${via}`);
    for (const [name, { v4, v6 }] of Object.entries(joined)) {
      if (name === "route" || name === "bridge") continue;
      const subnet = (text = "") => text.replace(/1(?=\/)/, text.includes(":") ? "" : "0");
      routes.push(
        `ip route add ${subnet(v4)} via ${hostAddress.v4}`,
        `ip route add ${subnet(v6)} via ${hostAddress.v6}`,
      );
    }
    const { code, stderr } = await host().outside.exec(["sh", "-ec", routes.join("\n")]);
    assert.equal(code, 0, stderr);

    nftables = (await host().exec(["nft", "list", "tables"])).stdout.includes("libvirt_network");
    const all = Object.values(joined);
    open = await measureReach(host(), all);
    await firewall(ofOpen(CLOSE));
    closed = await measureReach(host(), all);
    await firewall(ofOpen(OPEN));
    if (process.env.VIRTNET_REACH_TABLE) {
      console.log(`\n${reachTable(open)}\n\nWith the host's firewall closed:\n\n${reachTable(closed)}\n`);
    }
  });

  const measured = (rows: ReachRow[], network: string) => rows.filter((row) => row.network === network);
  const holds = (rows: ReachRow[], network: string, cell: (typeof cells)[number], promise: "yes" | "no") => {
    assert.equal(measured(rows, network).length, 2);
    for (const row of measured(rows, network)) {
      assert.equal(row[cell] === "yes", promise === "yes", `${network}, ${row.family}: ${row[cell]}`);
    }
  };

  for (const mode of MODES) {
    describe(`mode ${mode}`, () => {
      for (const cell of cells) {
        const promise: Reach = modes[mode].reach[cell];
        if (promise === "firewall") {
          it(`where the host's firewall is open, ${SENTENCES[cell].yes}`, () => holds(open, mode, cell, "yes"));
          it(`where the host's firewall is closed, ${SENTENCES[cell].no}`, () => holds(closed, mode, cell, "no"));
        } else if (promise === "yes" && mode !== "bridge" && FORWARDED.has(cell)) {
          it(SENTENCES[cell].yes, () => holds(open, mode, cell, "yes"));
          it(`where the host's firewall is closed, ${SENTENCES[cell].yes} by libvirt's rules in iptables, not by those in nftables`, () =>
            holds(closed, mode, cell, nftables ? "no" : "yes"));
        } else {
          it(SENTENCES[cell][promise], () => holds(open, mode, cell, promise));
          it(`where the host's firewall is closed, too, ${SENTENCES[cell][promise]}`, () =>
            holds(closed, mode, cell, promise));
        }
      }
    });
  }

  it("mode route outputs the routes that the outside needs, via the host's addresses", () => {
    assert.deepEqual(outs.route?.upstreamRoutes, [
      { destination: "198.51.100.0/24", via: host().hostAddress.v4 },
      { destination: "2001:db8:51::/64", via: host().hostAddress.v6 },
    ]);
    for (const name of Object.keys(networks)) if (name !== "route") assert.deepEqual(outs[name]?.upstreamRoutes, []);
  });

  it("mode route neither reaches the outside nor is reached without those routes", () => {
    assert.equal(withoutRoutes.includes("yes"), false, withoutRoutes.join());
  });

  it("the outside sees guests of a nat network as the host, guests of a routed one as themselves", async () => {
    const seen = (network: string, family: Family) =>
      sendDatagram(host(), `${network}-a`, "outside", host().outsideAddress[family]).then((d) => d.arrivedFrom);
    const [nat4, nat6, route4, route6] = await Promise.all([
      seen("nat", "v4"),
      seen("nat", "v6"),
      seen("route", "v4"),
      seen("route", "v6"),
    ]);
    assert.deepEqual([nat4, nat6], [host().hostAddress.v4, host().hostAddress.v6]);
    assert.deepEqual([route4, route6], [address("route", "v4"), address("route", "v6")]);
  });

  it("IPv6 of a nat network without nat.ipv6 is routed and visible from outside", async () => {
    const [v4, v6] = measured(open, "nat-plain");
    assert.deepEqual([v4?.fromOutside, v6?.fromOutside], ["rejected", "yes"]);
    const { arrivedFrom } = await sendDatagram(host(), "nat-plain-a", "outside", host().outsideAddress.v6);
    assert.equal(arrivedFrom, address("nat-plain", "v6"));
  });

  it("IPv6 of a nat network with nat.ipv6 is not visible from outside", () => {
    assert.deepEqual(
      measured(open, "nat").map((row) => row.fromOutside),
      ["rejected", "rejected"],
    );
  });

  it("guests of two nat networks do not reach each other", async () => {
    assert.deepEqual(
      await Promise.all([
        ping(guest("nat"), address("nat-plain", "v4")),
        ping(guest("nat-plain"), address("nat", "v4")),
        ping(guest("nat-plain"), address("nat", "v6")),
      ]),
      ["rejected", "rejected", "rejected"],
    );
  });

  it("guests of a nat network reach routed, open and bridged guests, which do not reach them", async () => {
    const others = ["route", "open", "bridge"].flatMap((other) => families.map((family) => ({ other, family })));
    await Promise.all(
      others.map(async ({ other, family }) => {
        const [there, back] = await Promise.all([
          ping(guest("nat"), address(other, family)),
          // A bridged guest asks its gateway outside, which knows the way.
          ping(guest(other), address("nat", family)),
        ]);
        assert.equal(there, "yes", `to ${other}, ${family}`);
        assert.equal(back, "rejected", `from ${other}, ${family}`);
      }),
    );
  });

  it("an isolated network without an address does not reach the host, though its guests reach each other", async () => {
    for (const row of measured(open, "bare")) {
      assert.notEqual(row.host, "yes");
      assert.notEqual(row.outside, "yes");
      assert.notEqual(row.fromOutside, "yes");
      assert.equal(row.sameNetwork, "yes");
    }
    // Also not when a guest asks for the host's address on its own wire.
    await guest("bare").exec(["ip", "route", "add", host().hostAddress.v4, "dev", "eth0"]);
    assert.equal(await ping(guest("bare"), host().hostAddress.v4), "no answer");
  });

  it("an isolated guest reaches every address of the host, also those on other networks", async () => {
    const targets = [host().hostAddress.v4, host().hostAddress.v6, "192.168.100.1", "fd00:100::1", "198.51.100.1"];
    for (const [index, answer] of (await Promise.all(targets.map((to) => ping(guest("isolated"), to)))).entries()) {
      assert.equal(answer, "yes", targets[index]);
    }
  });

  it("an isolated guest pushes a datagram into a routed network, one way", async () => {
    for (const family of families) {
      const to = address("route", family);
      const [datagram, pinged] = await Promise.all([
        sendDatagram(host(), "isolated-a", "route-a", to),
        ping(guest("isolated"), to),
      ]);
      assert.deepEqual(datagram, { arrivedFrom: address("isolated", family), answered: false });
      assert.notEqual(pinged, "yes");
    }
  });

  it("an isolated guest pushes a datagram into the IPv6 of a nat network without nat.ipv6, one way", async () => {
    const to = address("nat-plain", "v6");
    const datagram = await sendDatagram(host(), "isolated-a", "nat-plain-a", to);
    assert.deepEqual(datagram, { arrivedFrom: address("isolated", "v6"), answered: false });
  });

  it("guests of nat, open and bridge networks reach routed ones", async () => {
    for (const family of families) {
      const from = ["nat", "nat-plain", "open", "bridge"];
      const answers = await Promise.all(from.map((name) => ping(guest(name), address("route", family))));
      assert.deepEqual(
        answers,
        from.map(() => "yes"),
        family,
      );
    }
  });

  it("an isolated guest pushes nothing into a nat network by IPv4, or another isolated one", async () => {
    const [toNat, toBare] = await Promise.all([
      sendDatagram(host(), "isolated-a", "nat-a", address("nat", "v4")),
      sendDatagram(host(), "isolated-a", "bare-a", address("bare", "v4")),
    ]);
    assert.deepEqual([toNat, toBare], [{ answered: false }, { answered: false }]);
  });

  it("a closed firewall that sees bridges, too, cuts guests of a bridge from each other; of libvirt's own only with nftables", async function () {
    const file = host().path("/proc/sys/net/bridge/bridge-nf-call-iptables");
    if (!fs.existsSync(file)) skip(this, "this kernel has no br_netfilter");
    const call = (value: number) =>
      host().exec(["sh", "-c", `echo ${value} > /proc/sys/net/bridge/bridge-nf-call-iptables`]);
    await firewall(ofOpen(CLOSE));
    await call(1);
    const names = ["bridge", "open", "nat", "route", "isolated"];
    const answers = await Promise.all(names.map((name) => ping(guest(name), address(name, "v4", 1))));
    await call(0);
    await firewall(ofOpen(OPEN));
    const own = nftables ? "no answer" : "yes";
    assert.deepEqual(answers, ["no answer", "no answer", own, own, own]);
  });

  it("without an IPv6 address of the host, ipv6 decides only where a closed iptables sees bridges, too", async function () {
    const file = "/proc/sys/net/bridge/bridge-nf-call-ip6tables";
    if (!fs.existsSync(host().path(file))) skip(this, "this kernel has no br_netfilter");
    for (const name of ["bare", "mute"]) holds(open, name, "sameNetwork", "yes");
    await firewall(ofOpen(CLOSE));
    await host().exec(["sh", "-c", `echo 1 > ${file}`]);
    const answers = await Promise.all(["bare", "mute"].map((name) => ping(guest(name), address(name, "v6", 1))));
    await host().exec(["sh", "-c", `echo 0 > ${file}`]);
    await firewall(ofOpen(OPEN));
    assert.deepEqual(answers, [nftables ? "no answer" : "yes", "no answer"]);
  });

  it("checks know the host's addresses and devices, except those of libvirt's networks", async () => {
    const around = await neighbours(ctx, { uri: host().uri, name: "new" });
    assert.deepEqual(around.hostAddresses, [
      { device: "lan0", address: `${host().hostAddress.v4}/24` },
      { device: "lan0", address: `${host().hostAddress.v6}/64` },
    ]);
    for (const device of ["lo", "up0", "lan0"]) assert.ok(around.hostDevices?.includes(device), device);
  });

  it("checks take a network's own bridge for its own: when it changes or is renamed, and where another would be put on it", async () => {
    const bridge = { name: "vr-bare", stp: false };
    const failures = async (olds: Inputs, news: Inputs) =>
      (await networkHandler.check(ctx, olds, { uri: host().uri, ...news })).failures;
    const bare = { ...networks.bare, bridge, name: "bare" };
    const olds = the(outs.bare);
    const on = { name: "on", mode: "bridge", bridge: "vr-bare" };
    // In the run that made it, and in the next ones.
    assert.deepEqual(await failures(olds, { ...bare, mtu: 1400 }), []);
    const refused = /vr-bare is the own bridge of network "bare" of/;
    assert.match((await failures({}, on))[0]?.reason ?? "", refused);
    for (const news of [
      { ...bare, mtu: 1400 },
      { ...bare, name: "renamed" },
    ]) {
      forgetRun();
      assert.deepEqual(await failures(olds, news), []);
    }
    forgetRun();
    assert.match((await failures({}, on))[0]?.reason ?? "", refused);
    const [taken] = await failures({}, { ...bare, name: "second" });
    assert.match(taken?.reason ?? "", /vr-bare is the bridge of network "?bare/);
    const [missing] = await failures({}, { ...on, bridge: "no-such" });
    assert.match(missing?.reason ?? "", /no-such"? is no device of the host/);
    const [used] = await failures({}, { name: "third", mode: "nat", ips: [{ address: "203.0.113.129/25" }] });
    assert.match(used?.reason ?? "", /overlaps 203\.0\.113\.2\/24, which the host has on lan0/);
  });

  it("portIsolated keeps guests from each other, not from the host", async () => {
    // libvirt sets it in /sys, of which a sandbox lets nothing be written: this lets its own network devices be, and no more.
    const writable = `mkdir /run/sys; mount -t sysfs sys /run/sys; mount -o remount,rw /run/sys
      mount --bind /run/sys/devices/virtual/net /sys/devices/virtual/net; umount /run/sys`;
    assert.equal((await host().exec(["sh", "-ec", writable])).code, 0);
    const addresses = ["10.21.0.11", "10.21.0.12"];
    const guests: Guest[] = await Promise.all(
      addresses.map((v4, index) =>
        startGuest(host(), {
          name: `alone${index}`,
          nics: [{ network: "alone", addresses: { v4: `${v4}/24` } }],
          spareSlots: 0,
        }),
      ),
    );
    await Promise.all(guests.map((one) => one.waitReady()));
    const reaches = async (from: number, to = "") => (await the(guests[from]).exec(`ping -c2 -W2 ${to}`)).code === 0;
    const [first, second] = addresses;
    assert.deepEqual(
      await Promise.all([reaches(0, "10.21.0.1"), reaches(1, "10.21.0.1"), reaches(0, second), reaches(1, first)]),
      [true, true, false, false],
    );
    await Promise.all(guests.map((one) => one.stop()));
  });
});

function the<T>(value: T | undefined): T {
  assert.ok(value !== undefined);
  return value;
}
