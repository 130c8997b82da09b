/** A preview against a host that does not answer. */
import assert from "node:assert/strict";
import type { Inputs } from "../../provider/handler.js";
import { closeHosts } from "../../provider/host/hosts.js";
import { forgetRun, networkHandler } from "../../provider/network/handler.js";

describe("an up while the host cannot be reached", () => {
  after(() => closeHosts());

  it("is an error that names the host's socket and why", async () => {
    forgetRun();
    const args: Inputs = {
      ...{ uri: "qemu+unix:///system?socket=/nonexistent/up", mode: "isolated", name: "net" },
      owner: { project: "p", stack: "s", key: "net" },
    };
    await assert.rejects(
      networkHandler.create({ log: () => {} }, args),
      /\/nonexistent\/up.*No such file or directory/,
    );
  });
});

describe("a preview while the host cannot be reached", () => {
  after(() => closeHosts());

  it("warns once, however many networks change, and claims of none that nobody notices", async () => {
    forgetRun();
    const log: string[] = [];
    const ctx = { log: (level: string, message: string) => void log.push(`${level}: ${message}`) };
    const uri = "qemu+unix:///system?socket=/nonexistent/virtnet";
    for (const [n, change] of [{ mtu: 1400 }, { domain: { name: "a.test" } }, { running: false }].entries()) {
      const args: Inputs = {
        ...{ uri, mode: "nat", name: `net${n}`, owner: { project: "p", stack: "s", key: `net${n}` } },
        ips: [{ address: `10.9.${n}.1/24` }],
      };
      const id = `00000000-0000-4000-8000-00000000000${n}`;
      const olds = { ...args, running: true, autostart: true, nicsConnected: true, intact: true, uuid: id };
      const { inputs, failures } = await networkHandler.check(ctx, olds, { ...args, ...change });
      assert.deepEqual(failures, []);
      assert.equal((await networkHandler.diff(ctx, id, olds, inputs)).changes, true);
    }
    const warnings = log.filter((l) => l.startsWith("warning"));
    assert.equal(warnings.length, 1, log.join("\n"));
    assert.match(warnings[0] as string, /host qemu\+unix:.* cannot be reached, so nothing is checked against it/);
    const prices = log.filter((l) => l.startsWith("info"));
    assert.equal(prices.length, 3, log.join("\n"));
    assert.match(
      prices[0] as string,
      /network net0: mtu: restarts it in place .*; which running VMs are on it is not known/,
    );
    assert.doesNotMatch(prices.join("\n"), /no effect|no running VM/);
  });
});
