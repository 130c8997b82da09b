import assert from "node:assert/strict";
import { plan } from "../../../provider/network/plan.js";
import type { Observed } from "../../../provider/network/steps.js";

describe("a DNS host added to a running network", () => {
  const xml = (mode: string) =>
    `<network><name>n</name><forward mode='${mode}'/><bridge name='b'/><ip address='10.0.0.1' prefix='24'/></network>`;
  const steps = (mode: string, more: Partial<Observed>) => {
    const args = { mode, name: "n", ips: [{ address: "10.0.0.1/24" }] };
    const network = { uuid: "u", name: "n", persistent: true, autostart: true, xml: xml(mode), liveXml: xml(mode) };
    return plan(
      { desired: { ...args, dns: { hosts: [{ ip: "10.0.0.9", hostnames: ["x"] }] } }, was: args },
      { daemon: 9_000_000, nics: [], network, ...more },
    ).steps.map((s) => s.kind);
  };

  it("is live on a daemon without the nftables backend", () => assert.deepEqual(steps("nat", {}), ["update"]));
  it("restarts the network where firewall rules could stay behind", () =>
    assert.deepEqual(steps("nat", { daemon: 12_008_000 }), ["restart"]));
  it("is live on a newer daemon that is known to use iptables", () =>
    assert.deepEqual(steps("nat", { daemon: 12_008_000, firewall: "iptables" }), ["update"]));
  it("is live on an open network, which has no rules", () =>
    assert.deepEqual(steps("open", { daemon: 12_008_000 }), ["update"]));
});
