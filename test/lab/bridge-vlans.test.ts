/** VLAN filtering of a bridge's ports, on a kernel that has it; looked at by bridge, ping and tcpdump. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Inputs } from "../../provider/handler.js";
import { closeHosts } from "../../provider/host/hosts.js";
import { linkHandler } from "../../provider/hostlink/handler.js";
import { driveHandler } from "../support/drive.js";
import { PEER, withLab } from "../support/lab.js";
import { bySerial, newRunOn, patience } from "../support/lab-host.js";
import { driveLink } from "../support/links.js";

describe("VLANs of a bridge's ports", function () {
  this.timeout(1_200_000);
  const lab = withLab();
  /** `eth2: 20 30` as the kernel has it; `*` is the PVID, `-` leaves without a tag. */
  async function inKernel(): Promise<Record<string, string>> {
    const all = JSON.parse(await lab().sh("bridge -j vlan show")) as {
      ifname: string;
      vlans: { vlan: number; flags?: string[] }[];
    }[];
    const told = all.map(({ ifname, vlans }) => [
      ifname,
      vlans
        .map(({ vlan, flags = [] }) => {
          const mark = `${flags.includes("PVID") ? "*" : ""}${flags.includes("Egress Untagged") ? "-" : ""}`;
          return `${vlan}${mark}`;
        })
        .join(" "),
    ]);
    return Object.fromEntries(told.filter(([, vlans]) => vlans !== "")) as Record<string, string>;
  }
  /** What the VM asks for is seen there. */
  async function seen(filter: string, where: "eth2" | "eth4", asks = "192.0.2.77"): Promise<boolean> {
    const dump = ["timeout", "15", "tcpdump", "-nn", "-c", "1", "-i"];
    const at = where === "eth2" ? lab().manager.exec([...dump, "lab2", filter]) : undefined;
    const far = at ?? lab().exec(["ip", "netns", "exec", "far", ...dump, "eth6", filter], { timeoutMs: 60_000 });
    await sleep(3000);
    await lab().sh(`ip netns exec vm ping -c 3 -W 1 ${asks} || true`);
    return (await far).code === 0;
  }
  const arp = "arp";

  it("are set, changed and removed while the bridge runs, and a VM's own stay", async () => {
    // eth4's other end is eth6; a VM's NIC is a veth, to which libvirt gave VLAN 20.
    await lab().sh(`ip netns add far; ip link set eth6 netns far; ip -n far link set eth6 up
      ip netns add vm; ip link add tap0 type veth peer name eth0 netns vm; ip link set tap0 up
      ip -n vm link set eth0 up; ip -n vm addr add 192.0.2.70/24 dev eth0`);
    const br0 = driveLink(bySerial(lab()), "bridge", "br0");
    const base: Inputs = { ports: ["eth2", "eth4"], vlanFiltering: true, vlanDefaultPvid: 0 };
    await br0.up({
      ...base,
      vlans: [
        { port: "eth2", tagged: [20, "30-32"] },
        { port: "eth4", pvid: 20 },
      ],
    });
    assert.deepEqual(await inKernel(), { eth2: "20 30 31 32", eth4: "20*-" });
    assert.deepEqual(await br0.drift(), []);
    await lab().sh("ip link set tap0 master br0 && bridge vlan add dev tap0 vid 20 pvid untagged");
    assert.equal(await seen(`vlan 20 and ${arp}`, "eth2"), true);
    assert.equal(await seen(`${arp} and not vlan`, "eth4"), true);
    const index = await lab().sh("cat /sys/class/net/br0/ifindex /sys/class/net/br0/address");

    // One port alone: plugged in anew.
    const moved = [
      { port: "eth2", tagged: [20, "30-32"] },
      { port: "eth4", pvid: 31, untagged: [40], tagged: [41] },
    ];
    const p = await br0.up({ ...base, vlans: moved });
    assert.equal(p.impact, "live");
    assert.deepEqual(await inKernel(), { eth2: "20 30 31 32", eth4: "31*- 40- 41", tap0: "20*-" });
    assert.deepEqual(await br0.drift(), []);
    assert.equal(await seen(`vlan 20 and ${arp}`, "eth2"), true);
    assert.equal(await seen(arp, "eth4"), false);

    // The host, and another default: the bridge is activated anew, the VM keeps its own.
    await br0.up({
      ...{ ...base, vlanDefaultPvid: 7, addresses: { addresses: ["192.0.2.77/24"] } },
      vlans: [...moved, { port: "br0", pvid: 20 }],
    });
    assert.deepEqual(await inKernel(), {
      eth2: "7*- 20 30 31 32",
      eth4: "7- 31*- 40- 41",
      br0: "7- 20*-",
      tap0: "20*-",
    });
    assert.deepEqual(await br0.drift(), []);
    assert.equal(await lab().sh("cat /sys/class/net/br0/ifindex /sys/class/net/br0/address"), index);
    assert.match(await lab().sh("ip netns exec vm ping -c 3 -W 2 192.0.2.77"), / 0% packet loss|[12] received/);

    await br0.up({ ports: ["eth2", "eth4"] });
    assert.equal(await lab().sh("cat /sys/class/net/br0/bridge/vlan_filtering"), "0");
    assert.deepEqual(await br0.drift(), []);
    // Another address: the VM still knows the MAC of the last one.
    assert.equal(await seen(`${arp} and not vlan`, "eth2", "192.0.2.78"), true);
    await lab().sh("ip link del tap0");
    await br0.destroy();
    // The VM's NIC comes back a moment after its namespace has gone.
    await lab().sh("ip netns del vm; ip netns del far; until [ -e /sys/class/net/eth6 ]; do sleep 0.2; done");
  });

  it("of a container are its own again, and so is its place, after a change that the host took back", async () => {
    await newRunOn(lab());
    const d = driveHandler(linkHandler("bridge"), (args) => ({
      ...{ name: "br1", uri: lab().uri, owner: { project: "p", stack: "s", key: "br1" }, rollbackAfter: 300 },
      ...{ ports: ["eth2"], vlanFiltering: true, vlans: [{ port: "eth2", tagged: [20, "30-31"] }] },
      ...args,
    }));
    const addresses = { addresses: ["192.0.2.77/24"] };
    await d.up({ addresses });
    await lab().sh(`ip netns add cont; ip link add cont0 type veth peer name eth0 netns cont
      ip -n cont link set eth0 up; ip -n cont addr add 192.0.2.70/24 dev eth0; ip link set cont0 master br1 up
      bridge vlan del dev cont0 vid 1; bridge vlan add dev cont0 vid 20 pvid untagged; bridge vlan add dev cont0 vid 30-31`);
    const had = await inKernel();
    assert.equal(had.cont0, "20*- 30 31");
    // Not by the gateway, whose machine has that address as well.
    await lab().sh("ip route add unreachable 192.0.2.0/24 metric 99999");
    await lab().sh("ip -o monitor link > /tmp/moves 2>&1 & echo $! > /tmp/moves.pid");
    const wrong = { mac: "52:54:00:aa:bb:02", addresses: { addresses: ["203.0.113.9/24"] }, probe: PEER };
    const rollbackAfter = Math.min(600, 4 * (await patience(lab())));
    await assert.rejects(d.up({ ...wrong, rollbackAfter }), / failed: .*; everything is as it was$/s);
    await lab().sh("until [ -e /sys/class/net/cont0/master ]; do sleep 0.2; done; kill $(cat /tmp/moves.pid)");
    // NetworkManager had taken it off.
    assert.match(await lab().sh("cat /tmp/moves"), /^Deleted .*cont0@.* master br1 /m);
    // Once NetworkManager has the bridge up again, which gives each port its default.
    for (let n = 0; n < 60 && (await inKernel()).cont0 !== had.cont0; n++) await sleep(1000);
    await sleep(3000);
    assert.deepEqual(await inKernel(), had);
    const asked = () => lab().sh("ip netns exec cont ping -c 1 -W 1 192.0.2.79 || true");
    assert.match(await lab().tagged("lab2", 20, asked), /vlan 20, .* who-has 192\.0\.2\.79/);
    await assert.rejects(d.destroy(), /in use by cont0/);
    await lab().sh(
      "ip route del unreachable 192.0.2.0/24; ip netns del cont; until [ ! -e /sys/class/net/cont0 ]; do sleep 0.2; done",
    );
    await d.destroy();
    await closeHosts();
  });
});
