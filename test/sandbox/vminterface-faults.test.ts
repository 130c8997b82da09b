/**
 * Faults while a NIC is plugged, moved, plugged again and unplugged, enumerated from a run itself: each changing call to libvirt
 * fails before it is sent, after it was done, or never returns; the process is killed in place of each, and after the last. Judged
 * by virsh and by the guest's pings; another process goes on from what the engine would have in its state.
 */
import assert from "node:assert/strict";
import type { Inputs } from "../../provider/handler.js";
import { type Guest, startGuest } from "../../sandbox/guests.js";
import { childRun, fail } from "../support/child-run.js";
import type { NicAnswer, NicOrders, NicState } from "../support/run-nic.js";
import { startNetwork, withSandbox } from "../support/sandbox.js";
import { natXml, nicsIn } from "../support/vms.js";

const MAC = "52:54:00:87:00:01";
/** Which gateway answers the guest: of network one, of two, or none. */
const GATEWAYS = ["10.87.1.1", "10.88.1.1"] as const;

interface Change {
  does: string;
  from?: Inputs;
  to?: Inputs;
  /** What both definitions have of the NIC, before and after; null: none. */
  before: RegExp | null;
  after: RegExp | null;
  /** Places in {@link GATEWAYS}. */
  gateways: [number, number];
}

const nic = (more: Inputs = {}): Inputs => ({ domain: "web", network: "one", mac: MAC, unplugTimeout: 8, ...more });
const ONE = /^(?=[\s\S]*<source network='one')(?![\s\S]*<mtu)/;
const CHANGES: Change[] = [
  { does: "plugging", to: nic(), before: null, after: ONE, gateways: [-1, 0] },
  {
    does: "moving",
    from: nic(),
    to: nic({ network: "two" }),
    before: ONE,
    after: /<source network='two'/,
    gateways: [0, 1],
  },
  {
    does: "plugging anew",
    from: nic({ targetDevice: "vmine0" }),
    to: nic({ targetDevice: "vmine0", mtu: 1400 }),
    before: /^(?=[\s\S]*<source network='one')(?=[\s\S]*<target dev='vmine0')(?![\s\S]*<mtu)/,
    after: /<mtu size='1400'/,
    gateways: [0, 0],
  },
  {
    does: "taking away what it was made with",
    from: nic({ mtu: 1400 }),
    to: nic(),
    before: /^(?=[\s\S]*<source network='one')(?=[\s\S]*<mtu size='1400')/,
    after: ONE,
    gateways: [0, 0],
  },
  {
    does: "taking away what its network might give",
    from: nic({ isolated: true }),
    to: nic(),
    before: /^(?=[\s\S]*<source network='one')(?=[\s\S]*<port isolated='yes')/,
    after: /^(?=[\s\S]*<source network='one')(?![\s\S]*<port isolated='yes')/,
    gateways: [0, 0],
  },
  {
    does: "renaming its resource",
    from: nic(),
    to: nic({ owner: { project: "p", stack: "s", key: "renamed" } }),
    before: ONE,
    after: ONE,
    gateways: [0, 0],
  },
  { does: "unplugging", from: nic(), before: ONE, after: null, gateways: [0, -1] },
];

