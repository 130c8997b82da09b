/** What a host goes through whose one NIC becomes a bond, and that a bridge: by pulumi, as a user who is not root, over that NIC. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { run } from "../../sandbox/index.js";
import { LAB, withLab } from "../support/lab.js";
import { repository } from "../support/repository.js";
import { Program, pulumiDir, type Stack, withProgram } from "../support/stack.js";

describe("a host that is managed through one NIC", function () {
  this.timeout(1_200_000);
  const lab = withLab();
  const program = withProgram();
  const made: Program[] = [];
  after(() => {
    for (const each of made) each.remove();
  });

  // The lab VM may be slow, beside other tests.
  const SLOW = "rollbackAfter: 300";
  const BOND = `const bond = new Bond("bond0", { mode: "active-backup", ports: ["eth0", "eth1"], addresses: "inherit", ${SLOW} });`;
  const BRIDGE = `const br0 = new Bridge("br0", { ports: [bond], addresses: "inherit", ${SLOW} });
    new Network("lan", { mode: "bridge", bridge: br0.name });`;
  const write = (text: string) =>
    program().write("index.js", `const { Bond, Bridge, Network } = require("pulumi-virtnet");\n${text}`);
  /** A program of examples/, with its configuration. */
  const example = (name: string, nics: string[]): Stack => {
    const copy = new Program(pulumiDir() as string, { main: "index.ts", project: `virtnet-${name}` });
    made.push(copy);
    fs.cpSync(path.join(repository, "examples", name), copy.dir, {
      recursive: true,
      filter: (p) => !p.includes("node_modules"),
    });
    return copy.stack("dev", { "virtnet:uri": lab().uri, [`virtnet-${name}:nics`]: nics });
  };

  /** The device that has the host's address, from which its default route leads as well; and a new connection gets through. */
  async function isManagedBy(device: string): Promise<void> {
    const addresses = await lab().sh("ip -br -4 addr | awk '$1 != \"lo\" && $3 { print $1, $3 }'");
    assert.equal(addresses, `${device} ${LAB}/24`);
    assert.match(await lab().sh("ip route show default"), new RegExp(` dev ${device} `));
    assert.match(await lab().sh("cat /etc/resolv.conf"), /nameserver 198\.51\.100\.1$/m);
    await lab().reachable();
    const nm = "org.freedesktop.NetworkManager";
    assert.equal(await lab().sh(`busctl get-property ${nm} /org/freedesktop/NetworkManager ${nm} Checkpoints`), "ao 0");
  }
  const masters = async (...devices: string[]) =>
    (
      await lab().sh(
        `for d in ${devices.join(" ")}; do basename $(readlink /sys/class/net/$d/master || echo none); done`,
      )
    ).split("\n");
  /** All profiles and devices. */
  const left = () =>
    lab().sh(
      "nmcli -t -f NAME,UUID,AUTOCONNECT connection | grep -v ^lo: | sort; ls /etc/NetworkManager/system-connections; ls -d /sys/class/net/*/",
    );

  it("is reached by ssh alone, as a user who is not root and may sudo", async () => {
    assert.equal((await lab().ssh("id -un; sudo -n id -un")).stdout, "admin\nroot\n");
    const { stdout, stderr } = await run(["virsh", "-c", lab().uri, "hostname"]);
    assert.equal(stdout.trim(), "lab", stderr);
    await isManagedBy("eth0");
  });

  it("goes from the NIC to a bond, to a bridge, and back, in one up each, and is reachable after a restart", async () => {
    const before = await left();
    const stack = program().stack("lab", { "virtnet:uri": lab().uri });

    write(BOND);
    await stack.up();
    await isManagedBy("bond0");
    assert.deepEqual(await masters("eth0", "eth1"), ["bond0", "bond0"]);

    write(`${BOND}\n${BRIDGE}`);
    await stack.up();
    await isManagedBy("br0");
    await lab().reboot();
    await isManagedBy("br0");
    assert.deepEqual(await masters("eth0", "eth1", "bond0"), ["bond0", "bond0", "br0"]);
    assert.deepEqual(await stack.drift(), {}, "no noise after a restart");

    write(BOND);
    await stack.up();
    await isManagedBy("bond0");
    assert.deepEqual(await masters("eth0", "eth1", "bond0"), ["bond0", "bond0", "none"]);

    write("");
    await stack.up();
    await isManagedBy("eth0");
    assert.equal(await left(), before);
  });

  it("examples/bridged-lan makes bond, bridge and network in one up, which a power cut does not undo, and gives all back", async () => {
    const before = await left();
    const stack = example("bridged-lan", ["eth0", "eth1"]);
    await stack.up();
    await isManagedBy("br0");
    assert.match((await lab().exec(["virsh", "net-dumpxml", "lan"])).stdout, /<bridge name='br0'\/>/);
    await lab().powerCut();
    await isManagedBy("br0");
    assert.deepEqual(await stack.drift(), {});
    await stack.destroy();
    await isManagedBy("eth0");
    assert.equal(await left(), before);
  });

  it("takes back, each time, what would cut it off, and nothing of it stays", async () => {
    const before = await left();
    for (const [i, wrong] of [
      `new Bond("bond0", { mode: "active-backup", ports: ["eth0", "eth1"], addresses: { addresses: ["203.0.114.10/24"] }, rollbackAfter: 30 });`,
      `new Bridge("br0", { ports: ["eth0"], addresses: { addresses: ["203.0.114.10/24"] }, rollbackAfter: 30 });`,
      `new Bond("bond0", { mode: 4, ports: ["eth0"], addresses: "dhcp", rollbackAfter: 30 });`,
    ].entries()) {
      const stack = program().stack(`wrong${i}`, { "virtnet:uri": lab().uri });
      write(wrong);
      const { text } = await stack.upFails();
      assert.match(text, /failed: .*(everything is as it was|the host takes the change back)/);
      await lab().reachable(60_000);
      await isManagedBy("eth0");
      assert.equal(await left(), before, text);
      assert.deepEqual(await stack.resources(), {});
    }
  });

  it("examples/vlan-trunk makes a network for each VLAN, whose frames have its tag on the wire", async () => {
    const before = await left();
    const stack = example("vlan-trunk", ["eth2", "eth3"]);
    await stack.up();
    for (const [bridge, id] of [
      ["br20", 20],
      ["br30", 30],
    ] as const) {
      const wire = lab().manager.exec([
        "timeout",
        "30",
        "tcpdump",
        "-nn",
        "-e",
        "-c",
        "1",
        "-i",
        "sw",
        "vlan",
        `${id}`,
        "and",
        "arp",
      ]);
      // As a VM on it would.
      await lab().sh(
        `ip addr add 10.${id}.0.1/24 dev ${bridge}; ping -c 3 -W 2 10.${id}.0.2; ip addr flush dev ${bridge}`,
      );
      assert.match((await wire).stdout, new RegExp(`vlan ${id}, .* who-has 10\\.${id}\\.0\\.2`));
    }
    assert.deepEqual(await stack.drift(), {});
    await stack.destroy();
    assert.equal(await left(), before);
  });
});
