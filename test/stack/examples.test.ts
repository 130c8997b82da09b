/** Every program of examples/, as it stands there: made, quiet, gone again. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { startGuest } from "../../sandbox/guests.js";
import type { Sandbox } from "../../sandbox/index.js";
import { skip } from "../skip.js";
import { repository } from "../support/repository.js";
import { startNetwork, virsh, withSandbox } from "../support/sandbox.js";
import { Program, PulumiFailed, pulumiDir } from "../support/stack.js";
import { nicsIn } from "../support/vms.js";

const folder = path.join(repository, "examples");

interface Example {
  main: string;
  /** What the host has afterwards. */
  networks: string[];
  config?: Record<string, string>;
  /** VMs that it plugs a NIC into: real guests, since they have to release it. */
  guests?: string[];
  /** What must be there before. */
  prepare?(host: Sandbox): Promise<unknown>;
  /** What is there after destroy. */
  left?: string[];
}

const bridge = (host: Sandbox) => host.exec(["sh", "-c", "ip link show br0 || ip link add br0 type bridge"]);
const all = ["dev", "dmz", "lab", "lan", "storage"];

/** The network of Debian's package libvirt-daemon-config-network. */
const DEFAULT_XML = `<network><name>default</name><bridge name='virbr0'/><forward/>
  <ip address='192.168.122.1' netmask='255.255.255.0'><dhcp><range start='192.168.122.2' end='192.168.122.254'/></dhcp></ip>
</network>`;

const examples: Record<string, Example> = {
  nat: { main: "index.ts", networks: ["dev"] },
  modes: { main: "index.ts", networks: all, config: { "virtnet-modes:bridge": "br0" }, prepare: bridge },
  javascript: { main: "index.js", networks: ["storage"] },
  esm: { main: "index.ts", networks: ["dev"] },
  adopt: {
    main: "index.ts",
    networks: ["default"],
    prepare: (host) => startNetwork(host, "default", DEFAULT_XML),
    left: ["default"],
  },
  demo: { main: "index.ts", networks: all, prepare: bridge },
  "storage-nic": { main: "index.ts", networks: ["storage-lan"], guests: ["web"] },
};

describe("the programs in examples/", function () {
  this.timeout(180_000);
  const host = withSandbox();
  const made: Program[] = [];
  const listed = async () => (await virsh(host(), ["net-list", "--all", "--name"])).split("\n").filter(Boolean).sort();

  before(function () {
    if (pulumiDir() === undefined) skip(this, "there is no Pulumi CLI: npm run setup builds it");
  });
  after(() => {
    for (const program of made) program.remove();
  });

  it("are all tested here", () => {
    const folders = fs.readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    assert.deepEqual(folders.map(({ name }) => name).sort(), Object.keys(examples).sort());
  });

  for (const [name, { main, networks, config = {}, guests = [], prepare, left = [] }] of Object.entries(examples)) {
    it(`examples/${name} is previewed, made, quiet, and gone after destroy`, async () => {
      await prepare?.(host());
      const running = await Promise.all(guests.map((guest) => startGuest(host(), { name: guest })));
      for (const guest of running) await guest.waitReady();
      const program = new Program(pulumiDir() as string, { main });
      made.push(program);
      fs.cpSync(path.join(folder, name), program.dir, { recursive: true, filter: (p) => !p.includes("node_modules") });
      const stack = program.stack("dev", { "virtnet:uri": host().uri, ...config });
      const up = await stack.run(["up", "--yes"]);
      if (up.code !== 0) throw new PulumiFailed(up.text);
      assert.match(up.text, /^Previewing update/m);
      assert.doesNotMatch(up.text, /warning/i);
      assert.deepEqual(await listed(), networks);
      assert.deepEqual(await stack.drift(), {});
      for (const guest of guests) assert.equal((await nicsIn(host(), guest, "<mac")).length, 1);
      await stack.destroy();
      assert.deepEqual(await listed(), left);
      for (const guest of guests) assert.deepEqual(await nicsIn(host(), guest, "<mac"), []);
      for (const guest of running) await guest.stop();
      for (const network of left) await virsh(host(), ["net-destroy", network]);
      for (const network of left) await virsh(host(), ["net-undefine", network]);
    });
  }
});
