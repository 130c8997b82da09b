import { assertNothingLost, assertStays } from "../libvirt/memory.js";
import { startNetwork, virsh, withSandbox } from "../support/sandbox.js";
import { natXml } from "../support/vms.js";

/** An empty machine. It never boots anything, but gives up a NIC on USB without being asked. */
const machine = `<domain type='qemu'><name>vm</name><memory unit='MiB'>32</memory><os><type arch='x86_64' machine='pc'>hvm</type></os>
  <devices><controller type='usb' model='qemu-xhci'/><interface type='network'><mac address='52:54:00:00:71:01'/><source network='leaks'/><model type='virtio'/></interface></devices></domain>`;
const nic =
  "<interface type='network'><mac address='52:54:00:00:71:02'/><source network='leaks'/><model type='usb-net'/></interface>";
const [net, vm] = [`{ name: "leaks" }`, `{ name: "vm" }`];

describe("what a real daemon has handed over is given back", () => {
  const host = withSandbox();

  before("starts a machine on a network with a lease", async () => {
    await startNetwork(host(), "leaks", natXml("leaks", "vleaks", 71));
    await virsh(host(), ["define", "/dev/stdin"], machine);
    await virsh(host(), ["start", "vm"]);
    const lease = { "ip-address": "10.71.1.17", "mac-address": "52:54:00:00:71:01", hostname: "guest" };
    const status = JSON.stringify([{ ...lease, "expiry-time": Math.floor(Date.now() / 1000) + 3600 }]);
    await host().exec(["sh", "-c", `echo '${status}' > /var/lib/libvirt/dnsmasq/vleaks.status`]);
  });

  it("by each call that the driver inside the library lacks", async function () {
    this.timeout(180_000);
    await assertNothingLost(
      host().uri,
      {
        "leases are read": `one(await c.networks.leases(${net}))`,
        "addresses are read": `one(await c.domains.interfaceAddresses(${vm}, "lease"))`,
        "ports are read": `one(await c.networks.ports(${net}))`,
        "a job is asked for": `c.domains.jobInfo(${vm})`,
      },
      `const one = ({ length }) => { if (length !== 1) throw new Error(length + " of them"); };`,
    );
  });

  it("over 20 reconnects with leases, ports, and a NIC that is plugged and unplugged: memory, file descriptors and threads are as after 10", async function () {
    this.timeout(180_000);
    const round = `
      const c = await libvirt.open(${JSON.stringify(host().uri)});
      let out;
      await c.onEvent((e) => { if (e.kind === "device-removed") out(); });
      for (let i = 0; i < 5; i++) {
        const removed = new Promise((r) => { out = r; });
        await c.domains.attachDevice(${vm}, ${JSON.stringify(nic)}, "live");
        if ((await c.networks.ports(${net})).length !== 2) throw new Error("not plugged");
        await c.networks.leases(${net}); await c.domains.interfaceAddresses(${vm}, "lease");
        await c.domains.detachDevice(${vm}, ${JSON.stringify(nic)}, "live");
        await removed;
        if ((await c.networks.ports(${net})).length !== 1) throw new Error("not unplugged");
        await fails(c.domains.detachDevice(${vm}, ${JSON.stringify(nic)}, "live"));
      }
      await c.close();`;
    await assertStays(round, 10);
  });
});
