import assert from "node:assert/strict";
import { providerText } from "../../../sdk/provider-text.js";

describe("the provider's text in the state", () => {
  it("is this one, for ever: states hold it for years", () => {
    assert.equal(providerText("network"), 'exports.handler=()=>require("pulumi-virtnet/dynamic-v1").network');
    assert.equal(providerText("vmInterface"), 'exports.handler=()=>require("pulumi-virtnet/dynamic-v1").vmInterface');
    for (const kind of ["bridge", "bond", "vlan"])
      assert.equal(providerText(kind), `exports.handler=()=>require("pulumi-virtnet/dynamic-v1").${kind}`);
  });
});
