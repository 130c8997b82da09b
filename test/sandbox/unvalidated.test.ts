import assert from "node:assert/strict";
import { network } from "../../cli/kinds/network.js";
import type { Inputs } from "../../provider/handler.js";
import { closeHosts, hostAt } from "../../provider/host/hosts.js";
import { apply } from "../../provider/network/apply.js";
import { readNetwork } from "../../provider/network/document.js";
import { observe } from "../../provider/network/observe.js";
import { plan } from "../../provider/network/plan.js";
import { drive } from "../support/network.js";
import { startNetwork, virsh, withSandbox } from "../support/sandbox.js";

/** What libvirt takes and its schema (dnsName of network.rng) does not; the field that import leaves out for it. */
const TEXTS = [
  {
    xml: "<dns><host ip='10.66.0.9'><hostname>my_host</hostname></host></dns>",
    there: /<hostname>my_host<\/hostname>/,
    field: "dns.hosts",
  },
  { xml: "<domain name='my_lab'/>", there: /<domain name='my_lab'\/>/, field: "domain.name" },
  {
    xml: "<dns><txt name='_dmarc' value='v=DMARC1'/></dns>",
    there: /<txt name='_dmarc' value='v=DMARC1'\/>/,
    field: "dns.txts",
  },
  {
    xml: "<dns><forwarder domain='my_corp' addr='10.66.0.53'/></dns>",
    there: /<forwarder domain='my_corp' addr='10.66.0.53'\/>/,
    field: "dns.forwarders",
  },
];

describe("a network whose definition libvirt takes, but its own schema does not", () => {
  const host = withSandbox();
  const stored = (name: string) => virsh(host(), ["net-dumpxml", "--inactive", name]);
  const args = (n: number, more: Inputs = {}): Inputs => ({
    mode: "nat",
    bridge: { stp: false },
    ips: [{ address: `10.66.${n}.1/24` }],
    ...more,
  });
  after(closeHosts);

  TEXTS.forEach(({ xml, there, field }, i) => {
    it(`is imported, adopted, changed and given back with its ${xml.replace(/^<dns>/, "").replace(/ .*$/, "")} of ${field}`, async () => {
      const name = `hand${i}`;
      const text = `<network><name>${name}</name><forward mode='nat'/><bridge name='hand${i}' stp='off'/>${xml}<ip address='10.66.1${i}.1' prefix='24'/></network>`;
      if (i % 2 === 0) await startNetwork(host(), name, text);
      else await virsh(host(), ["net-define", "/dev/stdin"], text);
      await assert.rejects(
        virsh(host(), ["net-define", "--validate", "/dev/stdin"], await stored(name)),
        /failed to validate/,
      );

      const [imported] = await network.import(host().uri, name);
      assert.ok(imported);
      assert.match(imported.notes.join("\n"), new RegExp(`^${field} is left out, and kept as it is on the host`));
      const { kind: _, uri: __, ...own } = imported.args;
      const d = drive(host().uri, name);
      await d.up(own);
      assert.match(await stored(name), there);
      assert.equal((await d.refresh())?.drift, false);

      await d.up({ ...own, mtu: 1400 });
      const changed = await stored(name);
      assert.match(changed, there);
      assert.match(changed, /<mtu size='1400'\/>/);
      assert.equal((await d.refresh())?.drift, false);

      if (i < 2) await d.destroy();
      else await network.disown(host().uri, name);
      const left = await stored(name);
      assert.match(left, there);
      assert.equal(readNetwork(left).mark, undefined);
    });
  });

  it("is our own, and somebody has written it there: what else of it changes is changed", async () => {
    const d = drive(host().uri, "ours");
    await d.up(args(1));
    const theirs = (await stored("ours")).replace(/<ip /, "<domain name='my_lab'/><ip ");
    await virsh(host(), ["net-define", "/dev/stdin"], theirs);
    hostAt(host().uri).changed();
    assert.equal((await d.refresh())?.drift, false);
    await d.up(args(1, { mtu: 1400 }));
    const now = await virsh(host(), ["net-dumpxml", "ours"]);
    assert.match(now, /<domain name='my_lab'\/>/);
    assert.match(now, /<mtu size='1400'\/>/);
    await d.up(args(1, { mtu: 1400, name: "renamed" }));
    assert.match(await stored("renamed"), /<domain name='my_lab'\/>/);
    await d.destroy();
  });

  it("is none by a change of ours: that is refused as before, nothing is changed, and nothing else is defined", async () => {
    const d = drive(host().uri, "strict");
    await d.up(args(2, { running: false })); // a running one would take it by virNetworkUpdate
    const before = await stored("strict");
    const desired = { ...d.state?.outs, dns: { txts: [{ name: "_dmarc", value: "v=DMARC1" }] } } as Inputs;
    const all = await virsh(host(), ["net-list", "--all", "--uuid"]);
    await hostAt(host().uri).use("it", async (c) => {
      const observed = await observe(c, { name: "strict" }, { nics: true, daemon: 0 });
      await assert.rejects(
        apply(c, plan({ desired, was: d.state?.outs }, observed)),
        /failed to validate.*; all is restored as it was$/s,
      );
    });
    assert.equal(await stored("strict"), before);
    assert.equal(await virsh(host(), ["net-list", "--all", "--uuid"]), all);
    await d.destroy();
  });
});
