/** A backup lasts for hours where somebody fetches it (pull mode): meanwhile libvirt lets a VM be changed, as it does not beside other jobs. */
import assert from "node:assert/strict";
import { closeHosts } from "../../provider/host/hosts.js";
import { type Connection, open } from "../../provider/libvirt/index.js";
import { awaitIdle } from "../../provider/network/moves.js";
import { type Guest, startGuest } from "../../sandbox/guests.js";
import { drive } from "../support/network.js";
import { virsh, withSandbox } from "../support/sandbox.js";
import { driveNic } from "../support/vminterface.js";
import { nicsIn } from "../support/vms.js";

const net = (n: number, mtu: number) => ({
  mode: "isolated",
  bridge: { name: `vb${n}`, stp: false },
  ips: [{ address: `10.9${n}.1.1/24`, dhcp: { ranges: [{ start: `10.9${n}.1.10`, end: `10.9${n}.1.99` }] } }],
  mtu,
});

describe("a VM that is backed up", function () {
  this.timeout(240_000);
  const host = withSandbox();
  let guest: Guest;
  let c: Connection;
  const run = async (command: string) => {
    const { code, stdout, stderr } = await host().exec(["sh", "-c", command]);
    assert.equal(code, 0, stderr);
    return stdout.trim();
  };
  before("starts a pull backup", async () => {
    guest = await startGuest(host(), { name: "kept", nics: [] });
    await guest.waitReady();
    await run(
      "mkdir -p /run/backup && chmod 777 /run/backup && truncate -s 16M /run/backup/disk && chmod 666 /run/backup/disk",
    );
    await virsh(
      host(),
      ["attach-device", "kept", "/dev/stdin", "--live"],
      "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/run/backup/disk'/><target dev='vdx' bus='virtio'/></disk>",
    );
    await virsh(
      host(),
      ["backup-begin", "kept", "/dev/stdin"],
      "<domainbackup mode='pull'><server transport='unix' socket='/run/backup/socket'/><disks><disk name='vdx' backup='yes' type='file'><scratch file='/run/backup/scratch'/></disk></disks></domainbackup>",
    );
    c = await open(host().uri);
  });
  after(async () => {
    await c?.close();
    await closeHosts();
  });
  const backedUp = async () => assert.match(await virsh(host(), ["domjobinfo", "kept"]), /Operation: +Backup/);

  it("has a job, which says that it is one", async () => {
    assert.notEqual(await c.domains.jobType({ name: "kept" }), 0);
    assert.equal(await c.domains.jobOperation({ name: "kept" }), "backup");
  });

  it("has its NIC plugged, moved, plugged anew and unplugged, and its networks restarted", async () => {
    const [one, two] = [drive(host().uri, "one"), drive(host().uri, "two")];
    await one.up(net(2, 1500));
    await two.up(net(3, 1500));
    const d = driveNic(host().uri, "kept-nic");
    const args = { domain: "kept", network: "one" };
    const there = () => nicsIn(host(), "kept", "52:54:");
    await d.up(args);
    await d.up({ ...args, network: "two" });
    assert.match((await there()).join(), /network='two'/);
    await guest.up("eth0");
    const mac = String(d.state?.outs.mac);
    assert.equal(await awaitIdle(c, [{ domain: guest.uuid, domainName: "kept", mac }], 500), false, "nobody waits");
    await closeHosts(); // another run
    await two.up(net(3, 1400));
    assert.equal(await run("cat /sys/class/net/vb3/mtu"), "1400");
    assert.equal((await guest.exec("ping -c1 -W5 10.93.1.1")).code, 0);
    await d.up({ ...args, mtu: 1300 });
    assert.match((await there()).join(), /<mtu size='1300'/);
    await d.destroy();
    assert.deepEqual(await there(), []);
    await backedUp();
    await virsh(host(), ["domjobabort", "kept"]);
  });
});
