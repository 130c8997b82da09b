import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { repository } from "../../support/repository.js";
import { virtnet } from "../../support/virtnet.js";

describe("virtnet on the command line", () => {
  it("prints help that names every command, with examples and exit codes", async () => {
    const { stdout, stderr, code } = await virtnet(["--help"]);
    assert.equal(code, 0);
    assert.equal(stderr, "");
    for (const command of ["import", "xml", "plan", "disown", "sandbox"])
      assert.match(stdout, new RegExp(`^ {2}${command}\\b`, "m"));
    assert.match(stdout, /Examples:/);
    assert.match(stdout, /Exit codes: 0 done, 1 failed/);
  });

  for (const command of ["import", "xml", "plan", "disown"]) {
    it(`prints help of ${command}, with an example`, async () => {
      const { stdout, code } = await virtnet([command, "--help"]);
      assert.equal(code, 0);
      assert.match(stdout, /Examples?:\n/);
    });
  }

  it("prints the version of the package", async () => {
    const { version } = JSON.parse(readFileSync(`${repository}/package.json`, "utf8")) as { version: string };
    assert.deepEqual(await virtnet(["--version"]), { stdout: `${version}\n`, stderr: "", code: 0 });
  });

  const wrong: Record<string, { args: string[]; says: RegExp }> = {
    "an unknown command": { args: ["plam"], says: /unknown command 'plam' \(Did you mean plan\?\)/ },
    "an unknown option": { args: ["plan", "-", "--ur", "x"], says: /unknown option '--ur'/ },
    "a missing argument": { args: ["xml"], says: /missing required argument 'file'/ },
    "one argument too many": { args: ["xml", "a", "b"], says: /too many arguments/ },
    "an unknown kind": {
      args: ["import", "team", "br0"],
      says: /'team' is invalid.*choices are network, vm-interface, bridge, bond, vlan:/,
    },
    "an unknown format": {
      args: ["import", "network", "dev", "--format", "yaml"],
      says: /'yaml' is invalid.*ts, json/,
    },
    "an option without its value": { args: ["disown", "network", "dev", "--uri"], says: /argument missing/ },
    "an empty URI": {
      args: ["disown", "network", "dev", "--uri", ""],
      says: /'--uri <uri>' argument '' is invalid.*qemu/,
    },
    "an unknown command of sandbox": { args: ["sandbox", "upp"], says: /unknown command 'upp'/ },
  };
  for (const [what, { args, says }] of Object.entries(wrong)) {
    it(`ends with 2 and one line on ${what}`, async () => {
      const { stdout, stderr, code } = await virtnet(args);
      assert.equal(code, 2);
      assert.equal(stdout, "");
      assert.match(stderr, /^virtnet: [^\n]+: see "virtnet --help"\n$/);
      assert.match(stderr, says);
    });
  }

  it("ends with 2 and the help without a command", async () => {
    const { stderr, code } = await virtnet([]);
    assert.equal(code, 2);
    assert.match(stderr, /^Usage: virtnet/);
  });

  it("ends with 1 and one line, without a stack, where the host does not answer", async () => {
    const uri = "qemu+unix:///system?socket=/nonexistent";
    for (const args of [
      ["import", "network", "dev"],
      ["disown", "network", "dev"],
      ["plan", "-"],
    ]) {
      const input = '{"kind": "Network", "name": "dev", "mode": "isolated"}';
      const { stdout, stderr, code } = await virtnet([...args, "--uri", uri], { input });
      assert.equal(code, 1, args[0]);
      assert.equal(stdout, "");
      assert.match(stderr, /^virtnet: qemu\+unix:\/\/\/system\?socket=\/nonexistent: [^\n]+: check the URI[^\n]+\n$/);
    }
  });

  it("takes the host from the environment where no --uri is given", async () => {
    const { stderr, code } = await virtnet(["import", "network", "dev"], {
      env: { LIBVIRT_DEFAULT_URI: "nonsense:///" },
    });
    assert.equal(code, 1);
    assert.match(stderr, /^virtnet: nonsense:\/\/\/: /);
  });
});
