import assert from "node:assert/strict";
import type { Inputs } from "../../provider/handler.js";
import { closeHosts, hostAt } from "../../provider/host/hosts.js";
import { hostGuest } from "../../sandbox/guests.js";
import { drive } from "../support/network.js";
import { virsh, withSandbox } from "../support/sandbox.js";

describe("entries of a network that have the same name or address", () => {
  const host = withSandbox();
  const live = (name: string) => virsh(host(), ["net-dumpxml", name]);
  const stored = (name: string) => virsh(host(), ["net-dumpxml", "--inactive", name]);
  const texts = async (name: string) =>
    [...(await live(name)).matchAll(/<txt name='lab' value='([^']*)'\/>/g)].map((m) => m[1]).sort();
  /** What a guest is answered. */
  const asked = async (name: string, bridge: string, n: number) => {
    const guest = await hostGuest(host(), { bridge, name: "g", v4: `10.68.${n}.9/24` });
    const { stdout } = await guest.exec(["/run/virtnet/busybox", "nslookup", "-type=txt", name, `10.68.${n}.1`]);
    await guest.stop();
    return [...stdout.matchAll(/text = "(.*)"/g)].map((m) => m[1]).sort();
  };
  const args = (n: number, dns: Inputs): Inputs => ({
    mode: "isolated",
    bridge: { name: `alike${n}`, stp: false },
    ips: [{ address: `10.68.${n}.1/24` }],
    dns,
  });
  after(closeHosts);

  it("are TXT records of one name: one of two is changed, and both are answered", async () => {
    const d = drive(host().uri, "txts");
    const [spf, proof] = ["v=spf1 -all", "proof=1"].map((value) => ({ name: "lab", value }));
    await d.up(args(1, { txts: [spf, proof] }));
    assert.deepEqual(await texts("txts"), ["proof=1", "v=spf1 -all"]);
    assert.equal((await d.refresh())?.drift, false);
    assert.equal(await d.preview(args(1, { txts: [proof, spf] })), false);

    const next = args(1, { txts: [spf, { name: "lab", value: "proof=2" }] });
    assert.match((await refusal(d.preview({ ...next, maxImpact: "live" }))) ?? "", /dns\.txts\[1\] \(restart: libvirt/);
    await d.up(next);
    assert.ok(
      d.log.some((l) => /network txts: dns\.txts\[1\]: restarts it in place/.test(l)),
      d.log.join("\n"),
    );
    assert.deepEqual(await texts("txts"), ["proof=2", "v=spf1 -all"]);
    assert.deepEqual(await asked("lab", "alike1", 1), ["proof=2", "v=spf1 -all"]);
    assert.equal((await d.refresh())?.drift, false);
    assert.equal(await d.up(next), false);
    await d.destroy();
  });

  it("are a foreign record before ours: it is drift, and up takes it away", async () => {
    const d = drive(host().uri, "foreign");
    const wanted = args(2, {
      txts: [{ name: "lab", value: "ours" }],
      hosts: [{ ip: "10.68.2.9", hostnames: ["ours"] }],
    });
    await d.up(wanted);
    const [txt, web] = ["<txt name='lab' value='theirs'/>", "<host ip='10.68.2.9'><hostname>theirs</hostname></host>"];
    for (const [before, theirs] of [
      ["<txt ", txt],
      ["<host ip='10.68.2.9'>", web],
    ] as const) {
      const xml = (await stored("foreign")).replace(before, `${theirs}${before}`);
      await virsh(host(), ["net-define", "/dev/stdin"], xml);
      await virsh(host(), ["net-destroy", "foreign"]);
      await virsh(host(), ["net-start", "foreign"]);
      assert.match(await live("foreign"), /theirs/);
      hostAt(host().uri).changed();
      assert.equal((await d.refresh())?.drift, true);
      await d.up(wanted);
      for (const now of [await live("foreign"), await stored("foreign")]) assert.doesNotMatch(now, /theirs/);
      assert.equal((await d.refresh())?.drift, false);
    }
    assert.deepEqual(await texts("foreign"), ["ours"]);
    await d.destroy();
  });

  it("are a name that has an address of each family: one is taken away, which a live call would not", async () => {
    const d = drive(host().uri, "both");
    const v4 = { ip: "10.68.3.9", hostnames: ["web"] };
    const v6 = { ip: "fd00:68::9", hostnames: ["web"] };
    await d.up(args(3, { hosts: [v4] }));
    await d.up(args(3, { hosts: [v4, v6] }));
    assert.equal((await live("both")).match(/<hostname>web</g)?.length, 2);
    const xml = "<host ip='fd00:68::9'><hostname>web</hostname></host>";
    await assert.rejects(
      virsh(host(), ["net-update", "both", "delete", "dns-host", xml, "--live"]),
      /multiple matching/,
    );
    await d.up(args(3, { hosts: [v4] }));
    assert.equal((await live("both")).match(/<hostname>web</g)?.length, 1);
    assert.equal((await d.refresh())?.drift, false);
    await d.destroy();
  });

  it("are SRV records of which one says no more than the other: libvirt finds that one by it", async () => {
    const d = drive(host().uri, "srvs");
    const any = { service: "ldap", protocol: "tcp" };
    const one = { ...any, domain: "a.test", target: "a.a.test", port: 389 };
    await d.up(args(4, { srvs: [one] }));
    const add = ["net-update", "srvs", "add-last", "dns-srv", "<srv service='ldap' protocol='tcp'/>", "--live"];
    await assert.rejects(virsh(host(), add), /matching/);
    await d.up(args(4, { srvs: [one, any] }));
    assert.equal((await live("srvs")).match(/<srv /g)?.length, 2);
    await d.up(args(4, { srvs: [one] }));
    assert.equal((await live("srvs")).match(/<srv /g)?.length, 1);
    assert.equal((await d.refresh())?.drift, false);
    await d.destroy();
  });
});

const refusal = (p: Promise<unknown>): Promise<string | undefined> =>
  p.then(
    () => undefined,
    (e: unknown) => (e as Error).message,
  );
