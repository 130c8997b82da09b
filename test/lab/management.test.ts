/** What a host goes through whose one NIC becomes a bond, and that a bridge: by pulumi, as a user who is not root, over that NIC. */
import assert from "node:assert/strict";
import { run } from "../../sandbox/index.js";
import { LAB, withLab } from "../support/lab.js";
import { withProgram } from "../support/stack.js";

describe("a host that is managed through one NIC", function () {
  this.timeout(1_200_000);
  const lab = withLab();
  const program = withProgram();
  const write = (text: string) =>
    program().write("index.js", `const { Bond, Bridge, Network } = require("pulumi-virtnet");\n${text}`);
  const BOND = `const bond = new Bond("bond0", { mode: "active-backup", ports: ["eth0", "eth1"], primary: "eth0", addresses: "inherit", rollbackAfter: 300 });`;
  const BRIDGE = `const br0 = new Bridge("br0", { ports: [bond], addresses: "inherit", rollbackAfter: 300 });
    new Network("lan", { mode: "bridge", bridge: br0.name });`;

  /** Device → its address, of those that have one. */
  const addresses = async () =>
    Object.fromEntries(
      (await lab().sh("ip -br -4 addr | awk '$1 != \"lo\" && $3 { print $1, $3 }'"))
        .split("\n")
        .map((line) => line.split(" ") as [string, string]),
    );
  /** The device that has the host's address, from which its default route leads as well; and a new connection gets through. */
  async function isManagedBy(device: string): Promise<void> {
    assert.deepEqual(await addresses(), { [device]: `${LAB}/24` });
    assert.match(await lab().sh("ip route show default"), new RegExp(` dev ${device} `));
    await lab().reachable();
    const checkpoints =
      "busctl get-property org.freedesktop.NetworkManager /org/freedesktop/NetworkManager org.freedesktop.NetworkManager Checkpoints";
    assert.equal(await lab().sh(checkpoints), "ao 0");
  }
  const master = (device: string) => lab().sh(`basename $(readlink /sys/class/net/${device}/master || echo none)`);

  it("is reached by ssh alone, as a user who is not root and may sudo", async () => {
    assert.equal((await lab().ssh("id -un; sudo -n id -un")).stdout, "admin\nroot\n");
    const { stdout, stderr } = await run(["virsh", "-c", lab().uri, "hostname"]);
    assert.equal(stdout.trim(), "lab", stderr);
    await isManagedBy("eth0");
  });

  it("goes from the NIC to a bond, to a bridge, and back, in one up each, and is reachable after each restart", async () => {
    const stack = program().stack("lab", { "virtnet:uri": lab().uri });
    write(BOND);
    await stack.up();
    await isManagedBy("bond0");
    assert.deepEqual(await Promise.all(["eth0", "eth1"].map(master)), ["bond0", "bond0"]);
    assert.deepEqual(await stack.drift(), {}, "no noise");

    write(`${BOND}\n${BRIDGE}`);
    await stack.up();
    await isManagedBy("br0");
    assert.equal(await master("bond0"), "br0");
    assert.deepEqual(await stack.drift(), {}, "no noise");
    await lab().reboot();
    await isManagedBy("br0");
    assert.deepEqual(await Promise.all(["eth0", "eth1", "bond0"].map(master)), ["bond0", "bond0", "br0"]);
    assert.deepEqual(await stack.drift(), {}, "no noise after a restart");

    write(BOND);
    await stack.up();
    await isManagedBy("bond0");
    assert.equal(await lab().sh("ls -d /sys/class/net/br0 2> /dev/null || echo gone"), "gone");
    assert.deepEqual(await stack.drift(), {}, "no noise");

    write("");
    await stack.up();
    await isManagedBy("eth0");
    assert.equal(await lab().sh("ls /etc/NetworkManager/system-connections"), "lan.nmconnection");
    assert.equal(await lab().sh("nmcli -g connection.autoconnect connection show lan"), "yes");
    await lab().powerCut();
    await isManagedBy("eth0");
  });

  it("takes back, each time, what would cut it off, and nothing of it stays", async () => {
    const left =
      "nmcli -t -f NAME,UUID,AUTOCONNECT,DEVICE connection; ls /etc/NetworkManager/system-connections /sys/class/net";
    const before = await lab().sh(left);
    for (const [i, wrong] of [
      `new Bond("bond0", { mode: "active-backup", ports: ["eth0", "eth1"], addresses: { addresses: ["203.0.114.10/24"] }, rollbackAfter: 15 });`,
      `new Bridge("br0", { ports: ["eth0"], addresses: { addresses: ["203.0.114.10/24"] }, rollbackAfter: 15 });`,
      `new Bond("bond0", { mode: 4, ports: ["eth0"], addresses: "dhcp", rollbackAfter: 15 });`,
    ].entries()) {
      const stack = program().stack(`wrong${i}`, { "virtnet:uri": lab().uri });
      write(wrong);
      const { text } = await stack.upFails();
      assert.match(text, /failed: .*(everything is as it was|the host takes the change back)/);
      await isManagedBy("eth0");
      assert.equal(await lab().sh(left), before, text);
      assert.deepEqual(await stack.resources(), {});
    }
  });
});
