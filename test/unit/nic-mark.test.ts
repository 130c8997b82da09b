import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeMark, encodeMark, isForeignAlias } from "../../provider/nic-mark.js";

describe("the owner mark in a NIC's alias", () => {
  it("has only characters that libvirt keeps, and says what it was made of, whatever the names", () => {
    const name = fc.string({ unit: "binary", maxLength: 20 });
    fc.assert(
      fc.property(name, name, name, fc.boolean(), (project, stack, key, adopted) => {
        const mark = { project, stack, key, adopted };
        const alias = encodeMark(mark);
        assert.match(alias, /^ua-[a-zA-Z0-9_-]+$/);
        assert.deepEqual(decodeMark(alias), mark);
      }),
    );
  });

  it("is this one, for ever: aliases live as long as VMs", () => {
    const mark = { project: "shop", stack: "prod.eu", key: "my:Comp::a/web_1", adopted: true };
    assert.equal(encodeMark(mark), "ua-virtnet__shop__prod_2eeu__my_3aComp_3a_3aa_2fweb_5f1__adopted");
  });

  it("tells other programs' aliases from libvirt's own", () => {
    assert.deepEqual(
      [isForeignAlias("ua-theirs"), isForeignAlias("net0"), isForeignAlias(undefined)],
      [true, false, false],
    );
    assert.equal(isForeignAlias(encodeMark({ project: "p", stack: "s", key: "k", adopted: false })), false);
  });
});
