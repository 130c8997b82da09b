import assert from "node:assert/strict";
import type { Connection, DomainInfo } from "../../provider/libvirt/api.js";
import { NotReleased, unplug } from "../../provider/unplug.js";

const MAC = "52:54:00:00:00:01";
const vm = { uuid: "u", name: "web" };
const nic = `<interface type='user'><mac address='${MAC}'/></interface>`;

/** A VM whose guest releases its NIC when it is asked for the n-th time. */
function releasing(atRequest: number) {
  let asked = 0;
  const plugged = () => (asked < atRequest ? nic : "");
  const info = (): DomainInfo => ({ ...vm, active: true, persistent: true, state: 1, liveXml: plugged() });
  const connection = {
    domains: {
      get: () => Promise.resolve(info()),
      detachDevice: () => {
        asked++;
        return Promise.resolve();
      },
    },
    onEvent: () => Promise.resolve(() => Promise.resolve()),
  } as unknown as Connection;
  return { connection, asked: () => asked };
}

describe("unplugging a NIC", function () {
  this.timeout(10_000);
  it("asks a guest that ignores the first request a second time, after half of the time", async () => {
    const { connection, asked } = releasing(2);
    const begun = Date.now();
    await unplug(connection, vm, MAC, nic, { timeoutMs: 1200 });
    assert.equal(asked(), 2);
    assert.ok(Date.now() - begun >= 600);
  });

  it("asks no more than twice, and says how long it has waited", async () => {
    const { connection, asked } = releasing(3);
    await assert.rejects(
      unplug(connection, vm, MAC, nic, { timeoutMs: 1200 }),
      (e: Error) => e instanceof NotReleased && /did not release NIC 52:54:00:00:00:01 within 1.2 s/.test(e.message),
    );
    assert.equal(asked(), 2);
  });

  it("says that it was interrupted, and does not count the guest as one that refuses", async () => {
    const { connection } = releasing(9);
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 200);
    await assert.rejects(
      unplug(connection, vm, MAC, nic, { timeoutMs: 30_000, signal: abort.signal }),
      (e: Error) =>
        !(e instanceof NotReleased) &&
        /^the run was interrupted before the guest of VM "web" released NIC 52:54:00:00:00:01\./.test(e.message),
    );
  });
});
