import assert from "node:assert/strict";
import type { Inputs } from "../../../provider/handler.js";
import type { NetworkInfo } from "../../../provider/libvirt/api.js";
import { writeNetwork } from "../../../provider/network/document.js";
import { argsWithin } from "../../../provider/network/state.js";

const base: Inputs = { name: "dev", mode: "nat", ips: [{ address: "10.1.1.1/24" }] };
const info = (config: Inputs, live: Inputs): NetworkInfo =>
  ({
    ...{ uuid: "u", name: "dev", active: true, persistent: true, autostart: true },
    inactiveXml: writeNetwork(config, undefined, undefined, undefined),
    liveXml: writeNetwork(live, undefined, undefined, undefined),
  }) as NetworkInfo;

describe("the state of a network whose change did not come to its end", () => {
  it("has what shall go for as long as one of its definitions has it, also within a setting that stays", () => {
    const was = { ...base, domain: { name: "dev.test", localOnly: true }, mtu: 1400 };
    const desired = { ...base, domain: { name: "dev.test" } };
    assert.deepEqual(argsWithin({ was, desired }, info(was, was)), was);
    assert.deepEqual(argsWithin({ was, desired }, info(desired, was)), was);
    assert.deepEqual(argsWithin({ was, desired }, info(desired, desired)), desired);
  });
});