describe("a NIC's change that is cut off", function () {
  this.timeout(900_000);
  const host = withSandbox();
  let guest: Guest;
  before("starts a guest", async () => {
    await startNetwork(host(), "one", natXml("one", "vf1", 87));
    await startNetwork(host(), "two", natXml("two", "vf2", 88));
    guest = await startGuest(host(), { name: "web" });
    await guest.waitReady();
  });

  const owner = { project: "p", stack: "s", key: "nic" };
  const run = (desired: Inputs | undefined, state: NicState | undefined, fault?: string, refresh = false) => {
    const orders: NicOrders = {
      uri: host().uri,
      refresh,
      ...(desired ? { desired: { uri: host().uri, owner, ...desired } } : {}),
      ...(state ? { state } : {}),
    };
    return childRun<NicAnswer>("run-nic.js", orders, fault);
  };

  /** Puts the host where the change begins. @returns what the engine has in its state then. */
  const reset = async ({ from, before }: Change): Promise<NicState | undefined> => {
    for (const how of ["--live", "--config"])
      await host().exec(["virsh", "detach-interface", "web", "network", "--mac", MAC, how]);
    for (let i = 0; i < 50 && (await nicsIn(host(), "web", MAC)).length > 0; i++) await guest.exec("usleep 100000");
    assert.deepEqual(await nicsIn(host(), "web", MAC), []);
    if (!from) return undefined;
    const { answer } = await run(from, undefined);
    assert.equal(answer?.error, undefined);
    await assertIs(before);
    return answer?.state;
  };

  /** Both definitions are like this, with one NIC of the MAC or none. */
  const assertIs = async (what: RegExp | null): Promise<void> => {
    for (const flags of [[], ["--inactive"]]) {
      const there = await nicsIn(host(), "web", MAC, ...flags);
      assert.equal(there.length, what ? 1 : 0, `${flags.join() || "running"}: ${there.join()}`);
      if (what) assert.match(there[0] ?? "", what, flags.join() || "running");
    }
  };

  const isLike = (what: RegExp | null): Promise<boolean> =>
    assertIs(what).then(
      () => true,
      () => false,
    );

  /** Only the gateway of the network that the NIC is on answers. */
  const assertReaches = async (gateway: number): Promise<void> => {
    const answers = async (at: string) => (await guest.exec(`ping -c1 -W1 ${at}`)).code === 0;
    if (gateway >= 0) {
      const own = GATEWAYS[gateway]?.replace(/1$/, "50");
      await guest.exec(
        `for i in $(seq 30); do [ -d /sys/class/net/eth0 ] && break; usleep 100000; done
         ip addr flush dev eth0; ip addr add ${own}/24 dev eth0; ip link set eth0 up
         for i in $(seq 10); do ping -c1 -W1 ${GATEWAYS[gateway]} && break; done`,
      );
    }
    for (const [i, at] of GATEWAYS.entries()) assert.equal(await answers(at), i === gateway, `the guest and ${at}`);
  };

  for (const change of CHANGES) {
    const { does, to, before, after, gateways } = change;

    it(`${does}: where a call to libvirt fails, before or after it is done, or hangs, all is as it was or as it shall be`, async () => {
      const { answer } = await run(to, await reset(change));
      assert.equal(answer?.error, undefined);
      await assertIs(after);
      await assertReaches(gateways[1]);
      const calls = answer?.calls ?? 0;
      assert.ok(calls > 0);
      for (let k = 1; k <= calls; k++)
        for (const moment of ["before", "after", "hang"]) {
          const at = `call ${k} of ${calls}, ${moment}`;
          const state = await reset(change);
          const { answer: failed } = await run(to, state, `${k}:${moment}`);
          const through = failed?.error === undefined;
          // What is unplugged goes on by itself, since it was wanted gone.
          if (to && moment === "before") assert.ok(!through, `${at}: nothing failed`);
          await assertIs(through ? after : before).catch((e: Error) => fail(`${at}: ${failed?.error}`, e));
          if (!through) assert.match(failed?.error ?? "", /; (nothing was changed|restored: [^;]*)$/, at);
          await assertReaches(gateways[through ? 1 : 0]).catch((e: Error) => fail(at, e));
          const next = await run(to, failed?.state);
          assert.equal(next.answer?.error, undefined, at);
          await assertIs(after).catch((e: Error) => fail(at, e));
        }
    });

    for (const refresh of [false, true])
      it(`${does}: killed before each call, and after the last, another process ends it${refresh ? ", also after a refresh" : ""}`, async () => {
        const { answer } = await run(to, await reset(change));
        const calls = answer?.calls ?? 0;
        for (let k = 1; k <= calls + 1; k++) {
          const at = `killed before call ${k} of ${calls}`;
          const state = await reset(change);
          const { killed } = await run(to, state, `${k}:kill`);
          // After the last one the engine is never told: its state is the old one.
          assert.equal(killed, k <= calls, at);
          if (k === 1) assert.ok(await isLike(before), at);
          if (k > calls) assert.ok(await isLike(after), at);
          const next = await run(to, state, undefined, refresh);
          assert.equal(next.answer?.error, undefined, at);
          await assertIs(after).catch((e: Error) => fail(at, e));
          await assertReaches(gateways[1]).catch((e: Error) => fail(at, e));
        }
      });
  }
});
