import assert from "node:assert/strict";
import { parseLinks } from "../../../provider/hostlink/facts.js";
import { devicesOn, portOf } from "../../../provider/hostlink/users.js";

const { links } = parseLinks(
  `${JSON.stringify([
    { ifname: "eth0", mtu: 1500, master: "bond0" },
    {
      ifname: "bond0",
      mtu: 1500,
      master: "br0",
      linkinfo: { info_kind: "bond", info_data: { mode: "active-backup" } },
    },
    { ifname: "bond0.20", mtu: 1500, link: "bond0", linkinfo: { info_kind: "vlan" } },
    { ifname: "br0", mtu: 1500, linkinfo: { info_kind: "bridge" } },
    { ifname: "vnet0", mtu: 1500, master: "br0", linkinfo: { info_kind: "tun" } },
  ])}\n==\n[]\n==\n[]\n==\n==\n`,
);
const link = (name: string, ports: string[]) => ({ id: "u", name, values: { ports }, up: true, saved: true });

describe("who would lose a connection with a link", () => {
  it("are devices that others put on it, not its own ports", () => {
    assert.deepEqual(devicesOn(link("br0", ["bond0"]), links), ["vnet0"]);
    assert.deepEqual(devicesOn(link("bond0", ["eth0"]), links), ["bond0.20"]);
    assert.deepEqual(devicesOn(link("bond0.20", []), links), []);
  });
  it("is the bridge that it is a port of", () => {
    assert.equal(portOf(link("bond0", ["eth0"]), links), "br0");
    assert.equal(portOf(link("br0", ["bond0"]), links), undefined);
  });
});
