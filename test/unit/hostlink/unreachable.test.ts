import assert from "node:assert/strict";
import { channelOf } from "../../../provider/host/channel.js";
import { hostAt } from "../../../provider/host/hosts.js";
import { backendOf } from "../../../provider/hostlink/backends/index.js";

describe("a host that ssh does not reach", () => {
  it("is not said to have no NetworkManager", async () => {
    const uri = "qemu+ssh://nobody@127.0.0.1:1/system";
    const channel = channelOf(uri);
    assert.ok(channel);
    await assert.rejects(backendOf({ host: hostAt(uri), channel }), /the host cannot be reached: .*refused/);
  });
});
