import assert from "node:assert/strict";
import { network } from "../../cli/kinds/network.js";
import type { Inputs } from "../../provider/handler.js";
import { closeHosts } from "../../provider/host/hosts.js";
import { forgetRun } from "../../provider/network/handler.js";
import { hostGuest } from "../../sandbox/guests.js";
import { drive } from "../support/network.js";
import { startNetwork, virsh, withSandbox } from "../support/sandbox.js";

describe("a network with several addresses in one subnet", () => {
  const host = withSandbox();
  const args = (more: Inputs = {}): Inputs => ({
    mode: "nat",
    bridge: { name: "many0", stp: false },
    dns: { hosts: [{ ip: "192.0.2.9", hostnames: ["web.test"] }] },
    ips: [
      { address: "10.69.0.1/24", dhcp: { ranges: [{ start: "10.69.0.50", end: "10.69.0.99" }] } },
      { address: "10.69.0.2/24" },
      { address: "10.69.0.53/32" },
      { address: "fd00:69::1/64", dhcp: { ranges: [{ start: "fd00:69::50", end: "fd00:69::99" }] } },
      { address: "fd00:69::2/64" },
      { address: "fd00:69::53/128" },
    ],
    ...more,
  });
  /** What a guest's DHCP tells it, and who answers its DNS query. */
  const guest = async () => {
    const it = await hostGuest(host(), { bridge: "many0", name: "g", dhcp: true });
    const ask = `ip route show default; for s in 10.69.0.1 10.69.0.2 10.69.0.53; do /run/virtnet/busybox nslookup web.test $s | grep -q 192.0.2.9 && echo $s answers; done`;
    const { stdout } = await it.exec(["sh", "-c", ask]);
    await it.stop();
    return stdout.trim().split(/ *\n/);
  };
  const onBridge = async () => {
    const { stdout } = await host().exec(["ip", "-o", "addr", "show", "dev", "many0"]);
    return [...stdout.matchAll(/inet6? (\S+)/g)].map((m) => m[1]).filter((a) => !a?.startsWith("fe80"));
  };
  const SERVED = ["default via 10.69.0.1 dev eth0", "10.69.0.1 answers", "10.69.0.2 answers", "10.69.0.53 answers"];
  const all = (args().ips as { address: string }[]).map((ip) => ip.address).sort();
  after(closeHosts);
  afterEach(forgetRun);

  it("has them all, serves at each, is quiet, goes on so after a restart, and leaves nothing", async () => {
    const d = drive(host().uri, "many");
    await d.up(args());
    assert.deepEqual((await onBridge()).sort(), all);
    assert.deepEqual(await guest(), SERVED);
    assert.equal((await d.refresh())?.drift, false);
    assert.equal(await d.up(args()), false);

    await d.up(args({ mtu: 1400 }));
    assert.deepEqual((await onBridge()).sort(), all);
    assert.deepEqual(await guest(), SERVED);
    assert.equal((await d.refresh())?.drift, false);

    const fewer = (args().ips as Inputs[]).filter((ip) => ip.address !== "10.69.0.2/24");
    await d.up(args({ mtu: 1400, ips: fewer }));
    assert.deepEqual(
      (await onBridge()).sort(),
      all.filter((a) => a !== "10.69.0.2/24"),
    );
    assert.equal((await d.refresh())?.drift, false);
    await d.destroy();
    const rules = await host().exec(["sh", "-c", "iptables-save; ip6tables-save; nft list ruleset 2>/dev/null"]);
    assert.doesNotMatch(rules.stdout, /10\.69\.0|fd00:69/);
  });

  it("is imported and adopted as it is", async () => {
    const ips = all.map((a) => {
      const [address, prefix] = a.split("/");
      return `<ip family='${a.includes(":") ? "ipv6" : "ipv4"}' address='${address}' prefix='${prefix}'/>`;
    });
    const xml = `<network><name>theirs</name><forward mode='route'/><bridge name='many0' stp='off'/>${ips.join("")}</network>`;
    await startNetwork(host(), "theirs", xml);
    const [imported] = await network.import(host().uri, "theirs");
    assert.deepEqual(imported?.notes, []);
    const { kind: _, uri: __, ...own } = imported?.args ?? {};
    const index = async () => (await host().exec(["cat", "/sys/class/net/many0/ifindex"])).stdout;
    const before = await index();
    const d = drive(host().uri, "theirs");
    await d.up(own);
    assert.equal(await index(), before);
    assert.equal((await d.refresh())?.drift, false);
    assert.ok(d.state);
    assert.deepEqual((d.state.outs.upstreamRoutes as { destination: string }[]).map((r) => r.destination).sort(), [
      "10.69.0.0/24",
      "fd00:69::/64",
    ]);
    await d.destroy();
    await virsh(host(), ["net-destroy", "theirs"]);
    await virsh(host(), ["net-undefine", "theirs"]);
  });
});
