import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Inputs } from "../../provider/handler.js";
import { closeHosts, hostAt } from "../../provider/host/hosts.js";
import { forgetNics, vmInterfaceHandler } from "../../provider/vminterface/handler.js";
import { startGuest } from "../../sandbox/guests.js";
import { childRun } from "../support/child-run.js";
import type { NicAnswer } from "../support/run-nic.js";
import { startNetwork, virsh, withSandbox } from "../support/sandbox.js";
import { driveNic, newRun } from "../support/vminterface.js";
import { natXml, nicsIn, nicXml, vmXml } from "../support/vms.js";

describe("plugging and unplugging that a VM refuses", () => {
  const host = withSandbox();
  before(() => startNetwork(host(), "one", natXml("one", "vu1", 76)));
  after(() => closeHosts());
  beforeEach("is a new run", newRun);
  const run = async (command: string) => (await host().exec(["sh", "-c", command])).stdout.trim();
  const nics = (name: string, containing: string, ...flags: string[]) => nicsIn(host(), name, containing, ...flags);

  /** A NIC in the definition of a VM without an operating system, which is then started. */
  async function started(name: string, more: Inputs = {}) {
    await virsh(host(), ["define", "/dev/stdin"], vmXml(name));
    const d = driveNic(host().uri, `${name}-nic`);
    const args = { domain: name, network: "one", unplugTimeout: 8, ...more };
    await d.up(args);
    await virsh(host(), ["start", name]);
    hostAt(host().uri).changed();
    return { d, args, mac: String(d.state?.outs.mac) };
  }
  async function end(name: string) {
    await virsh(host(), ["destroy", name]);
    await virsh(host(), ["undefine", name]);
  }

  it("says that the guest did not release the NIC, and leaves both definitions as they were", async () => {
    const { d, mac } = await started("stubborn");
    await assert.rejects(
      d.destroy(),
      /the guest of VM "stubborn" did not release NIC 52:54:\S+ within 8 s: .* or delete with forceDetach: true\. It was asked/,
    );
    assert.equal((await nics("stubborn", mac)).length, 1);
    assert.equal((await nics("stubborn", mac, "--inactive")).length, 1);
    assert.equal((await d.refresh())?.drift, false);
    await end("stubborn");
  });

  it("gives it up with forceDetach: its link is down, and it is gone with the VM's next stop", async () => {
    const { d, mac } = await started("given-up", { forceDetach: true });
    await d.destroy();
    assert.match(d.log.at(-1) ?? "", /did not release it; its link is down, and it is gone when the VM stops/);
    assert.match((await nics("given-up", mac))[0] ?? "", /<link state='down'\/>/);
    assert.deepEqual(await nics("given-up", mac, "--inactive"), []);
    await virsh(host(), ["destroy", "given-up"]);
    await virsh(host(), ["start", "given-up"]);
    assert.deepEqual(await nics("given-up", mac), []);
    await end("given-up");
  });

  it("restores the stored definition when a change needs a NIC that the guest does not release", async () => {
    const { d, args, mac } = await started("kept");
    await assert.rejects(
      d.up({ ...args, mtu: 1400 }),
      /unplugging it failed \(for mtu\): the guest of VM "kept" did not release .*; restored: the stored definition/,
    );
    for (const flags of [[], ["--inactive"]]) assert.doesNotMatch((await nics("kept", mac, ...flags))[0] ?? "", /<mtu/);
    await end("kept");
  });

  it("waits for a guest that is slow, and asks it again", async function () {
    this.timeout(180_000);
    const guest = await startGuest(host(), { name: "slow" });
    await guest.waitReady();
    const d = driveNic(host().uri, "slow-nic");
    await d.up({ domain: "slow", network: "one", unplugTimeout: 60 });
    const mac = String(d.state?.outs.mac);
    // A paused guest answers nothing; the answer comes after libvirt has given up waiting (5 s).
    await virsh(host(), ["suspend", "slow"]);
    const resumed = sleep(9000).then(() => virsh(host(), ["resume", "slow"]));
    const begun = Date.now();
    await d.destroy();
    assert.ok(Date.now() - begun > 8000, "it was waited for");
    await resumed;
    assert.deepEqual(await nics("slow", mac), []);
    assert.deepEqual(await nics("slow", mac, "--inactive"), []);
    await guest.stop();
  });

  it("plugs the old NIC again when the new one cannot be, on its network, and says so", async function () {
    this.timeout(180_000);
    const guest = await startGuest(host(), { name: "back" });
    await guest.waitReady();
    await run("ip link add taken0 type bridge; ip link add vubr0 type bridge; ip link set vubr0 up");
    await startNetwork(
      host(),
      "lan",
      "<network><name>lan</name><forward mode='bridge'/><bridge name='vubr0'/></network>",
    );
    const d = driveNic(host().uri, "back-nic");
    for (const network of ["lan", "one"]) {
      await d.up({ domain: "back", network });
      const olds = d.state?.outs as Inputs;
      await assert.rejects(
        vmInterfaceHandler.update({ log: () => undefined }, d.state?.id as string, olds, {
          ...olds,
          targetDevice: "taken0",
        }),
        /plugging it failed \(for targetDevice\): .*; restored: the old NIC, the stored definition$/,
      );
      const [live = ""] = await nics("back", String(olds.mac));
      assert.match(live, new RegExp(`<source network='${network}'`));
      assert.match(live, /<target dev='vnet\d+'\/>[\s\S]*<alias name='ua-virtnet__p__s__back-nic'\/>/);
      assert.doesNotMatch((await nics("back", String(olds.mac), "--inactive"))[0] ?? "", /taken0/);
    }
    await guest.up("eth0");
    assert.equal((await guest.exec("ping -c1 -W5 10.76.1.1")).code, 0);
    await d.destroy();
    await guest.stop();
  });

  it("plugs a NIC again that a guest has released after all, when Pulumi had given up", async function () {
    this.timeout(180_000);
    const guest = await startGuest(host(), { name: "late" });
    await guest.waitReady();
    const d = driveNic(host().uri, "late-nic");
    const args = { domain: "late", network: "one", unplugTimeout: 6 };
    await d.up(args);
    const mac = String(d.state?.outs.mac);
    await virsh(host(), ["suspend", "late"]);
    await assert.rejects(
      d.up({ ...args, mtu: 1400 }),
      /did not release NIC .*is paused.*; restored: the stored definition/,
    );
    await virsh(host(), ["resume", "late"]);
    for (let i = 0; i < 50 && (await nics("late", mac)).length > 0; i++) await sleep(100);
    assert.deepEqual(await nics("late", mac), [], "it is released late");
    assert.equal((await nics("late", mac, "--inactive")).length, 1);
    hostAt(host().uri).changed();
    // The same run again, and one that takes the change back after a refresh.
    await d.up({ ...args, mtu: 1400 });
    for (const flags of [[], ["--inactive"]])
      assert.match((await nics("late", mac, ...flags))[0] ?? "", /<mtu size='1400'/);
    await guest.exec("sleep 1");
    await virsh(host(), ["suspend", "late"]);
    await assert.rejects(d.up(args), /did not release NIC/);
    await virsh(host(), ["resume", "late"]);
    for (let i = 0; i < 50 && (await nics("late", mac)).length > 0; i++) await sleep(100);
    hostAt(host().uri).changed();
    assert.equal((await d.refresh())?.inputs.plugged, false);
    await d.up(args);
    assert.doesNotMatch((await nics("late", mac))[0] ?? "nothing", /<mtu|nothing/);
    assert.equal((await d.refresh())?.drift, false);
    await d.destroy();
    await guest.stop();
  });

  it("says at preview, and when it runs, that the VM has no slot left, or takes no devices", async () => {
    await virsh(host(), ["create", "/dev/stdin"], vmXml("full", { slots: 1 }));
    const d = driveNic(host().uri, "full-nic");
    const args = { domain: "full", network: "one", unplugTimeout: 5 };
    assert.deepEqual(await d.check(args), []);
    const other = driveNic(host().uri, "full-other");
    const [fault] = await other.check({ ...args, mac: "52:54:00:76:00:02" });
    assert.match(
      `${fault?.property}: ${fault?.reason}`,
      /^domain: VM "full" runs and has no PCIe slot left .*stop it, add <controller/,
    );
    forgetNics();
    await d.up(args);
    await assert.rejects(
      vmInterfaceHandler.create(
        { log: () => undefined },
        { ...args, uri: host().uri, mac: "52:54:00:76:00:02", linkState: "up" },
      ),
      /plugging it failed: VM "full" runs and has no PCIe slot left .*; nothing was changed$/,
    );
    await virsh(host(), ["destroy", "full"]);
    await virsh(host(), ["create", "/dev/stdin"], vmXml("old", { machine: "pc" }));
    const old = { ...args, domain: "old", uri: host().uri, mac: "52:54:00:76:00:03", linkState: "up" };
    hostAt(host().uri).changed();
    await closeHosts();
    const [no] = (await vmInterfaceHandler.check({ log: () => undefined }, {}, old)).failures;
    assert.match(String(no?.reason), /VM "old" runs and takes no devices meanwhile, since it has no ACPI/);
    await assert.rejects(
      vmInterfaceHandler.create({ log: () => undefined }, old),
      /plugging it failed: VM "old" runs and takes no devices meanwhile/,
    );
    await virsh(host(), ["destroy", "old"]);
  });

  it("says what brings a slot where the bus of an old (i440fx) VM is full", async () => {
    await virsh(
      host(),
      ["create", "/dev/stdin"],
      vmXml("crowd", { machine: "pc", more: "<features><acpi/></features>" }),
    );
    const attach = (n: number) =>
      host().exec(["virsh", "attach-device", "crowd", "/dev/stdin", "--live"], {
        input: nicXml(`52:54:00:76:01:${n.toString(16).padStart(2, "0")}`, "network", "network='one'"),
      });
    let n = 0;
    while ((await attach(n)).code === 0) n++;
    const args = { domain: "crowd", network: "one", uri: host().uri, linkState: "up", mac: "52:54:00:76:02:01" };
    const full =
      /VM "crowd" runs and has no PCI slot left \(pci-bridge\): stop it, add <controller type='pci' model='pci-bridge'\/>/;
    await assert.rejects(vmInterfaceHandler.create({ log: () => undefined }, args), full);
    const check = async () => (await vmInterfaceHandler.check({ log: () => undefined }, {}, args)).failures;
    assert.match(String((await check())[0]?.reason), full);
    // One is free again, and that is seen.
    await virsh(host(), ["destroy", "crowd"]);
    await virsh(
      host(),
      ["create", "/dev/stdin"],
      vmXml("crowd", { machine: "pc", more: "<features><acpi/></features>" }),
    );
    for (let i = 0; i < n - 1; i++) assert.equal((await attach(i)).code, 0);
    forgetNics();
    await closeHosts();
    assert.deepEqual(await check(), []);
    await vmInterfaceHandler.create({ log: () => undefined }, args);
    await virsh(host(), ["destroy", "crowd"]);
  });

  it("is content where somebody else takes the NIC out of the definition first", async () => {
    await virsh(host(), ["define", "/dev/stdin"], vmXml("faster"));
    const d = driveNic(host().uri, "faster-nic");
    await d.up({ domain: "faster", network: "one" });
    const mac = String(d.state?.outs.mac);
    const { answer } = await childRun<NicAnswer>("run-nic.js", { uri: host().uri, state: d.state }, "1:stop", () =>
      virsh(host(), ["detach-interface", "faster", "network", "--mac", mac, "--config"]),
    );
    assert.deepEqual([answer?.error, answer?.state], [undefined, undefined]);
    assert.deepEqual(await nics("faster", mac, "--inactive"), []);
    await virsh(host(), ["undefine", "faster"]);
  });

  it("says that it was interrupted while it waited for the guest, and gives nothing up for that", async () => {
    const { d, mac } = await started("cut-off", { forceDetach: true, unplugTimeout: 60 });
    const abort = new AbortController();
    forgetNics(); // another run
    const cut = sleep(7000).then(() => abort.abort());
    await assert.rejects(
      vmInterfaceHandler.delete(
        { log: () => undefined, signal: abort.signal },
        d.state?.id as string,
        d.state?.outs as Inputs,
      ),
      /the run was interrupted before the guest of VM "cut-off" released NIC/,
    );
    await cut;
    for (const flags of [[], ["--inactive"]])
      assert.doesNotMatch((await nics("cut-off", mac, ...flags))[0] ?? "gone", /<link state='down'|gone/);
    await end("cut-off");
  });

  it("says that the VM is busy with a job, and changes nothing", async function () {
    this.timeout(180_000);
    const guest = await startGuest(host(), { name: "busy" });
    await guest.waitReady();
    // A migration to a host that does not answer.
    await run("iptables -A OUTPUT -d 203.0.113.99 -j DROP");
    await run(
      "setsid virsh migrate --p2p --live busy qemu+tcp://203.0.113.99/system >/dev/null 2>&1 </dev/null & sleep 2",
    );
    const d = driveNic(host().uri, "busy-nic");
    await assert.rejects(
      d.up({ domain: "busy", network: "one" }),
      /VM "busy" is busy with a job .*wait for its end and run this again; nothing was changed/,
    );
    assert.deepEqual(await nics("busy", "<mac"), []);
  });

  it("says so too while the VM is saved: what is plugged, changed, plugged anew or unplugged is left as it is", async function () {
    this.timeout(180_000);
    const guest = await startGuest(host(), { name: "saved" });
    await guest.waitReady(); // its memory holds a kernel by then: more than a pipe does
    const d = driveNic(host().uri, "saved-nic");
    const args = { domain: "saved", network: "one", unplugTimeout: 20 };
    await d.up(args);
    const both = async () => [await nics("saved", "<mac"), await nics("saved", "<mac", "--inactive")];
    const before = await both();
    await run(
      "mkfifo /run/save; sleep 600 < /run/save & echo $! > /run/reader; setsid virsh save saved /run/save > /dev/null 2>&1 < /dev/null &",
    );
    const job = () => run("virsh domjobinfo saved");
    for (let i = 0; i < 100 && !/Unbounded/.test(await job()); i++) await sleep(100);
    assert.match(await job(), /Unbounded/);
    const busy =
      /VM "saved" is busy with a job \(migration, save, dump …; "virsh domjobinfo saved" shows it\): wait for its end and run this again; nothing was changed/;
    await assert.rejects(driveNic(host().uri, "saved-other").up(args), busy, "plugging");
    for (const more of [{ linkState: "down" }, { mtu: 1400 }]) await assert.rejects(d.up({ ...args, ...more }), busy);
    await assert.rejects(d.destroy(), busy, "unplugging");
    assert.match(await job(), /Unbounded/, "it goes on");
    assert.deepEqual(await both(), before);
    await run("kill $(cat /run/reader)"); // without a reader the save fails
    for (let i = 0; i < 100 && !/None/.test(await job()); i++) await sleep(100);
    await d.up({ ...args, linkState: "down" });
    await d.destroy();
    assert.deepEqual(await both(), [[], []]);
    await guest.stop();
  });
});
