import assert from "node:assert/strict";
import * as fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Inputs } from "../../provider/handler.js";
import { closeHosts } from "../../provider/host/hosts.js";
import { forgetRun } from "../../provider/network/run.js";
import { startFlows } from "../../sandbox/flows.js";
import { hostGuest } from "../../sandbox/guests.js";
import { skip } from "../skip.js";
import type { Driver } from "../support/drive.js";
import { drive } from "../support/network.js";
import { runPlan } from "../support/plan-child.js";
import type { Orders } from "../support/run-plan.js";
import { daemonVersion, startNetwork, virsh, withSandbox } from "../support/sandbox.js";

/** What libvirt changes live without a look at the firewall, by field: one state of each, and another. */
const changes: Record<string, [Inputs, Inputs]> = {
  "dns.hosts": [
    { dns: { hosts: [{ ip: "10.73.1.9", hostnames: ["nine"] }] } },
    { dns: { hosts: [{ ip: "10.73.1.8", hostnames: ["eight"] }] } },
  ],
  "dns.txts": [{ dns: { txts: [{ name: "a", value: "1" }] } }, { dns: { txts: [{ name: "a", value: "2" }] } }],
  "dns.srvs": [
    { dns: { srvs: [{ service: "a", protocol: "tcp", domain: "x.test", target: "y.x.test", port: 1 }] } },
    { dns: { srvs: [{ service: "a", protocol: "tcp", domain: "x.test", target: "y.x.test", port: 2 }] } },
  ],
  portGroups: [{ portGroups: [{ name: "a" }] }, { portGroups: [{ name: "a" }, { name: "b" }] }],
};

const args = (mode: string, more: Inputs = {}): Inputs => ({
  mode,
  bridge: { name: "fw1", stp: false },
  ips: [{ address: "10.73.1.1/24", dhcp: { ranges: [{ start: "10.73.1.10", end: "10.73.1.99" }] } }],
  ...more,
});

