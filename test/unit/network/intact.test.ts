/** Whether what libvirt made for a network is still on the host, by what the host says. */
import assert from "node:assert/strict";
import type { Vitals } from "../../../provider/host/hosts.js";
import type { NetworkInfo } from "../../../provider/libvirt/api.js";
import { brokenParts } from "../../../provider/network/intact.js";

const network = (name: string): NetworkInfo => {
  const xml = `<network><name>${name}</name><forward mode='nat'/><bridge name='b0'/><ip address='10.0.1.1' prefix='24'/></network>`;
  return { name, uuid: "u", active: true, persistent: true, autostart: true, inactiveXml: xml, liveXml: xml };
};
const seen = (...dnsmasqs: string[]): Vitals => ({
  masters: new Map([["b0", undefined]]),
  addresses: [{ device: "b0", address: "10.0.1.1/24", family: 4, scope: "global" }],
  dnsmasqs: dnsmasqs.map((file) => `/usr/sbin/dnsmasq --conf-file=/var/lib/libvirt/dnsmasq/${file}.conf`),
  mayChange: true,
});

describe("a running network whose dnsmasq runs", () => {
  for (const [name, file] of [
    ["dev", "dev"],
    ["büro", "büro"],
    // As ps writes it where the host has no locale C.UTF-8.
    ["büro", "b??ro"],
  ] as const)
    it(`is intact: ${name}, which ps calls ${file}`, () => {
      assert.deepEqual(brokenParts(network(name), seen("other", file)), []);
    });

  it("is broken where only others run", () => {
    assert.deepEqual(brokenParts(network("büro"), seen("buero", "b?ro")), ["its dnsmasq does not run"]);
  });
});
