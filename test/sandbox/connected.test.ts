/** What real guests notice of changes: by their own pings, carriers and addresses. */
import assert from "node:assert/strict";
import type { Inputs } from "../../provider/handler.js";
import { closeHosts } from "../../provider/host/hosts.js";
import { eventually, type Guest, startGuest } from "../../sandbox/guests.js";
import { drive } from "../support/network.js";
import { virsh, withSandbox } from "../support/sandbox.js";

const subnet = (n: number) => [
  { address: `10.74.${n}.1/24`, dhcp: { ranges: [{ start: `10.74.${n}.10`, end: `10.74.${n}.99` }] } },
];
/** With the spanning tree, as libvirt has it unless told otherwise. */
const nat = (more: Inputs = {}): Inputs => ({ mode: "nat", bridge: { name: "con0" }, ips: subnet(1), ...more });

describe("guests under a network that changes", function () {
  this.timeout(240_000);
  const host = withSandbox();
  after(() => closeHosts());
  let web: Guest;
  let db: Guest;
  let d: ReturnType<typeof drive>;
  const addressOf = async (guest: Guest) => (await guest.addresses())[0]?.v4[0]?.replace(/\/.*/, "") ?? "";
  const carriers = async (guest: Guest) => Number((await guest.exec("cat /sys/class/net/eth0/carrier_changes")).stdout);
  const reaches = async (guest: Guest, target: string) => (await guest.exec(`ping -c1 -W5 ${target}`)).code === 0;

  before("starts two", async () => {
    d = drive(host().uri, "con");
    await d.up(nat());
    [web, db] = await Promise.all([
      startGuest(host(), { name: "web", nics: [{ network: "con" }] }),
      startGuest(host(), { name: "db", nics: [{ network: "con" }] }),
    ]);
    await Promise.all([web.waitReady(), db.waitReady()]);
  });

  /** A change under pings from one to the other, after which all that the guests had is there. */
  const keepsThemConnected = async (args: Inputs): Promise<void> => {
    const [address, target] = [await addressOf(web), await addressOf(db)];
    const before = [await carriers(web), await carriers(db)];
    const ping = await web.startPing(target, 20);
    assert.ok(await eventually(async () => (await web.exec(`cat ${ping.file}`)).stdout.includes("seq=3 ")));
    await d.up(args);
    assert.ok(await eventually(async () => (await web.exec("sleep 0.2")).code === 0));
    const { sent, received, maxGapMs } = await web.stopPing(ping);
    // A new port on a bridge with a spanning tree would be silent for 4 s.
    assert.ok(maxGapMs < 2000 && received > sent / 2, `${received} of ${sent} pings, ${maxGapMs} ms without an answer`);
    assert.deepEqual([await carriers(web), await carriers(db)], before);
    assert.equal(await addressOf(web), address);
    assert.ok(await reaches(web, "10.74.1.1"), "the gateway does not answer");
    assert.ok(await reaches(web, host().outsideAddress.v4), "the outside does not answer");
    assert.equal((await d.refresh())?.drift, false);
  };

  it("keeps them connected while it restarts, spanning tree and all, and leaves the tree on", async () => {
    await keepsThemConnected(nat({ mtu: 1400 }));
    const { stdout } = await host().exec(["cat", "/sys/class/net/con0/bridge/stp_state"]);
    assert.equal(stdout.trim(), "1");
  });

  it("keeps them connected while it is renamed", async () => {
    await keepsThemConnected(nat({ mtu: 1400, name: "con-renamed" }));
    assert.match(await virsh(host(), ["net-dhcp-leases", "con-renamed"]), new RegExp(await addressOf(web)));
  });

  it("keeps them connected while it becomes a routed network", async () => {
    await keepsThemConnected({ ...nat({ mtu: 1400, name: "con-renamed" }), mode: "route" }).catch((e: Error) => {
      // The outside has no route back: that is what the mode means.
      if (!/the outside does not answer/.test(e.message)) throw e;
    });
    await d.up(nat({ name: "con" }));
  });

  it("puts devices of the host back on its bridge", async () => {
    const run = (command: string) => host().exec(["sh", "-c", command]);
    await run("ip link add box0 type veth peer name box1 && ip link set box0 master con0 up");
    await d.up(nat({ mtu: 1300 }));
    assert.match((await run("ip -o link show box0")).stdout, /master con0/);
    await d.up(nat());
    await run("ip link del box0");
  });

  it("takes their link down and up when their subnet changes, unless told not to", async () => {
    const before = await carriers(web);
    await d.up(nat({ ips: subnet(2) }));
    assert.ok(
      d.log.some((l) => /(db and web|web and db): .*links go down and up for a new address/.test(l)),
      d.log.join("\n"),
    );
    assert.ok(await eventually(async () => (await carriers(web)) === before + 2));
    await d.up(nat({ renewLeases: false }));
    assert.equal(await carriers(web), before + 2);
    assert.ok(await reaches(web, "10.74.1.1"));
  });

  it("unplugs and plugs their NICs when it becomes macvtap, and back, with the same MAC in the same slot", async () => {
    const mac = (await web.addresses())[0]?.mac ?? "";
    const slot = async () => (await web.exec("readlink /sys/class/net/eth0/device")).stdout.trim();
    const before = await slot();
    await d.up({ mode: "bridge", macvtap: { mode: "bridge", interfaces: ["up0"] } });
    assert.ok(
      d.log.some((l) => /NICs of (web, db|db, web) are unplugged and plugged/.test(l)),
      d.log.join("\n"),
    );
    const live = await virsh(host(), ["dumpxml", "web"]);
    assert.match(live, new RegExp(`type='direct'>\\s*<mac address='${mac}'/>\\s*<source network='con'`));
    assert.ok(await eventually(async () => (await web.addresses())[0]?.mac === mac));
    await d.up(nat());
    assert.ok(await eventually(async () => (await web.addresses())[0]?.mac === mac));
    await web.up("eth0");
    assert.ok(await reaches(web, "10.74.1.1"));
    assert.match(await slot(), /virtio/);
    assert.notEqual(before, "");
    assert.equal((await d.refresh())?.drift, false);
  });
});
