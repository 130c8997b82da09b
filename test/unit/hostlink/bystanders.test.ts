/** Who is on a bridge without its manager's doing, as the kernel tells it and as it is put back. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { lineOf, parseBystanders } from "../../../provider/hostlink/bystanders.js";
import { HOLDER } from "../../../provider/hostlink/lock.js";
import { run } from "../../../sandbox/index.js";

const UNTAGGED = "Egress Untagged";
const text = (ports: string[], filtering: string[], vlans: object[] = []) =>
  [ports.join("\n"), filtering.join("\n"), vlans.length > 0 ? JSON.stringify(vlans) : ""]
    .map((p) => `${p}\n`)
    .join("==\n");

describe("who is on a bridge", () => {
  it("is put back with the VLANs that it had, where the bridge looks at them", () => {
    const vlans = [
      {
        ifname: "vnet1",
        vlans: [
          { vlan: 20, flags: ["PVID", UNTAGGED] },
          { vlan: 30, vlanEnd: 39 },
        ],
      },
      { ifname: "veth2", vlans: [{ vlan: 1, flags: ["PVID", UNTAGGED] }] },
    ];
    const found = parseBystanders(text(["vnet0 br0", "vnet1 br1", "vnet2 br1"], ["br1"], vlans));
    assert.deepEqual(found.map(lineOf), ["vnet0 br0", "vnet1 br1 20/pvid/untagged 30-39", "vnet2 br1 none"]);
  });

  it("is nobody where there is no bridge", () => {
    assert.deepEqual(parseBystanders(text([], [])), []);
  });

  it("is plugged in again where it has no bridge, each VLAN as it was", async () => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), "virtnet-bystanders-"));
    try {
      for (const device of ["br1/bridge", "vnet1", "vnet2", "vnet3/master", "vnet4"])
        fs.mkdirSync(path.join(dir, device), { recursive: true });
      const lines = ["vnet1 br1 20/pvid/untagged 30-39", "vnet2 br1 none", "vnet3 br1", "vnet4 gone", "vnet5 br1"];
      // With programs that only say what they are told, once: the part that waits does nothing here.
      const said = 'ip() { echo "ip $*"; }; bridge() { echo "bridge $*"; }; busctl() { :; }; sleep() { exit; }';
      const script = `${said}${HOLDER.replaceAll("/sys/class/net", dir)}`;
      const { stdout } = await run(["sh", "-c", script, "sh", lines.join("\n")]);
      assert.deepEqual(stdout.trim().split("\n"), [
        "held",
        "ip link set dev vnet1 master br1",
        "bridge vlan del dev vnet1 vid 1-4094",
        "bridge vlan add dev vnet1 vid 20 pvid untagged",
        "bridge vlan add dev vnet1 vid 30-39",
        "ip link set dev vnet2 master br1",
        "bridge vlan del dev vnet2 vid 1-4094",
      ]);
    } finally {
      fs.rmSync(dir, { recursive: true });
    }
  });

  describe("that filters, after a change", () => {
    const KERNEL = `port              vlan-id
vnet1             1 PVID Egress Untagged
                  20 Egress Untagged
                  30`;
    /** What is done to vnet1, which stays on its bridge, and to the VLANs that the kernel has of it; the bridge comes up while it is waited for. */
    const changed = async (told: string, kernel = KERNEL) => {
      const dir = fs.mkdtempSync(path.join(os.tmpdir(), "virtnet-bystanders-"));
      const at = (name: string) => path.join(dir, name);
      try {
        for (const device of ["br1/bridge", "vnet1"]) fs.mkdirSync(at(device), { recursive: true });
        fs.symlinkSync("../br1", at("vnet1/master"));
        fs.writeFileSync(at("kernel"), kernel);
        const said = `ip() { echo "ip $*"; }
          bridge() {
            if [ "$2" = show ]; then cat ${at("kernel")}; return; fi
            echo "$(cat ${at("slept")} 2> /dev/null || echo at once): $*" >> ${at("said")}
            printf 'port vlan-id\nvnet1  20 PVID Egress Untagged\n  30\n' > ${at("kernel")}
          }
          sleep() { echo up >> ${at("slept")}; }
          busctl() {
            case $* in
              *GetDevice*) echo 'o "/org/freedesktop/NetworkManager/Devices/4"' ;;
              *"Devices/4 "*State) if [ "$(cat ${at("slept")} | wc -l)" -gt 3 ]; then echo "u 100"; else echo "u 40"; fi ;;
            esac
          }
          `;
        const script = `${said}${HOLDER.replaceAll("/sys/class/net", dir)}\nwait`;
        await run(["sh", "-c", script, "sh", "vnet1 br1 20/pvid/untagged 30"], { input: told });
        return fs.existsSync(at("said"))
          ? fs.readFileSync(at("said"), "utf8").replaceAll("up\n", "up ").split("\n")
          : [];
      } finally {
        fs.rmSync(dir, { recursive: true });
      }
    };

    it("has its VLANs set again where it was taken back and they are others, once the bridge is up", async () => {
      const set = [
        "vlan del dev vnet1 vid 1-4094",
        "vlan add dev vnet1 vid 20 pvid untagged",
        "vlan add dev vnet1 vid 30",
      ];
      assert.deepEqual(
        (await changed("")).filter(Boolean).map((l) => l.replace(/^(up )+up: |^(up )*up: /, "later: ")),
        set.map((l) => `later: ${l}`),
      );
    });

    it("is left alone where the change is done, or its VLANs are as they were", async () => {
      assert.deepEqual(await changed("done"), []);
      assert.deepEqual(await changed("", "port\tvlan ids\nvnet1\t 20 PVID Egress Untagged\n\t 30\n"), []);
    });
  });
});
