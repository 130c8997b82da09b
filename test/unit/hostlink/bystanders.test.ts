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
      const { stdout, stderr } = await run(["sh", "-c", script, "sh", lines.join("\n")]);
      assert.equal(stdout, "held\n");
      assert.deepEqual(stderr.trim().split("\n"), [
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

  it("has its VLANs set again once its bridge is up, where it was put back", async () => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), "virtnet-bystanders-"));
    const at = (name: string) => path.join(dir, name);
    try {
      for (const device of ["br1/bridge", "vnet1", "vnet2"]) fs.mkdirSync(at(device), { recursive: true });
      fs.symlinkSync("../br1", at("vnet2/master"));
      const said = `say() { echo "$*" >> ${at("said")}; }
        ip() { say ip "$@"; ln -s "../$6" "${dir}/$4/master"; }; bridge() { say bridge "$@"; }
        sleep() { say sleep; if [ -e ${at("slept")} ]; then : > ${at("up")}; fi; : > ${at("slept")}; }
        busctl() {
          case $* in
            *GetDevice*) echo 'o "/org/freedesktop/NetworkManager/Devices/4"' ;;
            *"Devices/4 "*State) if [ -e ${at("up")} ]; then echo "u 100"; else echo "u 40"; fi ;;
          esac
        }
        `;
      const script = `${said}${HOLDER.replaceAll("/sys/class/net", dir)}\nwait`;
      await run(["sh", "-c", script, "sh", "vnet1 br1 20/pvid/untagged\nvnet2 br1 30"]);
      const vlans = ["bridge vlan del dev vnet1 vid 1-4094", "bridge vlan add dev vnet1 vid 20 pvid untagged"];
      assert.deepEqual(fs.readFileSync(at("said"), "utf8").trim().split("\n"), [
        "ip link set dev vnet1 master br1",
        ...vlans,
        "sleep",
        // It comes up now.
        "sleep",
        ...vlans,
      ]);
    } finally {
      fs.rmSync(dir, { recursive: true });
    }
  });
});
