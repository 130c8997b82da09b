/** A few of the faults of test/sandbox/faults.test.ts, through the real engine. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { virsh, withSandbox } from "../support/sandbox.js";
import { type Stack, withProgram } from "../support/stack.js";
import { nicXml, vmXml } from "../support/vms.js";

describe("pulumi up that is cut off", () => {
  const host = withSandbox();
  const program = withProgram();
  const MAC = "52:54:00:00:74:01";
  const write = (mtu: number) =>
    program().write(
      "index.js",
      `const { Network } = require("pulumi-virtnet");
       new Network("net", { mode: "nat", mtu: ${mtu}, bridge: { name: "cut0", stp: false }, ips: [{ address: "10.75.1.1/24" }] });`,
    );
  const run = async (command: string) => (await host().exec(["sh", "-c", command])).stdout.trim();
  /** What the host itself says: the MTU of the bridge, whether the VM's tap is on it, and park networks. */
  const seen = async () => ({
    mtu: await run("cat /sys/class/net/cut0/mtu"),
    taps: await run("ls /sys/class/net/cut0/brif | grep -c vnet"),
    parks: await run("virsh -q net-list --all --name | grep -c vnpark || true"),
  });
  const whole = (mtu: number) => ({ mtu: String(mtu), taps: "1", parks: "0" });
  let cut: Stack | undefined;
  const stack = (): Stack => {
    cut ??= program().stack("cut", { "virtnet:uri": host().uri });
    return cut;
  };

  before(async () => {
    write(1400);
    await stack().up();
    const vm = vmXml("web", { devices: nicXml(MAC, "network", "network='net'") });
    await virsh(host(), ["create", "/dev/stdin"], vm);
    assert.deepEqual(await seen(), whole(1400));
  });

  it("says what failed and that all is restored, and the next up goes through", async () => {
    write(1300);
    const failed = await stack().upFails({ env: { VIRTNET_FAULT: "5:after" } });
    assert.match(failed.text, /network "net": .* failed .*; all is restored as it was/);
    assert.deepEqual(await seen(), whole(1400));
    await stack().up();
    assert.deepEqual(await seen(), whole(1300));
    assert.deepEqual(await stack().drift(), {});
  });

  it("is healed by its watchdog when the provider is killed while the network is down, and the next up goes through", async () => {
    write(1200);
    // journal, define, park network, NIC, destroy, start: killed in place of the start.
    await stack().upFails({ env: { VIRTNET_FAULT: "6:kill" } });
    let now = await seen();
    for (let i = 0; i < 30 && (now.taps !== "1" || now.parks !== "0"); i++) {
      await sleep(100);
      now = await seen();
    }
    assert.ok(now.mtu === "1200" || now.mtu === "1300");
    assert.deepEqual(now, whole(Number(now.mtu)));
    await stack().up();
    assert.deepEqual(await seen(), whole(1200));
    assert.deepEqual(await stack().drift(), {});
  });

  it("goes through, or says what was restored, where libvirtd is killed in the middle and comes back; the next up ends it", async () => {
    write(1350);
    const up = stack().run(["up", "--yes", "--skip-preview"]);
    // The park network is there: its NICs are about to move.
    for (let i = 0; i < 600 && (await run("ls -d /sys/class/net/vnpark* 2> /dev/null")) === ""; i++) await sleep(50);
    await run("kill -9 $(cat /run/libvirtd.pid /run/libvirt/libvirtd.pid 2>/dev/null | head -1)");
    assert.notEqual((await host().exec(["virsh", "net-list"])).code, 0, "libvirtd still answers");
    await sleep(1000);
    await run("libvirtd -d");
    const { code, text } = await up;
    if (code !== 0) assert.match(text, /all is restored as it was/);
    assert.deepEqual(await seen(), whole(code === 0 ? 1350 : 1200), text);
    if (code !== 0) await stack().up();
    assert.deepEqual(await seen(), whole(1350));
    assert.deepEqual(await stack().drift(), {});
  });
});
