import assert from "node:assert/strict";
import { plan } from "../../../provider/network/plan.js";

describe("VLAN tags of a port group", () => {
  const trunk = (said: string) =>
    `<network><name>n</name><forward mode='bridge'/><bridge name='ovs0'/><virtualport type='openvswitch'/><portgroup name='g'><vlan${said}><tag id='1'/><tag id='2'/></vlan></portgroup></network>`;
  const desired = {
    mode: "bridge",
    name: "n",
    bridge: "ovs0",
    portGroups: [{ name: "g", vlan: { tags: [{ id: 1 }, { id: 2 }] } }],
  };

  it("are a trunk where there are several, said or not", () => {
    for (const args of [
      desired,
      { ...desired, portGroups: [{ name: "g", vlan: { trunk: true, tags: [{ id: 2 }, { id: 1 }] } }] },
    ]) {
      const network = {
        uuid: "u",
        name: "n",
        persistent: true,
        autostart: true,
        xml: trunk(" trunk='yes'"),
        liveXml: trunk(" trunk='yes'"),
      };
      assert.deepEqual(plan({ desired: args, was: args }, { daemon: 9_000_000, nics: [], network }).steps, []);
    }
  });
});
