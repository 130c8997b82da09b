/** A host where no command can be run: libvirt answers by way of a socket that is not its own, as over TLS. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { type Delay, delay } from "../../bench/lib/delay.js";
import type { Inputs } from "../../provider/handler.js";
import { channelOf } from "../../provider/host/channel.js";
import { closeHosts, hostAt } from "../../provider/host/hosts.js";
import { factsOf } from "../../provider/network/facts.js";
import { eventually } from "../../sandbox/guests.js";
import { drive } from "../support/network.js";
import { withSandbox } from "../support/sandbox.js";

const nat = (more: Inputs = {}): Inputs => ({
  mode: "nat",
  bridge: { name: "noc0" },
  ips: [{ address: "10.78.0.1/24", dhcp: { ranges: [{ start: "10.78.0.10", end: "10.78.0.99" }] } }],
  ...more,
});

describe("a network on a host where no command can be run", function () {
  this.timeout(120_000);
  const host = withSandbox();
  let dir: string;
  let line: Delay;
  let d: ReturnType<typeof drive>;
  const run = async (command: string) => (await host().exec(["sh", "-c", command])).stdout;
  const index = () => run("cat /sys/class/net/noc0/ifindex");

  before(async () => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), "virtnet-no-channel-"));
    const socket = path.join(dir, "socket");
    line = await delay(socket, new URLSearchParams(host().uri.split("?")[1]).get("socket") ?? "", 0);
    const uri = `qemu+unix:///system?socket=${socket}`;
    assert.equal(channelOf(uri), undefined);
    d = drive(uri, "noc");
    await d.up(nat());
  });
  after(async () => {
    await closeHosts();
    await line.close();
    fs.rmSync(dir, { recursive: true, force: true });
  });

  it("restarts where nobody else is on its bridge", async () => {
    const before = await index();
    await d.up(nat({ mtu: 1400 }));
    assert.notEqual(await index(), before);
  });

  it("is not restarted under a container's device, at preview and in update, unless that is wanted", async () => {
    await run("ip link add box0 type veth peer name box1 && ip link set box0 master noc0 up");
    const before = await index();
    assert.match(await run("virsh iface-dumpxml noc0"), /<interface type='ethernet' name='box0'>/);
    const refusal = /network "noc": this change stops its bridge and cuts off box0 on bridge noc0.*set force: true/;
    await assert.rejects(d.preview(nat({ mtu: 1300 })), refusal);
    assert.ok(d.state);
    const { name, uri, owner } = d.state.outs;
    await assert.rejects(async () => {
      const { networkHandler } = await import("../../provider/network/handler.js");
      await networkHandler.update({ log: () => undefined }, d.state?.id as string, d.state?.outs as Inputs, {
        ...nat({ mtu: 1300 }),
        ...{ name, uri, owner },
      });
    }, refusal);
    assert.equal(await index(), before);
    assert.match(await run("ip -o link show box0"), /master noc0/);
    assert.equal((await d.refresh())?.drift, false);

    await d.up(nat({ mtu: 1300, force: true }));
    assert.ok(
      d.log.some((l) => /box0 on bridge noc0.*, cut off: no command can be run/.test(l)),
      d.log.join("\n"),
    );
    assert.notEqual(await index(), before);
    assert.doesNotMatch(await run("ip -o link show box0"), /master/);
    await run("ip link del box0");
  });

  it("is changed live, container or not", async () => {
    await run("ip link add box0 type veth peer name box1 && ip link set box0 master noc0 up");
    const before = await index();
    const hosts = [{ mac: "52:54:00:78:00:01", ip: "10.78.0.5" }];
    const [ip] = nat().ips as { dhcp: object }[];
    await d.up(nat({ mtu: 1300, ips: [{ ...ip, dhcp: { ...ip?.dhcp, hosts } }] }));
    assert.match(await run("virsh net-dumpxml noc"), /52:54:00:78:00:01/);
    assert.equal(await index(), before);
    assert.match(await run("ip -o link show box0"), /master noc0/);
    await run("ip link del box0");
  });

  it("tries the command that is configured once for all that ask at that time, and again later", async () => {
    await closeHosts();
    const [tries, works] = [path.join(dir, "tries"), path.join(dir, "works")];
    const there = ["nsenter", "-t", String(host().pid), "-n", "-m", "-p", "-r", "--", "sh"];
    const script = `echo >> ${tries}; [ -e ${works} ] || exit 1; exec "$@"`;
    process.env.VIRTNET_COMMAND = JSON.stringify(["sh", "-c", script, "command", ...there]);
    const tried = () => fs.readFileSync(tries, "utf8").length;
    try {
      const at = hostAt(`qemu+unix:///system?socket=${path.join(dir, "socket")}`);
      await at.networks(); // what factsOf reads first: what failed is left alone for two seconds only
      assert.equal(await at.vitals(), undefined);
      // A reading fails with the first of its commands that does: the shell that stays, ip and ps have each tried once.
      const once = 3;
      assert.ok(await eventually(async () => tried() === once));
      assert.deepEqual([await at.vitals(), await factsOf(at)], [undefined, undefined]);
      assert.equal(tried(), once);
      fs.writeFileSync(works, "");
      assert.ok(await eventually(async () => (await at.vitals()) !== undefined));
      assert.ok((await factsOf(at))?.devices.includes("noc0"));
    } finally {
      delete process.env.VIRTNET_COMMAND;
    }
  });
});
