import assert from "node:assert/strict";
import type { Action, Plan, Probe } from "../../../provider/hostlink/steps.js";
import { refuseUnsafe } from "../../../provider/hostlink/unsafe.js";

const checkpoint: Action = { do: "checkpoint", devices: ["br0"], seconds: 60 };
const plan = (management: string[], more: { probe?: Probe; actions?: Action[] } = {}): Plan => {
  const { probe, actions = [checkpoint] } = more;
  return {
    ...{ kind: "bridge", link: "br0", impact: "none", management, seconds: 60 },
    ...(probe === undefined ? {} : { probe }),
    steps: [{ kind: "change", impact: "none", why: "", changes: [], actions }],
  };
};
const byRun = { takesBack: false };
const byHost = { takesBack: true };
const local = { asks: true, known: true };
const far = { asks: false, known: false };

describe("a change of links on a host that takes nothing back by itself", () => {
  it("is refused where it touches what carries the host's own connection, unless the user does without", () => {
    assert.throws(
      () => refuseUnsafe(plan(["eth1", "br0"]), byRun, local),
      /bridge "br0": eth1 and br0 carry the host's own connection, and this host takes no change back by itself: use a host with NetworkManager, or set probe: false/,
    );
    assert.throws(() => refuseUnsafe(plan(["eth1"], { probe: "192.0.2.1" }), byRun, local), /eth1 carries/);
    refuseUnsafe(plan(["eth1"], { probe: false }), byRun, local);
    refuseUnsafe(plan([]), byRun, local);
    refuseUnsafe(plan(["eth1"]), byHost, local);
  });

  it("is refused where it is not known what carries that, but for what changes nothing that runs", () => {
    assert.throws(
      () => refuseUnsafe(plan([]), byRun, far),
      /whether it carries the host's own connection is not known/,
    );
    refuseUnsafe(plan([], { probe: false }), byRun, far);
    refuseUnsafe(plan([], { actions: [{ do: "sweep", id: "libvirt:br0" }] }), byRun, far);
    // The test driver has no host that could be lost.
    refuseUnsafe(plan([]), byRun, { asks: false, known: true });
  });

  it("cannot be proven by an address that nobody can ask for an answer", () => {
    for (const known of [true, false])
      assert.throws(
        () => refuseUnsafe(plan([], { probe: "192.0.2.1" }), byRun, { asks: false, known }),
        /probe: 192.0.2.1 cannot be asked for an answer, for no command can be run on the host/,
      );
  });
});
