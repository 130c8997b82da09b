/** Bonds of each mode, on a kernel that has them: what it was told, and what changes in place; looked at in /sys and by ip. */
import assert from "node:assert/strict";
import type { Inputs } from "../../provider/handler.js";
import { shellText } from "../../provider/host/quote.js";
import { type Kind, kinds } from "../../provider/hostlink/args.js";
import { NM, ROOT, type Settings } from "../../provider/hostlink/backends/networkmanager/bus.js";
import { writeProfile } from "../../provider/hostlink/backends/networkmanager/profile.js";
import { v, words } from "../../provider/hostlink/backends/networkmanager/values.js";
import { checkLink } from "../../provider/hostlink/check.js";
import { BOND_MODES } from "../../provider/hostlink/rules/fit.js";
import { priceOf } from "../../provider/network/prices.js";
import { every, fullLinks } from "../support/full-links.js";
import { withLab } from "../support/lab.js";
import { bySerial } from "../support/lab-host.js";
import { driveLink } from "../support/links.js";

const kernelName = (field: string): string =>
  field === "arpIpTargets" ? "arp_ip_target" : field.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);

describe("a bond, on a kernel that has them", function () {
  this.timeout(600_000);
  const lab = withLab();
  // What a failed test leaves is not the next one's.
  afterEach(() => lab().sh("nmcli connection delete bond0 2> /dev/null || true"));
  const drive = (kind: Kind, name: string) => driveLink(bySerial(lab()), kind, name);
  /** Fields of the bond as the kernel has them. */
  async function inKernel(bond: string): Promise<Record<string, string>> {
    const text = await lab().sh(`cd /sys/class/net/${bond}/bonding && grep -s . * || true`);
    return Object.fromEntries(text.split("\n").map((line) => [line.split(":")[0], line.slice(line.indexOf(":") + 1)]));
  }
  /** As the kernel writes it: `active-backup 1`. */
  function told(field: string, value: unknown): RegExp {
    const text = field === "mode" && typeof value === "number" ? BOND_MODES[value] : value;
    const plain = typeof text === "boolean" ? Number(text) : Array.isArray(text) ? text.join(" ") : String(text);
    return new RegExp(`^${String(plain).replaceAll(".", "\\.").replaceAll("+", "\\+")}( |$)`);
  }
  const OWN = new Set(
    Object.keys(kinds.bond.fields.fields).filter((f) => !(f in every) && f !== "ports" && f !== "name"),
  );

  /** Other values of all that changes live. */
  const OTHER: Inputs = {
    ...{ miimon: 100, updelay: 200, downdelay: 300, useCarrier: true, allSlavesActive: false, packetsPerSlave: 5 },
    ...{ resendIgmp: 2, primary: "eth3", primaryReselect: "better", peerNotifDelay: 400 },
    ...{ arpInterval: 200, arpIpTargets: ["192.0.2.3"], arpValidate: "active", arpAllTargets: "any" },
    ...{ xmitHashPolicy: "layer2+3", minLinks: 2, lpInterval: 3 },
  };
  async function hasAll(bond: string, args: Inputs): Promise<void> {
    const there = await inKernel(bond);
    for (const [field, value] of Object.entries(args))
      if (OWN.has(field))
        assert.match(there[kernelName(field)] ?? "", told(field, value), `${field} of mode ${args.mode}`);
    assert.deepEqual((there.slaves ?? "").split(" ").sort(), args.ports ?? []);
  }

  describe("a profile of a bond", () => {
    before(async () => {
      const port = (nic: string) =>
        `nmcli connection add type ethernet ifname ${nic} con-name ${nic} master bond0 slave-type bond autoconnect no`;
      await lab().sh(`${port("eth2")}; ${port("eth3")}`);
    });
    after(() => lab().sh("nmcli connection delete eth2 eth3"));

    for (const args of fullLinks.bond)
      it(`of mode ${args.mode} with ${args.arpInterval ? "ARP" : "MII"} monitoring has in the kernel what it was given, and changes it there`, async () => {
        const desired = { name: "bond0", ...args, addresses: "none" };
        const changes = Object.entries(OTHER).filter(([field]) => field in args);
        const live = Object.keys(args).filter((f) => OWN.has(f) && priceOf(kinds.bond.prices, f).impact === "live");
        assert.deepEqual(changes.map(([field]) => field).sort(), live.sort());
        const other: Inputs = { ...desired, ...Object.fromEntries(changes) };
        for (const each of [desired, other]) assert.deepEqual(checkLink("bond", each), []);
        const settings: Settings = {
          connection: { id: v("s", "bond0"), type: v("s", "bond"), "interface-name": v("s", "bond0") },
        };
        const call = (path: string, face: string, member: string) => {
          const given = words("a{sa{sv}}ua{sv}", [settings, 0x22, {}]);
          return shellText(["busctl", "call", NM, path, `${NM}.${face}`, member, "a{sa{sv}}ua{sv}", ...given]);
        };
        writeProfile("bond", settings, desired, {});
        const path = await lab().sh(`${call(`${ROOT}/Settings`, "Settings", "AddConnection2")} | cut -d '"' -f 2`);
        const up = ["bond0", "eth2", "eth3"].map((name) => `nmcli --wait 0 connection up ${name} > /dev/null`);
        const joined = "until [ $(wc -w < /sys/class/net/bond0/bonding/slaves) = 2 ]; do sleep 0.2; done";
        const uuid = await lab().sh([...up, joined, "nmcli -g connection.uuid connection show bond0"].join(" && "));
        await hasAll("bond0", desired);
        Object.assign(settings.connection ?? {}, { uuid: v("s", uuid) });
        writeProfile("bond", settings, other, desired);
        await lab().sh(`${call(path, "Settings.Connection", "Update2")} && nmcli device reapply bond0`);
        await hasAll("bond0", other);
      });
  });

  it("a bond changes in place what the price table calls live, and goes back to the kernel's defaults", async () => {
    const bond = drive("bond", "bond0");
    const ports = ["eth2", "eth3"];
    const plain: Inputs = { mode: "active-backup", ports, addresses: { addresses: ["192.0.2.5/24"] } };
    await bond.up(plain);
    const before = await inKernel("bond0");
    const index = await lab().sh("cat /sys/class/net/bond0/ifindex");
    const changed = { miimon: 50, updelay: 100, primaryReselect: "failure" };
    const more = { autoconnect: false, addresses: { addresses: ["192.0.2.6/24"] } };
    const p = await bond.up({ ...plain, ...changed, ...more, ports: ["eth2"], primary: "eth2" });
    assert.equal(p.impact, "live");
    await hasAll("bond0", { ...plain, ...changed, ports: ["eth2"], primary: "eth2" });
    assert.match(await lab().sh("ip addr show dev bond0"), / inet 192\.0\.2\.6\/24/);
    assert.deepEqual(await bond.drift(), []);
    await bond.up(plain);
    const { active_slave: _a, mii_status: _m, slaves: _s, queue_id: _q, ...after } = await inKernel("bond0");
    assert.deepEqual({ ...before, ...after }, before);
    await hasAll("bond0", plain);
    assert.equal(await lab().sh("cat /sys/class/net/bond0/ifindex"), index);
    assert.match(await lab().sh("ip addr show dev bond0"), / inet 192\.0\.2\.5\/24/);
    await bond.destroy();
  });
});
