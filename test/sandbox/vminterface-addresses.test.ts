import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { closeHosts, hostAt } from "../../provider/host/hosts.js";
import type { NicAddress } from "../../provider/vminterface/addresses.js";
import { eventually, type Guest, startGuest } from "../../sandbox/guests.js";
import { type RpcCall, watchRpc } from "../support/rpc.js";
import { startNetwork, virsh, withSandbox } from "../support/sandbox.js";
import { driveNic, newRun } from "../support/vminterface.js";
import { natXml } from "../support/vms.js";

// remote_protocol.x, and virConnectFlags and virDomainInterfaceAddressesSource of libvirt's headers.
const [CONNECT_OPEN, INTERFACE_ADDRESSES] = [1, 353];
const [CONNECT_RO, FROM_AGENT] = [1, 1];

/** The guest's agent is Debian's qemu-guest-agent, and nobody else knows what the guest calls itself. */
describe("the addresses that a guest's agent tells", function () {
  this.timeout(180_000);
  const host = withSandbox();
  let guest: Guest;
  before("starts a guest with an agent", async () => {
    await startNetwork(host(), "served", natXml("served", "va1", 91));
    await startNetwork(host(), "bare", "<network><name>bare</name><bridge name='va2' stp='off'/></network>");
    guest = await startGuest(host(), { name: "web", agent: true });
    await guest.waitReady();
    assert.ok(await eventually(async () => (await agentIs()) === "connected", 30_000), "the agent runs");
  });
  after(() => closeHosts());
  beforeEach("is a new run", newRun);
  const agentIs = async () => /agent\.0' state='(\w+)'/.exec(await virsh(host(), ["dumpxml", "web"]))?.[1];
  const args = { domain: "web", network: "bare", mac: "52:54:00:91:00:01" };
  const addressed = async (...addresses: string[]) => {
    await guest.exec("for i in $(seq 50); do [ -d /sys/class/net/eth0 ] && break; usleep 100000; done");
    const add = addresses.map((a) => `ip addr add ${a} dev eth0`).join("; ");
    const { code, stderr } = await guest.exec(`ip link set eth0 up; ${add}`);
    assert.equal(code, 0, stderr);
  };
  const told = (d: { state: { outs: Record<string, unknown> } | undefined }) => d.state?.outs.addresses as NicAddress[];

  it("are told where no server gave any, with their prefixes, and waited for", async () => {
    const d = driveNic(host().uri, "own");
    const up = d.up({ ...args, waitForAddress: { seconds: 60 } });
    await addressed("10.92.0.7/20", "fd00:92::7/64");
    await up;
    await d.refresh();
    assert.deepEqual(
      told(d).sort((a, b) => a.family.localeCompare(b.family)),
      [
        { address: "10.92.0.7", prefix: 20, family: "ipv4", source: "agent" },
        { address: "fd00:92::7", prefix: 64, family: "ipv6", source: "agent" },
      ],
    );
    // Those of another NIC of the same guest are not this one's.
    const other = driveNic(host().uri, "other");
    await other.up({ ...args, mac: "52:54:00:91:00:02" });
    await other.refresh();
    assert.deepEqual(told(other), []);
    await other.destroy();
    await d.destroy();
  });

  it("are asked for where the network's server has given none, and not where it has", async () => {
    const d = driveNic(host().uri, "leased");
    await d.up({ ...args, network: "served" });
    await addressed("10.91.1.200/24");
    await d.refresh();
    assert.deepEqual(told(d), [{ address: "10.91.1.200", prefix: 24, family: "ipv4", source: "agent" }]);
    await guest.exec("ip addr flush dev eth0");
    await guest.up("eth0");
    await guest.exec("ip addr add 10.91.1.201/24 dev eth0");
    hostAt(host().uri).changed();
    await d.refresh();
    assert.deepEqual(
      told(d).map((a) => a.source),
      ["lease"],
    );
    assert.notEqual(told(d)[0]?.address, "10.91.1.201");
    await d.destroy();
  });

  /** A host of its own to this process, the calls to which are seen. */
  const watched = async (passes: (call: RpcCall) => boolean | "cut", use: (uri: string) => Promise<void>) => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), "virtnet-rpc-"));
    const socket = path.join(dir, "socket");
    const line = await watchRpc(socket, new URLSearchParams(host().uri.split("?")[1]).get("socket") ?? "", passes);
    try {
      await newRun();
      await use(`qemu+unix:///system?socket=${socket}`);
    } finally {
      await closeHosts();
      await line.close();
      fs.rmSync(dir, { recursive: true, force: true });
    }
  };
  /** A NIC in the state of a program that reaches the host like that. */
  const seenFrom = (uri: string, d: ReturnType<typeof driveNic>) => {
    const there = driveNic(uri, "seen");
    assert.ok(d.state);
    there.state = { ...d.state, outs: { ...d.state.outs, uri } };
    return there;
  };

  it("are left alone where the user may not write and polkit asks for a password, which it does once; the host is as good as before", async () => {
    const nics = [driveNic(host().uri, "one"), driveNic(host().uri, "two")];
    for (const [i, d] of nics.entries()) await d.up({ ...args, mac: `52:54:00:91:00:1${i}` });
    let opens = 0;
    const passes = ({ proc, body }: RpcCall) => {
      if (proc !== CONNECT_OPEN || body.readUInt32BE(body.length - 4) === CONNECT_RO) return true;
      opens++;
      return false;
    };
    await watched(passes, async (uri) => {
      hostAt(uri, { deadlineMs: 2000 });
      const there = nics.map((d) => seenFrom(uri, d));
      for (let n = 0; n < 2; n++) {
        await Promise.all(there.map((d) => d.refresh()));
        for (const d of there) assert.deepEqual([d.state?.outs.plugged, told(d)], [true, []]);
      }
      assert.equal(opens, 1);
    });
    await newRun();
    for (const d of nics) await d.destroy();
  });

  it("are asked for again after a connection for that was lost while it opened", async () => {
    const d = driveNic(host().uri, "retried");
    await d.up(args);
    await addressed("10.92.0.9/24");
    let opens = 0;
    const passes = ({ proc, body }: RpcCall) => {
      if (proc !== CONNECT_OPEN || body.readUInt32BE(body.length - 4) === CONNECT_RO) return true;
      opens++;
      return opens > 1 || "cut";
    };
    await watched(passes, async (uri) => {
      const there = seenFrom(uri, d);
      await there.refresh();
      assert.deepEqual([opens, told(there)], [1, []]);
      await there.refresh();
      assert.deepEqual([opens, told(there).map((a) => a.source)], [2, ["agent"]]);
    });
    await newRun();
    await d.destroy();
  });

  it("cost one connection where the agent hangs, however many NICs the VM has, and none while it is left alone", async () => {
    const nics = [1, 2, 3].map((n) => driveNic(host().uri, `many${n}`));
    for (const [i, d] of nics.entries()) await d.up({ ...args, mac: `52:54:00:91:00:2${i}` });
    await guest.exec("kill -STOP $(pidof qemu-ga)");
    let [opens, asked] = [0, 0];
    const passes = ({ proc, body }: RpcCall) => {
      if (proc === CONNECT_OPEN && body.readUInt32BE(body.length - 4) !== CONNECT_RO) opens++;
      if (proc === INTERFACE_ADDRESSES && body.readUInt32BE(body.length - 8) === FROM_AGENT) asked++;
      return true;
    };
    try {
      await watched(passes, async (uri) => {
        const there = nics.map((d) => seenFrom(uri, d));
        await Promise.all(there.map((d) => d.refresh()));
        assert.equal(asked, 1);
        // A run of its own that had the answer a moment ago.
        await closeHosts();
        opens = 0;
        await Promise.all(there.map((d) => d.refresh()));
        assert.deepEqual([opens, asked], [0, 1]);
      });
    } finally {
      await guest.exec("kill -CONT $(pidof qemu-ga)");
    }
    await newRun();
    for (const d of nics) await d.destroy();
  });

  it("are none while the agent hangs, for which nobody waits long, or again at once; and while it does not run", async () => {
    const d = driveNic(host().uri, "silent");
    await d.up(args);
    await addressed("10.92.0.8/24");
    const refreshed = async () => {
      const begun = performance.now();
      await d.refresh();
      return { sources: told(d).map((a) => a.source), seconds: (performance.now() - begun) / 1000 };
    };
    // Over a read-only connection, as a run that only looks has.
    await newRun();
    assert.deepEqual((await refreshed()).sources, ["agent"]);
    await guest.exec("kill -STOP $(pidof qemu-ga)");
    await newRun();
    const first = await refreshed();
    assert.deepEqual(first.sources, []);
    assert.ok(first.seconds > 4 && first.seconds < 20, `libvirt alone would wait for ever: ${first.seconds} s`);
    const second = await refreshed();
    assert.deepEqual(second.sources, []);
    assert.ok(second.seconds < 4, `not asked again: ${second.seconds} s`);
    assert.ok(await d.up({ ...args, linkState: "down" }), "the host is as good as before");
    await guest.exec("kill -CONT $(pidof qemu-ga)");
    const answers = async () => {
      await newRun();
      return (await refreshed()).sources.join() === "agent";
    };
    assert.ok(await eventually(answers, 30_000), "it answers again");
    await guest.exec("kill $(pidof qemu-ga)");
    assert.ok(await eventually(async () => (await agentIs()) === "disconnected"));
    await newRun();
    assert.deepEqual((await refreshed()).sources, []);
    await d.destroy();
  });
});
