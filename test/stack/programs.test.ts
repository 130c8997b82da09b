import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { skip } from "../skip.js";
import { installedModules } from "../support/installed.js";
import { virsh, withSandbox } from "../support/sandbox.js";
import { Program, type ProgramOptions, pulumiDir } from "../support/stack.js";
import { virtnet } from "../support/virtnet.js";

const args = (last: number) =>
  `{ mode: "nat", ips: [{ address: "10.40.${last}.1/24" }], autostart: pulumi.output(false) }`;
const imports = `import * as pulumi from "@pulumi/pulumi";\nimport * as virtnet from "pulumi-virtnet";\n`;

const programs: { what: string; name: string; options: ProgramOptions; text: string }[] = [
  {
    what: "TypeScript as ESM",
    name: "p-ts-esm",
    options: { type: "module", main: "index.ts" },
    text: `${imports}const net = new virtnet.Network("p-ts-esm", ${args(1)});\nexport const uuid: pulumi.Output<string> = net.uuid;\n`,
  },
  {
    what: "TypeScript as CommonJS",
    name: "p-ts-cjs",
    options: { main: "index.ts" },
    text: `${imports}const net = new virtnet.Network("p-ts-cjs", ${args(2)});\nexport const uuid: pulumi.Output<string> = net.uuid;\n`,
  },
  {
    what: "JavaScript as ESM",
    name: "p-js-esm",
    options: { type: "module" },
    text: `import * as pulumi from "@pulumi/pulumi";\nimport { Network } from "pulumi-virtnet";\nexport const uuid = new Network("p-js-esm", ${args(3)}).uuid;\n`,
  },
  {
    what: "JavaScript as CommonJS",
    name: "p-js-cjs",
    options: {},
    text: `const pulumi = require("@pulumi/pulumi");\nexports.uuid = new (require("pulumi-virtnet").Network)("p-js-cjs", ${args(4)}).uuid;\n`,
  },
];

describe("the package as npm installs it, outside the repository", () => {
  const host = withSandbox();
  let modules: string | undefined;
  const made: Program[] = [];

  before("packs and installs it", function () {
    if (pulumiDir() === undefined) skip(this, "there is no Pulumi CLI: npm run setup builds it");
    modules = installedModules();
  });
  after(() => {
    for (const program of made) program.remove();
  });

  const programOf = (options: ProgramOptions): Program => {
    const program = new Program(pulumiDir() as string, { ...options, modules });
    made.push(program);
    return program;
  };

  for (const { what, name, options, text } of programs) {
    it(`serves a program in ${what}: up, quiet, destroy`, async () => {
      const program = programOf(options);
      program.write(options.main ?? "index.js", text);
      const stack = program.stack("dev", { "virtnet:uri": host().uri });
      const run = await stack.up();
      assert.doesNotMatch(run.text, /warning|Diagnostics/i);
      assert.equal((await stack.outputs()).uuid, await virsh(host(), ["net-uuid", name]));
      assert.deepEqual(await stack.drift(), {});
      await stack.destroy();
      assert.equal(await virsh(host(), ["net-list", "--all", "--name"]), "");
    });
  }

  it("reports all faults of a program that the compiler did not see, each where it was written", async () => {
    const program = programOf({});
    const stack = program.stack("dev", { "virtnet:uri": host().uri });
    program.write(
      "index.js",
      `new (require("pulumi-virtnet").Network)("x", { mode: "isolated", nat: {}, ips: [{ address: "10.0.0.1/24", dhcp: { ranges: [{ start: "10.0.0.9", end: "10.0.1.9" }] } }] });`,
    );
    const { text } = await stack.previewFails();
    assert.match(text, /nat.*is no field of mode "isolated"/);
    assert.match(text, /ips\[0\]\.dhcp\.ranges\[0\]/);
    assert.doesNotMatch(text, /\n\s+at /, "no stack");
  });

  it("prints a program that adopts what exists: up changes nothing of it, and a refresh shows no difference", async () => {
    const before = `<network>
      <name>p-import</name><forward mode='nat'/><bridge name='vnimport' stp='off'/><mtu size='1400'/><domain name='import.test' localOnly='yes'/>
      <dns><txt name='t' value='v'/><host ip='10.41.1.2'><hostname>two</hostname></host></dns>
      <ip address='10.41.1.1' netmask='255.255.255.0'><dhcp><range start='10.41.1.10' end='10.41.1.99'/><host mac='52:54:00:41:00:01' ip='10.41.1.5'/></dhcp></ip>
      <ip family='ipv6' address='fd00:41::1' prefix='64'/>
      <portgroup name='p' default='yes'/></network>`;
    await virsh(host(), ["net-define", "/dev/stdin"], before);
    await virsh(host(), ["net-start", "p-import"]);
    const dump = async (...flags: string[]) =>
      (await virsh(host(), ["net-dumpxml", "p-import", ...flags])).replace(/ *<metadata>.*<\/metadata>\n/s, "");
    const [live, stored] = [await dump(), await dump("--inactive")];
    const program = programOf({ main: "index.ts" });
    const { stdout, stderr, code } = await virtnet(["import", "network", "p-import", "--uri", host().uri], {
      command: [process.execPath, path.join(installedModules(), "pulumi-virtnet", "bin", "virtnet")],
    });
    assert.deepEqual([stderr, code], ["", 0]);
    program.write("index.ts", stdout);
    const stack = program.stack("dev");
    await stack.up();
    assert.deepEqual([await dump(), await dump("--inactive")], [live, stored]);
    assert.match(await virsh(host(), ["net-dumpxml", "p-import", "--inactive"]), /<virtnet:owner .*stack="dev"/);
    assert.deepEqual(await stack.drift(), {});
    await virsh(host(), ["net-destroy", "p-import"]);
    await virsh(host(), ["net-undefine", "p-import"]);
  });

  it("says where to install it, where only another package depends on it", async () => {
    const own = programOf({});
    const modules = path.join(own.dir, "node_modules");
    fs.unlinkSync(modules);
    const helper = path.join(modules, "helper");
    fs.mkdirSync(path.join(helper, "node_modules"), { recursive: true });
    fs.symlinkSync(path.join(installedModules(), "@pulumi"), path.join(modules, "@pulumi"));
    const link = (to: string) =>
      fs.symlinkSync(path.join(installedModules(), "pulumi-virtnet"), path.join(to, "pulumi-virtnet"));
    link(path.join(helper, "node_modules"));
    fs.writeFileSync(
      path.join(helper, "index.js"),
      `exports.net = new (require("pulumi-virtnet").Network)("p-far", { mode: "isolated" });`,
    );
    own.write("index.js", `require("helper");`);
    const stack = own.stack("dev", { "virtnet:uri": host().uri });
    const { text } = await stack.previewFails();
    assert.ok(
      text.includes(
        `The package pulumi-virtnet cannot be found from the program's folder ${own.dir}, where Pulumi runs its provider. ` +
          "Add it to the dependencies of that folder's own package.json (npm install pulumi-virtnet).",
      ),
      text,
    );
    link(modules);
    assert.deepEqual(await stack.plannedSteps(), { "p-far": "create" });
  });
});