describe("the firewall's rules of a network", () => {
  const host = withSandbox();
  after(() => closeHosts());
  beforeEach(forgetRun);
  // With iptables-nft, nft shows the rules of both backends. -s: without counters.
  const rules = async () => {
    const { stdout, stderr, code } = await host().exec(["nft", "-s", "list", "ruleset"]);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  const tap = async () => (await host().exec(["cat", "/sys/class/net/fw1/ifindex"])).stdout;
  const raw = (name: string, n: number) =>
    `<network><name>${name}</name><forward mode='nat'/><bridge name='${name}' stp='off'/><ip address='10.73.${n}.1' prefix='24'/></network>`;

  before("has libvirt make its chains, which stay", async () => {
    await startNetwork(host(), "first", raw("first", 100));
    await virsh(host(), ["net-destroy", "first"]);
    await virsh(host(), ["net-undefine", "first"]);
  });

  for (const [field, [one, other]] of Object.entries(changes)) {
    for (const mode of ["nat", "route", "isolated"]) {
      it(`mode ${mode}: are all gone after up, a change of ${field}, and destroy`, async () => {
        const empty = await rules();
        const d = drive(host().uri, "clean");
        await d.up(args(mode, one));
        assert.notEqual(await rules(), empty);
        const running = (await rules()).split("\n").length;
        await d.up(args(mode, other));
        assert.equal((await rules()).split("\n").length, running, "neither more nor less than before the change");
        await d.destroy();
        assert.equal(await rules(), empty);
      });
    }
  }

  it("masquerade no more, when a network with changed port groups goes from nat to route", async () => {
    const [one, other] = changes.portGroups as [Inputs, Inputs];
    const d = drive(host().uri, "routed");
    await d.up(args("nat", one));
    assert.match(await rules(), /10\.73\.1\.0\/24.* masquerade/i);
    await d.up(args("nat", other));
    await d.up(args("route", other));
    assert.doesNotMatch(await rules(), /10\.73\.1\.0\/24.* masquerade/i);
    await d.destroy();
  });

  it("are the reason for a restart only where they could stay behind", async () => {
    const [one, other] = changes["dns.hosts"] as [Inputs, Inputs];
    const d = drive(host().uri, "either");
    await d.up(args("nat", one));
    const before = await tap();
    await d.up(args("nat", other));
    const nftables = (await rules()).includes("libvirt_network");
    assert.equal((await tap()) !== before, nftables, d.log.join("\n"));
    await d.destroy();
  });

  it("count as nftables' where no command can be run on the host, from 10.4 on", async () => {
    const [one, other] = changes["dns.hosts"] as [Inputs, Inputs];
    // No path into /proc: so the provider does not know where to look.
    const uri = `qemu+unix:///system?socket=${host().dir}/socket`;
    fs.symlinkSync(host().path("/run/libvirt/libvirt-sock"), `${host().dir}/socket`);
    const d = drive(uri, "far");
    await d.up(args("nat", one));
    const before = await tap();
    await d.up(args("nat", other));
    assert.equal((await tap()) !== before, (await daemonVersion(host())) >= 10_004_000, d.log.join("\n"));
    await d.destroy();
  });

  describe("while DHCP is changed live", () => {
    const one = (end: number): Inputs => ({
      nat: { ipv6: true },
      ips: [
        { address: "10.73.1.1/24", dhcp: { ranges: [{ start: "10.73.1.10", end: `10.73.1.${end}` }] } },
        { address: "fd00:73:1::1/64" },
      ],
    });
    /** Flows of both families from a guest to outside, begun during the work. */
    const flowsDuring = async (work: () => Promise<unknown>) => {
      const { v4, v6 } = host().outsideAddress;
      const flows = await Promise.all([v4, v6].map((to) => startFlows(host(), "newflows", to)));
      await sleep(500);
      await work();
      await sleep(500);
      return await Promise.all(flows.map((f) => f.stop()));
    };
    const ours = async () => (await rules()).split("\n").filter((l) => /virtnet/i.test(l));
    let d: Driver;

    before(async () => {
      d = drive(host().uri, "flows");
      await d.up(args("nat", one(90)));
      await hostGuest(host(), {
        ...{ name: "newflows", bridge: "fw1", v4: "10.73.1.5/24", v6: "fd00:73:1::5/64" },
        gateway: { v4: "10.73.1.1", v6: "fd00:73:1::1" },
      });
    });

    after(async () => d.destroy());

    it("answer every new flow of a guest to outside; changed by virsh, they do not", async () => {
      const ctl = await flowsDuring(async () => {
        for (const [command, end] of [
          ["delete", 90],
          ["add-last", 91],
        ] as const)
          await virsh(host(), [
            ...["net-update", "flows", command, "ip-dhcp-range", "--live", "--config"],
            `<range start='10.73.1.10' end='10.73.1.${end}'/>`,
          ]);
      });
      for (const { sent, lost } of ctl) assert.ok(sent > 100 && lost > 0, JSON.stringify(ctl));
      await d.refresh();
      const before = await rules();
      const seen = await flowsDuring(async () => {
        for (const end of [92, 93, 94]) await d.up(args("nat", one(end)));
      });
      for (const { sent, lost } of seen) assert.ok(sent > 100 && lost === 0, JSON.stringify(seen));
      assert.equal(await rules(), before, "the same rules as before, and none of ours");
    });

    it("also on a host that forwards nothing of its own accord", async function () {
      const policy = (what: string) =>
        host().exec(["sh", "-ec", `for t in iptables ip6tables; do $t -P FORWARD ${what}; done`]);
      if ((await rules()).includes("libvirt_network"))
        skip(this, "with nftables the policy of iptables drops what libvirt accepts");
      await policy("DROP");
      try {
        const seen = await flowsDuring(() => d.up(args("nat", one(95))));
        for (const { sent, lost } of seen) assert.ok(sent > 100 && lost === 0, JSON.stringify(seen));
      } finally {
        await policy("ACCEPT");
      }
    });

    it("are taken away when the run dies in the middle, and what such a run left is no hindrance", async () => {
      const before = await rules();
      const uuid = (await virsh(host(), ["net-uuid", "flows"])).trim();
      const args_ = (end: number) => ({ name: "flows", ...args("nat", one(end)) });
      const orders: Orders = { uri: host().uri, desired: args_(97), was: args_(96), uuid, killBefore: 2 };
      let during: string[] = [];
      const { killed } = await runPlan({ ...orders, stopBefore: 2 }, undefined, async () => {
        during = await ours();
      });
      assert.ok(killed);
      assert.ok(during.length > 5, during.join("\n"));
      for (let i = 0; i < 50 && (await ours()).length > 0; i++) await sleep(100);
      assert.equal(await rules(), before);
      // Others have taken some of it away.
      await runPlan({ ...orders, stopBefore: 2 }, undefined, async () => {
        for (const t of ["iptables", "ip6tables"])
          await host().exec([
            "sh",
            "-c",
            `${t}-save -t nat | sed -n 's/^-A \\(.* -j VIRTNET-.*\\)/-D \\1/p' | xargs -n4 ${t} -t nat`,
          ]);
      });
      for (let i = 0; i < 50 && (await ours()).length > 0; i++) await sleep(100);
      assert.equal(await rules(), before);
      // The program on the host was killed as well.
      await runPlan({ ...orders, stopBefore: 2 }, undefined, async () => {
        await host().exec(["sh", "-c", "kill -9 $(pgrep -f virtnet-hold)"]);
      });
      assert.ok((await ours()).length > 5);
      await d.up(args("nat", one(98)));
      assert.equal(await rules(), before);
      // Also where libvirt has none for it afterwards.
      await runPlan({ ...orders, desired: args_(96), was: args_(98), stopBefore: 2 }, undefined, async () => {
        await host().exec(["sh", "-c", "kill -9 $(pgrep -f virtnet-hold)"]);
      });
      assert.ok((await ours()).length > 5);
      await d.up(args("open", { ips: [{ address: "10.73.1.1/24" }] }));
      assert.deepEqual(await ours(), []);
    });
  });

  it("let guests get addresses from a host that drops what comes in, with iptables; with nftables there are none for that", async () => {
    const d = drive(host().uri, "served");
    await d.up(args("nat"));
    const nftables = (await rules()).includes("libvirt_network");
    await host().exec(["iptables", "-P", "INPUT", "DROP"]);
    try {
      const guest = hostGuest(host(), { name: "g", bridge: "fw1", dhcp: true });
      if (nftables) await assert.rejects(guest, /lease/);
      else {
        const [nic] = await (await guest).addresses();
        assert.match(nic?.v4[0] ?? "", /^10\.73\.1\.\d+\/24$/);
      }
    } finally {
      await host().exec(["iptables", "-P", "INPUT", "ACCEPT"]);
    }
    await d.destroy();
  });

  // The control: why the plan is what it is. When it fails, libvirt has mended it, and abilities.ts can say from when on.
  // Last, since it ends with a daemon of its own.
  it("stay behind on nftables when virsh changes DNS, until they are cleared away as docs/daemons.md says", async function () {
    if (!(await rules()).includes("libvirt_network")) skip(this, "this daemon uses iptables, which forgets no rule");
    await startNetwork(host(), "beside", raw("beside", 3));
    const right = await rules();
    await startNetwork(host(), "leaky", raw("leaky", 2));
    const dns = "<host ip='10.73.2.9'><hostname>nine</hostname></host>";
    await virsh(host(), ["net-update", "leaky", "add-last", "dns-host", dns, "--live", "--config"]);
    await virsh(host(), ["net-destroy", "leaky"]);
    await virsh(host(), ["net-undefine", "leaky"]);
    assert.match(await rules(), /10\.73\.2\.0\/24.* masquerade/);

    const clear = "nft delete table ip libvirt_network; nft delete table ip6 libvirt_network";
    const restart =
      "kill $(cat /run/libvirtd.pid); while pgrep -x libvirtd; do sleep 0.1; done; libvirtd -d; virsh net-list";
    const { code, stderr } = await host().exec(["sh", "-ec", `${clear}; ${restart}`]);
    assert.equal(code, 0, stderr);
    const lines = (text: string) => text.split("\n").sort().join("\n");
    assert.equal(lines(await rules()), lines(right), "those of the other network are back");
  });
});
