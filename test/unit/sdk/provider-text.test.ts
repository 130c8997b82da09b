import assert from "node:assert/strict";
import { providerText } from "../../../sdk/provider-text.js";

describe("the provider's text in the state", () => {
  it("is this one, for ever: states hold it for years", () => {
    assert.equal(providerText("network"), 'exports.handler=()=>require("pulumi-virtnet/dynamic-v1").network');
    assert.equal(providerText("vmInterface"), 'exports.handler=()=>require("pulumi-virtnet/dynamic-v1").vmInterface');
  });

  it("leads to a handler each", async () => {
    const entry = (await import("../../../provider/dynamic-v1.js")) as unknown as Record<string, object>;
    for (const name of ["network", "vmInterface"])
      for (const call of ["configure", "check", "diff", "create", "read", "update", "delete"])
        assert.equal(typeof (entry[name] as Record<string, unknown>)[call], "function", `${name}.${call}`);
  });
});
