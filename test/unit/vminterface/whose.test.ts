import assert from "node:assert/strict";
import type { Inputs } from "../../../provider/handler.js";
import { encodeMark } from "../../../provider/nic-mark.js";
import { nicsOf } from "../../../provider/vminterface/document.js";
import { forgetNics } from "../../../provider/vminterface/run.js";
import type { ObservedVm } from "../../../provider/vminterface/steps.js";
import { notOurs, stillOurs } from "../../../provider/vminterface/whose.js";

const MAC = "52:54:00:00:00:01";
const owner = { project: "p", stack: "A", key: "nic" };
const renamed = { ...owner, key: "renamed" };
const mark = encodeMark({ ...owner, adopted: false });

const nic = (alias: string | undefined) => {
  const written = alias === undefined ? "" : `<alias name='${alias}'/>`;
  const [found] = nicsOf(
    `<domain><devices><interface type='network'><mac address='${MAC}'/><source network='one'/>${written}</interface></devices></domain>`,
  );
  assert.ok(found);
  return found;
};

interface Aliases {
  config?: string | undefined;
  live?: string | undefined;
}
/** A VM with the NIC in the definitions that are named, under these aliases. */
const vm = (aliases: Aliases): ObservedVm => ({
  ...{ uuid: "u", name: "web", active: "live" in aliases, persistent: "config" in aliases },
  ...("config" in aliases ? { config: nic(aliases.config) } : {}),
  ...("live" in aliases ? { live: nic(aliases.live) } : {}),
});

const args: Inputs = { domain: "web", network: "one", mac: MAC, owner };
/** What the state has; `alias` is generated unless it is an argument. */
const state = (more: Inputs = {}): Inputs => ({
  ...{ ...args, domainUuid: "u", alias: mark, generated: ["alias"], adopted: false },
  ...more,
});
const isOurs = (there: Aliases, olds = state(), news: Inputs = args): boolean => {
  forgetNics();
  try {
    stillOurs(vm(there), olds, news, "host");
    return true;
  } catch (e) {
    assert.match(String(e), /no longer carries the mark of its owner.*set adopt: true/);
    return false;
  }
};
const left = (there: Aliases, olds = state()): string | undefined => {
  forgetNics();
  return notOurs(vm(there), olds)?.told;
};

describe("whose a NIC is", () => {
  it("the resource's whose mark it carries, stored, else running", () => {
    for (const there of [{ config: mark }, { live: mark }, { config: mark, live: "net0" }]) {
      assert.ok(isOurs(there));
      assert.equal(left(there), undefined);
    }
  });

  it("another's, once another alias has overwritten the mark: neither changed nor unplugged", () => {
    for (const there of [{ config: "ua-b" }, { config: "ua-b", live: mark }, { live: "ua-b" }]) {
      // A refresh has written the other alias down meanwhile, or not.
      for (const olds of [state(), state({ alias: "ua-b" })]) {
        assert.ok(!isOurs(there, olds));
        assert.match(left(there, olds) ?? "", /belongs to another program: its alias is "ua-b" now/);
      }
    }
    assert.ok(isOurs({ config: "ua-b" }, state(), { ...args, adopt: true }), "who says so takes it back");
  });

  it("nobody's, once there is no alias but libvirt's own", () => {
    for (const there of [{ config: undefined }, { config: undefined, live: mark }, { live: "net0" }]) {
      assert.ok(!isOurs(there));
      assert.match(left(there) ?? "", /\(disowned\)/);
    }
  });

  it("an adopted one's keeps an alias that another program gave it, and lets go of one that was disowned", () => {
    const adopted = (alias: string) => state({ adopted: true, alias, deleteAdopted: true });
    assert.equal(left({ config: "ua-theirs", live: "ua-theirs" }, adopted("ua-theirs")), undefined);
    assert.equal(left({ live: "net0" }, adopted("net0")), undefined);
    assert.match(left({ config: undefined, live: "net0" }, adopted(`${mark}__adopted`)) ?? "", /\(disowned\)/);
  });

  it("with an alias of the program's own, the one's that carries it", () => {
    const own = state({ alias: "ua-own", generated: [] });
    assert.equal(left({ config: "ua-own" }, own), undefined);
    assert.match(left({ config: "ua-b" }, own) ?? "", /belongs to another program/);
    assert.match(left({ config: undefined }, own) ?? "", /its alias is gone now/);
  });

  it("still the resource's in the middle of a change of its mark, whose first call takes the old one away", () => {
    const half = { config: undefined, live: mark };
    assert.ok(isOurs(half, state(), { ...args, owner: renamed }));
    assert.ok(isOurs(half, state(), { ...args, alias: "ua-own" }));
    assert.ok(isOurs({ config: "ua-own", live: mark }, state(), { ...args, alias: "ua-own" }));
    assert.ok(!isOurs({ config: "ua-b", live: mark }, state(), { ...args, owner: renamed }));
    assert.ok(!isOurs({ config: "ua-b", live: mark }, state(), { ...args, alias: "ua-own" }));
  });
});
