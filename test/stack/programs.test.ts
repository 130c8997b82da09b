import assert from "node:assert/strict";
import { skip } from "../skip.js";
import { installedModules } from "../support/installed.js";
import { virsh, withSandbox } from "../support/sandbox.js";
import { Program, type ProgramOptions, pulumiDir } from "../support/stack.js";

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
});
