import assert from "node:assert/strict";
import type { Inputs } from "../../../provider/handler.js";
import type { DomainInfo } from "../../../provider/libvirt/api.js";
import type { Givers } from "../../../provider/vminterface/document.js";
import { toObserved } from "../../../provider/vminterface/observe.js";
import { plan } from "../../../provider/vminterface/plan.js";
import type { Observed, ObservedVm, Step } from "../../../provider/vminterface/steps.js";

const MAC = "52:54:00:00:00:01";
const domain = (nic: string): string => `<domain><devices>${nic}</devices></domain>`;
const running = (given: string, target = "vnet3"): string =>
  `<interface type='bridge'><mac address='${MAC}'/><source network='one' portid='k' bridge='br1'/><target dev='${target}'/><model type='virtio'/>${given}<alias name='net0'/><address type='pci' slot='0x03'/></interface>`;
const stored = (own = ""): string =>
  `<interface type='network'><mac address='${MAC}'/><source network='one'/>${own}<model type='virtio'/></interface>`;

const args: Inputs = { domain: "web", network: "one", mac: MAC };
function observed(live: string, config: string, givers?: Givers): ObservedVm {
  const info = { uuid: "u", name: "web", active: true, persistent: true };
  return toObserved({ ...info, liveXml: domain(live), inactiveXml: domain(config) } as DomainInfo, MAC, givers);
}
const around = { daemon: 11_000_000, carriers: { one: "tap", two: "tap" }, trees: { one: "br1" } } as const;

/** What is done where the running NIC's tap is off its bridge. */
const offItsBridge = (live: string, config: string): Step[] =>
  plan({ desired: args }, { ...around, vm: { ...observed(live, config), connected: false } }).steps;

describe("a NIC whose tap is off its bridge", () => {
  it("is put back onto it, where its port has nothing of its own", () => {
    const [step, ...more] = offItsBridge(running("<port isolated='no'/>"), stored());
    assert.deepEqual(more, []);
    assert.equal(step?.kind, "join");
    assert.deepEqual(step?.actions, [{ do: "join", device: "vnet3", bridge: "br1", tree: "br1" }]);
  });

  it("is plugged anew, where its port has lost what it or its network had: with its alias, address, and a name that was given", () => {
    const vlan = "<vlan><tag id='7'/></vlan>";
    for (const [of, own] of [
      ["<port isolated='yes'/>", ""],
      ["<port isolated='yes'/>", "<port isolated='yes'/>"],
      [vlan, ""],
      [vlan, vlan],
    ] as const)
      for (const target of ["vnet3", "mine0"]) {
        const [step, ...more] = offItsBridge(running(of, target), stored(own));
        assert.deepEqual(more, []);
        assert.equal(step?.kind, "replug");
        assert.equal(step?.impact, "replug");
        assert.match(step?.why ?? "", /is not on br1, and its port there would have lost (isolated|vlan)$/);
        const [off, on] = step?.actions ?? [];
        assert.ok(off?.do === "detach" && on?.do === "attach" && on.affect === "live" && on.tree === "br1");
        // What its network gives it comes from there again.
        assert.equal(/<vlan|isolated/.test(on.xml), own !== "");
        assert.match(on.xml, /<source network="one"\/>[\s\S]*<address type="pci" slot="0x03"/);
        assert.equal(/<target/.test(on.xml), target === "mine0");
      }
  });
});

describe("a NIC that moves", () => {
  const move = (frames: Observed["frames"], desired: Inputs = {}, live = running("")) => {
    const vm = observed(live, stored());
    const steps = plan({ desired: { ...args, network: "two", ...desired } }, { ...around, frames, vm }).steps;
    return steps.flatMap((s) => s.actions).find((a) => a.do === "update" && a.affect === "live");
  };
  const fitOf = (...of: Parameters<typeof move>) => {
    const action = move(...of);
    assert.ok(action?.do === "update" && action.move !== undefined);
    return action.fit;
  };
  const one = { bridge: "br1", mtu: 1500 };

  it("has its device's MTU looked at where the bridges differ in that, or the host's own may, and nowhere else", () => {
    assert.equal(fitOf({ one, two: { bridge: "br2", mtu: 1500 } }), undefined);
    assert.deepEqual(fitOf({ one, two: { bridge: "br2", mtu: 9000 } }), { device: "vnet3", bridge: "br2", mtu: 9000 });
    assert.deepEqual(fitOf({ one, two: { bridge: "br0" } }), { device: "vnet3", bridge: "br0" });
    assert.deepEqual(fitOf({ one: { bridge: "br0" }, two: one }), { device: "vnet3", ...one });
    const elsewhere = { domain: "web", bridge: "br0", mac: MAC };
    const vm = observed(running(""), stored());
    const actions = plan({ desired: elsewhere }, { ...around, frames: { one }, vm }).steps.flatMap((s) => s.actions);
    assert.ok(actions.some((a) => a.do === "update" && a.fit?.bridge === "br0" && a.fit.mtu === undefined));
  });

  it("keeps an MTU of its own", () => {
    const two = { bridge: "br2", mtu: 9000 };
    const mtu = "<mtu size='1300'/>";
    assert.equal(fitOf({ one, two }, { mtu: 1300 }, running(mtu)), undefined);
    assert.equal(fitOf({ one, two }, {}, running(mtu)), undefined);
  });
});

describe("a NIC on a network that gives its NICs something", () => {
  const vlan = "<vlan><tag id='7'/></vlan>";
  const port = "<virtualport type='openvswitch'><parameters profileid='x'/></virtualport>";
  const removals: [Inputs, string, attributes?: string][] = [
    [{ isolated: true }, "<port isolated='yes'/>"],
    [{ vlan: { tags: [{ id: 7 }] } }, vlan],
    [{ virtualport: { type: "openvswitch", profileId: "x" } }, port],
    [{ trustGuestRxFilters: true }, "", " trustGuestRxFilters='yes'"],
  ];

  it("loses what was its own where a run was killed between the stored definition and the running NIC", () => {
    for (const [set, inner, attributes = ""] of removals) {
      const [field = ""] = Object.keys(set);
      const live = running(inner).replace("<interface", `<interface${attributes}`);
      const was = { ...args, ...set };
      const seen = observed(live, stored(), { networks: { one: "<network/>" }, was });
      const { steps } = plan({ desired: args, was }, { ...around, vm: seen });
      assert.equal(steps.length, 1, field);
      assert.match(steps[0]?.changes.join() ?? "", new RegExp(`^${field}`));
      // What its network gives it by now is none of its business.
      const given = `<network${attributes}>${inner}</network>`;
      const kept = observed(live, stored(), { networks: { one: given }, was });
      assert.deepEqual(plan({ desired: args, was }, { ...around, vm: kept }).steps, [], field);
    }
  });

  it("leaves the bandwidth of its default port group behind when it moves", () => {
    const rate = "<bandwidth><inbound average='1000'/></bandwidth>";
    const one = `<network><portgroup name='all' default='yes'>${rate}</portgroup></network>`;
    const vm = observed(running(rate), stored(), { networks: { one }, was: args });
    const { steps } = plan({ desired: { ...args, network: "two" }, was: args }, { ...around, vm });
    const [action] = steps.find((s) => s.kind === "update")?.actions ?? [];
    assert.ok(action?.do === "update");
    assert.match(action.xml, /network="two"/);
    assert.doesNotMatch(action.xml, /bandwidth/);
  });
});
