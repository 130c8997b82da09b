/** Changes that cut the host off from the machine that makes them, over that very connection; looked at by the VM's serial port. */
import assert from "node:assert/strict";
import type { Inputs } from "../../provider/handler.js";
import { closeHosts } from "../../provider/host/hosts.js";
import type { Kind } from "../../provider/hostlink/args.js";
import { linkHandler } from "../../provider/hostlink/handler.js";
import { forgetLinks } from "../../provider/hostlink/run.js";
import { driveHandler } from "../support/drive.js";
import { withLab } from "../support/lab.js";
import { assertManagedBy, links, patience } from "../support/lab-host.js";

const TIMES = 20;
/** A wrong address, and a way by which none is had. */
const WRONG: readonly { kind: Kind; name: string; args: (time: number) => Inputs }[] = [
  { kind: "bridge", name: "br0", args: (n) => ({ ports: ["eth0"], addresses: { addresses: [`203.0.114.${n}/24`] } }) },
  {
    kind: "bond",
    name: "bond0",
    args: (n) => ({ mode: 1, ports: ["eth0", "eth1"], addresses: { addresses: [`203.0.114.${n}/24`] } }),
  },
  { kind: "bond", name: "bond0", args: () => ({ mode: "802.3ad", ports: ["eth0"], addresses: "dhcp" }) },
];

describe("a host whose one NIC is given what cuts it off", function () {
  this.timeout(2_400_000);
  const lab = withLab();

  it(`comes back ${TIMES} times in a row, with nothing left behind`, async () => {
    const before = await links(lab());
    let cut = 0;
    for (let n = 1; n <= TIMES; n++) {
      const { kind, name, args } = WRONG[n % WRONG.length] as (typeof WRONG)[number];
      // A run of its own each.
      forgetLinks();
      const d = driveHandler(linkHandler(kind), (given) => ({
        name,
        uri: lab().uri,
        owner: { project: "p", stack: "s", key: name },
        ...given,
      }));
      const began = performance.now();
      const rollbackAfter = await patience(lab());
      const error = await d.up({ ...args(n), rollbackAfter }).then(
        () => "it went through",
        (e: Error) => e.message,
      );
      const where = `time ${n}, ${kind}, ${rollbackAfter} s: ${error}`;
      assert.match(error, / failed: .*; everything is as it was$/s, where);
      if (error.includes("no new connection to the host")) cut++;
      await assertManagedBy(lab(), "eth0");
      assert.equal(await links(lab()), before, where);
      await closeHosts();
      console.log(
        `        ${n}, ${kind}: ${Math.round((performance.now() - began) / 1000)} s, rollbackAfter ${rollbackAfter}`,
      );
    }
    // The others took so long that the host's time was over before the proof.
    assert.ok(cut >= TIMES / 2, `${cut} of ${TIMES} were cut off`);
  });
});
