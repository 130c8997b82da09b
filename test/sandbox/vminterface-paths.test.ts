import assert from "node:assert/strict";
import type { Inputs } from "../../provider/handler.js";
import { closeHosts, hostAt } from "../../provider/host/hosts.js";
import { forgetRun } from "../../provider/network/run.js";
import { fieldsOf, nicsOf, writeNic } from "../../provider/vminterface/document.js";
import { forgetNics } from "../../provider/vminterface/handler.js";
import { observe } from "../../provider/vminterface/observe.js";
import { plan } from "../../provider/vminterface/plan.js";
import { SOURCES } from "../../provider/vminterface/source.js";
import { fullNics } from "../support/full-nics.js";
import { another, get, impliedByAbsence, put, spots } from "../support/paths.js";
import { startNetwork, virsh, withSandbox } from "../support/sandbox.js";
import { driveNic } from "../support/vminterface.js";
import { natXml, nicsIn, vmXml } from "../support/vms.js";

const DAEMON = process.env.VIRTNET_TEST_ROOT === undefined ? 9_000_000 : 11_000_000;

/**
 * The VM is stopped here, so that every field of libvirt's format can be tried whether or not this machine could run it
 * (sch_sfq, SR-IOV, Open vSwitch, passt); what is live is tried on a running one below.
 */
describe("every schema path of a NIC, on a real libvirtd", () => {
  const host = withSandbox();
  after(() => closeHosts());
  before("makes a VM, and the devices that the arguments name", async () => {
    await startNetwork(host(), "one", natXml("one", "vp1", 79).replace("<ip ", "<portgroup name='groupa'/><ip "));
    const { code, stderr } = await host().exec([
      "sh",
      "-ec",
      `for b in br0 br1 vpbr0 ovsbr0 ovsbr1 mido0 mido1; do ip link add $b type bridge; ip link set $b up; done
       for i in 0 1 2; do ip link add eth$i type veth peer name peer$i; done`,
    ]);
    assert.equal(code, 0, stderr);
    // One with a boot order of its own: libvirt then orders no devices by kind.
    const boots =
      "<interface type='network'><source network='one'/><model type='virtio'/><boot order='1'/></interface>";
    await virsh(host(), ["define", "/dev/stdin"], vmXml("full", { slots: 4, devices: boots }));
  });
  const stored = async (mac: string) => (await nicsIn(host(), "full", mac, "--inactive"))[0] ?? "";
  /** Lines in order of the alphabet, without what libvirt wrote itself. */
  const lines = (xml: string) => xml.split("\n").sort().join("\n");
  const behindOurBack = async () => {
    hostAt(host().uri).changed();
    forgetRun();
  };
  /** Whether libvirt took it. */
  async function set(before: string, after: string): Promise<boolean> {
    await virsh(host(), ["detach-device", "full", "/dev/stdin", "--config"], before);
    const input = after;
    const { code } = await host().exec(["virsh", "-q", "attach-device", "full", "/dev/stdin", "--config"], { input });
    if (code !== 0) await virsh(host(), ["attach-device", "full", "/dev/stdin", "--config"], before);
    return code === 0;
  }

  const tried = new Set<string>();
  for (const kind of SOURCES) {
    fullNics[kind].forEach(({ args, since = 0 }, i) => {
      if (since > DAEMON) return;
      it(`${kind} ${i + 1}: what virsh changes or removes is one step, and up brings it back`, async () => {
        forgetNics();
        const mac = String(args.mac);
        const d = driveNic(host().uri, `full-${kind}-${i}`);
        await d.up(args);
        const right = await stored(mac);
        assert.equal(await d.up(args), false, "a second up changes nothing");
        assert.equal((await d.refresh())?.drift, false, "no noise after up");
        for (const spot of spots(fieldsOf(kind), args)) {
          // Sources share their parts: a field is tried in the first that has it.
          const field = spot.text.replace(/\[\d+\]/g, "[]");
          if (spot.text === "mac" || tried.has(field)) continue;
          tried.add(field);
          const value = get(args, spot.path);
          const gone = spot.required
            ? spot.item
              ? put(args, spot.item, undefined)
              : undefined
            : impliedByAbsence(spot, value) || spot.node.generated
              ? undefined
              : put(args, spot.path, undefined);
          for (const other of [put(args, spot.path, another(spot, value)), gone]) {
            if (other === undefined || other[kind] === undefined) continue;
            const base = `<interface ${await stored(mac)}</interface>`;
            // Some single changes are no valid NIC for libvirt: it refuses them before we could see them.
            if (!(await set(base, writeNic(other, args, base)))) continue;
            await behindOurBack();
            // Some it takes and ignores.
            if (lines(await stored(mac)) === lines(right)) continue;
            const seen = await d.refresh();
            assert.equal(seen?.drift, true, `${spot.text}: shown as drift`);
            const observed = await hostAt(host().uri).pool.use((c) => observe(c, args, DAEMON));
            const { steps } = plan({ desired: args, was: args }, observed);
            assert.equal(steps.length, 1, `${spot.text}: one step`);
            await d.up(args);
            assert.equal(lines(await stored(mac)), lines(right), spot.text);
          }
        }
        await d.destroy();
        assert.equal(await stored(mac), "");
      });
    });
  }

  it("what can be changed live here is changed on the running VM, without a new device; drift shows by name", async () => {
    await virsh(host(), ["create", "/dev/stdin"], vmXml("runs"));
    const d = driveNic(host().uri, "runs-nic");
    const mac = "52:54:00:79:02:01";
    const args: Inputs = {
      domain: "runs",
      bridge: "vpbr0",
      mac,
      filter: { name: "clean-traffic", parameters: [{ name: "IP", value: "10.0.0.1" }] },
      coalesce: { rxMaxFrames: 7 },
      linkState: "up",
    };
    await d.up(args);
    const index = async () =>
      (await host().exec(["sh", "-c", `cat /sys/class/net/${String(d.state?.outs.targetDevice)}/ifindex`])).stdout;
    const before = await index();
    const live = async () => {
      const [nic] = nicsOf(await virsh(host(), ["dumpxml", "runs"])).filter((n) => n.mac === mac);
      return nic?.xml ?? "";
    };
    for (const spot of spots(fieldsOf("bridge"), args)) {
      if (spot.text === "mac") continue;
      const changed =
        spot.text === "bridge"
          ? { ...args, bridge: "br1" }
          : spot.text === "filter.name"
            ? { ...args, filter: { ...(args.filter as Inputs), name: "no-mac-spoofing" } }
            : put(args, spot.path, another(spot, get(args, spot.path)));
      await d.up(changed);
      assert.match(d.log.at(-1) ?? "", new RegExp(`${spot.text.split(/[.[]/)[0]}.*changed live`));
      await d.up(args);
      assert.equal((await d.refresh())?.drift, false, spot.text);
      await virsh(host(), ["update-device", "runs", "/dev/stdin", "--live"], writeNic(changed, args, await live()));
      await behindOurBack();
      const seen = await d.refresh();
      assert.equal(seen?.drift, true, `${spot.text}: drift`);
      const top = spot.text.split(/[.[]/)[0] as string;
      assert.notDeepEqual(seen?.inputs[top], args[top], `${spot.text}: by name`);
      await d.up(args);
      assert.equal((await d.refresh())?.drift, false, spot.text);
    }
    assert.equal(await index(), before, "the tap is the same device");
    await virsh(host(), ["destroy", "runs"]);
  });
});
