/** Which addresses of ports the preview warns of. */
import assert from "node:assert/strict";
import type { Inputs } from "../../../provider/handler.js";
import { losses } from "../../../provider/hostlink/losses.js";

const link = (name: string, addresses: string[], more: object = {}) => ({
  ...{ name, mtu: 1500, up: true, wireless: false, addresses },
  ...more,
});
const around = {
  links: new Map(
    [
      link("eth1", ["192.0.2.2/24", "2001:db8::2/64"]),
      link("eth2", ["198.51.100.2/24"]),
      link("eth3", []),
      link("eth4", ["203.0.113.2/24"], { master: "br1" }),
    ].map((l) => [l.name, l]),
  ),
  management: ["eth2"],
};
const lost = (args: Inputs, was: Inputs = {}) => losses({ name: "bond0", ...args }, around, was);

describe("addresses of a port", () => {
  it("are told where they go with it", () => {
    assert.deepEqual(lost({ ports: ["eth3", "eth1"] }), [
      'ports[1]: "eth1" loses 192.0.2.2/24, 2001:db8::2/64 while it is a port of "bond0": give them in addresses where the host is to keep them',
    ]);
    assert.match(lost({ ports: ["eth1"], addresses: "dhcp" })[0] ?? "", /"eth1" loses/);
  });

  it("are not where the link has them: by inheritance from one port, or by name", () => {
    assert.deepEqual(lost({ ports: ["eth1"], addresses: "inherit" }), []);
    // The host is managed by the other one.
    assert.match(lost({ ports: ["eth1", "eth2"], addresses: "inherit" }).join(), /^ports\[0\]: "eth1" loses/);
    const own = { addresses: ["192.0.2.2/24", "2001:DB8:0::2/64"] };
    assert.deepEqual(lost({ ports: ["eth1"], addresses: own }), []);
    assert.match(
      lost({ ports: ["eth1"], addresses: { addresses: ["192.0.2.2/24"] } })[0] ?? "",
      /loses 2001:db8::2\/64 while/,
    );
  });

  it("are where the link has inherited before, and not where the port is taken already", () => {
    const was = { ports: ["eth3"], addresses: "inherit" };
    assert.match(lost({ ports: ["eth3", "eth1"], addresses: "inherit" }, was)[0] ?? "", /"eth1" loses/);
    assert.deepEqual(lost({ ports: ["eth3", "eth4"] }), []);
  });
});
