/** The programs of examples/ that make bonds and VLANs, by pulumi over ssh, as a user who is not root. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { skip } from "../skip.js";
import { withLab } from "../support/lab.js";
import { assertManagedBy, links } from "../support/lab-host.js";
import { repository } from "../support/repository.js";
import { Program, pulumiDir, type Stack } from "../support/stack.js";

/** The lab VM may be slow, beside other tests: the host waits for longer than the 60 s that the examples leave it. */
const SLOW = `pulumi.runtime.registerStackTransformation(({ type, props, opts }) =>
  /:(Bond|Bridge|Vlan)$/.test(type) ? { props: { rollbackAfter: 300, ...props }, opts } : undefined);
`;
const LAST_IMPORT = 'import * as virtnet from "pulumi-virtnet";\n';

describe("examples on a host with bonds and VLANs", function () {
  this.timeout(1_800_000);
  before("looks for the Pulumi CLI", function () {
    if (pulumiDir() === undefined) skip(this, "there is no Pulumi CLI: npm run setup builds it");
  });
  const lab = withLab();
  const made: { program: Program; stack: Stack }[] = [];
  afterEach(async function () {
    // What a failed test leaves is not the next one's.
    for (const { program, stack } of made.splice(0)) {
      if (this.currentTest?.state === "failed") await stack.run(["destroy", "--yes", "--skip-preview"]);
      program.remove();
    }
  });

  /** A program of examples/, with its configuration. */
  const example = (name: string, nics: string[]): Stack => {
    const copy = new Program(pulumiDir() as string, { main: "index.ts", project: `virtnet-${name}` });
    fs.cpSync(path.join(repository, "examples", name), copy.dir, {
      recursive: true,
      filter: (p) => !p.includes("node_modules"),
    });
    const program = fs.readFileSync(path.join(copy.dir, "index.ts"), "utf8");
    copy.write("index.ts", program.replace(LAST_IMPORT, `$&${SLOW}`));
    const stack = copy.stack("dev", { "virtnet:uri": lab().uri, [`virtnet-${name}:nics`]: nics });
    made.push({ program: copy, stack });
    return stack;
  };
  const isManagedBy = (device: string) => assertManagedBy(lab(), device);
  const left = () => links(lab());

  it("examples/bridged-lan makes bond, bridge and network in one up, which a power cut does not undo, and gives all back", async () => {
    const before = await left();
    const stack = example("bridged-lan", ["eth0", "eth1"]);
    await stack.up();
    await isManagedBy("br0");
    assert.match((await lab().exec(["virsh", "net-dumpxml", "lan"])).stdout, /<bridge name='br0'\/>/);
    // libvirt does not sync the folder that it renames a network's file in (virFileRewrite): the kernel writes that within 5 s.
    await lab().sh("sync -f /etc/libvirt");
    await lab().powerCut();
    await isManagedBy("br0");
    assert.deepEqual(await stack.drift(), {});
    await stack.destroy();
    await isManagedBy("eth0");
    assert.equal(await left(), before);
  });

  it("examples/vlan-trunk makes a network for each VLAN, whose frames have its tag on the wire", async () => {
    const before = await left();
    const stack = example("vlan-trunk", ["eth2", "eth3"]);
    await stack.up();
    for (const [bridge, id] of [
      ["br20", 20],
      ["br30", 30],
    ] as const) {
      // As a VM on it would.
      const ping = `ip addr replace 10.${id}.0.1/24 dev ${bridge}; ping -c 1 -W 1 10.${id}.0.2; ip addr flush dev ${bridge}`;
      const frame = await lab().tagged("sw", id, () => lab().sh(ping));
      assert.match(frame, new RegExp(`vlan ${id}, .* who-has 10\\.${id}\\.0\\.2`));
    }
    assert.deepEqual(await stack.drift(), {});
    await stack.destroy();
    assert.equal(await left(), before);
  });
});
