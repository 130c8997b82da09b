import assert from "node:assert/strict";
import { priceLine } from "../../../provider/vminterface/say.js";
import type { Step } from "../../../provider/vminterface/steps.js";

describe("the line of a NIC's preview", () => {
  it("calls a tap that is put onto its bridge a change of the running VM", () => {
    const join: Step = {
      kind: "join",
      impact: "none",
      why: "vnet3 is not on br0",
      changes: ["connected"],
      affects: [],
      actions: [{ do: "join", device: "vnet3", bridge: "br0" }],
    };
    const vm = { uuid: "u", name: "web", active: true, persistent: true };
    const plan = { domain: "u", domainName: "web", mac: "52:54:00:00:00:01", before: vm, impact: join.impact };
    assert.equal(
      priceLine({ ...plan, steps: [join] }),
      "NIC 52:54:00:00:00:01 of VM web: connected: changed live (vnet3 is not on br0)",
    );
  });
});
