/** What a host goes through whose one NIC becomes a bond, and that a bridge: by pulumi, as a user who is not root, over that NIC. */
import assert from "node:assert/strict";
import { run } from "../../sandbox/index.js";
import { withLab } from "../support/lab.js";
import { assertManagedBy, links, mastersOf, patience } from "../support/lab-host.js";
import { withProgram } from "../support/stack.js";

describe("a host that is managed through one NIC", function () {
  this.timeout(2_400_000);
  const lab = withLab();
  const program = withProgram();

  // The lab VM may be slow, beside other tests.
  const SLOW = "rollbackAfter: 300";
  const BOND = `const bond = new Bond("bond0", { mode: "active-backup", ports: ["eth0", "eth1"], addresses: "inherit", ${SLOW} });`;
  const BRIDGE = `const br0 = new Bridge("br0", { ports: [bond], addresses: "inherit", ${SLOW} });
    new Network("lan", { mode: "bridge", bridge: br0.name });`;
  const write = (text: string) =>
    program().write("index.js", `const { Bond, Bridge, Network } = require("pulumi-virtnet");\n${text}`);
  const isManagedBy = (device: string) => assertManagedBy(lab(), device);
  const masters = (...devices: string[]) => mastersOf(lab(), ...devices);
  const left = () => links(lab());

  it("is reached by ssh alone, as a user who is not root and may sudo", async () => {
    assert.equal((await lab().ssh("id -un; sudo -n id -un")).stdout, "admin\nroot\n");
    const { stdout, stderr } = await run(["virsh", "-c", lab().uri, "hostname"]);
    assert.equal(stdout.trim(), "lab", stderr);
    await isManagedBy("eth0");
  });

  it("goes from the NIC to a bond, to a bridge, and back, in one up each, and is reachable after a restart", async () => {
    const before = await left();
    const stack = program().stack("lab", { "virtnet:uri": lab().uri });

    write(BOND);
    await stack.up();
    await isManagedBy("bond0");
    assert.deepEqual(await masters("eth0", "eth1"), ["bond0", "bond0"]);

    write(`${BOND}\n${BRIDGE}`);
    await stack.up();
    await isManagedBy("br0");
    await lab().reboot();
    await isManagedBy("br0");
    assert.deepEqual(await masters("eth0", "eth1", "bond0"), ["bond0", "bond0", "br0"]);
    assert.deepEqual(await stack.drift(), {}, "no noise after a restart");

    write(BOND);
    await stack.up();
    await isManagedBy("bond0");
    assert.deepEqual(await masters("eth0", "eth1", "bond0"), ["bond0", "bond0", "none"]);

    write("");
    await stack.up();
    await isManagedBy("eth0");
    assert.equal(await left(), before);
  });

  // Twenty times in a row: cut-off.test.ts.
  it("takes back what would cut it off, says so, and nothing of it stays", async () => {
    const before = await left();
    const stack = program().stack("wrong", { "virtnet:uri": lab().uri });
    const rollbackAfter = Math.min(600, 4 * (await patience(lab())));
    write(
      `new Bond("bond0", { mode: "active-backup", ports: ["eth0", "eth1"], addresses: { addresses: ["203.0.114.10/24"] }, rollbackAfter: ${rollbackAfter} });`,
    );
    const { text } = await stack.upFails();
    // The second, where the machine is so slow that the time is over before the proof.
    const proof = "proving that it works failed: no new connection to the host: .*";
    const late = ".* failed: the time after which the change is taken back is over";
    assert.match(text, new RegExp(`bond "bond0": (${proof}|${late}); everything is as it was`));
    assert.doesNotMatch(text, /a fault of pulumi-virtnet itself/);
    await isManagedBy("eth0");
    assert.equal(await left(), before, text);
    assert.deepEqual(await stack.resources(), {});
  });
});
