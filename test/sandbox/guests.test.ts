import assert from "node:assert/strict";
import { eventually, type Guest, type HostGuest, hostGuest, startGuest } from "../../sandbox/guests.js";
import { startNetwork, virsh, withSandbox } from "../support/sandbox.js";

const NETWORK = `<network><name>dev</name><forward mode='nat'/><bridge name='dev0' stp='off'/>
  <ip address='192.168.100.1' netmask='255.255.255.0'><dhcp><range start='192.168.100.10' end='192.168.100.99'/></dhcp></ip>
  <ip family='ipv6' address='fd00:100::1' prefix='64'/>
</network>`;

const plain = (address: string | undefined) => (address ?? "").replace(/\/.*/, "");

describe("guests on a NAT network", function () {
  this.timeout(120_000);
  const host = withSandbox();
  let web: Guest;
  let db: Guest;

  before("starts two", async () => {
    await startNetwork(host(), "dev", NETWORK);
    [web, db] = await Promise.all([
      startGuest(host(), { name: "web", nics: [{ network: "dev" }] }),
      startGuest(host(), { name: "db", nics: [{ bridge: "dev0" }] }),
    ]);
    await Promise.all([web.waitReady(), db.waitReady()]);
  });

  it("get leases, and addresses by router advertisement", async () => {
    const leases = await virsh(host(), ["net-dhcp-leases", "dev"]);
    for (const guest of [web, db]) {
      const [nic] = await guest.addresses();
      assert.equal(nic?.nic, "eth0");
      assert.match(plain(nic.v4[0]), /^192\.168\.100\.\d+$/);
      assert.match(leases, new RegExp(`${nic.mac}.*${plain(nic.v4[0])}.*${guest.name}`));
      assert.ok(await eventually(async () => (await guest.addresses())[0]?.v6[0]?.startsWith("fd00:100::") === true));
    }
  });

  it("reach each other, the host and outside", async () => {
    const [nic] = await db.addresses();
    for (const target of [
      plain(nic?.v4[0]),
      plain(nic?.v6[0]),
      "192.168.100.1",
      "fd00:100::1",
      host().outsideAddress.v4,
    ]) {
      const { stdout, code } = await web.exec(`ping -c1 -W3 ${target}`);
      assert.equal(code, 0, `${target}: ${stdout}`);
    }
  });

  it("tell stdout, stderr and exit code, of many commands at once and of long answers", async () => {
    const results = await Promise.all([
      web.exec("sleep 0.5; echo slow; echo bad >&2; exit 3"),
      web.exec("seq 3000"),
      web.exec("seq 3001 6000"),
    ]);
    assert.deepEqual(results[0], { stdout: "slow\n", stderr: "bad\n", code: 3 });
    assert.equal(results[1].stdout.trim().split("\n").at(-1), "3000");
    assert.equal(results[2].stdout.trim().split("\n").length, 3000);
  });

  it("count lost pings", async () => {
    const target = plain((await db.addresses())[0]?.v4[0]);
    const ping = await web.startPing(target, 50);
    assert.ok(await eventually(async () => (await web.exec(`cat ${ping.file}`)).stdout.includes("seq=5 ")));
    await db.exec("ip link set eth0 down; sleep 1; ip link set eth0 up");
    await web.exec("sleep 0.5");
    const { sent, received, lostSequences, maxGapMs } = await web.stopPing(ping);
    assert.equal(sent, received + lostSequences.length);
    assert.ok(lostSequences.length >= 10 && received >= 10, `${received} of ${sent}`);
    assert.ok(maxGapMs > 800 && maxGapMs < 4000, `${maxGapMs}`);
  });

  it("take a NIC while they run", async () => {
    const mac = "52:54:00:00:00:99";
    await virsh(host(), ["attach-interface", "web", "network", "dev", "--model", "virtio", "--mac", mac, "--live"]);
    assert.ok(await eventually(async () => (await web.addresses()).length === 2));
    await web.up("eth1");
    const nic = (await web.addresses()).find((other) => other.mac === mac);
    assert.match(plain(nic?.v4[0]), /^192\.168\.100\.\d+$/);
    await virsh(host(), ["detach-interface", "web", "network", "--mac", mac, "--live"]);
    assert.ok(await eventually(async () => (await web.addresses()).length === 1));
  });

  it("write to their console", () => {
    assert.match(web.console(), /GUEST READY/);
  });

  it("leave nothing when they are stopped", async () => {
    await Promise.all([web.stop(), db.stop()]);
    assert.equal(await virsh(host(), ["list", "--all", "--name"]), "");
  });
});

describe("a guest with fixed addresses", function () {
  this.timeout(120_000);
  const host = withSandbox();

  it("has them on the NICs that were meant, and is ready without waiting for leases", async () => {
    await startNetwork(host(), "dev", NETWORK);
    const mac = "52:54:00:AA:00:01";
    const guest = await startGuest(host(), {
      name: "fixed",
      memoryMiB: 112,
      nics: [
        { network: "dev", addresses: "none" },
        { network: "dev", mac, addresses: { v4: "192.168.100.5/24", v6: "fd00:100::5/64" } },
      ],
    });
    await guest.waitReady();
    const [none, fixed] = await guest.addresses();
    assert.deepEqual(none?.v4, []);
    assert.equal(fixed?.mac, mac.toLowerCase());
    assert.deepEqual(fixed.v4, ["192.168.100.5/24"]);
    assert.ok(fixed.v6.includes("fd00:100::5/64"));
    assert.equal((await host().exec(["ping", "-c1", "-W2", "192.168.100.5"])).code, 0);
  });
});

describe("a namespace as a guest", () => {
  const host = withSandbox();
  let guest: HostGuest;

  before("starts one", async () => {
    await startNetwork(host(), "dev", NETWORK);
    guest = await hostGuest(host(), {
      ...{ name: "cheap", bridge: "dev0", v4: "192.168.100.200/24", v6: "fd00:100::200/64" },
      gateway: { v4: "192.168.100.1", v6: "fd00:100::1" },
    });
  });

  it("reaches the host and outside", async () => {
    for (const target of ["192.168.100.1", "fd00:100::1", host().outsideAddress.v4]) {
      assert.equal((await guest.exec(["ping", "-c1", "-W2", target])).code, 0, target);
    }
  });

  it("counts lost pings", async () => {
    const ping = await guest.startPing("192.168.100.1", 10);
    await guest.exec(["sleep", "0.3"]);
    await host().exec(["sh", "-c", "ip link set hg-cheap down; sleep 0.3; ip link set hg-cheap up; sleep 0.3"]);
    const { sent, received, lostSequences, maxGapMs } = await guest.stopPing(ping);
    assert.equal(sent, received + lostSequences.length);
    assert.ok(lostSequences.length > 5 && received > 20, `${received} of ${sent}`);
    assert.ok(maxGapMs >= 200 && maxGapMs < 2000, `${maxGapMs}`);
  });

  it("gets an address by DHCP", async () => {
    const other = await hostGuest(host(), { name: "leased", bridge: "dev0", dhcp: true });
    const [nic] = await other.addresses();
    assert.match(plain(nic?.v4[0]), /^192\.168\.100\.\d\d$/);
    assert.equal((await other.exec(["ping", "-c1", "-W2", host().outsideAddress.v4])).code, 0);
    await other.stop();
  });

  it("says why it does not start, and leaves nothing", async () => {
    await assert.rejects(hostGuest(host(), { name: "lost", bridge: "nowhere" }), /"lost" on "nowhere" did not start/);
    assert.equal((await host().exec(["ip", "netns", "list"])).stdout.includes("lost"), false);
  });
});
