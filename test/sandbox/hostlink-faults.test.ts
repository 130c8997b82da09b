/**
 * Faults of a change on the NIC that the host is managed through, enumerated from a run itself: the process is killed before
 * and after each changing command; each fails before or after it was done, or hangs. Judged by ip, nmcli and ping.
 */
import assert from "node:assert/strict";
import type { Inputs } from "../../provider/handler.js";
import { run } from "../../sandbox/index.js";
import { GATEWAY, HOST, waitFor, withLan } from "../support/lan.js";
import type { Answer, Orders } from "../support/link-child.js";

const INHERIT: Inputs = { name: "br0", ports: ["eth1"], addresses: "inherit" };
const STATIC: Inputs = {
  ...{ name: "br0", ports: ["eth1", "eth2"], ageingTime: 200 },
  addresses: { addresses: [`${HOST}/24`, "192.0.2.1/24"], gateway: GATEWAY },
};
/** Short: who is killed is waited for. */
const rollbackAfter = 7;

interface Change {
  does: string;
  from?: Inputs;
  to: Partial<Orders>;
  /** Addresses and ports of br0 when it is done; none: it is not there. */
  after?: { addresses: string[]; ports: string[] };
}
const BEFORE = { addresses: [`${HOST}/24`], ports: ["eth1"] };

const CHANGES: Change[] = [
  { does: "making a bridge", to: { desired: INHERIT }, after: BEFORE },
  {
    does: "changing addresses and ports",
    from: INHERIT,
    to: { desired: STATIC, was: INHERIT },
    after: { addresses: [`${HOST}/24`, "192.0.2.1/24"], ports: ["eth1", "eth2"] },
  },
  { does: "deleting it", from: INHERIT, to: { desired: INHERIT, remove: true } },
];
const FAULTS = ["kill-before", "kill-after", "fail-before", "fail-after", "hang"] as const;

describe("a change of a host link that is cut off", function () {
  this.timeout(1_800_000);
  const lan = withLan(2);

  const child = async (orders: Partial<Orders>, id?: string): Promise<{ answer?: Answer; killed: boolean }> => {
    const desired = { ...orders.desired, rollbackAfter };
    const whole = { uri: lan.host().uri, ...orders, desired, ...(id === undefined ? {} : { id }) };
    const { code, stdout, stderr } = await run([
      ...[process.execPath, require.resolve("../support/link-child.js"), JSON.stringify(whole)],
    ]);
    const killed = code === 128 + 9;
    if (!killed && code !== 0) throw new Error(stderr);
    return { killed, ...(killed ? {} : { answer: JSON.parse(stdout) as Answer }) };
  };

  const seen = async () => ({ addresses: await lan.addresses("br0"), ports: await lan.ports("br0") });
  const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

  /** Whether all is as before the change, or as after it; anything between is neither. */
  async function standing({ from, after }: Change): Promise<"before" | "after" | "neither"> {
    if (!(await lan.pingable())) return "neither";
    const now = await seen();
    // Without a bridge the NIC has the addresses; a bare one may wait for the next run to remove it.
    const bare = same(await lan.addresses("eth1"), [`${HOST}/24`]) && same(now, { addresses: [], ports: [] });
    if (after ? same(now, after) : bare) return "after";
    return (from ? same(now, BEFORE) : bare) ? "before" : "neither";
  }

  for (const change of CHANGES) {
    const prepared = async () => {
      const d = lan.drive("bridge", "br0");
      if (change.from) await d.up({ ...change.from, rollbackAfter: 10 });
      return d;
    };

    /** Of a run that goes through. */
    let calls: string[] | undefined;
    const callsOfIt = async (): Promise<string[]> => {
      if (calls) return calls;
      const { to } = change;
      const d = await prepared();
      const found = (await child(to, d.state?.id)).answer?.calls ?? [];
      assert.ok(found.length > 4, found.join(", "));
      if (!to.remove) await d.up({ ...to.desired, rollbackAfter: 10 });
      if (d.state) await d.destroy();
      await lan.assertBare();
      calls = found;
      return found;
    };
    /** Killed after a call is killed before the next one, but for the last. */
    const placesOf = (does: string, n: number): number[] => {
      const all = Array.from({ length: n }, (_, i) => i + 1);
      if (process.env.VIRTNET_AT) return [Number(process.env.VIRTNET_AT)];
      return does === "kill-after" && process.env.VIRTNET_FAULTS !== "all" ? all.slice(-1) : all;
    };

    for (const does of FAULTS)
      it(`${change.does}, ${does}: the host is reachable, all is as before or as after, and the next run finishes it`, async () => {
        const { to } = change;
        const all = await callsOfIt();
        for (const at of placesOf(does, all.length)) {
          const d = await prepared();
          const { answer, killed } = await child({ ...to, fault: { at, does } }, d.state?.id);
          const where = `${does} ${at} of ${all.join(", ")}: ${answer?.error ?? "killed"}`;
          if (does.startsWith("kill")) assert.ok(killed, where);
          // At once where it was told; by the host itself where there was nobody left to do it.
          await waitFor(
            async () => (await standing(change)) !== "neither" && (await lan.checkpoints()) === 0,
            30_000,
          ).catch(async () =>
            assert.fail(`${where}: ${JSON.stringify(await seen())}, eth1 ${await lan.addresses("eth1")}`),
          );
          if (answer?.error?.includes("everything is as it was")) assert.equal(await standing(change), "before", where);
          // As the engine goes on: what failed is done again, with the state from before.
          if (to.remove) {
            await d.destroy();
          } else {
            await d.up({ ...to.desired, rollbackAfter: 10 });
            assert.equal(await standing(change), "after", where);
            assert.equal((await d.refresh())?.drift, false, where);
            const kept = await lan.nmcli("-g", "NAME,AUTOCONNECT,FILENAME", "connection", "show");
            assert.match(kept, /^br0:yes:\/etc\//m, where);
            assert.match(kept, /^br0-eth1:yes:\/etc\//m, where);
            assert.match(kept, /^lan:no:\/etc\//m, where);
            await d.destroy();
          }
          await lan.assertBare();
        }
      });
  }
});
